"""A premature ventricular beat in place of a normal one."""

from __future__ import annotations

import numpy as np

from ...errors import DatasetError, SignalError
from ...leads import LIMB_LEADS, reorder
from ._beats import Beats
from ._change import Change
from ._shapes import bump, plateau, rise
from ._territories import spread

# Share of QRS in each lead, by where the beat arises: as left or right bundle branch block.
_FORMS = {
    "right ventricle": {
        "I": 0.6, "II": 0.6, "V1": -0.7, "V2": -1.0, "V3": -0.8, "V4": 0.4, "V5": 0.8, "V6": 0.8,
    },
    "left ventricle": {
        "I": -0.6, "II": 0.6, "V1": 0.9, "V2": 1.0, "V3": 0.9, "V4": 0.6, "V5": -0.4, "V6": -0.7,
    },
}  # fmt: skip
_FADE = 0.06


def pvc(beats: Beats, signal, leads, territory, rng) -> Change:
    """Put a wide early beat with a discordant T wave in place of a normal one.

    The normal beat is taken out as its median form, so that noise and wander stay; later beats
    come on time: a compensatory pause.
    """
    if territory is not None:
        raise DatasetError("a pvc has no territory; leave it None.")
    row, time = _place(beats, signal.shape[1] / beats.fs, rng)
    origin = list(_FORMS)[int(rng.integers(0, 2))]
    width = rng.uniform(0.125, 0.175)
    times = np.arange(signal.shape[1]) / beats.fs - time
    first, second, recovery = _weights(origin, leads, beats, rng)
    begin = -0.45 * width
    wave = np.outer(first, bump(times, begin + 0.33 * width, 0.13 * width, 0.15 * width))
    wave += np.outer(second, bump(times, begin + 0.66 * width, 0.15 * width, 0.15 * width))
    wave += np.outer(recovery, bump(times, 0.27 * np.sqrt(beats.rr) + 0.04, 0.07, 0.05))
    end = beats.times[row] + beats.t_end
    wave *= plateau(times, begin - 0.5 * width, end - time + 0.1, _FADE)
    return Change(wave, origin, ((time + begin, end),), -_normal_beat(row, beats, signal, leads))


def _place(beats: Beats, duration: float, rng: np.random.Generator) -> tuple[int, float]:
    """Return which beat is replaced, and when the early one comes."""
    r, rr = beats.times, np.diff(beats.times)
    rows = np.arange(1, len(r))
    earliest = np.maximum(r[:-1] + 0.55 * rr, r[:-1] + beats.t_end + 0.10)
    latest = r[:-1] + 0.82 * rr
    earliest = np.minimum(earliest, latest)
    fits = (r[rows] + beats.t_end < duration) & (earliest > 0.2)
    if not fits.any():
        raise SignalError("no whole interval between two beats lies in the record.")
    k = int(rng.choice(np.flatnonzero(fits)))
    return int(rows[k]), float(rng.uniform(earliest[k], latest[k]))


def _weights(origin: str, leads, beats: Beats, rng: np.random.Generator):
    """Return the deflections of both parts of QRS and of the T wave, in mV by lead."""
    known = _FORMS[origin]
    size_of = dict(zip(leads, np.maximum(beats.qrs, 0.4), strict=True))
    typical = float(np.median(list(size_of.values())))
    limbs = [size_of[lead] for lead in ("I", "II", "III", "aVR", "aVL", "aVF") if lead in size_of]
    size_of["I"] = size_of["II"] = float(np.mean(limbs)) if limbs else typical
    shares = known | {lead: known["II"] for lead in leads if lead not in known}
    size = rng.uniform(0.9, 1.4)
    axis = 1.0 if rng.uniform() < 0.6 else -1.0
    parts = []
    for scale in (0.8, 1.0):
        values = {}
        for lead, share in shares.items():
            value = (share + 0.15 * rng.standard_normal()) * size * scale
            values[lead] = value * (axis if lead == "II" else 1.0) * size_of.get(lead, typical)
        parts.append(spread(values, leads))
    first, second = parts
    return first, second, -0.35 * (first + second) / 2.0


def _normal_beat(row: int, beats: Beats, signal: np.ndarray, leads) -> np.ndarray:
    """Return what of the record is the beat to replace: its median form, and all of its QRS."""
    n_samples, n_template = signal.shape[1], beats.template.shape[1]
    start = beats.peaks[row] - beats.origin
    first, last = max(0, start), min(n_samples, start + n_template)
    times = np.arange(n_template) / beats.fs
    length = (n_template - 1) / beats.fs
    taper = rise(times, 0.0, _FADE) * (1.0 - rise(times, length - _FADE, length))
    taken = np.zeros(signal.shape)
    # medians of leads do not add up as the leads do
    template = _consistent(beats.template, leads)
    taken[:, first:last] = (template * taper)[:, first - start : last - start]
    # a QRS complex is never quite the median one: around it what is left becomes a straight line
    left = signal - taken
    half = round(0.08 * beats.fs)
    a, b = max(0, beats.peaks[row] - half), min(n_samples - 1, beats.peaks[row] + half)
    inside = np.arange(a, b + 1)
    share = (inside - a) / (b - a)
    line = left[:, [a]] * (1.0 - share) + left[:, [b]] * share
    window = plateau(inside / beats.fs, a / beats.fs, b / beats.fs, 0.03)
    taken[:, a : b + 1] += (left[:, a : b + 1] - line) * window
    return taken


def _consistent(template: np.ndarray, leads) -> np.ndarray:
    limbs = [lead for lead in leads if lead in LIMB_LEADS]
    if len(limbs) < 3:
        return template
    first_two = reorder(template, leads, ("I", "II"))
    own = {lead: row for lead, row in zip(leads, template, strict=True) if lead not in LIMB_LEADS}
    return spread(own | {"I": first_two[0], "II": first_two[1]}, leads)
