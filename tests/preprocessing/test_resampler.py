import numpy as np
import pytest

from ecg_anomaly import RecordSet
from ecg_anomaly.errors import SignalError
from ecg_anomaly.preprocessing import Resampler


def test_lengths_and_rates():
    x = np.zeros((2, 12, 1001), np.float32)
    resampler = Resampler(fs_in=360, fs_out=100)
    assert resampler.fit_transform(x).shape == (2, 12, 279)
    assert resampler.set_params(n_leads=12).fit_transform(x.reshape(2, -1)).shape == (2, 12 * 279)
    result = resampler.fit_transform(RecordSet(x, fs=360))
    assert (result.shape, result.fs) == ((2, 12, 279), 100)


@pytest.mark.parametrize("parameters", [{"fs_out": 0.0}, {"fs_out": -1.0}, {"fs_out": 0.1}])
def test_rates_are_refused_in_fit(parameters):
    with pytest.raises(SignalError):
        Resampler(**parameters).fit(np.zeros((2, 3, 1000)))


def test_a_lone_sample_is_refused():
    with pytest.raises(SignalError, match="1 feature"):
        Resampler().fit(np.zeros((5, 1)))
