import numpy as np
import pytest

from ecg_anomaly.datasets import make_ecg
from ecg_anomaly.signal.spikes import spikes


@pytest.mark.parametrize("fs", [500.0, 1000.0, 2000.0])
def test_times_of_pulses(fs):
    X = make_ecg(5, fs=fs, random_state=1).X
    assert all(len(times) == 0 for times in spikes(X, fs))
    at = np.arange(0.3, 9.9, 1.1)
    for start in at:
        first = round(start * fs)
        X[..., first : first + round(0.002 * fs)] += np.linspace(-1, 1.2, 12)[:, None]
    for times in spikes(X, fs):
        assert len(times) >= len(at) - 2  # one may fall into a QRS complex
        assert np.abs(times[:, None] - at).min(axis=1).max() <= 0.02


def test_a_pulse_in_one_lead_is_an_artefact():
    X = make_ecg(1, fs=500.0, random_state=1).X
    X[:, 7, ::500] += 2.0
    assert len(spikes(X, 500.0)[0]) == 0


@pytest.mark.parametrize("fs", [100.0, 360.0])
def test_low_rates_lose_pulses(fs):
    X = np.zeros((1, 2, 2000))
    X[..., 1000] = 1.0
    assert len(spikes(X, fs)[0]) == 0
    assert len(spikes(X, 500.0)[0]) == 1


@pytest.mark.parametrize("n", [1, 2, 5, 25])
def test_a_few_samples(n):
    assert len(spikes(np.ones((3, 2, n)), 500.0)) == 3
