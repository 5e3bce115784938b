"""Writing of WFDB records."""

from __future__ import annotations

import os
import re
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import RecordFileError
from ..records import Record
from ._header import FORMATS

# Steps per mV of common recorders, tried first.
_USUAL_GAINS = (1000.0, 200.0, 2000.0, 100.0, 500.0, 400.0, 204.8, 409.6, 1024.0)
_FORMATS = ("16", "24", "32")
_MAX_SPF = 1000
# 2^-39 mV is less than anything: headers refuse gains beyond 1e12.
_MAX_EXPONENT = 39


@dataclass
class _Stored:
    """One channel as it is stored."""

    name: str
    unit: str
    digital: np.ndarray
    format: str
    gain: float
    samples_per_frame: int


def write_record(record: Record, path: str | Path) -> Path:
    """Write an ECG as a WFDB record: a header ``.hea`` and a signal file ``.dat``.

    A lead whose values are multiples of one step, as converters give them, reads back bit for bit
    where that step is found; any other within the largest amplitude of the lead divided by 2^31.
    Missing samples stay missing. Age, sex and patient are written as comments; other annotations
    and findings are not.

    Parameters
    ----------
    record : Record
    path : str or Path
        Of the header, with or without ``.hea``; its name becomes the record's. Files there are
        replaced once the new ones are complete.

    Returns
    -------
    Path
        Of the header.

    Raises
    ------
    RecordFileError
        If there is no sample or an infinite one, the name is not made of letters, digits,
        underscores and hyphens, the rates of extra channels are no multiples of a common one, or
        the folder cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from ecg_anomaly import Record
    >>> from ecg_anomaly.io import read_record, write_record
    >>> record = Record(np.array([[0.0, 0.5, np.nan]]), fs=250, leads=["II"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     read_record(write_record(record, f"{folder}/a1")).signal
    array([[0. , 0.5, nan]], dtype=float32)
    """
    path = Path(path)
    name = path.name.removesuffix(".hea")
    where = f"record {record.record_id!r}"
    if not re.fullmatch(r"[\w-]+", name, re.ASCII):
        raise RecordFileError(
            f"{path}: a WFDB record's name has letters, digits, underscores and hyphens only."
        )
    if path.is_dir():
        raise RecordFileError(f"{path}: is a folder; name a record in it.")
    if not record.signal.size:
        raise RecordFileError(f"{where}: has no sample to write.")
    if not path.parent.is_dir():
        raise RecordFileError(f"{path.parent}: no such folder; make it first.")
    fs_frame = _frame_rate(record)
    channels = [
        (lead, "mV", signal, record.fs)
        for lead, signal in zip(record.leads or (), record.signal, strict=True)
    ]
    channels += [(key, item.unit, item.signal, item.fs) for key, item in record.extra.items()]
    stored = [
        _stored(where, key, unit, signal, round(fs / fs_frame))
        for key, unit, signal, fs in channels
    ]
    n_frames = record.signal.shape[1] // stored[0].samples_per_frame
    for channel in stored:
        if len(channel.digital) != n_frames * channel.samples_per_frame:
            raise RecordFileError(f"{where}: {channel.name} does not last as long as the leads.")
    try:
        with tempfile.TemporaryDirectory(prefix=f".{name}", dir=path.parent) as folder:
            _write(folder, name, fs_frame, stored, _comments(record))
            for file in sorted(Path(folder).iterdir(), reverse=True):  # the header last
                os.replace(file, path.parent / file.name)
    except OSError as error:
        raise RecordFileError(f"{path}: cannot be written ({error.strerror}).") from None
    return path.parent / f"{name}.hea"


def _write(folder: str, name: str, fs: float, stored: list[_Stored], comments: list[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # wfdb uses what pandas is about to drop
        import wfdb

        wfdb.wrsamp(
            name,
            fs=fs,
            units=[channel.unit for channel in stored],
            sig_name=[channel.name for channel in stored],
            e_d_signal=[channel.digital for channel in stored],
            fmt=[channel.format for channel in stored],
            adc_gain=[channel.gain for channel in stored],
            baseline=[0] * len(stored),
            samps_per_frame=[channel.samples_per_frame for channel in stored],
            comments=comments,
            write_dir=folder,
        )


def _frame_rate(record: Record) -> float:
    """Return the rate of frames: all channels have a whole number of samples in each."""
    rates = [record.fs, *(channel.fs for channel in record.extra.values())]
    slowest = min(rates)
    for parts in range(1, _MAX_SPF):
        ratios = np.array(rates) * parts / slowest
        if np.allclose(ratios, ratios.round(), rtol=1e-9, atol=0):
            return slowest / parts
    raise RecordFileError(
        f"record {record.record_id!r}: rates {', '.join(f'{rate:g}' for rate in rates)} Hz are no "
        "multiples of a common one; resample the extra channels."
    )


def _comments(record: Record) -> list[str]:
    comments = [str(comment) for comment in record.annotations.get("comments", ())]
    told = " ".join(comments).lower()
    for key, value in (
        ("age", record.annotations.get("age")),
        ("sex", record.annotations.get("sex")),
        ("patient id", record.patient_id),
    ):
        if value not in (None, "") and f"{key}:" not in told:
            comments.append(f"{key}: {value}")
    return [" ".join(comment.split()) for comment in comments]


def _stored(where: str, name: str, unit: str, signal: np.ndarray, spf: int) -> _Stored:
    values = np.asarray(signal, np.float64)
    missing = np.isnan(values)
    if np.isinf(values).any():
        raise RecordFileError(f"{where}: {name} has an infinite sample; mark it missing by NaN.")
    known = values[~missing]
    largest = float(np.abs(known).max(initial=0.0))
    format_, gain = _format_and_gain(signal[~missing], largest)
    digital = np.full(len(values), FORMATS[format_][1], np.int64)
    digital[~missing] = np.rint(known * gain)
    return _Stored(" ".join(name.split()), unit, digital, format_, gain, spf)


def _format_and_gain(known: np.ndarray, largest: float) -> tuple[str, float]:
    """Return the smallest format that reads back equal, with its gain in steps per unit."""
    levels = np.unique(np.abs(known))
    values = levels.astype(np.float64)
    for gain in (*_USUAL_GAINS, *_gains_of(values)):
        if np.array_equal((np.rint(values * gain) / gain).astype(np.float32), levels):
            for format_ in _FORMATS:
                if largest * gain < 2 ** (int(format_) - 1) - 1:
                    return format_, gain
    exponent = np.floor(np.log2((2**31 - 2) / largest)) if largest else 0
    return "32", float(2.0 ** min(exponent, _MAX_EXPONENT))


def _gains_of(levels: np.ndarray) -> list[float]:
    """Guess the gain of values that are multiples of a step, given without signs, in order."""
    levels = levels[levels > 0]
    if not 2 <= len(levels) <= 2**17:
        return []
    nearest = float(np.diff(levels[:64], prepend=0).min())
    if not levels[-1] / nearest < 2**30:
        return []
    # no two levels need be one step apart; gains in files have few digits
    refined = [_refined(levels, parts / nearest) for parts in range(1, 5)]
    return [float(f"{gain:.{digits}g}") for gain in refined for digits in range(3, 11)]


def _refined(levels: np.ndarray, gain: float) -> float:
    """Fit the gain from small levels to large: float32 blurs the steps between large ones."""
    reach = levels[0]
    while reach < levels[-1]:
        reach *= 2
        near = levels[levels <= reach]
        counts = np.rint(near * gain)
        if counts.any():
            gain = float(counts @ counts / (counts @ near))
    return gain
