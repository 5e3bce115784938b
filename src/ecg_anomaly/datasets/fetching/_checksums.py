"""The list of a database's files and their checksums, ``SHA256SUMS.txt``."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

from ...errors import DatasetError
from .._tables import OUTSIDE

LIST = "SHA256SUMS.txt"
# one space as PhysioNet writes it, two or " *" as sha256sum does
_LINE = re.compile(r"([0-9a-fA-F]{64})[ \t]+\*?(.+)")
_OUTSIDE = re.compile(OUTSIDE)


def read_checksums(path: Path, wanted: Callable[[str], bool]) -> dict[str, str]:
    """Return the SHA-256 of the wanted files of a list, in its order.

    Parameters
    ----------
    path : Path
        Of the list.
    wanted : callable
        Tells of a file's path below the database's folder whether its checksum is wanted: the
        list of a large database has more than a million lines.

    Raises
    ------
    DatasetError
        If a line is malformed, or a path leads out of the folder.
    """
    found = {}
    try:
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                text = line.rstrip("\r\n")
                if not text.strip():
                    continue
                match = _LINE.fullmatch(text)
                if match is None:
                    raise DatasetError(
                        f"{path}: line {number} is {text[:60]!r}, not a checksum and a file; "
                        "delete the list and fetch again."
                    )
                name = match[2].removeprefix("./")
                if _OUTSIDE.search(name):
                    raise DatasetError(
                        f"{path}: line {number} names {name[:60]!r}, which is no path within the "
                        "folder of the database; do not trust this server."
                    )
                if wanted(name):
                    found[name] = match[1].lower()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path} cannot be read ({error}); delete it and fetch again.") from None
    return found


def digest(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
