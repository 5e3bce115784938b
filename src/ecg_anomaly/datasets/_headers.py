"""What a scan of a database needs of WFDB headers, without their signals.

Hundreds of thousands of headers are scanned when a database is loaded; the strict reading, of every
field and of the signals' file, comes when a record is read.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ..errors import DatasetError
from ..leads import canonical_lead

_MAX_BYTES = 1_000_000


@dataclass(frozen=True)
class ScannedHeader:
    """Rate in Hz, number of samples, leads by canonical name, and the comments of a header."""

    path: Path
    fs: float
    n_samples: int
    leads: tuple[str, ...]
    comments: tuple[str, ...]

    def comment(self, key: str) -> str:
        """Return what a comment such as "Age: 63" says, "" where there is none."""
        for line in self.comments:
            name, colon, value = line.partition(":")
            if colon and name.strip().lower() == key.lower():
                return value.strip()
        return ""


def scan_header(path: Path) -> ScannedHeader:
    """Read the lines of a header that a database's table is made of.

    Raises
    ------
    DatasetError
        If the file is missing or does not begin as a header of one segment does.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or str(error)
        raise DatasetError(f"{path}: cannot be read ({problem}); check the path.") from None
    if len(raw) > _MAX_BYTES or b"\0" in raw:
        raise DatasetError(f"{path}: is no header, but large or binary; download it again.")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    lines = [line.strip() for line in re.split(r"\r\n|\r|\n", text)]
    comments = tuple(line[1:].strip() for line in lines if line[:1] == "#")
    content = [line.split(None, 8) for line in lines if line and line[0] != "#"]
    try:
        _, signals, rate, samples, *_ = content[0][:4]
        if not (signals + rate + samples).isascii() or "_" in signals + rate + samples:
            raise ValueError  # what Python takes for a number, and a header does not
        n_signals, fs, n_samples = int(signals), float(re.split(r"[/(]", rate)[0]), int(samples)
        if not (0 < fs < math.inf and n_samples > 0 and len(content) == n_signals + 1):
            raise ValueError
        names = tuple(
            fields[8] if len(fields) > 8 else f"signal{k}" for k, fields in enumerate(content[1:])
        )
    except (ValueError, IndexError):
        first = " ".join(content[0])[:60] if content else ""
        raise DatasetError(
            f"{path}: begins with {first!r} and {max(len(content) - 1, 0)} more line(s), which "
            "makes no record of a known number of signals, rate and samples; download it again."
        ) from None
    return ScannedHeader(path, fs, n_samples, _canonical(names), comments)


@lru_cache(maxsize=1000)
def _canonical(names: tuple[str, ...]) -> tuple[str, ...]:
    # a database has few sets of leads and many headers
    return tuple(map(canonical_lead, names))
