import numpy as np
import pytest

from ecg_anomaly import make_ecg
from ecg_anomaly.baselines import HeartRate
from ecg_anomaly.baselines._heart_rate import rhythm


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


def test_fibrillation_is_irregular():
    normals = make_ecg(30, random_state=0)
    sick = make_ecg(12, anomalies="af", anomaly_fraction=1.0, random_state=1)
    irregularity = HeartRate().fit(normals.X).transform(sick.X)[:, 1]
    assert irregularity.min() > HeartRate().fit_transform(normals.X)[:, 1].max()


def test_no_beat_gives_no_rate():
    assert HeartRate().fit_transform(np.zeros((2, 12, 1000))).tolist() == [[0, 0], [0, 0]]
    rate = HeartRate().fit_transform(1e-3 * np.ones((1, 1, 1000)))
    assert rate.tolist() == [[0, 0]]
