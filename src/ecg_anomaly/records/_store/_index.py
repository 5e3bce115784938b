"""The index of a store: one SQLite file, which survives a kill at any moment."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from ...errors import StoreError

INDEX = "index.sqlite"
FORMAT = 1
_APPLICATION = 0x45434753  # "ECGS"
_SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE records (
    number INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    record_id TEXT NOT NULL,
    patient_id TEXT NOT NULL,
    source TEXT NOT NULL,
    fs REAL NOT NULL,
    leads TEXT NOT NULL,
    n_samples INTEGER NOT NULL,
    shard INTEGER NOT NULL,
    start INTEGER NOT NULL,
    n_bytes INTEGER NOT NULL,
    digest BLOB NOT NULL,
    scale BLOB NOT NULL,
    has_missing INTEGER NOT NULL,
    quality TEXT NOT NULL,
    scorable INTEGER NOT NULL,
    annotations TEXT NOT NULL
);
CREATE TABLE skipped (key TEXT PRIMARY KEY, source TEXT NOT NULL, problem TEXT NOT NULL);
"""


def is_store(folder: Path) -> bool:
    """Tell whether a folder holds a packed store."""
    return (folder / INDEX).is_file()


class Entry(NamedTuple):
    """A record of the index, in the order of its columns after `number`."""

    key: str
    record_id: str
    patient_id: str
    source: str
    fs: float
    leads: str
    n_samples: int
    shard: int
    start: int
    n_bytes: int
    digest: bytes
    scale: bytes
    has_missing: bool
    quality: str
    scorable: bool
    annotations: str


class Index:
    """The SQLite file of a store.

    Parameters
    ----------
    folder : Path
    write : bool, default=False
        Whether to make it where it is not there, and to add to it.
    """

    def __init__(self, folder: Path, *, write: bool = False):
        self.path = folder / INDEX
        if not write and not self.path.is_file():
            raise StoreError(f"{folder} holds no store: {INDEX} is missing; name one, or pack one.")
        mode = "rwc" if write else "ro"
        with self._told():
            self._connection = sqlite3.connect(
                f"{self.path.absolute().as_uri()}?mode={mode}", uri=True, timeout=0.1
            )
        try:
            self._check(write)
        except BaseException:
            self.close()
            raise

    def _check(self, write: bool) -> None:
        with self._told():
            if write and not self._value("PRAGMA user_version"):
                self._connection.executescript(
                    f"BEGIN; {_SCHEMA} PRAGMA application_id = {_APPLICATION}; "
                    f"PRAGMA user_version = {FORMAT}; COMMIT;"
                )
            known = self._value("PRAGMA application_id"), self._value("PRAGMA user_version")
            if known != (_APPLICATION, FORMAT):
                raise StoreError(
                    f"{self.path}: no index of a store of format {FORMAT}; pack the records anew."
                )
            if self._value("PRAGMA quick_check(1)") != "ok":
                raise StoreError(f"{self.path}: the index is damaged; pack the records anew.")

    def close(self) -> None:
        """Close the file; what was not committed is lost."""
        self._connection.close()

    def _value(self, query: str, *parameters: Any) -> Any:
        row = self._connection.execute(query, parameters).fetchone()
        return None if row is None else row[0]

    def meta(self, name: str) -> Any:
        """Return what was noted under a name, None if nothing."""
        with self._told():
            value = self._value("SELECT value FROM meta WHERE name = ?", name)
        return None if value is None else json.loads(value)

    def note(self, name: str, value: Any) -> None:
        """Note something under a name."""
        with self._told(), self._connection:
            self._connection.execute(
                "INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, json.dumps(value))
            )

    def add(self, entries: Iterable[Entry], skipped: Iterable[tuple[str, str, str]] = ()) -> None:
        """Add records, and those that could not be read, all of them or none."""
        columns = ", ".join(Entry._fields)
        marks = ", ".join("?" * len(Entry._fields))
        with self._told(), self._connection:
            self._connection.executemany(
                f"INSERT INTO records ({columns}) VALUES ({marks})", entries
            )
            self._connection.executemany("INSERT OR REPLACE INTO skipped VALUES (?, ?, ?)", skipped)

    def keys(self) -> set[str]:
        """Return the keys of all records, also of those that could not be read."""
        with self._told():
            rows = self._connection.execute("SELECT key FROM records UNION SELECT key FROM skipped")
            return {key for (key,) in rows}

    def extents(self) -> dict[int, int]:
        """Return the length of each shard in bytes."""
        with self._told():
            rows = self._connection.execute(
                "SELECT shard, MAX(start + n_bytes) FROM records GROUP BY shard"
            )
            extents = dict(rows.fetchall())
        if not all(isinstance(number, int) for pair in extents.items() for number in pair):
            raise StoreError(f"{self.path}: the index is damaged; pack the records anew.")
        return extents

    def groups(self) -> list[tuple[float, str, int, int]]:
        """Return rate, leads, samples and number of the records of each kind, the most first."""
        with self._told():
            return self._connection.execute(
                "SELECT fs, leads, n_samples, COUNT(*) FROM records "
                "GROUP BY fs, leads, n_samples ORDER BY COUNT(*) DESC"
            ).fetchall()

    def select(self, columns: str, fs: float, leads: str, n_samples: int) -> Iterator[tuple]:
        """Yield columns of the records of one kind, in the order in which they were packed."""
        with self._told():
            yield from self._connection.execute(
                f"SELECT {columns} FROM records "
                "WHERE fs = ? AND leads = ? AND n_samples = ? ORDER BY number",
                (fs, leads, n_samples),
            )

    def skipped(self) -> list[tuple[str, str]]:
        """Return source and problem of what could not be read."""
        with self._told():
            return self._connection.execute("SELECT source, problem FROM skipped").fetchall()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Tell what SQLite says as one error with a remedy."""
        try:
            yield
        except sqlite3.IntegrityError as error:
            raise StoreError(f"{self.path}: a record stands there twice ({error}).") from None
        except sqlite3.Error as error:
            remedy = "pack the records anew"
            if "full" in str(error):
                remedy = "free some space, and the same call goes on"
            elif "locked" in str(error):
                remedy = "another process writes to it: wait for its end"
            elif "unable to open" in str(error) or "readonly" in str(error):
                remedy = "check the folder's permissions"
            raise StoreError(f"{self.path}: {error}; {remedy}.") from None
