"""Adding records to a store."""

from __future__ import annotations

import errno
import json
import sqlite3
from collections.abc import Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np

from ...errors import StoreError
from .._record import Record
from ._coding import encode
from ._index import Entry, Index
from ._shards import ShardWriter, digest

# Records after which all is on the disk, and a kill costs nothing.
_COMMIT_EVERY = 256


class Packed(NamedTuple):
    """A record as it is stored: its samples as bytes, and its entry of the index."""

    content: bytes
    entry: Entry


class StoreWriter:
    """Adds records to a store, which it makes where there is none.

    A process that is killed leaves a store that opens and holds every record that was committed,
    once; the next writer goes on behind it.

    Parameters
    ----------
    folder : str or Path
    settings : mapping
        How records are prepared, in JSON's types: a store goes on only with the same.

    Raises
    ------
    StoreError
        If the store is damaged, was packed with other settings, another process writes to it, or
        the disk is full.
    """

    def __init__(self, folder: str | Path, settings: Mapping[str, Any]):
        self.folder = Path(folder)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{folder}: cannot be made ({error.strerror}).") from None
        with ExitStack() as opened:
            opened.enter_context(closing(_locked(self.folder)))
            self._index = opened.enter_context(closing(Index(self.folder, write=True)))
            before = self._index.meta("settings")
            if before is None:
                self._index.note("settings", dict(settings))
            elif before != json.loads(json.dumps(dict(settings))):
                raise StoreError(
                    f"{self.folder} was packed with {before}, not with {dict(settings)}; name "
                    "another folder, or take the same settings."
                )
            self.keys = self._index.keys()
            try:
                self._shards = ShardWriter(self.folder, self._index.extents())
            except OSError as error:
                raise self._told(error) from None
            opened.enter_context(closing(self._shards))
            self._opened = opened.pop_all()
        self._entries: list[Entry] = []
        self._skipped: list[tuple[str, str, str]] = []

    def __enter__(self) -> StoreWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._opened:
            if not isinstance(error, StoreError):
                self.commit()

    def __len__(self) -> int:
        """Return the number of records that were committed."""
        return sum(count for *_, count in self._index.groups())

    def skipped(self) -> list[tuple[str, str]]:
        """Return source and problem of what could not be read."""
        return self._index.skipped()

    def add(self, key: str, record: Record, *, scorable: bool = True) -> None:
        """Add a record: see `packed` and `add_packed`."""
        self.add_packed(packed(key, record, scorable=scorable))

    def add_packed(self, record: Packed) -> None:
        """Add what `packed` gives, perhaps in another process.

        Raises
        ------
        StoreError
            If it cannot be written; all that was committed is there.
        """
        content, entry = record
        try:
            shard, start = self._shards.append(content)
        except OSError as error:
            raise self._told(error) from None
        self._entries.append(entry._replace(shard=shard, start=start))
        self._count(entry.key)

    def skip(self, key: str, source: str, problem: str) -> None:
        """Note a record that could not be read, and why."""
        self._skipped.append((key, source, problem))
        self._count(key)

    def _count(self, key: str) -> None:
        self.keys.add(key)
        if len(self._entries) + len(self._skipped) >= _COMMIT_EVERY:
            self.commit()

    def commit(self) -> None:
        """Bring all that was added to the disk."""
        try:
            self._shards.sync()
        except OSError as error:
            raise self._told(error) from None
        self._index.add(self._entries, self._skipped)
        self._entries, self._skipped = [], []

    def _told(self, error: OSError) -> StoreError:
        remedy = "check the folder and its permissions"
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            remedy = "free some space, and the same call goes on behind what was packed"
        return StoreError(f"{self.folder}: cannot be written ({error.strerror}); {remedy}.")


def packed(key: str, record: Record, *, scorable: bool = True) -> Packed:
    """Return a record as it is stored.

    Parameters
    ----------
    key : str
        Its own among all: the path of its file, say. See `StoreWriter.keys` for those there are.
    record : Record
    scorable : bool, default=True
        What the quality gate said.

    Raises
    ------
    SignalError
        If a sample is infinite.
    """
    coded = encode(record.signal)
    content = coded.values.tobytes()
    return Packed(
        content,
        Entry(
            key=key,
            record_id=record.record_id,
            patient_id=record.patient_id,
            source=record.source,
            fs=record.fs,
            leads=json.dumps(list(record.leads or ())),
            n_samples=record.signal.shape[1],
            shard=0,
            start=0,
            n_bytes=len(content),
            digest=digest(content),
            scale=np.stack([coded.scale, coded.offset]).astype("<f4").tobytes(),
            has_missing=coded.has_missing,
            quality=json.dumps([_finding(finding) for finding in record.quality]),
            scorable=scorable,
            annotations=json.dumps(_scalars(record.annotations)),
        ),
    )


def _locked(folder: Path) -> sqlite3.Connection:
    """Return a lock on the folder, which the end of the process opens, however it ends."""
    lock = sqlite3.connect(folder / "writer.lock", timeout=0.1, isolation_level=None)
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        lock.close()
        raise StoreError(
            f"{folder}: another process writes to this store, or it cannot be written ({error}); "
            "wait for its end."
        ) from None
    return lock


def _finding(finding) -> list[Any]:
    return [str(finding.kind), finding.lead, finding.start, finding.end, finding.detail]


def _scalars(annotations: Mapping[str, Any]) -> dict[str, Any]:
    """Return the annotations that are single values, as JSON has them."""
    found = {}
    for name, value in annotations.items():
        value = value.item() if isinstance(value, np.generic) else value
        if value is None or isinstance(value, str | int | float | bool):
            found[str(name)] = value
    return found
