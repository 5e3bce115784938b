"""The moving dipole: waves as Gaussians over time, and their projection on the twelve leads."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from ...leads import DOWER, LIMB_LEADS, STANDARD_LEADS

#: Which part of a beat a wave belongs to. ST waves stay at the J point when QT changes.
P, QRS, ST, T, F = range(5)

# Fitted to healthy adults: at 1 the P waves of V3 to V5 are twice as high as in life.
_ATRIAL_CHEST = 0.4
# A wave is cut off where it has fallen to 4e-6 of its peak.
_SUPPORT = 5.0
# Time is rendered in blocks, so that the cost grows with the length and not with its square.
_BLOCK = 1.0


@dataclass(frozen=True)
class Waves:
    """Gaussian waves of the dipole, one row each.

    Attributes
    ----------
    time : ndarray of shape (n_waves,)
        Peak, in seconds.
    left, right : ndarray of shape (n_waves,)
        Standard deviations before and after the peak, in seconds.
    vector : ndarray of shape (n_waves, 3)
        Dipole at the peak along the Frank axes x (left), y (foot), z (back), in mV.
    part : ndarray of shape (n_waves,)
        `P`, `QRS`, `ST`, `T` or `F` (fibrillation).
    beat : ndarray of shape (n_waves,)
        Number of the beat; -1 where there is none.
    """

    time: np.ndarray
    left: np.ndarray
    right: np.ndarray
    vector: np.ndarray
    part: np.ndarray
    beat: np.ndarray

    @classmethod
    def build(cls, rows, *, beat: int = 0) -> Waves:
        """Build from rows (part, time, left, right, vector)."""
        part, time, left, right, vector = zip(*rows, strict=True)
        return cls(
            np.array(time, float),
            np.array(left, float),
            np.array(right, float),
            np.array(vector, float).reshape(-1, 3),
            np.array(part),
            np.full(len(part), beat),
        )

    def __getitem__(self, rows) -> Waves:
        return Waves(*(getattr(self, field.name)[rows] for field in fields(self)))

    def __add__(self, other: Waves) -> Waves:
        pairs = ((getattr(self, field.name), getattr(other, field.name)) for field in fields(self))
        return Waves(*(np.concatenate(pair) for pair in pairs))

    def moved(self, seconds, rows=slice(None)) -> Waves:
        """Return the waves with some of them moved in time."""
        time = self.time.copy()
        time[rows] += seconds
        return replace(self, time=time)

    def scaled(self, factor, rows=slice(None)) -> Waves:
        """Return the waves with some of them scaled."""
        vector = self.vector.copy()
        vector[rows] *= factor
        return replace(self, vector=vector)


def evaluate(waves: Waves, times: np.ndarray) -> np.ndarray:
    """Return the dipoles at `times` in seconds, of shape (6, n_times), in mV.

    The first three rows are the ventricles', the last three the atria's.
    """
    apart = times[None, :] - waves.time[:, None]
    width = np.where(apart < 0, waves.left[:, None], waves.right[:, None])
    apart /= width
    np.square(apart, out=apart)
    apart *= -0.5
    atrial = ((waves.part == P) | (waves.part == F))[:, None]
    vector = np.hstack([np.where(atrial, 0.0, waves.vector), np.where(atrial, waves.vector, 0.0)])
    return vector.T @ np.exp(apart, out=apart)


def render(waves: Waves, fs: float, n_samples: int) -> np.ndarray:
    """Sample the dipoles as a recorder does, of shape (6, n_samples), in mV.

    The recorder's anti-alias filter is a Gaussian too (-3 dB at 0.4 `fs`): it widens each wave
    and lowers it by as much.
    """
    blur = np.sqrt(np.log(2.0)) / (2.0 * np.pi * 0.4 * fs)
    left, right = np.hypot(waves.left, blur), np.hypot(waves.right, blur)
    lower = (waves.left + waves.right) / (left + right)
    waves = replace(waves, left=left, right=right, vector=waves.vector * lower[:, None])
    first, last = waves.time - _SUPPORT * left, waves.time + _SUPPORT * right
    times = np.arange(n_samples) / fs
    dipole = np.zeros((6, n_samples))
    size = max(1, round(_BLOCK * fs))
    for start in range(0, n_samples, size):
        block = times[start : start + size]
        near = (first <= block[-1]) & (last >= block[0])
        dipole[:, start : start + size] = evaluate(waves[near], block)
    return dipole


def lead_vectors(rng: np.random.Generator | None = None) -> np.ndarray:
    """Return the lead vectors of one patient for the ventricles and the atria, of shape (12, 6).

    The chest electrodes never sit in quite the same place, and no two chests conduct alike, so
    Dower's weights vary a little. The atria lie deeper, so the chest leads see less of them than
    of the ventricles. The other four limb leads follow from I and II.
    """
    weights = np.array(list(DOWER.values()))
    if rng is not None:
        spread = np.array([0.03] * 2 + [0.13] * 6)[:, None]
        weights = weights * (1.0 + rng.normal(0.0, spread, (8, 1)))
        weights = weights + rng.normal(0.0, spread / 1.5, (8, 3))
    atrial = np.array([1.0] * 2 + [_ATRIAL_CHEST] * 6)[:, None] * weights
    rows = dict(zip(DOWER, np.hstack([weights, atrial]), strict=True))
    for lead, (a, b) in LIMB_LEADS.items():
        rows[lead] = a * rows["I"] + b * rows["II"]
    return np.array([rows[lead] for lead in STANDARD_LEADS])
