"""A median beat, where its waves lie, and dipoles to add to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ..leads import frank_to_leads
from ..signal.median_beat import BEAT_SAMPLES, R_SAMPLE

_SAMPLES = np.arange(BEAT_SAMPLES)
# In samples of 10 ms: QRS begins and ends within these of the R peak, T peaks within these of J.
_QRS_BEFORE, _QRS_AFTER = 12, 13
_T_AFTER_J = (6, 34)
# Steepness at the limits of QRS, as a share of its largest and of what the rest of the beat has.
_STEEP, _STEEP_REST = 0.12, 0.44


@dataclass(frozen=True)
class Beat:
    """A median beat with the times of its waves, in samples of 10 ms.

    Attributes
    ----------
    signal : ndarray of shape (n_leads, BEAT_SAMPLES)
        In mV, each lead about its level before QRS.
    lead_vectors : ndarray of shape (n_leads, 3)
        What the leads see of a dipole along the Frank axes x (left), y (foot), z (back).
    onset, j_point : int
        Begin and end of QRS.
    p_peak, t_peak, t_end : int
    """

    signal: np.ndarray
    lead_vectors: np.ndarray
    onset: int
    j_point: int
    p_peak: int
    t_peak: int
    t_end: int

    @property
    def p_wave(self) -> np.ndarray:
        """The beat but for what is not its P wave, of the shape of `signal`."""
        end = min(self.p_peak + 8, self.onset - 1)
        return self.signal * window(self.p_peak - 8, end, 1.5)

    @property
    def qrs(self) -> np.ndarray:
        """The beat but for what is not its QRS complex."""
        return self.signal * window(self.onset - 1, self.j_point + 1, 0.8)

    @property
    def t_wave(self) -> np.ndarray:
        """The beat but for what is not its T wave."""
        return self.signal * window(self.j_point + 3, self.t_end + 3, 2.5)

    def dipole(self, part: np.ndarray) -> np.ndarray:
        """Return the least dipole, of shape (3, BEAT_SAMPLES), that the leads see of a part."""
        return np.linalg.pinv(self.lead_vectors) @ part

    def seen(self, dipole: np.ndarray) -> np.ndarray:
        """Return what the leads see of a dipole of shape (3, BEAT_SAMPLES)."""
        return self.lead_vectors @ dipole

    @property
    def qrs_axis(self) -> np.ndarray:
        """Direction of the largest QRS vector, of length 1; 0 without QRS."""
        dipole = self.dipole(self.qrs)
        return unit(dipole[:, np.linalg.norm(dipole, axis=0).argmax()])

    @property
    def qrs_size(self) -> float:
        """Length of the largest QRS vector in mV."""
        return float(np.linalg.norm(self.dipole(self.qrs), axis=0).max())


def find_waves(signal: np.ndarray, leads: Sequence[str]) -> Beat:
    """Find the waves of a median beat, in all leads together.

    Parameters
    ----------
    signal : ndarray of shape (n_leads, BEAT_SAMPLES)
        In mV, of `ecg_anomaly.signal.median_beat`.
    leads : sequence of str
        Out of the standard twelve.

    Returns
    -------
    Beat
    """
    steep = gaussian_filter1d(np.linalg.norm(np.diff(signal, axis=1), axis=0), 0.7)
    near = slice(R_SAMPLE - _QRS_BEFORE, R_SAMPLE + _QRS_AFTER)
    limit = _STEEP * steep[near].max() + _STEEP_REST * np.median(steep)
    rows = R_SAMPLE - _QRS_BEFORE + np.flatnonzero(steep[near] > limit)
    before, after = rows[rows < R_SAMPLE + 3], rows[rows >= R_SAMPLE - 4]
    onset = int(before[0]) if len(before) else R_SAMPLE - 4
    j_point = max(int(after[-1]) + 1 if len(after) else R_SAMPLE + 3, onset + 6)
    level = np.median(signal[:, onset - 5 : onset], axis=1, keepdims=True)
    signal = signal - level
    size = np.linalg.norm(signal, axis=0)
    first, last = (j_point + reach for reach in _T_AFTER_J)
    t_peak = first + int(size[first : min(last, BEAT_SAMPLES - 8)].argmax())
    p_peak = 2 + int(gaussian_filter1d(size, 1.0)[2 : onset - 5].argmax())
    t_end = min(BEAT_SAMPLES - 2, t_peak + 12)
    return Beat(signal, frank_to_leads(leads), onset, j_point, p_peak, t_peak, t_end)


def window(first: float, last: float, softness: float) -> np.ndarray:
    """Return weights near 1 between two samples and near 0 beyond, with soft edges."""
    rise = 1 / (1 + np.exp(np.clip(-2 * (_SAMPLES - first) / softness, -50, 50)))
    return rise / (1 + np.exp(np.clip(2 * (_SAMPLES - last) / softness, -50, 50)))


def pulse(direction: np.ndarray, size: float, center: float, width: float) -> np.ndarray:
    """Return a dipole of one direction, Gaussian in time, of shape (3, BEAT_SAMPLES)."""
    return np.outer(size * direction, np.exp(-0.5 * np.square((_SAMPLES - center) / width)))


def stretched(part: np.ndarray, fixed: float, factor: float) -> np.ndarray:
    """Return a part of a beat slowed down about the sample that stays where it is."""
    times = fixed + (_SAMPLES - fixed) / factor
    return np.stack([np.interp(times, _SAMPLES, lead) for lead in part])


def unit(vector: np.ndarray | Sequence[float]) -> np.ndarray:
    """Return a vector of length 1, or 0 as it is."""
    vector = np.asarray(vector, float)
    length = np.linalg.norm(vector)
    return vector / length if length > 0 else vector


def about(direction, spread: float, rng: np.random.Generator) -> np.ndarray:
    """Return a direction near another: no two hearts lie alike."""
    return unit(unit(direction) + spread * rng.standard_normal(3))
