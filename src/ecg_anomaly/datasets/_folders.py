"""Looking into the folder of a database, which may not let us."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from ..errors import DatasetError

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


def files_below(folder: Path, suffix: str) -> Iterator[Path]:
    """Yield the files at any depth whose names end on a suffix; links to folders are not followed.

    Nothing where `folder` itself is missing.

    Raises
    ------
    DatasetError
        If a folder may not be looked into.
    """
    waiting = [folder]  # a stack: folders may lie deeper than Python's calls
    while waiting:
        here = waiting.pop()
        try:
            with os.scandir(here) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(Path(entry.path))
                    elif entry.name.endswith(suffix) and not entry.is_dir():
                        yield Path(entry.path)
        except _MISSING:
            if here == folder:
                return
        except OSError as error:
            raise _not_readable(here, error) from None


def _not_readable(folder: Path, error: OSError) -> DatasetError:
    return DatasetError(
        f"{folder} cannot be read ({error.strerror}); check its permissions, or leave it out."
    )
