import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecg_anomaly import BandpassFilter, make_ecg
from ecg_anomaly.baselines import HeartRate, MedianBeat
from ecg_anomaly.baselines._beats import beat_centers, rhythm, strongest_mixture
from ecg_anomaly.errors import SignalError


@pytest.fixture(scope="module")
def normals():
    return make_ecg(30, random_state=0)


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


@pytest.mark.parametrize("sign", [1, -1])
def test_beats_are_found_where_they_deflect_most(sign):
    at = np.arange(60, 1000, 83)
    found = beat_centers(sign * pulses(at), 100.0)
    np.testing.assert_array_equal(found, at)


@pytest.mark.parametrize("off", [-6, 4])
def test_marks_beside_the_peak_are_moved_to_it(off, monkeypatch):
    at = np.arange(60, 1000, 83)
    monkeypatch.setattr("ecg_anomaly.baselines._beats.find_r_peaks", lambda x, fs: at + off)
    np.testing.assert_array_equal(beat_centers(pulses(at), 100.0), at)


def test_rhythm_of_few_beats():
    assert rhythm(np.array([], int), 1000, 100.0).tolist() == [0.0, 0.0]
    assert rhythm(np.array([500]), 1000, 100.0).tolist() == [6.0, 0.0]
    assert rhythm(np.array([100, 200]), 1000, 100.0).tolist() == [60.0, 0.0]
    assert rhythm(np.array([0, 100, 250]), 1000, 100.0).tolist() == [48.0, 0.4]


@pytest.mark.parametrize("fs", [100.0, 250.0])
def test_the_rate_of_synthetic_hearts(fs):
    data = make_ecg(12, fs=fs, random_state=1)
    rate, irregularity = HeartRate(fs=fs).fit_transform(data.X).T
    np.testing.assert_allclose(rate, data.table["heart_rate"], atol=3)
    assert irregularity.max() < 0.15


def test_fibrillation_is_irregular(normals):
    sick = make_ecg(12, anomalies="af", anomaly_fraction=1.0, random_state=1)
    irregularity = HeartRate().fit(normals.X).transform(sick.X)[:, 1]
    assert irregularity.min() > HeartRate().fit_transform(normals.X)[:, 1].max()


def test_no_beat_gives_no_rate():
    assert HeartRate().fit_transform(np.zeros((2, 12, 1000))).tolist() == [[0, 0], [0, 0]]
    rate = HeartRate().fit_transform(1e-3 * np.ones((1, 1, 1000)))
    assert rate.tolist() == [[0, 0]]


def test_the_median_beat_is_the_beat():
    at = np.array([150, 250, 360, 450, 540, 650, 740, 850])
    record = pulses(at, n_leads=2)
    noisy = record + 0.05 * np.random.default_rng(0).normal(size=record.shape)
    features = MedianBeat().fit_transform(noisy[None])[0]
    beat, (rate, irregularity) = features[:-2].reshape(2, 70), features[-2:]
    expected = pulses([25], n_leads=2, n_samples=70)
    np.testing.assert_allclose(beat, expected, atol=0.12)
    assert rate == 60.0
    assert 0.1 < irregularity < 0.25


def test_one_ectopic_beat_does_not_move_the_median():
    at = np.arange(60, 1000, 90)
    record = pulses(at)
    ectopic = record.copy()
    ectopic[:, 490:540] = pulses([25], n_samples=50, width=8.0)
    features = MedianBeat().fit(record[None])
    plain, changed = (features.transform(x[None])[0, :-2] for x in (record, ectopic))
    np.testing.assert_allclose(changed, plain, atol=0.05)


def test_twelve_leads_are_eight_and_no_beat_is_zero(normals):
    features = MedianBeat().fit(normals.X)
    assert features.rows_.tolist() == [0, 1, 6, 7, 8, 9, 10, 11]
    assert features.transform(normals.X).shape == (30, 8 * 70 + 2)
    silent = features.transform(np.zeros_like(normals.X[:1]))
    assert silent.tolist() == [[0.0] * 562]
    features.rows_ = features.rows_ + 12
    with pytest.raises(SignalError, match="no leads"):
        features._check_state()


def test_short_windows_are_beats_themselves():
    X = np.random.default_rng(0).normal(size=(3, 2, 249)).astype(np.float32)
    np.testing.assert_array_equal(MedianBeat().fit_transform(X), X.reshape(3, -1))
    assert MedianBeat(fs=99).fit_transform(X).shape == (3, 2 * round(0.7 * 99) + 2)


def test_st_elevation_shows_in_the_median_beat():
    data = make_ecg(
        20, anomalies="st_elevation", anomaly_fraction=1.0, return_twins=True, random_state=3
    )
    filtered = BandpassFilter().fit(data.X)
    features = MedianBeat().fit(data.X)
    sick, well = (
        features.transform(filtered.transform(x))[:, :-2].reshape(20, 8, 70)
        for x in (data.X, data.twins)
    )
    difference = np.abs(sick - well).max(axis=1).mean(axis=0)
    # samples 35 to 45 are 100 to 200 ms after the R peak
    assert difference[35:45].mean() > 2 * difference[:15].mean()
