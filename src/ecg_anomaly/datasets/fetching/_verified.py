"""Which files of a folder were checked, so that they are not read again at every call."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path

from ._checksums import digest

_NOTES = ".verified.tsv"


class Verified:
    """Notes of files whose checksums were right, with size and time of change of each.

    Notes are lines appended to one file; a line cut off by a crash counts for nothing.

    Parameters
    ----------
    folder : Path
        Of the database.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self._lock = threading.Lock()
        self._notes: dict[str, str] = {}
        with suppress(OSError):  # none there, or none to be read: files are read again
            text = (folder / _NOTES).read_text("utf-8", errors="replace")
            for line in text.splitlines():
                name, _, note = line.rpartition("\t")
                self._notes[name] = note

    def holds(self, name: str, sha256: str) -> bool:
        """Tell whether a file is there with this checksum; a file without a note is read."""
        path = self._folder / name
        try:
            if self._notes.get(name) == self._note(path, sha256):
                return True
            if digest(path) != sha256:
                return False
        except OSError:
            return False
        self.add(name, sha256)
        return True

    def ever_held(self, name: str) -> bool:
        """Tell whether a file was once checked and right, whatever became of it."""
        return name in self._notes

    def add(self, name: str, sha256: str) -> None:
        """Note that a file has this checksum."""
        note = self._note(self._folder / name, sha256)
        # a folder that may only be read is as good: its files are read again next time
        with self._lock, suppress(OSError):
            self._notes[name] = note
            with open(self._folder / _NOTES, "a", encoding="utf-8") as file:
                file.write(f"{name}\t{note}\n")

    @staticmethod
    def _note(path: Path, sha256: str) -> str:
        stat = path.stat()
        return f"{sha256} {stat.st_size} {stat.st_mtime_ns}"
