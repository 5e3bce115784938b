"""Infarction: initial forces point away from the scar, and those towards it are lost."""

from __future__ import annotations

import numpy as np

from ._beat import Beat, about, pulse, window

# Where the wall lies, along x (left), y (foot), z (back).
_WALLS = {
    "inferior": [(0.0, 1.0, 0.2)],
    "anterior": [(0.3, 0.0, -1.0), (-0.3, 0.0, -1.0), (0.7, 0.6, -0.5)],
    "lateral": [(1.0, -0.2, 0.1), (0.2, 0.2, 1.0)],
}


def infarction(beat: Beat, rng: np.random.Generator, wall: str) -> np.ndarray:
    """Make Q waves or take R away, mostly with a T wave that points away, or an ST shift."""
    walls = _WALLS[wall]
    away = about(-np.array(walls[int(rng.integers(len(walls)))]), 0.25, rng)
    qrs = beat.dipole(beat.qrs)
    center, width = beat.onset + rng.uniform(1.5, 4.5), rng.uniform(1.0, 2.2)
    change = pulse(away, beat.qrs_size * rng.uniform(0.2, 0.9), center, width)
    if rng.random() < 0.7:
        towards = np.maximum(0.0, -away @ qrs)
        change += np.outer(away, towards * rng.uniform(0.2, 0.9))
    if rng.random() < 0.55:
        size, width = rng.uniform(0.1, 0.45), rng.uniform(4, 8)
        change += pulse(about(away, 0.3, rng), size, beat.t_peak, width)
    if rng.random() < 0.3:
        side = -1.0 if rng.random() < 2 / 3 else 1.0
        shift = side * about(away, 0.35, rng) * rng.uniform(0.03, 0.15)
        change += np.outer(shift, window(beat.j_point - 1, beat.t_peak + 3, 2.0))
    return beat.seen(change)
