"""What the gate measures in pieces of equal length, many at a time; nothing is judged here."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..leads import LIMB_LEADS
from ..signal.agreement import explained_share, lag_difference, limit_outliers
from ..signal.blocks import (
    average_to_rate,
    block_baseline,
    block_noise,
    groups,
    quiet_level,
    reduce_blocks,
)
from ..signal.clipping import clipped_samples
from ..signal.filters import notch
from ..signal.spectrum import alias, spectrum, tones
from ..signal.spikes import LOWEST_RATE, spikes

#: Seconds of a block, and blocks of a second.
BLOCK = 0.1
PER_SECOND = 10
# Hz; below, a second difference would pass too much of the waves.
_FINE = 90.0
#: Hz; a recorder that passes this band passes pacing pulses.
HIGH_BAND = (100.0, 150.0)


@dataclass
class Measures:
    """Levels of pieces of ECGs, by block of 0.1 s, by second and as a whole.

    Parameters
    ----------
    signals : ndarray of shape (n, n_leads, n_averaged)
        Averaged to about 100 Hz.
    fs : float
        Of `signals`, in Hz.
    block : float
        Length of a block in seconds, close to 0.1.
    height : ndarray of shape (n, n_leads, n_blocks)
        Peak-to-peak amplitude of each block in mV.
    constant : ndarray of bool, shape (n, n_leads, n_blocks)
        All samples of the block are equal.
    clipped : ndarray of shape (n, n_leads, n_blocks), or None
        Share of the block's samples that are cut off.
    swing, noise, drift : ndarray of shape (n, n_leads, n_seconds)
        Peak-to-peak amplitude, noise between QRS complexes (standard deviation) and range of the
        baseline, each in mV.
    baseline : ndarray of shape (n, n_leads, n_blocks)
        In mV.
    peak : ndarray of shape (n, n_leads, n_seconds)
        Largest distance from the median baseline in mV.
    tone, tone_share : ndarray of shape (n, n_leads, n_freqs)
        Amplitude of the mains in mV, and its share of the power above 1 Hz.
    high : ndarray of shape (n, n_leads)
        Root mean square in `HIGH_BAND` in mV; 0 below 500 Hz.
    spikes : list of ndarray
        Times of pacing pulses in s.
    products : ndarray of shape (n, n_leads, n_leads)
        Sums of products of the leads' differences over 40 ms, outliers limited.
    """

    signals: np.ndarray
    fs: float
    block: float
    height: np.ndarray
    constant: np.ndarray
    clipped: np.ndarray | None
    swing: np.ndarray
    noise: np.ndarray
    drift: np.ndarray
    baseline: np.ndarray
    peak: np.ndarray
    tone: np.ndarray
    tone_share: np.ndarray
    high: np.ndarray
    spikes: list[np.ndarray]
    products: np.ndarray

    @cached_property
    def usual_swing(self) -> np.ndarray:
        """Median swing of each lead in mV, of shape (n, n_leads)."""
        usual: np.ndarray = np.median(self.swing, axis=-1)
        return usual

    @property
    def duration(self) -> float:
        """Length of a piece in seconds."""
        return self.signals.shape[-1] / self.fs

    @property
    def block_times(self) -> np.ndarray:
        """Start and end of each block in seconds, of shape (n_blocks, 2)."""
        n = self.height.shape[-1]
        times = self.block * np.stack([np.arange(n), np.arange(1, n + 1)], axis=1)
        times[-1:, 1] = self.duration
        return times

    @property
    def second_times(self) -> np.ndarray:
        """Start and end of each second in seconds, of shape (n_seconds, 2)."""
        times = self.block_times
        inside = groups(np.arange(len(times)), PER_SECOND)
        return np.stack([times[inside[:, 0], 0], times[inside[:, -1], 1]], axis=1)


def measure(x: np.ndarray, fs: float, mains: tuple[float, ...], max_mains: float) -> Measures:
    """Measure pieces of ECGs.

    Parameters
    ----------
    x : ndarray of float32, shape (n, n_leads, n_samples)
        Finite, in mV, with at least one sample.
    fs : float
        In Hz.
    mains : tuple of float
        Frequencies in Hz.
    max_mains : float
        In mV. Stronger hum is taken out before noise is measured, as a notch will do later.
    """
    cut = clipped_samples(x, fs)
    seen = spectrum(x, fs)
    amplitude, share = tones(seen, fs, mains)
    if (amplitude > max_mains).any():
        x = _without_hum(x, fs, mains, amplitude > max_mains)
    w, rate = average_to_rate(x, fs)
    size = max(1, min(round(BLOCK * rate), w.shape[-1]))
    top, bottom = (reduce_blocks(extreme, w, size) for extreme in (np.maximum, np.minimum))
    baseline = block_baseline(reduce_blocks(np.add, w, size) / np.float32(size))
    centre = np.median(baseline, axis=-1, keepdims=True)
    highest = groups(top, PER_SECOND).max(axis=-1)
    lowest = groups(bottom, PER_SECOND).min(axis=-1)
    difference = limit_outliers(lag_difference(w, rate), rate)
    return Measures(
        signals=w,
        fs=rate,
        block=size / rate,
        height=top - bottom,
        constant=top == bottom,
        clipped=None if cut is None else _share_of_blocks(cut, round(fs / rate) * size),
        swing=highest - lowest,
        noise=quiet_level(groups(block_noise(w, size, 2 if rate >= _FINE else 3), PER_SECOND)),
        drift=np.ptp(groups(baseline, PER_SECOND), axis=-1),
        baseline=baseline,
        peak=np.maximum(highest - centre, centre - lowest),
        tone=amplitude,
        tone_share=share,
        high=seen.band(*HIGH_BAND) if fs >= LOWEST_RATE else np.zeros(x.shape[:2]),
        spikes=spikes(x, fs),
        products=np.matmul(difference, difference.swapaxes(-1, -2)).astype(np.float64),
    )


def _without_hum(x, fs, mains, loud):
    x = x.copy()
    for k, freq in enumerate(mains):
        rows = loud[..., k]
        if rows.any():
            x[rows] = notch(x[rows], fs=fs, freq=alias(freq, fs))
    return x


def _share_of_blocks(mask, size):
    return reduce_blocks(np.add, mask.astype(np.float32), size) / np.float32(size)


def independent(leads: tuple[str, ...]) -> np.ndarray:
    """Tell which leads do not follow from those before them: two limb leads and all others.

    Examples
    --------
    >>> independent(("I", "II", "III", "V1")).tolist()
    [True, True, False, True]
    """
    keep, limbs = [], 0
    for lead in leads:
        limbs += lead in LIMB_LEADS
        keep.append(lead not in LIMB_LEADS or limbs <= 2)
    return np.array(keep, bool)


def agreement(products: np.ndarray, leads: tuple[str, ...]) -> np.ndarray:
    """Return the share of each chest lead's power that the other independent leads predict.

    Parameters
    ----------
    products : ndarray of shape (n, n_leads, n_leads)
    leads : tuple of str

    Returns
    -------
    ndarray of shape (n, n_leads)
        NaN for limb leads, of which any one follows from two others whatever electrode is off.
    """
    share = np.full(products.shape[:2], np.nan)
    use = np.flatnonzero(independent(leads))
    share[:, use] = explained_share(products[:, use[:, None], use])
    share[:, [lead in LIMB_LEADS for lead in leads]] = np.nan
    return share
