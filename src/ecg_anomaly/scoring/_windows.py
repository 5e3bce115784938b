"""Records of any rate, lead order and length as windows that a model takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..errors import SignalError
from ..leads import reorder
from ..records import Record
from ..signal.resampling import resample_gaps
from ._model import ModelInput


class Windows(Protocol):
    """Windows of one length over a record."""

    @property
    def length(self) -> int:
        """Samples of each."""
        ...

    def __len__(self) -> int: ...

    def cut(self, number: int) -> np.ndarray:
        """Return a window as the model takes it, of shape (n_leads, length)."""
        ...


@dataclass(frozen=True, eq=False)
class PlainWindows:
    """Windows over a signal that has the model's rate and leads already."""

    signal: np.ndarray
    starts: np.ndarray
    length: int

    def __len__(self) -> int:
        return len(self.starts)

    def cut(self, number: int) -> np.ndarray:
        """Return a window."""
        start = self.starts[number]
        return self.signal[:, start : start + self.length]


class WindowSource:
    """The windows of several records as the source of a RecordSet: none is copied unread."""

    def __init__(self, parts: Sequence[Windows], n_leads: int):
        self.windows = [(part, number) for part in parts for number in range(len(part))]
        self.shape = (len(self.windows), n_leads, parts[0].length)

    def read(self, rows: np.ndarray) -> np.ndarray:
        out = np.empty((len(rows), *self.shape[1:]), np.float32)
        for k, row in enumerate(rows):
            part, number = self.windows[row]
            out[k] = part.cut(number)
        return out


def window_starts(n_samples: int, length: int) -> np.ndarray:
    """Return where windows begin that cover so many samples and overlap by half or more."""
    n_windows = 1 + -(-(n_samples - length) // max(1, length // 2))
    return np.linspace(0, n_samples - length, n_windows).round().astype(int)


def plain_windows(record: Record, wanted: ModelInput) -> PlainWindows:
    """Return windows that cover the record.

    Raises
    ------
    SignalError
        If a lead that is needed is missing, a sample is infinite, or NaN where the model takes
        none, the record is too short, or a window has no sample at all; the message names the
        record.
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
    try:
        if record.fs != wanted.fs:
            signal = resample_gaps(signal, fs_in=record.fs, fs_out=wanted.fs)
        if leads != wanted.leads:
            missing = "nan" if wanted.allow_nan else "raise"
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
    windows = PlainWindows(signal, window_starts(n_samples, length), length)
    _refuse_empty(record, windows, wanted)
    return windows


def _refuse_empty(record: Record, windows: PlainWindows, wanted: ModelInput) -> None:
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
