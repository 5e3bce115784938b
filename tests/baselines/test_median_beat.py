import numpy as np
import pytest

from ecg_anomaly import BandpassFilter, make_ecg
from ecg_anomaly.baselines import MedianBeat
from ecg_anomaly.errors import SignalError


def pulses(centers, n_leads=3, n_samples=1000, width=2.0):
    time = np.arange(n_samples)
    wave = sum(np.exp(-np.square((time - center) / width)) for center in centers)
    return np.arange(1, n_leads + 1)[:, None] * wave


def test_the_median_beat_is_the_beat():
    at = np.array([50, 150, 250, 360, 450, 540, 650, 740, 850])
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


def test_twelve_leads_are_eight_and_no_beat_is_zero():
    normals = make_ecg(30, random_state=0)
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
