import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecg_anomaly.errors import SignalError
from ecg_anomaly.signal.perturbations import (
    baseline_wander,
    hum,
    noise_at_snr,
    qrs_swing,
    random_stretches,
    through_rate,
)


def beats(heights, fs=100):
    """Return one second a beat, each of its own height."""
    x = np.zeros(len(heights) * fs)
    x[fs // 2 :: fs] = heights
    return x


def rng(seed=0):
    return np.random.default_rng(seed)


def test_swing_leaves_out_the_largest_and_the_smallest_second():
    assert qrs_swing(beats([1.0, 9.0, 1.2, 1.4, 0.1]), 100) == pytest.approx(1.2)
    assert qrs_swing(beats([1.0, 2.0]), 100) == pytest.approx(1.5)
    assert qrs_swing(beats([1.0, 9.0, 1.2, 1.4, 0.1], 250), 250) == pytest.approx(1.2)


def test_swing_knows_missing_samples():
    x = beats([1.0, 9.0, 1.2, 1.4, 0.1, 5.0])
    x[500:] = np.nan  # the last second
    x[:40] = np.nan  # and a part of the first
    assert qrs_swing(x, 100) == pytest.approx(1.2)
    rows = np.stack([x, np.full(600, np.nan)])
    np.testing.assert_allclose(qrs_swing(rows, 100), [1.2, 0.0])
    assert qrs_swing(np.zeros((3, 0)), 100).tolist() == [0, 0, 0]


def test_swing_of_less_than_a_second():
    assert qrs_swing(np.array([0.0, 1.0, -0.5]), 100) == 1.5


@settings(max_examples=50, deadline=None)
@given(st.floats(-10, 30), st.floats(0.01, 10), st.floats(0.01, 100), st.floats(-50, 50))
def test_noise_has_the_ratio_asked_for(snr, height, loudness, offset):
    x = np.stack([beats([height] * 10), beats([3 * height] * 10)])
    noise = offset + loudness * rng().normal(size=x.shape)
    scaled = noise_at_snr(x, noise, snr, 100)
    power = np.square([height, 3 * height]) / 8
    np.testing.assert_allclose(10 * np.log10(power / np.mean(scaled**2, axis=-1)), snr, atol=1e-6)
    np.testing.assert_allclose(scaled.mean(axis=-1), 0, atol=1e-9 * np.abs(scaled).max())
    # the same noise, only larger or smaller
    assert np.corrcoef(scaled[0], noise[0])[0, 1] == pytest.approx(1)


def test_of_nothing_there_is_no_noise():
    silent, missing = np.zeros(300), np.full(300, np.nan)
    for x, noise in (
        (silent, rng().normal(size=300)),
        (missing, rng().normal(size=300)),
        (beats([1.0] * 3), silent + 5),
    ):
        assert not noise_at_snr(x, noise, 6.0, 100).any()


def test_stretches_come_from_everywhere():
    noise = np.arange(2000.0).reshape(2, 1000)
    found = random_stretches(noise, 400, 50, rng())
    assert (np.diff(found) == 1).all()  # in one piece, of one channel
    assert {0, 1} == set((found[:, 0] // 1000).tolist())
    starts = found[:, 0] % 1000
    assert starts.min() < 30
    assert 920 < starts.max() <= 950
    whole = random_stretches(noise, 5, 1000, rng())
    assert (whole[:, 0] % 1000 == 0).all()
    with pytest.raises(SignalError, match="noise has 1000 samples, but the records have 1001"):
        random_stretches(noise, 1, 1001, rng())


def test_wander_is_slow_and_of_unit_power():
    wander = baseline_wander(200, 6000, 100, rng())
    assert np.mean(wander**2) == pytest.approx(1, rel=0.05)
    power = np.mean(np.abs(np.fft.rfft(wander)) ** 2, axis=0)
    frequencies = np.fft.rfftfreq(6000, 1 / 100)
    inside = (frequencies > 0.049) & (frequencies < 0.501)
    assert power[~inside].max() < 1e-9 * power[inside].min()
    octaves = [
        power[inside & (frequencies >= low) & (frequencies < 2 * low)].sum() for low in (0.1, 0.2)
    ]
    assert octaves[0] == pytest.approx(octaves[1], rel=0.25)
    with pytest.raises(SignalError, match=r"slower than 0\.5 Hz"):
        baseline_wander(1, 100, 100, rng())


def test_hum_is_one_tone_of_that_amplitude():
    x = hum(3, 1000, 500, 60, 0.2, rng())
    spectrum = np.abs(np.fft.rfft(x)) / 500
    assert (spectrum.argmax(axis=-1) == 120).all()  # 0.5 Hz a bin
    np.testing.assert_allclose(spectrum[:, 120], 0.2, rtol=1e-9)
    assert np.sort(spectrum, axis=-1)[:, -2].max() < 1e-9
    assert len(np.unique(x[:, 0])) == 3  # phases differ


def test_hum_above_half_the_rate_is_folded():
    spectrum = np.abs(np.fft.rfft(hum(1, 1000, 100, 60, 0.2, rng()))[0])
    assert np.fft.rfftfreq(1000, 1 / 100)[spectrum.argmax()] == pytest.approx(40)


@pytest.mark.parametrize("rate", [250, 125, 62.5, 360])
def test_slow_waves_pass_another_rate(rate):
    x = np.sin(2 * np.pi * 5 * np.arange(997) / 100)[None] * [[1.0], [2.0]]
    back = through_rate(x, 100, rate)
    assert back.shape == x.shape
    np.testing.assert_allclose(back[:, 50:-50], x[:, 50:-50], atol=0.02)


def test_fast_waves_do_not_pass_a_low_rate():
    x = np.sin(2 * np.pi * 40 * np.arange(1000) / 100)
    assert through_rate(x, 100, 62.5)[50:-50].std() < 0.05
    assert through_rate(x, 100, 125)[50:-50].std() > 0.5


def test_gaps_stay_gaps_at_another_rate():
    x = np.sin(2 * np.pi * 2 * np.arange(1000) / 100)
    x[300:500] = np.nan
    back = through_rate(x, 100, 62.5)
    assert np.isnan(back[305:495]).all()
    assert np.isfinite(back[:295]).all()
    assert np.isfinite(back[505:]).all()
