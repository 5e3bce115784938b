"""ST segment and T wave."""

from __future__ import annotations

import numpy as np

from ._beat import Beat, about, pulse, stretched, unit, window

_LEAST_T = 0.12  # mV: a T wave that is hardly there still inverts


def t_wave_change(beat: Beat, rng: np.random.Generator) -> np.ndarray:
    """Flatten or invert T, in all leads or in those that look at one wall."""
    t_wave = beat.t_wave
    kind = rng.random()
    if kind < 0.35:
        return rng.uniform(-2.0, -0.7) * t_wave
    if kind < 0.8:
        upwards = -0.3 if rng.random() < 0.5 else -1.0
        away = about((-1.0, upwards, (1.0, 0.0, -0.3)[int(rng.integers(3))]), 0.6, rng)
        size = max(_LEAST_T, np.linalg.norm(beat.dipole(t_wave), axis=0).max())
        size *= rng.uniform(0.5, 1.6)
        return beat.seen(pulse(away, size, beat.t_peak, rng.uniform(4, 8)))
    return rng.uniform(-1.0, -0.55) * t_wave


def st_shift(beat: Beat, rng: np.random.Generator) -> np.ndarray:
    """Shift ST opposite to QRS (subendocardial), or any way; half of them with a T change."""
    direction = -beat.qrs_axis if rng.random() < 0.7 else unit(rng.standard_normal(3))
    shift = about(direction, 0.35, rng) * rng.uniform(0.04, 0.2)
    segment = window(beat.j_point - 1, beat.t_peak + 3, 2.0)
    change = beat.seen(np.outer(shift, segment))
    return change + t_wave_change(beat, rng) if rng.random() < 0.5 else change


def long_qt(beat: Beat, rng: np.random.Generator) -> np.ndarray:
    """Make the T wave late and wide."""
    return stretched(beat.t_wave, beat.j_point, rng.uniform(1.15, 1.45)) - beat.t_wave
