"""What recorders, electrodes and the mains do to an ECG, in measured amounts."""

from __future__ import annotations

import numpy as np

from ..errors import SignalError
from .checks import check_rate
from .resampling import resample_gaps

# Where baselines wander, in Hz: from drift of the electrodes to breathing.
_WANDER = (0.05, 0.5)


def qrs_swing(x: np.ndarray, fs: float) -> np.ndarray:
    """Return how large the QRS complexes are: the mean peak-to-peak amplitude of a second.

    The largest and the smallest second are left out, where there are three or more.

    Parameters
    ----------
    x : ndarray of shape (..., n_samples)
        In mV; NaN where samples are missing.
    fs : float
        In Hz.

    Returns
    -------
    ndarray of float64 of shape (...,)
        In mV; 0 for a signal without samples.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.zeros(500)
    >>> x[50::100] = 1.2  # a beat a second
    >>> float(qrs_swing(x, 100))
    1.2
    """
    x = np.asarray(x, dtype=np.float64)
    second = max(1, min(round(check_rate(fs)), x.shape[-1]))
    n = x.shape[-1] // second
    if n == 0:
        return np.zeros(x.shape[:-1])
    seconds = x[..., : n * second].reshape(*x.shape[:-1], n, second)
    missing = np.isnan(seconds)
    highest = np.where(missing, -np.inf, seconds).max(axis=-1)
    swings = highest - np.where(missing, np.inf, seconds).min(axis=-1)
    swings = np.sort(np.where(missing.all(axis=-1), np.nan, swings), axis=-1)  # NaN comes last
    known = np.isfinite(swings).sum(axis=-1, keepdims=True)
    rank = np.arange(n)
    used = np.where(known >= 3, (rank > 0) & (rank < known - 1), rank < known)
    total = np.where(used, swings, 0.0).sum(axis=-1)
    return total / np.maximum(used.sum(axis=-1), 1)


def noise_at_snr(x: np.ndarray, noise: np.ndarray, snr: float, fs: float) -> np.ndarray:
    """Return noise, scaled to a signal-to-noise ratio as nst of the WFDB tools defines it [1]_.

    The power of the signal is the square of the peak-to-peak amplitude of its QRS complexes over 8,
    that of a sine of this amplitude; the power of the noise is its mean square.

    Parameters
    ----------
    x, noise : ndarray of shape (..., n_samples)
        In mV. Each row of the noise is scaled for that row of the signal.
    snr : float
        In dB.
    fs : float
        In Hz.

    Returns
    -------
    ndarray of float64 of shape (..., n_samples)
        Without mean, to be added to `x`; 0 where the signal or the noise is nothing.

    References
    ----------
    .. [1] G. B. Moody, W. K. Muldrow, R. G. Mark, "A noise stress test for arrhythmia detectors",
       Computers in Cardiology 11, 381-384, 1984.

    Examples
    --------
    >>> import numpy as np
    >>> sine = np.sin(2 * np.pi * np.arange(1000) / 100)
    >>> noise = noise_at_snr(sine, np.random.default_rng(0).normal(size=1000), 6.0, 100)
    >>> print(round(10 * np.log10(np.mean(sine**2) / np.mean(noise**2)), 3))
    6.0
    """
    noise = np.asarray(noise, dtype=np.float64)
    noise = noise - noise.mean(axis=-1, keepdims=True)
    power = np.mean(np.square(noise), axis=-1)
    wanted = np.square(qrs_swing(x, fs)) / 8 / 10 ** (snr / 10)
    factor = np.divide(wanted, power, out=np.zeros_like(wanted), where=power > 0)
    return noise * np.sqrt(factor)[..., None]


def random_stretches(
    noise: np.ndarray, n_rows: int, n_samples: int, rng: np.random.Generator
) -> np.ndarray:
    """Cut stretches out of a recording of noise, each from a channel and a time of its own.

    Parameters
    ----------
    noise : ndarray of shape (n_channels, n_noise)
    n_rows, n_samples : int
    rng : Generator

    Returns
    -------
    ndarray of shape (n_rows, n_samples)

    Raises
    ------
    SignalError
        If the noise is shorter than a stretch.

    Examples
    --------
    >>> import numpy as np
    >>> random_stretches(np.ones((2, 50)), 3, 20, np.random.default_rng(0)).shape
    (3, 20)
    """
    if noise.shape[-1] < n_samples:
        raise SignalError(
            f"the noise has {noise.shape[-1]} samples, but the records have {n_samples}; give "
            "noise that is at least as long."
        )
    channels = rng.integers(len(noise), size=n_rows)
    starts = rng.integers(noise.shape[-1] - n_samples + 1, size=n_rows)
    return np.stack([
        noise[channel, start : start + n_samples]
        for channel, start in zip(channels, starts, strict=True)
    ])  # fmt: skip


