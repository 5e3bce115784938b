"""Conduction: late forces, slow forces, forces turned in the frontal plane, and late ventricles."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ._beat import Beat, about, pulse, stretched, window

# Directions along x (left), y (foot), z (back).
_RIGHT_FRONT = (-0.8, -0.1, -0.7)
_LEFT_BACK = (0.8, -0.15, 0.7)


def right_bundle_branch_block(beat: Beat, rng: np.random.Generator) -> np.ndarray:
    """Add a late wide force to the right and front: R' in V1, S in I and V6, T opposite."""
    late = about(_RIGHT_FRONT, 0.25, rng)
    size = beat.qrs_size * rng.uniform(0.35, 0.9)
    change = pulse(late, size, beat.j_point - 1 + rng.uniform(2, 5), rng.uniform(1.6, 2.8))
    return beat.seen(change + pulse(-late, 0.4 * size * rng.uniform(0.2, 0.6), beat.t_peak, 6.0))


def incomplete_right_bundle_branch_block(beat: Beat, rng: np.random.Generator) -> np.ndarray:
    """Add the same force, smaller and within QRS."""
    size = beat.qrs_size * rng.uniform(0.12, 0.4)
    center, width = beat.j_point - 1 + rng.uniform(0, 2), rng.uniform(1.0, 1.8)
    return beat.seen(pulse(about(_RIGHT_FRONT, 0.25, rng), size, center, width))


def left_bundle_branch_block(beat: Beat, rng: np.random.Generator) -> np.ndarray:
    """Slow QRS down, with late forces to the left and back, and T opposite."""
    slow = stretched(beat.qrs, beat.onset, rng.uniform(1.25, 1.8))
    slow = gaussian_filter1d(slow, rng.uniform(0.5, 1.6), axis=1)
    late, size = about(_LEFT_BACK, 0.2, rng), beat.qrs_size
    center, width = beat.onset + rng.uniform(5, 9), rng.uniform(2.0, 3.2)
    change = pulse(late, size * rng.uniform(0.3, 1.0), center, width)
    change += pulse(-late, size * rng.uniform(0.1, 0.5), beat.t_peak, 7.0)
    return slow - beat.qrs + beat.seen(change)


def intraventricular_delay(beat: Beat, rng: np.random.Generator) -> np.ndarray:
    """Slow QRS down, of the same form."""
    slow = stretched(beat.qrs, beat.onset + rng.uniform(0, 4), rng.uniform(1.2, 1.6))
    return gaussian_filter1d(slow, rng.uniform(0.3, 1.2), axis=1) - beat.qrs


def left_anterior_fascicular_block(beat: Beat, rng: np.random.Generator) -> np.ndarray:
    """Turn the later forces of QRS up and left, to an axis of -35 to -75 degrees."""
    turn = rng.uniform(-75, -35) - _axis(beat)
    return _turned(beat, rng, turn if abs(turn) < 130 else -60.0)


def right_axis_deviation(beat: Beat, rng: np.random.Generator) -> np.ndarray:
    """Turn the later forces of QRS down and right, to an axis of 100 to 150 degrees."""
    return _turned(beat, rng, float(np.clip(rng.uniform(100, 150) - _axis(beat), 20, 140)))


def first_degree_block(beat: Beat, rng: np.random.Generator) -> np.ndarray:
    """Move the P wave 40 to 140 ms ahead."""
    times = np.arange(beat.signal.shape[1])
    earlier = times + rng.uniform(4, 14)
    p_wave = beat.p_wave
    return np.stack([np.interp(earlier, times, p, right=0.0) for p in p_wave]) - p_wave


def _axis(beat: Beat) -> float:
    """Return the frontal axis in degrees, from the sums of the QRS dipole."""
    left, foot = beat.dipole(beat.qrs)[:2].sum(axis=1)
    return float(np.rad2deg(np.arctan2(foot, left)))


def _turned(beat: Beat, rng: np.random.Generator, degrees: float) -> np.ndarray:
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    dipole = beat.dipole(beat.qrs)
    change = np.zeros_like(dipole)
    change[:2] = (turn - np.eye(2)) @ dipole[:2]
    return beat.seen(change * window(beat.onset + rng.uniform(1, 3), beat.j_point + 3, 0.8))
