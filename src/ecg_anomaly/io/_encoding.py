"""From samples to stored integers: the format and gain with which they read back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import RecordFileError
from ._header import FORMATS

# Steps per mV of common recorders, tried first.
_USUAL_GAINS = (1000.0, 200.0, 2000.0, 100.0, 500.0, 400.0, 204.8, 409.6, 1024.0)
_FORMATS = ("16", "24", "32")
# 2^-39 mV is less than anything: headers refuse gains beyond 1e12.
_MAX_EXPONENT = 39


@dataclass
class Stored:
    """One channel as it is stored."""

    name: str
    unit: str
    digital: np.ndarray
    format: str
    gain: float
    samples_per_frame: int


def encode(where: str, name: str, unit: str, signal: np.ndarray, spf: int) -> Stored:
    """Return a channel as integers, `spf` samples of it in each frame.

    Raises
    ------
    RecordFileError
        If a sample is infinite; the message begins with `where`.
    """
    values = np.asarray(signal, np.float64)
    missing = np.isnan(values)
    if np.isinf(values).any():
        raise RecordFileError(f"{where}: {name} has an infinite sample; mark it missing by NaN.")
    known = values[~missing]
    largest = float(np.abs(known).max(initial=0.0))
    format_, gain = _format_and_gain(signal[~missing], largest)
    digital = np.full(len(values), FORMATS[format_][1], np.int64)
    digital[~missing] = np.rint(known * gain)
    return Stored(name, unit, digital, format_, gain, spf)


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
