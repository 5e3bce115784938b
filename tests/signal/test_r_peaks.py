import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecg_anomaly.errors import SignalError
from ecg_anomaly.signal.beats import match_peaks
from ecg_anomaly.signal.r_peaks import find_r_peaks


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
