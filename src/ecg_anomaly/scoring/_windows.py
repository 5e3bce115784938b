"""Records of any rate, lead order and length as windows that a model takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..errors import SignalError
from ..leads import reorder
from ..records import Record
from ..signal.resampling import resample_gaps
from ._model import ModelInput


class Windows(NamedTuple):
    """Windows of one length over a record, at the model's rate and with its leads.

    `blanks` tells for each window what of it is unusable: row, first sample, end.
    """

    signal: np.ndarray
    starts: np.ndarray
    length: int
    blanks: Sequence[Sequence[tuple[int, int, int]]] = ()

    def cut(self, number: int) -> np.ndarray:
        """Return a window, NaN where it is unusable."""
        start = self.starts[number]
        part = self.signal[:, start : start + self.length]
        if self.blanks and self.blanks[number]:
            part = part.copy()
            for row, first, end in self.blanks[number]:
                part[row, first:end] = np.nan
        return part


class WindowSource:
    """The windows of several records as the source of a RecordSet: none is copied unread."""

    def __init__(self, parts: Sequence[Windows]):
        self.windows = [(part, number) for part in parts for number in range(len(part.starts))]
        self.shape = (len(self.windows), len(parts[0].signal), parts[0].length)

    def read(self, rows: np.ndarray) -> np.ndarray:
        out = np.empty((len(rows), *self.shape[1:]), np.float32)
        for k, row in enumerate(rows):
            part, number = self.windows[row]
            out[k] = part.cut(number)
        return out


def make_windows(record: Record, wanted: ModelInput) -> Windows:
    """Return windows that cover the record and overlap by half.

    Raises
    ------
    SignalError
        If a lead that is needed is missing, a sample is infinite, or NaN where the model takes
        none, or the record is too short; the message names the record.
    """
    signal, leads = record.signal, tuple(record.leads or ())
    where = f"record {record.record_id!r}"
    bad = np.isinf(signal) if wanted.allow_nan else ~np.isfinite(signal)
    if bad.any():
        lead, sample = (int(index[0]) for index in np.nonzero(bad))
        raise SignalError(
            f"{where}: {signal[lead, sample]} in lead {leads[lead]} at sample {sample}; put the "
            "model behind a GatedDetector, or begin it with LeadImputer, which fills in NaN."
        )
    missing = "nan" if wanted.allow_nan else "raise"
    if record.fs != wanted.fs:
        signal = resample_gaps(signal, fs_in=record.fs, fs_out=wanted.fs)
    if leads != wanted.leads:
        try:
            signal = reorder(signal, leads, wanted.leads, missing=missing)
        except SignalError as error:
            raise SignalError(f"{where}: {error}") from None
    n_samples = signal.shape[1]
    if n_samples < wanted.n_samples and not (wanted.any_length and n_samples):
        raise SignalError(
            f"{where}: {record.duration:g} s is shorter than the "
            f"{wanted.n_samples / wanted.fs:g} s that the model takes; record longer, or begin the "
            "model with CropOrPad, knowing that padding is not ECG."
        )
    length = min(n_samples, wanted.n_samples)
    n_windows = 1 + -(-(n_samples - length) // max(1, length // 2))
    starts = np.linspace(0, n_samples - length, n_windows).round().astype(int)
    return Windows(signal, starts, length)


def refuse_empty(record: Record, windows: Windows, wanted: ModelInput) -> None:
    """Refuse a record that has a window without any sample.

    Raises
    ------
    SignalError
        If there is one; an ECG made up as a whole is none.
    """
    known = np.concatenate([[0], np.isfinite(windows.signal).any(axis=0).cumsum()])
    starts, length = windows.starts, windows.length
    empty = starts[known[starts + length] == known[starts]]
    if len(empty):
        begin, end = empty[0] / wanted.fs, (empty[0] + length) / wanted.fs
        raise SignalError(
            f"record {record.record_id!r}: no sample from {begin:g} to {end:g} s in any lead that "
            f"the model takes; present are {', '.join(record.leads or ()) or 'none'}. Record more "
            "leads, or cut that part out: an ECG made up as a whole is none."
        )
