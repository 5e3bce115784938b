import numpy as np
import pytest

from ecg_anomaly import RecordSet
from ecg_anomaly.errors import SignalError
from ecg_anomaly.preprocessing import CropOrPad


@pytest.mark.parametrize("n_samples", [300, 1000, 1501])
def test_any_length_becomes_the_one_wanted(n_samples):
    fitted = CropOrPad().fit(np.zeros((2, 3, 700)))
    x = np.random.default_rng(0).normal(size=(2, 3, n_samples))
    assert fitted.transform(x).shape == (2, 3, 1000)
    assert fitted.transform(RecordSet(x)).shape == (2, 3, 1000)


def test_there_and_back():
    x = np.random.default_rng(0).normal(size=(2, 3, 301))
    for position in ("start", "center", "end"):
        padded = CropOrPad(duration=7.5, position=position, mode="zero").fit_transform(x)
        back = CropOrPad(duration=3.01, position=position).fit_transform(padded)
        np.testing.assert_array_equal(back, x)


def test_fractions_of_a_sample_are_rounded():
    assert CropOrPad(duration=0.7, fs=257).fit_transform(np.zeros((1, 2, 300))).shape[2] == 180


@pytest.mark.parametrize(("duration", "fs"), [(0.001, 100.0), (1e12, 100.0)])
def test_impossible_durations(duration, fs):
    with pytest.raises(SignalError, match="duration in seconds"):
        CropOrPad(duration=duration, fs=fs).fit(np.zeros((2, 3, 100)))


@pytest.mark.parametrize(
    "wrong", [{"duration": 0}, {"duration": np.inf}, {"position": "middle"}, {"mode": "wrap"}]
)
def test_parameters_are_checked(wrong):
    with pytest.raises(ValueError, match="parameter of CropOrPad"):
        CropOrPad(**wrong).fit(np.zeros((2, 3, 100)))
