"""Reading a store."""

from __future__ import annotations

import json
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import StoreError
from .._sources import RecordSignalError
from ._coding import STORED, decode
from ._index import Index
from ._shards import DIGEST, check_shards, digest, shard_path

_COLUMNS = "record_id, patient_id, shard, start, digest, scale, has_missing, scorable, annotations"
# Of the index: bounds memory, changes no result.
_ROWS_AT_A_TIME = 10_000


class StoreSource:
    """The signals of a store's records of one kind, as the source of a RecordSet.

    Parameters
    ----------
    folder : Path
    n_leads, n_samples : int
    shard, start : ndarray of int of shape (n_records,)
        Where each record lies, in bytes.
    digests : ndarray of DIGEST of shape (n_records,)
    scale : ndarray of float32 of shape (n_records, 2, n_leads)
        Scale and offset in mV.
    has_missing : ndarray of bool of shape (n_records,)
    """

    def __init__(self, folder, n_leads, n_samples, *, shard, start, digests, scale, has_missing):
        self.folder = Path(folder)
        self.shape = (len(shard), n_leads, n_samples)
        self.shard, self.start, self.digests = shard, start, digests
        self.scale, self.has_missing = scale, has_missing

    def take(self, rows: np.ndarray) -> StoreSource:
        """Return a source of some rows alone."""
        return StoreSource(
            self.folder,
            *self.shape[1:],
            shard=self.shard[rows],
            start=self.start[rows],
            digests=self.digests[rows],
            scale=self.scale[rows],
            has_missing=self.has_missing[rows],
        )

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Return rows in mV; a record whose bytes were changed is refused."""
        _, n_leads, n_samples = self.shape
        values = np.empty((len(rows), n_leads, n_samples), STORED)
        n_bytes = values[:1].nbytes
        as_bytes = values.reshape(len(rows), -1).view(np.uint8)
        # read, not mapped: what is mapped counts as memory of the process
        for number in np.unique(self.shard[rows]).tolist():
            path = shard_path(self.folder, number)
            with path.open("rb", buffering=0) as file:
                for k in np.flatnonzero(self.shard[rows] == number).tolist():
                    file.seek(self.start[rows[k]])
                    whole = file.readinto(as_bytes[k]) == n_bytes
                    if not whole or digest(as_bytes[k]) != self.digests[rows[k]].tobytes():
                        raise RecordSignalError(
                            f"its bytes in {path} are not those that were packed; restore the "
                            "file, or pack the record anew.",
                            row=k,
                            record_id=int(rows[k]),
                        )
        scale = self.scale[rows]
        missing = bool(self.has_missing[rows].any())
        return decode(values, scale[:, 0], scale[:, 1], missing=missing)


class StoreReader:
    """A store as it is on the disk.

    Parameters
    ----------
    folder : str or Path

    Raises
    ------
    StoreError
        If there is no store, or its index or a shard is damaged.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        self.index = Index(self.folder)
        try:
            check_shards(self.folder, self.index.extents())
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the index; sources read on."""
        self.index.close()

    def kind(
        self, fs: float | None, leads: tuple[str, ...] | None, n_samples: int | None
    ) -> tuple[float, tuple[str, ...], int]:
        """Return rate, leads and samples of the one kind of records that is meant.

        Raises
        ------
        StoreError
            If none or several are.
        """
        kinds = [(rate, tuple(json.loads(names)), n, count)
                 for rate, names, n, count in self.index.groups()]  # fmt: skip
        meant = [
            kind
            for kind in kinds
            if fs in (None, kind[0]) and leads in (None, kind[1]) and n_samples in (None, kind[2])
        ]
        if len(meant) == 1:
            return meant[0][:3]
        told = "; ".join(
            f"{count} of {rate:g} Hz, {n} samples, {', '.join(names)}"
            for rate, names, n, count in (meant or kinds)[:5]
        )
        if not kinds:
            raise StoreError(f"{self.folder} holds no record; pack some.")
        which = "several kinds of records" if meant else "no such record, but"
        raise StoreError(f"{self.folder} holds {which}: {told}; choose by fs=, leads=, n_samples=.")

    def records(
        self, fs: float, leads: tuple[str, ...], n_samples: int, *, scorable: bool
    ) -> tuple[StoreSource, np.ndarray, np.ndarray, dict[str, list[Any]]]:
        """Return the source of the records of one kind, their names, patients and annotations.

        The latter are columns, NaN where a record has none of the name.
        """
        rows = (
            row
            for row in self.index.select(_COLUMNS, fs, json.dumps(list(leads)), n_samples)
            if row[7] or not scorable
        )
        parts: list[tuple[np.ndarray, ...]] = []
        known: dict[str, list[Any]] = {}
        try:
            while some := list(islice(rows, _ROWS_AT_A_TIME)):
                parts.append(_arrays(some, len(leads)))
                _append(known, [row[8] for row in some], sum(len(part[0]) for part in parts))
        except (ValueError, TypeError) as error:
            raise StoreError(
                f"{self.index.path}: the index is damaged ({error}); pack the records anew."
            ) from None
        parts = parts or [_arrays([], len(leads))]
        ids, patients, shard, start, digests, scale, has_missing = (
            np.concatenate(column) for column in zip(*parts, strict=True)
        )
        source = StoreSource(
            self.folder,
            len(leads),
            n_samples,
            shard=shard,
            start=start,
            digests=digests,
            scale=scale,
            has_missing=has_missing,
        )
        return source, ids, patients, known


def _arrays(rows: list[tuple], n_leads: int) -> tuple[np.ndarray, ...]:
    """Return what is read of each record as one array a column."""
    return (
        np.array([row[0] for row in rows], str),
        np.array([row[1] for row in rows], str),
        np.array([row[2] for row in rows], np.int32),
        np.array([row[3] for row in rows], np.int64),
        np.frombuffer(b"".join(row[4] for row in rows), DIGEST),
        np.frombuffer(b"".join(row[5] for row in rows), "<f4").reshape(len(rows), 2, n_leads),
        np.array([row[6] for row in rows], bool),
    )


def _append(columns: dict[str, list[Any]], documents: list[str], n_after: int) -> None:
    """Add annotations to columns, which grow to `n_after` rows."""
    n_before = n_after - len(documents)
    for row, document in enumerate(documents, n_before):
        for name, value in dict(json.loads(document)).items():
            column = columns.setdefault(name, [])
            column += [np.nan] * (row - len(column))
            # many records share few words
            column.append(sys.intern(value) if isinstance(value, str) else value)
    for column in columns.values():
        column += [np.nan] * (n_after - len(column))
