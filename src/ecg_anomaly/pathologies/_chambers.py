"""Thick or wide chambers, and low voltage."""

from __future__ import annotations

import numpy as np

from ._beat import Beat, about, pulse, window


def left_ventricular_hypertrophy(beat: Beat, rng: np.random.Generator) -> np.ndarray:
    """Enlarge the forces to the left and back, mostly with strain: ST and T opposite to QRS."""
    qrs, axis = beat.dipole(beat.qrs), beat.qrs_axis
    larger = rng.uniform(1.3, 2.2)
    factors = np.array([larger, rng.uniform(0.9, 1.3), larger * rng.uniform(0.8, 1.1)])
    change = (factors - 1)[:, None] * qrs
    if rng.random() < 0.6:
        size, width = beat.qrs_size * larger, rng.uniform(5, 8)
        strain = about(-axis, 0.2, rng)
        change += pulse(strain, size * rng.uniform(0.08, 0.35), beat.t_peak, width)
        segment = window(beat.j_point - 1, beat.t_peak + 3, 2.0)
        change += np.outer(about(-axis, 0.35, rng) * size * rng.uniform(0, 0.08), segment)
    return beat.seen(change)


def right_ventricular_hypertrophy(beat: Beat, rng: np.random.Generator) -> np.ndarray:
    """Add forces to the right and front, half with a T wave away from the right ventricle."""
    size = beat.qrs_size
    center, width = beat.onset + rng.uniform(4, 7), rng.uniform(1.5, 2.5)
    right = about((-0.8, 0.3, -0.6), 0.25, rng)
    change = pulse(right, size * rng.uniform(0.4, 1.0), center, width)
    if rng.random() < 0.5:
        away = about((0.4, -0.5, 0.8), 0.2, rng)
        change += pulse(away, size * rng.uniform(0.1, 0.3), beat.t_peak, 6.0)
    return beat.seen(change)


def atrial_enlargement(beat: Beat, rng: np.random.Generator) -> np.ndarray:
    """Add a late force of the left atrium to the back, or a tall P wave of the right one."""
    if rng.random() < 0.6:
        center, width = beat.p_peak + rng.uniform(2, 5), rng.uniform(2, 3)
        back = about((0.5, 0.1, 1.0), 0.25, rng)
        return beat.seen(pulse(back, rng.uniform(0.06, 0.18), center, width))
    down = about((0.2, 1.0, -0.2), 0.2, rng)
    tall = pulse(down, rng.uniform(0.05, 0.15), beat.p_peak, rng.uniform(2, 3))
    return rng.uniform(0.5, 1.5) * beat.p_wave + beat.seen(tall)


def low_voltage(beat: Beat, rng: np.random.Generator) -> np.ndarray:
    """Lower all waves to a third or half of their height."""
    return rng.uniform(-0.7, -0.45) * beat.signal
