"""Faults of one electrode for a while: lost contact, and a burst of noise."""

from __future__ import annotations

import numpy as np

from ...errors import DatasetError
from ...leads import LIMB_LEADS
from ..synthetic._noise import coloured, muscle
from ._beats import Beats
from ._change import Change
from ._shapes import plateau
from ._territories import spread

_FADE = 0.1


def lead_off(beats: Beats, signal, leads, territory, rng) -> Change:
    """Flatten one chest lead for 1.5 to 4 s, or a limb lead and those that share its electrode."""
    span, window = _span(beats, signal.shape[1], territory, rng)
    lead = _electrode(leads, rng)
    row = leads.index(lead)
    level = np.median(signal[row]) + rng.uniform(-0.1, 0.1)
    hiss = 0.002 * rng.standard_normal(signal.shape[1])
    difference = _on(lead, (level + hiss - signal[row]) * window, leads)
    return Change(np.zeros(signal.shape), lead, (span,), difference)


def noise_burst(beats: Beats, signal, leads, territory, rng) -> Change:
    """Add 1.5 to 4 s of muscle noise, from 2 to 40 Hz, to one lead and those that share it."""
    span, window = _span(beats, signal.shape[1], territory, rng)
    lead = _electrode(leads, rng)
    size = rng.uniform(0.15, 0.35) * max(float(beats.qrs[leads.index(lead)]), 0.3)

    def density(frequencies):
        inside = (frequencies >= 2.0) & (frequencies <= 38.0)
        return inside * (muscle(frequencies) + 0.002)

    noise = coloured(rng, density, beats.fs, signal.shape[1], 1)[0]
    noise *= size / noise.std()
    return Change(_on(lead, noise * window, leads), lead, (span,))


def _span(beats: Beats, n_samples: int, territory, rng: np.random.Generator):
    if territory is not None:
        raise DatasetError("a fault of an electrode has no territory; leave it None.")
    duration = n_samples / beats.fs
    length = min(rng.uniform(1.5, 4.0), 0.6 * duration)
    begin = rng.uniform(0.0, duration - length)
    times = np.arange(n_samples) / beats.fs
    return (begin, begin + length), plateau(times, begin, begin + length, _FADE)


def _electrode(leads, rng: np.random.Generator) -> str:
    """Return a lead with an electrode of its own, or I or II where there is none."""
    own = [lead for lead in leads if lead not in LIMB_LEADS]
    limbs = [lead for lead in ("I", "II") if lead in leads] or list(leads[:1])
    choices = own or limbs
    return choices[int(rng.integers(0, len(choices)))]


def _on(lead: str, difference: np.ndarray, leads) -> np.ndarray:
    if lead in LIMB_LEADS and lead not in ("I", "II"):
        return np.array([difference * (name == lead) for name in leads])
    return spread({lead: difference}, leads)
