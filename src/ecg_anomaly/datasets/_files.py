"""The records' files of a database as the source of a RecordSet."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from pathlib import Path

import numpy as np

from ..errors import DatasetError
from ..io import read_record
from ..leads import STANDARD_LEADS
from ..signal.resampling import resample_gaps


class RecordFiles:
    """WFDB files that hold one ECG each, leads by name, read when they are needed.

    Parameters
    ----------
    folder : Path
        Of the database.
    names : ndarray of bytes of shape (n_records,)
        Paths below `folder`, in UTF-8.
    fs : float
        Of the records handed out, in Hz.
    n_samples : int
        Of the records handed out.
    database : str
        For messages.
    leads : sequence of str
        Which, in this order.
    crop : bool, default=False
        Whether longer records are cut from their start and other rates resampled. Otherwise a
        record of another length or rate is an error.
    """

    def __init__(
        self,
        folder: Path,
        names: np.ndarray,
        *,
        fs: float,
        n_samples: int,
        database: str,
        leads: Sequence[str] = STANDARD_LEADS,
        crop: bool = False,
    ):
        self.folder = folder
        self.names = names
        self.fs = fs
        self.database = database
        self.leads = tuple(leads)
        self.crop = crop
        self.shape = (len(names), len(self.leads), n_samples)

    def take(self, rows: np.ndarray) -> RecordFiles:
        """Return a source of some rows alone."""
        some = copy(self)
        some.names = self.names[rows]
        some.shape = (len(rows), *self.shape[1:])
        return some

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Return rows as an array of shape (len(rows), n_leads, n_samples), in mV."""
        out = np.empty((len(rows), *self.shape[1:]), np.float32)
        for k, row in enumerate(rows):
            out[k] = self._read(self.folder / self.names[row].decode("utf-8", "surrogateescape"))
        return out

    def _read(self, path: Path) -> np.ndarray:
        record = read_record(path)
        n_samples = self.shape[2]
        signal = record.select_leads(self.leads)
        if self.crop:
            if record.fs != self.fs:
                # a second more than needed keeps the filter's edge out of what is handed out
                enough = int(np.ceil((n_samples / self.fs + 1) * record.fs))
                signal = resample_gaps(signal[:, :enough], fs_in=record.fs, fs_out=self.fs)
            signal = signal[:, :n_samples]
        if signal.shape[1] != n_samples or not (self.crop or record.fs == self.fs):
            raise DatasetError(
                f"{record.source}: {record.signal.shape[1]} samples at {record.fs:g} Hz where "
                f"{self.database} has {n_samples} at {self.fs:g}; download the file again."
            )
        return signal
