"""Windows around the beats of long records, as the source of a RecordSet."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..io import read_record
from ..signal.beats import cut_windows

# Forty-eight records of half an hour at 360 Hz, one lead each.
_CACHE_BYTES = 128 * 2**20


class LongRecords:
    """Records of one folder, the latest read ones kept in memory up to a size.

    Parameters
    ----------
    folder : Path
    leads : sequence of str
        Which, in this order.
    """

    def __init__(self, folder: Path, leads: Sequence[str]):
        self.folder = folder
        self.leads = tuple(leads)
        self._cache: OrderedDict[str, np.ndarray] = OrderedDict()

    def signal(self, name: str) -> np.ndarray:
        """Return a record's leads in mV, shape (n_leads, n_samples)."""
        if name in self._cache:
            self._cache.move_to_end(name)
            return self._cache[name]
        signal = read_record(self.folder / name).select_leads(self.leads)
        self._cache[name] = signal
        while sum(kept.nbytes for kept in self._cache.values()) > _CACHE_BYTES:
            oldest = next(iter(self._cache))
            if oldest == name:
                break
            del self._cache[oldest]
        return signal

    def __getstate__(self):
        # other processes read for themselves
        return vars(self) | {"_cache": OrderedDict()}


class BeatWindows:
    """Windows around beats, cut when they are needed.

    Parameters
    ----------
    records : LongRecords
    names : sequence of str
        Of the records.
    record : ndarray of int of shape (n_beats,)
        Which of `names` holds the beat.
    center : ndarray of int of shape (n_beats,)
        Sample that lies in the middle of the window.
    n_samples : int
        Length of a window.
    """

    def __init__(
        self,
        records: LongRecords,
        names: Sequence[str],
        record: np.ndarray,
        center: np.ndarray,
        n_samples: int,
    ):
        self.records = records
        self.names = tuple(names)
        self.record = record
        self.center = center
        self.shape = (len(center), len(records.leads), n_samples)

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Return rows as an array of shape (len(rows), n_leads, n_samples), in mV."""
        out = np.empty((len(rows), *self.shape[1:]), np.float32)
        for number in np.unique(self.record[rows]):
            here = np.flatnonzero(self.record[rows] == number)
            signal = self.records.signal(self.names[number])
            out[here] = cut_windows(signal, self.center[rows[here]], self.shape[2])
        return out
