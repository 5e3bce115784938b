"""When the heart beats, and how each beat differs from the next."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ._dipole import T, Waves
from ._patient import Patient, turned

# Beats this long before and after the record still reach into it.
_BEFORE, _AFTER = 1.5, 1.5


@dataclass(frozen=True)
class Rhythm:
    """Beats of one record, one row each.

    Attributes
    ----------
    r : ndarray of shape (n_beats,)
        Peak of the R wave, in seconds from the record's start; the first and last lie outside.
    rr : ndarray of shape (n_beats,)
        Time since the beat before.
    qt_shift : ndarray of shape (n_beats,)
        By how much QT differs from the template's.
    gain : ndarray of shape (n_beats,)
        Amplitude relative to the template's.
    tilt : ndarray of shape (n_beats,)
        Turn in the frontal plane, in degrees.
    """

    r: np.ndarray
    rr: np.ndarray
    qt_shift: np.ndarray
    gain: np.ndarray
    tilt: np.ndarray


def sinus(patient: Patient, duration: float, rng: np.random.Generator) -> Rhythm:
    """Draw a sinus rhythm with respiratory sinus arrhythmia.

    Heart-rate variability falls with age (Umetani et al. 1998): up to 6 % of the RR interval at
    the breathing rate and up to 3 % at 0.1 Hz in the young.
    """
    mean = 60.0 / patient.heart_rate
    start = 0.2 + rng.uniform() * min(mean, duration - 0.6)
    youth = 1.0 - 0.75 * (patient.age - 18) / 72
    depth = youth * rng.uniform(0.01, 0.06)
    slow = youth * rng.uniform(0.005, 0.03)
    jitter = rng.uniform(0.004, 0.012)
    phases = rng.uniform(0.0, 2.0 * np.pi, 2)
    sway, tilt = rng.uniform(0.01, 0.06), rng.uniform(0.5, 3.0)
    ahead = int(np.ceil((_BEFORE + 1.0) / mean)) + 1
    count = ahead + int(np.ceil((duration + _AFTER) / (0.85 * mean))) + 1
    about = start + mean * (np.arange(count) - ahead)
    rr = 1.0 + depth * np.sin(2.0 * np.pi * patient.breath * about + phases[0])
    rr += slow * np.sin(2.0 * np.pi * 0.1 * about + phases[1])
    rr = mean * (rr + jitter * rng.normal(size=count))
    r = np.cumsum(rr)
    r += start - r[ahead]
    return _breathing(patient, r, rr, mean, sway, tilt, phases[0], duration)


def fibrillation(
    patient: Patient, rate: float, duration: float, rng: np.random.Generator
) -> Rhythm:
    """Draw the ventricular rhythm of atrial fibrillation: intervals without memory."""
    mean, spread = 60.0 / rate, rng.uniform(0.18, 0.28)
    count = int(np.ceil((duration + _BEFORE + _AFTER + 1.0) / (0.5 * mean)))
    rr = mean * np.exp(spread * rng.normal(size=count) - spread**2 / 2.0)
    rr = np.maximum(rr, 0.32)
    r = np.cumsum(rr) - _BEFORE - rng.uniform() * mean
    rhythm = _breathing(patient, r, rr, mean, 0.05, 1.5, 0.0, duration)
    # The template's QT belongs to the sinus rate.
    shift = rhythm.qt_shift - 0.00175 * (rate - patient.heart_rate)
    return replace(rhythm, qt_shift=shift)


def _breathing(patient, r, rr, mean, sway, tilt, phase, duration):
    keep = (r > -_BEFORE) & (r < duration + _AFTER)
    r, rr = r[keep], rr[keep]
    breath = np.sin(2.0 * np.pi * patient.breath * r + phase + 1.0)
    return Rhythm(r, rr, 0.12 * (rr - mean), 1.0 + sway * breath, tilt * breath)


def beats(template: Waves, rhythm: Rhythm) -> Waves:
    """Lay one beat of `template` at every R peak of `rhythm`."""
    n_beats, n_waves = len(rhythm.r), len(template.time)
    time = rhythm.r[:, None] + template.time
    time = time + np.where(template.part == T, rhythm.qt_shift[:, None], 0.0)
    vector = rhythm.gain[:, None, None] * turned(
        np.broadcast_to(template.vector, (n_beats, n_waves, 3)), rhythm.tilt[:, None]
    )
    return Waves(
        time.ravel(),
        np.tile(template.left, n_beats),
        np.tile(template.right, n_beats),
        vector.reshape(-1, 3),
        np.tile(template.part, n_beats),
        np.repeat(np.arange(n_beats), n_waves),
    )
