"""Checks that several modules share."""

from __future__ import annotations

import numpy as np

from ..errors import SignalError


def check_rate(fs: float, name: str = "fs") -> float:
    """Return a sampling rate as a float.

    Raises
    ------
    SignalError
        If `fs` is not a positive finite number.

    Examples
    --------
    >>> check_rate(500)
    500.0
    """
    try:
        value = float(fs)
    except (TypeError, ValueError):
        value = np.nan
    if not (np.isfinite(value) and value > 0):
        raise SignalError(f"{name} must be a positive number in Hz, got {fs!r}.")
    return value
