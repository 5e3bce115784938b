"""Smooth shapes over time, without edges and below 40 Hz."""

from __future__ import annotations

import numpy as np


def rise(times: np.ndarray, begin: float, end: float) -> np.ndarray:
    """Return 0 before `begin`, 1 after `end` and half a cosine between them."""
    phase = np.clip((times - begin) / (end - begin), 0.0, 1.0)
    return 0.5 - 0.5 * np.cos(np.pi * phase)


def plateau(times: np.ndarray, begin: float, end: float, ramp: float) -> np.ndarray:
    """Return 1 between `begin` and `end`, falling to 0 within `ramp` inside both."""
    return rise(times, begin, begin + ramp) * (1.0 - rise(times, end - ramp, end))


def bump(times: np.ndarray, peak: float, left: float, right: float) -> np.ndarray:
    """Return a Gaussian wave of height 1 with a deviation for either side."""
    apart = times - peak
    return np.exp(-0.5 * np.square(apart / np.where(apart < 0, left, right)))
