from functools import partial
from unittest import mock

import numpy as np
import pytest
import sleepecg
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ecg_anomaly.errors import SignalError
from ecg_anomaly.signal.beats import match_peaks
from ecg_anomaly.signal.r_peaks import (
    beat_centers,
    find_r_peaks,
    move_to_largest,
    strongest_mixture,
)


def beats(fs, duration=30.0, seed=0):
    """Return QRS complexes with T waves, drift and noise, and the times of their peaks."""
    rng = np.random.default_rng(seed)
    peaks = 0.5 + np.cumsum(rng.uniform(0.6, 1.1, int(duration / 0.6)))
    peaks = peaks[peaks < duration - 0.5]
    time = np.arange(int(duration * fs)) / fs
    x = 0.1 * np.sin(time) + 0.01 * rng.normal(size=len(time))
    for peak in peaks:
        x += np.exp(-np.square((time - peak) / 0.012))
        x -= 0.25 * np.exp(-np.square((time - peak - 0.035) / 0.012))
        x += 0.2 * np.exp(-np.square((time - peak - 0.28) / 0.05))
    return x, peaks


def quality(fs, found, peaks, tolerance=0.05):
    rows, _ = match_peaks(np.rint(peaks * 1000), np.rint(found / fs * 1000), tolerance * 1000)
    return len(rows) / len(peaks), len(rows) / max(len(found), 1)


@pytest.mark.parametrize("fs", [60, 100, 128.5, 250, 360, 500, 1000])
def test_beats_are_found_at_any_rate(fs):
    x, peaks = beats(fs)
    sensitivity, ppv = quality(fs, find_r_peaks(x, fs), peaks)
    assert sensitivity >= 0.97
    assert ppv >= 0.97


@pytest.mark.parametrize(
    "change",
    [
        lambda x: -x,
        lambda x: x * 1e200,
        lambda x: x * 1e-200,
        lambda x: x + 300,
        lambda x: x.astype(np.float32),
        lambda x: (1000 * x).astype(np.int16),
        lambda x: np.repeat(x, 2)[::2],
        lambda x: x.astype(">f4"),
    ],
)
def test_unit_polarity_and_type_do_not_matter(change):
    x, peaks = beats(250)
    x = change(x)
    x.flags.writeable = False
    sensitivity, ppv = quality(250, find_r_peaks(x, 250), peaks)
    assert sensitivity >= 0.95
    assert ppv >= 0.95


def test_missing_samples_hold_no_peak():
    x, peaks = beats(250)
    x[2000:3500] = np.nan
    found = find_r_peaks(x, 250)
    assert not ((found >= 2000) & (found < 3500)).any()
    outside = (peaks < 7.9) | (peaks > 14.1)
    sensitivity, _ = quality(250, found, peaks[outside])
    assert sensitivity >= 0.9


@pytest.mark.parametrize(
    "x",
    [np.zeros(0), np.ones(1), np.zeros(5000), np.full(5000, 3.0), np.full(5000, np.nan),
     np.arange(20.0), np.r_[np.full(4999, np.nan), 1.0]],
    ids=["empty", "one", "zeros", "flat", "missing", "short", "one of many"],
)  # fmt: skip
def test_where_there_is_no_beat(x):
    found = find_r_peaks(x, 250)
    assert found.dtype == np.int64
    assert found.tolist() == []


@pytest.mark.parametrize(
    ("x", "problem"),
    [
        (np.zeros((1, 1000)), "shape \\(n_samples,\\)"),
        (np.zeros(1000, complex), "real array"),
        (np.zeros(1000, object), "real array"),
        (np.r_[np.zeros(1000), np.inf], "infinities"),
    ],
)
def test_refused_signals(x, problem):
    with pytest.raises(SignalError, match=problem):
        find_r_peaks(x, 250)


@pytest.mark.parametrize("fs", [0, -5, np.nan, np.inf, "fast", 1e-9])
def test_refused_rates(fs):
    with pytest.raises(SignalError):
        find_r_peaks(beats(250)[0], fs)


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(0, 1500), fs=st.sampled_from([50, 100, 250, 360, 999]), seed=st.integers(0, 99)
)
def test_anything_gives_peaks_within_the_signal(n, fs, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n) * 10.0 ** rng.integers(-20, 20)
    x[rng.random(n) < 0.3 * (seed % 2)] = np.nan
    found = find_r_peaks(x, fs)
    assert (np.diff(found) > 0).all()
    assert np.isfinite(x[found]).all()


def pulses(centers, n_leads=3, n_samples=1000, width=2.0):
    time = np.arange(n_samples)
    wave = sum(np.exp(-np.square((time - center) / width)) for center in centers)
    return np.arange(1, n_leads + 1)[:, None] * wave


