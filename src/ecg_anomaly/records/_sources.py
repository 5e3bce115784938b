"""Where the signals of many ECGs come from."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from ..errors import SignalError


class RecordSignalError(SignalError):
    """An error about one record of a batch, which a RecordSet completes with the record's name.

    Parameters
    ----------
    problem : str
        What is wrong, and the remedy.
    row : int
        Which record of the batch.
    record_id : str or int
        Name of the record, where known; else its row.
    """

    __module__ = "ecg_anomaly.records"

    def __init__(self, problem: str, row: int = 0, record_id: str | int = 0):
        super().__init__(problem, row, record_id)
        self.problem, self.row, self.record_id = problem, row, record_id

    def __str__(self) -> str:
        return f"record {self.record_id!r}: {self.problem}"


class SignalSource(Protocol):
    """Where a `RecordSet` reads from: anything with a shape that reads chosen rows.

    Sources must be picklable and small, because ``n_jobs`` sends them to other processes. One that
    grows with its records may have a method ``take(rows)`` that gives a source of these rows alone:
    a pickled RecordSet then holds no others.
    """

    shape: tuple[int, int, int]

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Return rows as an array of shape (len(rows), n_leads, n_samples), in mV."""
        ...


def taken(source: Any, rows: np.ndarray) -> SignalSource | None:
    """Return a source of some rows alone, or None for one that is sent to others as it is."""
    take = getattr(source, "take", None)
    return None if take is None or len(rows) == source.shape[0] else take(rows)


class ArraySource:
    """Rows of an array or memory map, left where it is."""

    def __init__(self, array):
        self.array = array
        self.shape = array.shape

    def take(self, rows):
        """Return a source of some rows; None of a memory map, which joblib sends by its name."""
        return None if isinstance(self.array, np.memmap) else ArraySource(self.array[rows])

    def read(self, rows):
        signals = self.array[rows]
        if np.ma.is_masked(signals):
            signals = signals.astype(np.float32).filled(np.nan)
        return np.asarray(signals, dtype=np.float32)
