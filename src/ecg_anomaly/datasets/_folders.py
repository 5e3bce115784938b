"""Looking into the folder of a database, which may not let us."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from ..errors import DatasetError
from ..folders import files_below

# No such path; ValueError: no path at all, because of a NUL in it.
_MISSING = (FileNotFoundError, NotADirectoryError, ValueError)


def is_file(path: Path) -> bool:
    """Tell whether a path is a file.

    Raises
    ------
    DatasetError
        If its folder may not be looked into: what it holds is then unknown, not missing.
    """
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except _MISSING:
        return False
    except OSError as error:
        raise _not_readable(path.parent, error) from None


def files_ending(folder: Path, suffix: str) -> Iterator[Path]:
    """Yield the files at any depth whose names end on a suffix.

    Nothing where `folder` itself is missing.

    Raises
    ------
    DatasetError
        If a folder may not be looked into.
    """
    try:
        yield from files_below(folder, lambda file: file.name.endswith(suffix))
    except _MISSING:
        return
    except OSError as error:
        raise _not_readable(Path(error.filename or folder), error) from None


def _not_readable(folder: Path, error: OSError) -> DatasetError:
    return DatasetError(
        f"{folder} cannot be read ({error.strerror}); check its permissions, or leave it out."
    )
