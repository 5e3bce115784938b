"""Median beats on one grid."""

import numpy as np
import pytest

from ecg_anomaly.signal.median_beat import BEAT_SAMPLES, R_SAMPLE, beat_grid, median_beat


def train_of_beats(fs, rate=1.0, seconds=10.0):
    time = np.arange(round(seconds * fs)) / fs
    phase = (time * rate) % 1 - 0.5
    lead = np.exp(-np.square(phase / 0.02)) + 0.3 * np.exp(-np.square((phase - 0.28) / 0.05))
    return np.stack([lead, -2 * lead]), np.rint(
        (np.arange(seconds * rate) + 0.5) / rate * fs
    ).astype(int)


@pytest.mark.parametrize("fs", [62.5, 100, 128, 250, 257, 360, 500, 1000])
def test_the_grid_is_the_same_at_any_rate(fs):
    record, peaks = train_of_beats(fs)
    beat = median_beat(record, peaks, fs)
    assert beat.shape == (2, BEAT_SAMPLES)
    assert abs(int(beat[0].argmax()) - R_SAMPLE) <= 1
    reference = median_beat(*train_of_beats(100), 100)
    inner = slice(8, -8)  # the filter's edges
    if fs >= 100:  # below, half a sample is as long as an R peak is steep
        np.testing.assert_allclose(beat[:, inner], reference[:, inner], atol=0.25)
    np.testing.assert_allclose(beat[1], -2 * beat[0], atol=1e-9)


def test_one_odd_beat_does_not_show():
    record, peaks = train_of_beats(100)
    odd = record.copy()
    odd[:, peaks[4] - 30 : peaks[4] + 40] *= -3
    np.testing.assert_allclose(
        median_beat(odd, peaks, 100), median_beat(record, peaks, 100), atol=1e-6
    )


@pytest.mark.parametrize("peaks", [[], [2], [998]])
def test_without_a_whole_beat_there_is_none(peaks):
    record, _ = train_of_beats(100)
    assert not median_beat(record, np.array(peaks, int), 100).any()


def test_the_grid_keeps_a_constant():
    for fs in (100, 250, 500):
        _, width, to_grid = beat_grid(fs)
        np.testing.assert_allclose(np.ones(width) @ to_grid, 1, atol=1e-9)