@given(
    st.integers(1, 5), st.integers(1, 60), st.integers(0, 1000), st.sampled_from([1e-6, 1.0, 1e6])
)
def test_the_mixture_is_finite_and_follows_the_scale(n_leads, n_samples, seed, scale):
    record = np.random.default_rng(seed).normal(size=(n_leads, n_samples))
    mixture = strongest_mixture(record)
    assert mixture.shape == (n_samples,)
    assert np.isfinite(mixture).all()
    if n_samples > 1:
        assert mixture[np.abs(mixture).argmax()] > 0
    if n_samples > 4:  # in two samples both deflections are equally large
        scaled = strongest_mixture(scale * record)
        np.testing.assert_allclose(scaled, scale * mixture, rtol=1e-6, atol=1e-9 * scale)


def test_the_mixture_has_most_of_the_energy():
    rng = np.random.default_rng(0)
    record = pulses([100, 300, 500]) + 0.01 * rng.normal(size=(3, 1000))
    mixture = strongest_mixture(record)
    expected = np.sqrt(14.0) * (pulses([100, 300, 500])[0] - pulses([100, 300, 500])[0].mean())
    np.testing.assert_allclose(mixture, expected, atol=0.1)


@pytest.mark.parametrize("fs", [60, 100, 128.5, 250, 360, 500, 1000])
@pytest.mark.parametrize("scale", [1.0, -1.0, 1e-100, 1e100])
def test_centers_are_found_at_any_rate_and_scale(fs, scale):
    x, peaks = beats(fs)
    sensitivity, ppv = quality(fs, beat_centers(scale * np.stack([x, -2 * x]), fs), peaks)
    assert sensitivity >= 0.95
    assert ppv >= 0.95


@settings(max_examples=60, deadline=None)
@given(n=st.integers(1, 1500), fs=st.sampled_from([50, 100, 250, 999]), seed=st.integers(0, 99))
@example(n=50, fs=100, seed=0)
@example(n=82, fs=100, seed=82)
def test_any_record_gives_centers_within_it(n, fs, seed):
    record = np.random.default_rng(seed).normal(size=(3, n)) * 10.0 ** (seed % 41 - 20)
    record[:, : seed * n // 100] = 0.0  # an electrode that is put on late
    found = beat_centers(record, fs)
    assert found.dtype == np.int64
    assert (np.diff(found) > 0).all()
    assert ((found >= 0) & (found < n)).all()


# indices outside arrays are errors there, where the C code writes on
@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(60, 1500),
    period=st.floats(0.18, 0.32),
    start=st.integers(0, 400),
    noise=st.sampled_from([0.0, 0.01, 1.0]),
)
@example(n=64, period=0.2, start=0, noise=0.0)
@example(n=1000, period=0.2, start=0, noise=0.0)
@example(n=450, period=0.25, start=390, noise=0.0)
def test_the_fastest_and_shortest_ecgs_stay_within_sleepecgs_memory(n, period, start, noise):
    time = np.arange(n) / 100
    x = np.exp(-np.square((time % period - 0.1) / 0.02))
    x += noise * np.random.default_rng(n).normal(size=n)
    x[:start] = x[0]
    checked = partial(sleepecg.detect_heartbeats, backend="python")
    with mock.patch("sleepecg.detect_heartbeats", checked):
        expected = beat_centers(x[None], 100.0)
    np.testing.assert_array_equal(beat_centers(x[None], 100.0), expected)


@pytest.mark.parametrize("sign", [1, -1])
def test_beats_are_found_where_they_deflect_most(sign):
    at = np.arange(60, 1000, 83)
    found = beat_centers(sign * pulses(at), 100.0)
    np.testing.assert_array_equal(found, at)


def test_low_waves_are_no_beats():
    at = np.arange(60, 1000, 150)
    record = pulses(at) + 0.2 * pulses(at[:-1] + 75, width=6.0)
    assert beat_centers(record, 100.0).tolist() == at.tolist()


@pytest.mark.parametrize("off", [-6, 4])
def test_marks_beside_the_peak_are_moved_to_it(off, monkeypatch):
    at = np.arange(60, 1000, 83)
    monkeypatch.setattr("ecg_anomaly.signal.r_peaks._find_fast", lambda x, fs: at + off)
    np.testing.assert_array_equal(beat_centers(pulses(at), 100.0), at)


def test_peaks_are_moved_no_further_than_60_ms_and_within_the_signal():
    height = np.zeros(400)
    height[[0, 94, 207, 399]] = 1.0
    moved = move_to_largest(np.array([3, 100, 200, 398]), height, 100.0)
    assert moved.tolist() == [0, 94, 194, 399]  # of equals the first; 207 is 70 ms away


def test_peaks_that_meet_become_one():
    height = np.abs(np.arange(100) - 50.0).max() - np.abs(np.arange(100) - 50.0)
    assert move_to_largest(np.array([46, 55]), height, 100.0).tolist() == [50]


def test_no_peaks_stay_none():
    moved = move_to_largest(np.zeros(0, np.int64), np.ones(100), 100.0)
    assert moved.tolist() == []
    assert moved.dtype == np.int64
    assert beat_centers(np.zeros((2, 1000)), 100.0).tolist() == []
