import numpy as np
import pytest

from ecg_anomaly import make_ecg
from ecg_anomaly.baselines import Flattened, OutOfBandEnergy


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_flattened_is_the_samples(dtype):
    X = np.random.default_rng(0).normal(size=(300, 2, 7)).astype(dtype)
    table = Flattened().fit_transform(X)
    np.testing.assert_array_equal(table, X.reshape(300, 14))
    assert table.dtype == dtype


def tone(freq, fs, amplitude=1.0):
    return amplitude * np.sin(2 * np.pi * freq * np.arange(round(10 * fs)) / fs).reshape(1, 1, -1)


@pytest.mark.parametrize(
    ("freq", "below", "above"),
    [
        (0.2, True, False),
        (0.6, False, False),
        (10, False, False),
        (41, False, False),
        (45, False, True),
    ],
)
@pytest.mark.parametrize("fs", [100.0, 500.0])
def test_which_side_of_the_band(freq, below, above, fs):
    rms = np.exp(OutOfBandEnergy(fs=fs).fit_transform(tone(freq, fs)))[0]
    np.testing.assert_allclose(rms > 0.3, [below, above])
    assert rms[~np.array([below, above])].max(initial=0) < 0.05


def test_hum_is_seen_and_what_is_in_the_band_is_not():
    data = make_ecg(20, fs=250, random_state=0)
    features = OutOfBandEnergy(fs=250).fit(data.X)
    plain = features.transform(data.X)
    hum = features.transform(data.X + tone(50, 250, 0.1))
    assert (hum - plain)[:, 12:].min() > 0.3
    np.testing.assert_allclose(hum[:, :12], plain[:, :12], atol=1e-3)
    # 10 to 25 Hz hold most of a QRS complex
    slower = features.transform(data.X + tone(15, 250, 1.0))
    np.testing.assert_allclose(slower, plain, atol=0.1)


def test_silence_and_low_rates():
    np.testing.assert_allclose(
        OutOfBandEnergy().fit_transform(np.zeros((1, 2, 1000))), np.log(1e-4)
    )
    assert OutOfBandEnergy(fs=50).fit_transform(tone(10, 50))[0, 1] == pytest.approx(np.log(1e-4))
