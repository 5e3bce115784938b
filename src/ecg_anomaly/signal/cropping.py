"""Bring signals to one length."""

from __future__ import annotations

import numpy as np

from ..errors import SignalError
from ._rows import as_float

POSITIONS = ("start", "center", "end")
#: Names of the ways to pad, and numpy's names for them.
PAD_MODES = {"edge": "edge", "zero": "constant", "reflect": "reflect"}


def crop_or_pad(
    x: np.ndarray, n_samples: int, *, position: str = "center", mode: str = "edge"
) -> np.ndarray:
    """Cut or extend signals to a number of samples.

    Padding and then cropping at the same `position` gives the signal back.

    Parameters
    ----------
    x : ndarray of shape (..., n)
    n_samples : int
        Samples wanted, at least 1.
    position : {"start", "center", "end"}, default="center"
        Which part of a long signal is kept, and where a short one comes to lie.
    mode : {"edge", "zero", "reflect"}, default="edge"
        What a short signal is continued with: its end values, zeros, or its mirror image.

    Returns
    -------
    ndarray of shape (..., n_samples)
        A copy; float32 stays float32.

    Raises
    ------
    SignalError
        If `n_samples` is less than 1, there is nothing to extend, or a name is unknown.

    Examples
    --------
    >>> import numpy as np
    >>> crop_or_pad(np.array([1.0, 2.0, 3.0]), 5).tolist()
    [1.0, 1.0, 2.0, 3.0, 3.0]
    >>> crop_or_pad(np.array([1.0, 2.0, 3.0]), 2, position="end").tolist()
    [2.0, 3.0]
    """
    x = as_float(x)
    n = x.shape[-1]
    if n_samples < 1 or n < 1:
        raise SignalError(f"cannot bring {n} samples to {n_samples}: both must be at least 1.")
    if position not in POSITIONS or mode not in PAD_MODES:
        raise SignalError(
            f"position must be one of {POSITIONS} and mode one of {tuple(PAD_MODES)}, got "
            f"{position!r} and {mode!r}."
        )
    excess = abs(n - n_samples)
    before = {"start": 0, "center": excess // 2, "end": excess}[position]
    if n >= n_samples:
        return np.array(x[..., before : before + n_samples], order="C")
    widths = [(0, 0)] * (x.ndim - 1) + [(before, excess - before)]
    return np.ascontiguousarray(np.pad(x, widths, mode=PAD_MODES[mode]))  # type: ignore[call-overload]
