"""ST deviation, T inversion and Q waves in all beats, by territory."""

from __future__ import annotations

import numpy as np

from ._beats import Beats
from ._change import Change
from ._shapes import bump, rise
from ._territories import choose_territory, sized_shares


def st_elevation(beats: Beats, signal, leads, territory, rng) -> Change:
    """Raise the ST segment by 0.15 to 0.35 of QRS, and lower it in the leads opposite."""
    return _st_deviation(1.0, beats, signal, leads, territory, rng)


def st_depression(beats: Beats, signal, leads, territory, rng) -> Change:
    """Lower the ST segment by 0.15 to 0.35 of QRS, and raise it in the leads opposite."""
    return _st_deviation(-1.0, beats, signal, leads, territory, rng)


def _st_deviation(sign: float, beats: Beats, signal, leads, territory, rng) -> Change:
    territory = choose_territory(leads, territory, rng)
    sizes = sign * rng.uniform(0.15, 0.35) * np.maximum(beats.qrs, 0.3)
    amounts = sized_shares(territory, leads, sizes, rng)
    j, peak, end = beats.j_point, beats.t_peak, beats.t_end

    def shape(times):
        return rise(times, j - 0.03, j + 0.03) * (1.0 - rise(times, peak - 0.06, end + 0.02))

    return _in_all_beats(amounts, shape, beats, signal, territory)


def t_inversion(beats: Beats, signal, leads, territory, rng) -> Change:
    """Turn upright T waves over, to 0.05 to 0.2 of QRS below the baseline."""
    territory = choose_territory(leads, territory, rng)
    height = np.maximum(beats.at(beats.t_peak), 0.0)
    sizes = -(height + np.maximum(0.1, rng.uniform(0.05, 0.2) * beats.qrs))
    amounts = sized_shares(territory, leads, sizes, rng)
    right = (beats.t_end - beats.t_peak) / 2.5

    def shape(times):
        return bump(times, beats.t_peak, 0.05, right)

    return _in_all_beats(amounts, shape, beats, signal, territory)


def q_wave(beats: Beats, signal, leads, territory, rng) -> Change:
    """Begin QRS with a Q wave of 40 ms or more, 0.25 to 0.5 of QRS deep."""
    territory = choose_territory(leads, territory, rng)
    sizes = -rng.uniform(0.25, 0.5) * np.maximum(beats.qrs, 0.3)
    amounts = sized_shares(territory, leads, sizes, rng)
    center = beats.onset + 0.01

    def shape(times):
        return bump(times, center, 0.014, 0.014)

    return _in_all_beats(amounts, shape, beats, signal, territory)


def _in_all_beats(amounts: np.ndarray, shape, beats: Beats, signal, detail: str) -> Change:
    times = np.arange(signal.shape[1]) / beats.fs
    wave = sum(shape(times - time) for time in beats.times)
    return Change(amounts[:, None] * wave, detail)
