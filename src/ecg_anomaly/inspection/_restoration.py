"""What a record would be like if it were normal."""

from __future__ import annotations

import numpy as np
import torch
from scipy.ndimage import uniform_filter1d

from ..signal.r_peaks import beat_centers
from ._gradients import AnomalyScore

# All in seconds. Differences are judged by their strength over so long a time.
_STRENGTH = 0.05
# What raises and what lowers the score is told apart over about so long a time.
LOCAL = 0.16
_SOFT = 0.05
_STEPS = 4
# The median beat around each R peak.
_BEFORE, _AFTER = 0.25, 0.45
_FEWEST_BEATS = 3


def network_restoration(
    score: AnomalyScore, signal: np.ndarray, seen: np.ndarray, fs: float
) -> np.ndarray:
    """Return a record with what its network did not expect brought back to what it expects.

    The reconstruction alone is no normal ECG: it lacks noise, and scores as more unusual than
    many records. So the record moves towards it only by how far it is beyond the deviation of
    normals, and only in places where this lowers the score.

    Parameters
    ----------
    score : AnomalyScore
    signal : ndarray of shape (n_leads, n_samples)
        In mV.
    seen : ndarray of bool of the same shape
        False where the record is left as it is.
    fs : float

    Returns
    -------
    ndarray of the same shape
    """
    record = torch.from_numpy(signal)
    expected, deviation = (part[0].numpy() for part in score.expect(record[None]))
    change = _beyond(expected - signal, deviation, fs) * seen
    toward = torch.from_numpy(signal + change)
    blame = score.integrated_gradients(record, toward, _STEPS).numpy()
    lowers = smooth(blame, fs) > 0
    kept = uniform_filter1d(lowers.astype(float), _odd(_SOFT, fs), axis=-1)
    return signal + kept * change


def median_beat_restoration(signal: np.ndarray, seen: np.ndarray, fs: float) -> np.ndarray:
    """Return a record with what is unlike its own median beat brought back to it.

    What all beats share is taken for normal. A record with fewer than three beats is left as it is.

    Parameters
    ----------
    signal, seen : ndarray of shape (n_leads, n_samples)
    fs : float

    Returns
    -------
    ndarray of the same shape
    """
    filled = np.where(np.isfinite(signal), signal, 0.0)
    peaks = beat_centers(filled, fs)
    if len(peaks) < _FEWEST_BEATS:
        return signal
    times = np.arange(-round(_BEFORE * fs), round(_AFTER * fs) + 1)
    n_samples = signal.shape[1]
    windows = filled[:, np.clip(peaks[:, None] + times, 0, n_samples - 1)]
    levels = np.median(windows, axis=2).T
    windows = windows - levels.T[:, :, None]
    beat = np.median(windows, axis=1)
    deviation = 1.4826 * np.median(np.abs(windows - beat[:, None]), axis=1)
    # each sample belongs to its nearest beat, and has its level: beats ride on a wandering baseline
    nearest = np.abs(np.arange(n_samples)[:, None] - peaks).argmin(axis=1)
    offset = np.arange(n_samples) - peaks[nearest] - times[0]
    inside = (offset >= 0) & (offset < len(times))
    expected = levels[nearest].T.copy()
    expected[:, inside] += beat[:, offset[inside]]
    spread = np.repeat(np.median(deviation, axis=1)[:, None], n_samples, axis=1)
    spread[:, inside] = deviation[:, offset[inside]]
    change = _beyond(expected - filled, np.maximum(spread, 1e-6), fs) * seen
    return signal + change


def smooth(values: np.ndarray, fs: float) -> np.ndarray:
    """Return values as their triangular mean over `LOCAL` seconds: sums are kept, but for edges."""
    width = _odd(LOCAL / 2, fs)
    once = uniform_filter1d(values, width, axis=-1, mode="reflect")
    return uniform_filter1d(once, width, axis=-1, mode="reflect")


def _beyond(difference: np.ndarray, deviation: np.ndarray, fs: float) -> np.ndarray:
    """Return the part of a difference beyond the usual deviation (soft threshold)."""
    width = _odd(_STRENGTH, fs)
    power = uniform_filter1d(np.square(difference), width, axis=-1)
    usual = uniform_filter1d(np.square(deviation), width, axis=-1)
    ratio = np.sqrt(usual / np.maximum(power, 1e-30))
    return uniform_filter1d(np.clip(1.0 - ratio, 0.0, None), width, axis=-1) * difference


def _odd(seconds: float, fs: float) -> int:
    return 2 * round((seconds * fs - 1) / 2) + 1 if seconds * fs > 1 else 1
