"""Folders searched for files, and names of files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path


def files_below(folder: Path, is_wanted: Callable[[Path], bool]) -> Iterator[Path]:
    """Yield the files at any depth that are wanted; links to folders are not followed.

    Folders may lie deeper than Python's calls, which a recursive search does not survive.

    Raises
    ------
    OSError
        If a folder cannot be searched; its `filename` says which. Python's own searches pass over
        it in silence.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as name:
    ...     (Path(name) / "a.hea").touch()
    ...     [file.name for file in files_below(Path(name), lambda file: file.suffix == ".hea")]
    ['a.hea']
    """
    waiting = [folder]
    while waiting:
        inside = waiting.pop()
        with os.scandir(inside) as entries:
            for entry in entries:
                file = inside / entry.name
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(file)
                elif is_wanted(file) and not entry.is_dir():
                    yield file


def printable(name: str) -> str:
    r"""Return the name of a file, or what contains one, as text that can be written anywhere.

    Names of files need not be text; what is none becomes ``\udcff``, so that two names stay two.

    Examples
    --------
    >>> printable(os.fsdecode(b"rec\xff"))
    'rec\\udcff'
    """
    return name.encode(errors="backslashreplace").decode()
