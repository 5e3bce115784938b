"""The power spectrum of short pieces: hum of the mains, and whether high frequencies are there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import fft

# Mains keep their frequency within 0.5 Hz (EN 50160); a shorter window widens the line.
_LINE_HALF_WIDTH = 0.5
_NEIGHBOURS = 4.0
# A line is one where it stands this much above its neighbours in power.
_CONTRAST = 10.0
# Below this frequency a signal is baseline; lines below the other one are harmonics of the beats.
_LOWEST, _LOWEST_TONE = 1.0, 35.0


@dataclass(frozen=True)
class Spectrum:
    """Power of rows seen through a Hann window.

    Parameters
    ----------
    power : ndarray of shape (..., n_samples // 2 + 1)
        Squared magnitude of the real FFT.
    step : float
        Distance of its bins in Hz.
    unit : float
        Power that stands for a mean square of 1.
    """

    power: np.ndarray
    step: float
    unit: float

    def band(self, low: float, high: float) -> np.ndarray:
        """Return the root mean square between two frequencies in Hz.

        Examples
        --------
        >>> import numpy as np
        >>> hum = np.sin(2 * np.pi * 50 * np.arange(5000) / 500)
        >>> spectrum(hum, 500.0).band(40, 60).round(3)
        np.float64(0.707)
        """
        first, last = (int(np.ceil(edge / self.step)) for edge in (low, high))
        return np.sqrt(self.power[..., first:last].sum(axis=-1, dtype=np.float64) / self.unit)


def spectrum(x: np.ndarray, fs: float) -> Spectrum:
    """Return the power spectrum of each row.

    Parameters
    ----------
    x : ndarray of shape (..., n_samples)
    fs : float
        In Hz.
    """
    n = x.shape[-1]
    window = (0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(n) + 0.5) / n)).astype(x.dtype)
    values = fft.rfft((x - x.mean(axis=-1, keepdims=True)) * window, axis=-1)
    power = values.real**2 + values.imag**2
    return Spectrum(power, fs / n, n * float(np.square(window, dtype=np.float64).sum()) / 2)


def alias(freq: float, fs: float) -> float:
    """Return the frequency at which a tone appears in a signal sampled at `fs`.

    Examples
    --------
    >>> alias(60.0, 100.0), alias(50.0, 500.0)
    (40.0, 50.0)
    """
    return abs(freq - fs * round(freq / fs))


def tones(seen: Spectrum, fs: float, freqs: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Measure tones that stand out from the spectrum around them.

    Parameters
    ----------
    seen : Spectrum
    fs : float
        In Hz.
    freqs : tuple of float
        Frequencies in Hz; those above ``fs / 2`` are looked for where they are folded to.

    Returns
    -------
    amplitude : ndarray of shape (..., len(freqs))
        In the unit of the signal; 0 where no line stands out, or none could.
    share : ndarray of shape (..., len(freqs))
        Of the power above 1 Hz, in [0, 1].

    Examples
    --------
    >>> import numpy as np
    >>> hum = 0.1 * np.sin(2 * np.pi * 50 * np.arange(5000) / 500)
    >>> amplitude, share = tones(spectrum(hum, 500.0), 500.0, (50.0, 60.0))
    >>> amplitude.round(3).tolist(), share.round(2).tolist()
    ([0.1, 0.0], [1.0, 0.0])
    """
    power, step = seen.power, seen.step
    amplitude = np.zeros((*power.shape[:-1], len(freqs)))
    share = np.zeros_like(amplitude)
    total = power[..., int(np.ceil(_LOWEST / step)) :].sum(axis=-1, dtype=np.float64)
    half = max(_LINE_HALF_WIDTH, 2 * step)
    away = half + max(_NEIGHBOURS, 4 * step)
    at = np.arange(power.shape[-1]) * step
    for k, freq in enumerate(freqs):
        distance = np.abs(at - alias(freq, fs))
        line, around = distance <= half, (distance > half + step) & (distance <= away)
        if alias(freq, fs) < _LOWEST_TONE or not line.any() or around.sum() < 3:
            continue
        level = np.median(power[..., around], axis=-1) * line.sum()
        above = power[..., line].sum(axis=-1)
        excess = np.where(above > _CONTRAST * level, np.maximum(above - level, 0), 0)
        energy = excess.astype(np.float64)
        amplitude[..., k] = np.sqrt(2 * energy / seen.unit)
        share[..., k] = np.divide(energy, total, out=np.zeros_like(energy), where=total > 0)
    return amplitude, np.minimum(share, 1)