def baseline_wander(n_rows: int, n_samples: int, fs: float, rng: np.random.Generator) -> np.ndarray:
    """Draw the wander of a baseline: Gaussian, of equal power in each octave of 0.05 to 0.5 Hz.

    Parameters
    ----------
    n_rows, n_samples : int
    fs : float
        In Hz.
    rng : Generator

    Returns
    -------
    ndarray of shape (n_rows, n_samples)
        Of mean square 1 on average.

    Raises
    ------
    SignalError
        If less than a period of 0.5 Hz fits into the samples.

    Examples
    --------
    >>> import numpy as np
    >>> wander = baseline_wander(2, 6000, 100, np.random.default_rng(0))
    >>> bool(np.abs(np.diff(wander)).max() < 0.2)
    True
    """
    frequencies = np.fft.rfftfreq(n_samples, 1 / check_rate(fs))
    inside = (frequencies >= _WANDER[0]) & (frequencies <= _WANDER[1])
    if not inside.any():
        raise SignalError(
            f"a baseline wanders slower than {_WANDER[1]:g} Hz, of which no period fits into "
            f"{n_samples / fs:g} s; take longer records."
        )
    draws = rng.standard_normal((n_rows, 2, int(inside.sum())))
    amplitude = 1 / np.sqrt(frequencies[inside])
    spectrum = np.zeros((n_rows, len(frequencies)), complex)
    # one-sided: each bin holds half of the power of its frequency
    scale = n_samples / 2 / np.sqrt(np.square(amplitude).sum())
    spectrum[:, inside] = scale * amplitude * (draws[:, 0] + 1j * draws[:, 1])
    return np.fft.irfft(spectrum, n_samples, axis=-1)


def hum(
    n_rows: int, n_samples: int, fs: float, freq: float, amplitude: float, rng: np.random.Generator
) -> np.ndarray:
    """Draw the hum of the mains: a sine of one amplitude, in each row with a phase of its own.

    Parameters
    ----------
    n_rows, n_samples : int
    fs : float
        In Hz. What lies above half of it is folded, as a recorder without a filter against it does:
        at 100 Hz, the mains of 60 Hz are at 40 Hz, and those of 50 Hz depend on their phase.
    freq : float
        In Hz.
    amplitude : float
        Of the sine, in mV: half of the peak-to-peak amplitude.
    rng : Generator

    Returns
    -------
    ndarray of shape (n_rows, n_samples)
        In mV.

    Examples
    --------
    >>> import numpy as np
    >>> tone = hum(1, 500, 500, 50, 0.1, np.random.default_rng(0))
    >>> print(tone.std().round(4))  # 0.1 / sqrt(2)
    0.0707
    """
    phase = rng.uniform(0, 2 * np.pi, size=(n_rows, 1))
    return amplitude * np.sin(2 * np.pi * freq / check_rate(fs) * np.arange(n_samples) + phase)


def through_rate(x: np.ndarray, fs: float, rate: float) -> np.ndarray:
    """Bring a signal to another sampling rate and back.

    Parameters
    ----------
    x : ndarray of shape (..., n_samples)
        Floating-point; NaN where samples are missing.
    fs, rate : float
        Its rate and the other one, in Hz. What lies above half of the lower one is lost.

    Returns
    -------
    ndarray of shape (..., n_samples)

    Raises
    ------
    SignalError
        If the ratio of the rates is not close to one of integers up to 1000, or a single sample
        is left at the other rate.

    Examples
    --------
    >>> import numpy as np
    >>> fast = np.sin(2 * np.pi * 40 * np.arange(1000) / 100)
    >>> through_rate(fast, 100, 62.5).shape, bool(through_rate(fast, 100, 62.5).std() < 0.05)
    ((1000,), True)
    """
    there = resample_gaps(x, fs_in=fs, fs_out=rate)
    return resample_gaps(there, fs_in=rate, fs_out=fs)[..., : x.shape[-1]]
