import numpy as np
import pytest
from scipy import signal as sps

from ecg_anomaly import RecordSet
from ecg_anomaly.errors import SignalError
from ecg_anomaly.preprocessing import BandpassFilter, NotchFilter
from ecg_anomaly.signal.filters import bandpass


def test_bandpass_takes_its_parameters():
    x = np.random.default_rng(0).normal(size=(2, 2, 6000))
    sos = sps.butter(2, [1, 30], "bandpass", fs=250, output="sos")
    expected = sps.sosfiltfilt(sos, x, axis=-1)
    result = BandpassFilter(lowcut=1, highcut=30, fs=250, order=2).fit_transform(x)
    np.testing.assert_allclose(result[..., 1000:-1000], expected[..., 1000:-1000], atol=1e-4)


def test_bandpass_gives_another_rate_too():
    x = np.random.default_rng(0).normal(size=(3, 2, 5000)).astype(np.float32)
    faster = BandpassFilter(fs=500, fs_out=100)
    expected = bandpass(x, fs=500, fs_out=100)
    np.testing.assert_array_equal(faster.fit_transform(x), expected)
    records = faster.fit(RecordSet(x, fs=500)).transform(RecordSet(x, fs=500))
    assert (records.shape, records.fs) == ((3, 2, 1000), 100.0)
    np.testing.assert_array_equal(records.load(), expected)
    with pytest.raises(SignalError, match="half the sampling rate"):
        BandpassFilter(fs=500, fs_out=75).fit(x)


def test_notch_at_half_the_rate_is_the_default():
    hum = np.tile([0.5, -0.5], 500)[None, None]
    assert np.abs(NotchFilter().fit_transform(1 + hum)[..., 100:-100] - 1).max() < 0.01


@pytest.mark.parametrize(
    ("transformer", "message"),
    [
        (BandpassFilter(highcut=50.0), "below half the sampling rate"),
        (BandpassFilter(fs=60.0), "below half the sampling rate"),
        (BandpassFilter(lowcut=40.0), "exchange them"),
        (BandpassFilter(lowcut=0.0), "above 0 Hz"),
        (BandpassFilter(lowcut=-0.5), "above 0 Hz"),
        (NotchFilter(freq=60.0), "at most at half"),
        (NotchFilter(freq=-1.0), "above 0"),
        (NotchFilter(q=0.9), "larger q"),
    ],
)
def test_parameters_are_refused_in_fit(transformer, message):
    for x in (np.zeros((2, 3, 1000)), np.zeros((3, 1000)), RecordSet(np.zeros((2, 3, 1000)))):
        with pytest.raises(SignalError):
            transformer.fit(x)
    with pytest.raises(SignalError, match=message):
        transformer.fit(np.zeros((2, 3, 1000)))


@pytest.mark.parametrize(
    ("transformer", "seconds"), [(BandpassFilter(), 1.0), (NotchFilter(), 0.6)]
)
def test_short_records_are_refused(transformer, seconds):
    n = round(100 * seconds)
    assert transformer.fit(np.zeros((2, 3, n))) is transformer
    for x in (np.zeros((2, 3, n - 1)), RecordSet(np.zeros((2, 3, n - 1)))):
        with pytest.raises(SignalError, match="filter longer records before cutting"):
            transformer.fit(x)
    assert transformer.fit_transform(np.zeros((2, 3))).shape == (2, 3)


@pytest.mark.parametrize("cls", [BandpassFilter, NotchFilter])
def test_a_lone_sample_is_refused(cls):
    with pytest.raises(SignalError, match="1 feature"):
        cls().fit(np.zeros((5, 1)))
    with pytest.raises(SignalError, match="1 feature"):
        cls().fit(np.zeros((5, 3, 1)))


def test_limb_leads_stay_consistent():
    x = np.random.default_rng(0).normal(size=(3, 2, 1000)).cumsum(axis=-1)
    x = np.concatenate([x, x[:, 1:] - x[:, :1]], axis=1)
    for transformer in (BandpassFilter(), NotchFilter()):
        y = transformer.fit_transform(x)
        np.testing.assert_allclose(y[:, 2], y[:, 1] - y[:, 0], atol=1e-9)
