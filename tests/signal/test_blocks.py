import numpy as np
import pytest

from ecg_anomaly.signal.blocks import (
    average_to_rate,
    block_baseline,
    block_noise,
    groups,
    quiet_level,
    reduce_blocks,
)


@pytest.mark.parametrize(
    ("fs", "expected"), [(50, 50), (100, 100), (128, 128), (250, 125), (360, 90), (2000, 100)]
)
def test_the_rate_comes_close_to_100_hz(fs, expected):
    x, rate = average_to_rate(np.ones((2, 4000), np.float32), float(fs))
    assert rate == expected
    assert x.shape == (2, 4000 * expected // fs)
    assert x.dtype == np.float32
    assert (x == 1).all()


@pytest.mark.parametrize(("size", "n"), [(1, 7), (3, 7), (7, 7), (9, 7)])
def test_blocks_are_those_of_numpy(size, n):
    x = np.random.default_rng(0).normal(size=(4, n))
    expected = x[:, : n // size * size].reshape(4, -1, size) if n >= size else x[:, :0, None]
    if n >= size:
        np.testing.assert_array_equal(reduce_blocks(np.maximum, x, size), expected.max(axis=-1))
    else:
        assert reduce_blocks(np.maximum, x, size).shape == (4, 0)


@pytest.mark.parametrize(("fs", "order"), [(50.0, 3), (100.0, 2)])
def test_noise_is_told_from_waves(fs, order):
    rng = np.random.default_rng(0)
    t = np.arange(round(20 * fs)) / fs
    waves = np.sin(2 * np.pi * 1.5 * t) + 0.5 * np.sin(2 * np.pi * 0.2 * t)
    noise = 0.1 * rng.normal(size=len(t))
    assert np.median(block_noise(waves, 10, order)) < 0.005
    assert np.median(block_noise(waves + noise, 10, order)) == pytest.approx(0.1, rel=0.15)


def test_the_quiet_level_does_not_see_qrs_complexes():
    noise = np.full(10, 0.01)
    noise[[0, 4, 8]] = 1.0
    assert quiet_level(noise) == 0.01


def test_the_baseline_follows_drift_and_not_beats():
    t = np.arange(100) / 10
    drift = 0.5 * np.sin(2 * np.pi * 0.1 * t)
    beats = drift.copy()
    beats[::8] += 1.0
    assert np.abs(block_baseline(beats) - drift).max() < 0.2


@pytest.mark.parametrize("n", range(1, 12))
def test_every_block_has_a_group_and_a_baseline(n):
    x = np.arange(float(n))
    assert set(groups(x, 4).ravel()) == set(x)
    assert block_baseline(x).shape == (n,)
