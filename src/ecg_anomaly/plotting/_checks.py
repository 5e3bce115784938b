"""What the paper checks and computes before it draws."""

from __future__ import annotations

import numpy as np

from ..errors import SignalError
from ..records import Record


def check_record(record) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the signal with NaN in its gaps, and the names of its leads."""
    if not isinstance(record, Record):
        raise SignalError(
            f"plot_ecg draws a Record, got {type(record).__name__}; wrap an array in mV as "
            "Record(signal, fs=..., leads=...), and take one record out of a RecordSet."
        )
    if not record.signal.size:
        raise SignalError(
            f"record {record.record_id!r} is empty, of shape {record.signal.shape}; "
            "an ECG needs at least one lead and one sample."
        )
    return with_gaps(record.signal.astype(np.float64)), tuple(record.leads or ())


def with_gaps(values: np.ndarray) -> np.ndarray:
    """Return values with NaN for what is not finite, where lines are interrupted."""
    return np.where(np.isfinite(values), values, np.nan)


def check_like(values, signal: np.ndarray, name: str) -> np.ndarray:
    """Return a float array, refusing another shape than the signal's."""
    values = np.asarray(values)
    if values.dtype.kind not in "fiub":
        raise SignalError(f"{name} must hold real numbers, got {values.dtype}.")
    if values.shape != signal.shape:
        raise SignalError(
            f"{name} has shape {values.shape}, but the record's signal {signal.shape}; "
            "give one row a lead and one value a sample, at the record's rate."
        )
    return values.astype(np.float64)


def moving_mean(values: np.ndarray, width: int) -> np.ndarray:
    """Return the moving mean along time of what is known."""
    from scipy.ndimage import uniform_filter1d

    known = np.isfinite(values)
    weight = uniform_filter1d(known.astype(float), width, axis=-1, mode="constant")
    total = uniform_filter1d(np.where(known, values, 0.0), width, axis=-1, mode="constant")
    out = np.full_like(values, np.nan)
    # Running sums leave rounding errors; a mean of non-negative values has no sign.
    np.divide(np.maximum(total, 0.0), weight, out=out, where=known)
    return out


def check_map_range(map_range, largest: float) -> tuple[float, float]:
    """Return the values of the first and last colour."""
    if map_range is None:
        return 0.0, largest or 1.0
    try:
        low, high = (float(value) for value in map_range)
    except (TypeError, ValueError):
        low = high = np.nan
    if not (0 <= low < high < np.inf):
        raise ValueError(f"map_range must be (low, high) with 0 <= low < high, got {map_range!r}.")
    return low, high


def check_positive(value, name: str) -> float:
    """Return a positive finite number."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = np.nan
    if not 0 < number < np.inf:
        raise ValueError(f"{name} must be a positive number, got {value!r}.")
    return number


def check_band(band) -> tuple[str, float]:
    """Return the footer's words on the filter, and its upper edge."""
    if band is None:
        return "", np.inf
    try:
        low, high = (None if edge is None else float(edge) for edge in band)
    except (TypeError, ValueError):
        low = high = np.nan
    low, high = low or 0.0, np.inf if high is None else high
    if not 0 <= low < high:
        raise ValueError(f"band must be (low, high) in Hz with low < high, got {band!r}.")
    if np.isinf(high):
        return (f"filter from {low:g} Hz" if low else "unfiltered"), high
    return (f"filter {low:g}-{high:g} Hz" if low else f"filter up to {high:g} Hz"), high
