"""Many ECGs of one shape, lazily read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ECGError, RecordFileError, SignalError
from ..leads import canonical_leads
from ..signal.checks import check_rate
from ._columns import table_of, with_own_patients
from ._record import Record, default_leads
from ._sources import ArraySource, RecordSignalError, SignalSource, taken

if TYPE_CHECKING:
    import pandas as pd

#: Records read at a time when a RecordSet is walked through.
BATCH_SIZE = 256
# Bytes of signals read at a time for single records: fewer than BATCH_SIZE where they are long.
_BATCH_BYTES = 128 * 2**20


class RecordSet:
    """Many ECGs of one shape, read only when they are needed.

    A RecordSet passes through scikit-learn's splitters, searches and Pipelines without a copy:
    indexing gives another RecordSet over the same source, and a transformer adds a step that is
    applied to each batch as it is read.

    Parameters
    ----------
    signals : array-like of shape (n_records, n_leads, n_samples) or source, optional
        In mV. An array or memory map is not copied; a source is any object with that `shape` and
        a method ``read(rows)``.
    fs : float, default=100.0
        Sampling rate in Hz.
    leads : sequence of str, optional
        Lead names; by default the standard names for twelve leads.
    record_ids, patient_ids : sequence, optional
        One a record; by default the row numbers, and each record a patient of its own, as are
        those whose patient is NaN, None or "".
    table : DataFrame, optional
        One row a record: age, sex, device, labels.

    Raises
    ------
    SignalError
        If shapes, names or lengths do not fit together.

    Examples
    --------
    >>> import numpy as np
    >>> records = RecordSet(np.zeros((5, 12, 1000)), fs=100)
    >>> records[[0, 3]].shape, records[1].leads[:3]
    ((2, 12, 1000), ('I', 'II', 'III'))
    """

    dtype = np.dtype(np.float32)
    ndim = 3

    def __init__(
        self,
        signals: Any = None,
        *,
        fs: float = 100.0,
        leads: Sequence[str] | None = None,
        record_ids: Sequence | np.ndarray | None = None,
        patient_ids: Sequence | np.ndarray | None = None,
        table: pd.DataFrame | None = None,
    ):
        if signals is None:
            signals = np.zeros((0, 12, 0), np.float32)
        if not hasattr(signals, "read"):
            signals = signals if isinstance(signals, np.ndarray) else np.asarray(signals)
            if signals.ndim != 3 or signals.dtype.kind not in "fiu":
                raise SignalError(
                    "signals must be a real array of shape (n_records, n_leads, n_samples), got "
                    f"{signals.dtype} of shape {signals.shape}."
                )
            signals = ArraySource(signals)
        n_records, n_leads, n_samples = signals.shape
        self._source: SignalSource = signals
        self._rows = np.arange(n_records)
        self._steps: tuple[Callable[[np.ndarray], np.ndarray], ...] = ()
        self._n_samples = int(n_samples)
        self.fs = check_rate(fs)
        self.leads = default_leads(n_leads) if leads is None else canonical_leads(leads)
        if len(self.leads) != n_leads:
            raise SignalError(f"signals have {n_leads} leads, but {len(self.leads)} names.")
        self._record_ids = np.asarray(range(n_records) if record_ids is None else record_ids)
        self._patient_ids = self._record_ids if patient_ids is None else np.asarray(patient_ids)
        self._table = table
        for name, value in (
            ("record_ids", self._record_ids),
            ("patient_ids", self._patient_ids),
            ("table", table),
        ):
            if value is not None and len(value) != n_records:
                raise SignalError(f"{name} has {len(value)} rows for {n_records} records.")
        if patient_ids is not None:
            self._patient_ids = with_own_patients(patient_ids, self._record_ids)

    @classmethod
    def from_records(cls, records: Iterable[Record]) -> RecordSet:
        """Build a set from records of one rate, lead order and length.

        A record without a patient id is a patient of its own. Annotations that are single values,
        such as age and sex, become the columns of `table` and so the annotations of each record
        again, NaN or None where a record had none of the name. Annotations of other kinds (beats,
        lists, dictionaries), `Record.source`, `Record.quality` and `Record.extra` are not carried.

        Raises
        ------
        SignalError
            If there is no record, or one differs from the first; the message names it.
        """
        records = list(records)
        if not records:
            raise SignalError("a RecordSet needs at least one record, got none.")
        first = records[0]
        for record in records:
            for name in ("fs", "leads"):
                if getattr(record, name) != getattr(first, name):
                    raise SignalError(
                        f"record {record.record_id!r} has {name}={getattr(record, name)}, but "
                        f"record {first.record_id!r} has {getattr(first, name)}; resample or "
                        "reorder them first (score_records does)."
                    )
            if record.signal.shape != first.signal.shape:
                raise SignalError(
                    f"record {record.record_id!r} has {record.signal.shape[1]} samples, but "
                    f"record {first.record_id!r} has {first.signal.shape[1]}; crop or pad them "
                    "to one duration first."
                )
        return cls(
            np.stack([record.signal for record in records]),
            fs=first.fs,
            leads=first.leads,
            record_ids=[record.record_id for record in records],
            patient_ids=[record.patient_id for record in records],
            table=table_of(records),
        )

    @classmethod
    def from_store(
        cls,
        folder: str | Path,
        *,
        fs: float | None = None,
        leads: Sequence[str] | None = None,
        n_samples: int | None = None,
        scorable: bool = True,
    ) -> RecordSet:
        """Open the records of a packed store, which are read when they are needed.

        Parameters
        ----------
        folder : str or Path
            Made by `to_store`.
        fs, leads, n_samples : optional
            Which records, where the store holds several kinds.
        scorable : bool, default=True
            Whether to leave out what the quality gate refused.

        Returns
        -------
        RecordSet
            `table` holds the annotations of the records. A record whose bytes were damaged is
            refused when it is read.

        Raises
        ------
        StoreError
            If there is no store, its index or a shard is damaged, or it holds several kinds of
            records and none is chosen.
        """
        import pandas as pd

        from ._store import StoreReader

        wanted = None if leads is None else canonical_leads(leads)
        with closing(StoreReader(folder)) as reader:
            kind = reader.kind(fs, wanted, n_samples)
            source, record_ids, patient_ids, known = reader.records(*kind, scorable=scorable)
        table = pd.DataFrame(known) if known else None
        return cls(
            source,
            fs=kind[0],
            leads=kind[1],
            record_ids=record_ids,
            patient_ids=patient_ids,
            table=table,
        )

    def to_store(self, folder: str | Path) -> None:
        """Write all records to a packed store: int16 shards and an index.

        A lead's range is divided into 65,534 steps, 0.15 uV of 10 mV. After a break the same call
        goes on behind what is there.

        Parameters
        ----------
        folder : str or Path
            New, or begun by a call like this.

        Raises
        ------
        StoreError
            If the folder holds another store, or cannot be written.
        ECGError
            If a record cannot be read, or holds an infinite sample; those before it are written.

        Examples
        --------
        >>> import tempfile
        >>> import numpy as np
        >>> folder = tempfile.mkdtemp()
        >>> RecordSet(np.random.default_rng(0).normal(size=(3, 12, 1000))).to_store(folder)
        >>> RecordSet.from_store(folder)
        <RecordSet of 3 records, 12 leads, 1000 samples, 100 Hz>
        """
        from ._store import StoreWriter

        settings = {
            "made by": "RecordSet.to_store",
            "shape": list(self.shape),
            "fs": self.fs,
            "leads": list(self.leads),
        }
        with StoreWriter(folder, settings) as store:
            begin = next((row for row in range(len(self)) if str(row) not in store.keys), len(self))
            for row, record in enumerate(self[begin:].each(), begin):
                if isinstance(record, ECGError):
                    raise record
                store.add(str(row), record)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(n_records, n_leads, n_samples), after all steps."""
        return len(self._rows), len(self.leads), self._n_samples

    @property
    def record_ids(self) -> np.ndarray:
        """Name of each record."""
        return self._record_ids[self._rows]

    @property
    def patient_ids(self) -> np.ndarray:
        """Patient of each record."""
        return self._patient_ids[self._rows]

    @property
    def table(self) -> pd.DataFrame | None:
        """What is known of each record, or None."""
        return None if self._table is None else self._table.iloc[self._rows]

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        n_records, n_leads, n_samples = self.shape
        return (
            f"<RecordSet of {n_records} records, {n_leads} leads, {n_samples} samples, "
            f"{self.fs:g} Hz>"
        )

    def __getitem__(self, key) -> Any:
        """Return one `Record` for an integer, else a RecordSet over the same source.

        scikit-learn indexes as ``X[indices, ...]``: a trailing Ellipsis is accepted.
        """
        if isinstance(key, tuple):
            if len(key) != 2 or key[1] is not Ellipsis:
                raise IndexError(
                    "a RecordSet is indexed by records only; load() gives the array of signals."
                )
            key = key[0]
        rows = self._rows[key]
        if np.ndim(rows) == 0:
            return self._one(int(rows))
        if np.ndim(rows) > 1:
            raise IndexError("a RecordSet is indexed by an integer, a slice or a flat list.")
        new = object.__new__(type(self))
        new.__dict__.update(self.__dict__)
        new._rows = rows
        return new

    def __getstate__(self) -> dict[str, Any]:
        source = taken(self._source, self._rows)
        if source is None:
            return self.__dict__
        return self.__dict__ | {
            "_source": source,
            "_rows": np.arange(len(self)),
            "_record_ids": self.record_ids,
            "_patient_ids": self.patient_ids,
            "_table": self.table,
        }

    def __iter__(self) -> Iterator[Record]:
        for record in self.each():
            if isinstance(record, ECGError):
                raise record
            yield record

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return self.load() if dtype is None else self.load().astype(dtype)

    def load(self) -> np.ndarray:
        """Read everything into one float32 array of shape (n_records, n_leads, n_samples)."""
        out = np.empty(self.shape, self.dtype)
        for start in range(0, len(self), BATCH_SIZE):
            out[start : start + BATCH_SIZE] = self._read(self._rows[start : start + BATCH_SIZE])
        return out

    def batches(self, size: int = BATCH_SIZE) -> Iterator[np.ndarray]:
        """Read everything in order, `size` records at a time."""
        for start in range(0, len(self), size):
            yield self._read(self._rows[start : start + size])

    def each(self) -> Iterator[Record | ECGError]:
        """Read record by record, in order; one that cannot be read costs no other.

        Signals are read in batches, and one by one where a batch fails. A set of any length may
        be walked through: at most 128 MiB of signals are read at a time, or one record.

        Yields
        ------
        Record or ECGError
            The error that indexing with this record raises; it names the record.

        Examples
        --------
        >>> import numpy as np
        >>> records = RecordSet(np.zeros((2, 12, 1000)), record_ids=["a", "b"])
        >>> [record.record_id for record in records.each() if isinstance(record, Record)]
        ['a', 'b']
        """
        bytes_each = self.dtype.itemsize * int(np.prod(self._shape_of_one))
        size = int(np.clip(_BATCH_BYTES // max(bytes_each, 1), 1, BATCH_SIZE))
        for start in range(0, len(self), size):
            rows = self._rows[start : start + size]
            try:
                signals = self._read(rows)
            except ECGError:
                for row in rows:
                    try:
                        record = self._one(int(row))
                    except ECGError as error:
                        yield error
                    else:
                        yield record
                continue
            known = self._annotations(rows)
            for row, signal, of_row in zip(rows, signals, known, strict=True):
                yield self._record(int(row), signal, of_row)

    def map(
        self,
        step: Callable[[np.ndarray], np.ndarray],
        *,
        fs: float | None = None,
        leads: Sequence[str] | None = None,
        n_samples: int | None = None,
    ) -> RecordSet:
        """Return a RecordSet that applies `step` to every batch it reads.

        Parameters
        ----------
        step : callable
            From an array (n, n_leads, n_samples) to an array (n, new leads, new samples). It must
            treat each record by itself and be picklable.
        fs, leads, n_samples : optional
            What the step changes.
        """
        new = self[:]
        new._steps = (*self._steps, step)
        new.fs = self.fs if fs is None else check_rate(fs)
        new.leads = self.leads if leads is None else canonical_leads(leads)
        new._n_samples = self._n_samples if n_samples is None else int(n_samples)
        return new

    @property
    def _shape_of_one(self) -> tuple[int, int]:
        return len(self.leads), self._n_samples

    def _annotations(self, rows: np.ndarray) -> list[dict[str, Any]]:
        if self._table is None:
            return [{} for _ in rows]
        # of a single row, pandas makes a Series much faster than a list of one
        known = (
            [self._table.iloc[rows[0]].to_dict()]
            if len(rows) == 1
            else self._table.iloc[rows].to_dict("records")
        )
        return [{str(name): value for name, value in row.items()} for row in known]

    def _one(self, row: int) -> Record:
        rows = np.array([row])
        try:
            (signal,) = self._read(rows)
        except RecordSignalError:
            raise
        except ECGError as error:
            raise type(error)(f"record {str(self._record_ids[row])!r}: {error}") from error
        return self._record(row, signal, self._annotations(rows)[0])

    def _record(self, row: int, signal: np.ndarray, annotations: dict[str, Any]) -> Record:
        return Record(
            signal,
            fs=self.fs,
            leads=self.leads,
            record_id=str(self._record_ids[row]),
            patient_id=str(self._patient_ids[row]),
            annotations=annotations,
        )

    def _read(self, rows: np.ndarray) -> np.ndarray:
        try:
            batch = np.asarray(self._source.read(rows), self.dtype)
            if batch.shape != (len(rows), *self._source.shape[1:]):
                raise SignalError(
                    f"the source gave signals of shape {batch.shape} where it has declared "
                    f"{self._source.shape[1:]} for each of {len(rows)}."
                )
            for step in self._steps:
                batch = step(batch)
        except RecordSignalError as error:
            name = str(self._record_ids[rows[error.row]])
            raise RecordSignalError(error.problem, error.row, name) from None
        except OSError as error:
            raise RecordFileError(f"signals cannot be read ({error}); check the files.") from error
        expected = (len(rows), *self._shape_of_one)
        if batch.shape != expected:
            raise SignalError(
                f"a step gave records of shape {batch.shape[1:]} where {expected[1:]} was declared."
            )
        return np.asarray(batch, self.dtype)
