import numpy as np
import pytest

from ecg_anomaly.signal.spectrum import alias, spectrum, tones


def hum(freq, fs, duration=10.0, amplitude=0.1):
    return amplitude * np.sin(2 * np.pi * freq * np.arange(round(duration * fs)) / fs + 0.4)


@pytest.mark.parametrize("fs", [125.0, 250.0, 360.0, 500.0, 1000.0])
@pytest.mark.parametrize("freq", [50.0, 60.0, 49.8])
@pytest.mark.parametrize("duration", [2.0, 10.0, 13.3])
def test_the_amplitude_of_hum_in_noise(fs, freq, duration):
    rng = np.random.default_rng(0)
    x = hum(freq, fs, duration)
    noise = 0.01 * rng.normal(size=len(x))
    drift = np.linspace(0, 3, len(x))
    amplitude, _ = tones(spectrum(x + noise + drift, fs), fs, (50.0, 60.0))
    at = int(freq == 60.0)
    assert amplitude[at] == pytest.approx(0.1, rel=0.15)
    assert amplitude[1 - at] < 0.02


def test_hum_is_found_where_it_is_folded_to():
    amplitude, share = tones(spectrum(hum(60.0, 100.0), 100.0), 100.0, (60.0,))
    assert alias(60.0, 100.0) == 40.0
    assert amplitude[0] == pytest.approx(0.1, rel=0.05)
    assert share[0] > 0.95


def test_neither_noise_nor_a_pulse_is_hum():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 5000))
    x[25:] = 0
    x[25:, 2500] = 5.0
    amplitude, _ = tones(spectrum(x, 500.0), 500.0, (50.0, 60.0))
    assert (amplitude == 0).all()


@pytest.mark.parametrize("n", [1, 2, 3, 8, 50])
def test_a_few_samples_hold_no_hum(n):
    amplitude, share = tones(spectrum(np.ones((2, n)), 500.0), 500.0, (50.0,))
    assert (amplitude == 0).all()
    assert (share == 0).all()
