"""Change of the sampling rate by a polyphase filter."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache, partial
from typing import Any

import numpy as np

from ..errors import SignalError
from ._rows import map_rows
from .checks import check_rate
from .imputation import fill_short_gaps

#: Largest numerator and denominator of a rate ratio; the anti-aliasing filter grows with it.
MAX_FACTOR = 1000
# Monitors have rates such as 249.89 Hz; 0.01 % is 1 ms in 10 s, and what recorders' clocks are off.
_TOLERANCE = 1e-4


def rate_ratio(fs_in: float, fs_out: float) -> tuple[int, int]:
    """Return the factors ``(up, down)`` that lead from one sampling rate to another.

    Parameters
    ----------
    fs_in, fs_out : float
        In Hz.

    Returns
    -------
    tuple of int
        In lowest terms.

    Raises
    ------
    SignalError
        If a rate is no positive number, or the ratio is not, within 0.01 %, one of integers up to
        1000.

    Examples
    --------
    >>> rate_ratio(360, 100), rate_ratio(257.5, 100)
    ((5, 18), (40, 103))
    """
    fs_in, fs_out = check_rate(fs_in, "fs_in"), check_rate(fs_out, "fs_out")
    exact = Fraction(fs_out) / Fraction(fs_in)
    if exact > 1:
        inverse = (1 / exact).limit_denominator(MAX_FACTOR)
        ratio = 1 / inverse if inverse else Fraction(0)
    else:
        ratio = exact.limit_denominator(MAX_FACTOR)
    if abs(float(ratio) * fs_in / fs_out - 1) > _TOLERANCE:
        raise SignalError(
            f"the ratio of fs_in={fs_in:g} Hz to fs_out={fs_out:g} Hz is not one of integers up "
            f"to {MAX_FACTOR}; choose rates with a simple ratio."
        )
    return ratio.numerator, ratio.denominator


def resampled_length(n_samples: int, fs_in: float, fs_out: float) -> int:
    """Return the number of samples after `resample`: ``ceil(n_samples * up / down)``.

    Examples
    --------
    >>> resampled_length(5000, 500, 100), resampled_length(10, 360, 100)
    (1000, 3)
    """
    up, down = rate_ratio(fs_in, fs_out)
    return -(-n_samples * up // down)


def resample(x: np.ndarray, *, fs_in: float, fs_out: float) -> np.ndarray:
    """Change the sampling rate, with an anti-aliasing filter of linear phase.

    Parameters
    ----------
    x : ndarray of shape (..., n_samples)
        At least 2 samples.
    fs_in, fs_out : float
        Sampling rate before and after, in Hz.

    Returns
    -------
    ndarray of shape (..., ceil(n_samples * fs_out / fs_in))
        Sample 0 stays at time 0; float32 stays float32.

    Raises
    ------
    SignalError
        If a rate is no positive number, their ratio is not close to one of integers up to 1000,
        or there are fewer than 2 samples.

    See Also
    --------
    scipy.signal.resample_poly : the filter.

    Examples
    --------
    >>> import numpy as np
    >>> resample(np.zeros((2, 12, 5000), np.float32), fs_in=500, fs_out=100).shape
    (2, 12, 1000)
    """
    from scipy import signal as sps  # readers import this module, and mostly need no filter

    up, down = rate_ratio(fs_in, fs_out)
    n = np.shape(x)[-1]
    if n < 2:
        raise SignalError(f"resampling needs at least 2 samples, got n_samples={n} (1 feature).")
    n_out = resampled_length(n, fs_in, fs_out)
    slope = np.linspace(0, 1, n)
    times = np.arange(n_out) * down / (up * (n - 1))

    def resample_rows(rows):
        # without the line through both ends, the zeros that resample_poly pads with fit
        first = rows[:, :1]
        rise = rows[:, -1:] - first
        rest = rows - first
        rest -= rise * slope.astype(rows.dtype)
        window: Any = _antialiasing(max(up, down)).astype(rows.dtype)
        result = sps.resample_poly(rest, up, down, axis=-1, window=window)
        result += rise * times.astype(rows.dtype)
        result += first
        return result

    return map_rows(resample_rows, x, n_out) if up != down else map_rows(np.array, x)


@lru_cache(maxsize=16)
def _antialiasing(factor: int) -> np.ndarray:
    """Return the filter that `resample_poly` takes by default: it designs it with each call."""
    from scipy.signal import firwin

    taps: np.ndarray = firwin(20 * factor + 1, 1 / factor, window=("kaiser", 5.0))
    taps.flags.writeable = False
    return taps


def resample_gaps(x: np.ndarray, *, fs_in: float, fs_out: float) -> np.ndarray:
    """Change the sampling rate of signals in which samples are missing.

    Gaps are bridged by straight lines for the filter, and are gaps again afterwards: what is there
    does not suffer from what is not.

    Parameters
    ----------
    x : ndarray of shape (..., n_samples)
        Floating-point, at least 2 samples; NaN where they are missing.
    fs_in, fs_out : float
        Sampling rate before and after, in Hz.

    Returns
    -------
    ndarray of shape (..., ceil(n_samples * fs_out / fs_in))
        NaN where the nearest sample of `x` is missing.

    Raises
    ------
    SignalError
        As for `resample`.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.r_[np.full(10, 3.0), np.full(10, np.nan), np.full(20, 3.0)]
    >>> resample_gaps(x, fs_in=500, fs_out=100).round(6)
    array([ 3.,  3., nan, nan,  3.,  3.,  3.,  3.])
    """
    up, down = rate_ratio(fs_in, fs_out)
    return over_gaps(partial(resample, fs_in=fs_in, fs_out=fs_out), x, down / up)


def over_gaps(
    function: Callable[[np.ndarray], np.ndarray], x: np.ndarray, ratio: float = 1.0
) -> np.ndarray:
    """Apply a filter to signals in which samples are missing.

    Parameters
    ----------
    function : callable
        From an array (..., n_samples) without gaps to one (..., n_out).
    x : ndarray of shape (..., n_samples)
        Floating-point; NaN where samples are missing. Straight lines bridge them for `function`.
    ratio : float, default=1.0
        Samples of `x` to one of the result.

    Returns
    -------
    ndarray of shape (..., n_out)
        NaN where the nearest sample of `x` is missing.

    Examples
    --------
    >>> import numpy as np
    >>> over_gaps(lambda x: 2 * x, np.array([1.0, np.nan, 3.0]))
    array([ 2., nan,  6.])
    """
    missing = np.isnan(x)
    if not missing.any():
        return function(x)
    bridged = np.ascontiguousarray(x).copy()
    fill_short_gaps(bridged, x.shape[-1])
    bridged[missing.all(axis=-1)] = 0
    result = function(bridged)
    nearest = np.rint(np.arange(result.shape[-1]) * ratio).astype(int)
    result[missing[..., np.minimum(nearest, x.shape[-1] - 1)]] = np.nan
    return result
