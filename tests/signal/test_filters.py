import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal as sps

from ecg_anomaly.errors import SignalError
from ecg_anomaly.signal.filters import bandpass, bandpass_gain, notch, notch_gain
from ecg_anomaly.signal.resampling import rate_ratio, resample


def ecg_like(n_records=4, n_leads=3, n_samples=1000, fs=100.0, seed=0):
    """Sharp beats, slow waves, wander and noise: what a filter of ECGs meets."""
    rng = np.random.default_rng(seed)
    t = np.arange(n_samples) / fs
    shape = (n_records, n_leads, 1)
    phase = rng.uniform(0, 1, shape)
    beat = (t * rng.uniform(0.9, 1.3, shape) + phase) % 1
    signal = np.exp(-(((beat - 0.4) / 0.015) ** 2)) + 0.25 * np.exp(-(((beat - 0.65) / 0.06) ** 2))
    wander = 0.2 * np.sin(2 * np.pi * (rng.uniform(0.1, 0.3, shape) * t + phase))
    return signal + wander + rng.normal(0, 0.01, signal.shape)


@pytest.mark.parametrize(("fs", "low", "high", "order"), [(100, 0.5, 40, 3), (500, 0.05, 150, 2)])
def test_bandpass_gain_is_that_of_butterworth_run_twice(fs, low, high, order):
    gain = bandpass_gain(4096, fs, low, high, order)
    sos = sps.butter(order, [low, high], "bandpass", fs=fs, output="sos")
    _, response = sps.sosfreqz(sos, worN=2 * np.pi * np.arange(2049) / 4096)
    np.testing.assert_allclose(gain, np.abs(response) ** 2, atol=1e-6)


@pytest.mark.parametrize(("fs", "freq"), [(500, 50), (360, 60), (100, 49.9)])
def test_notch_gain_is_that_of_iirnotch_run_twice(fs, freq):
    gain = notch_gain(1000, fs, freq, 30.0)
    b, a = sps.iirnotch(freq, 30.0, fs=fs)
    _, response = sps.freqz(b, a, worN=2 * np.pi * np.arange(501) / 1000)
    np.testing.assert_allclose(gain, np.abs(response) ** 2, atol=1e-9)


@pytest.mark.parametrize("n", [100, 101, 999])
def test_notch_at_half_the_rate_is_the_limit(n):
    gain = notch_gain(n, 100.0, 50.0, 30.0)
    nearly = notch_gain(n, 100.0, 50.0 - 1e-9, 30.0)
    assert np.isfinite(gain).all()
    np.testing.assert_allclose(gain, nearly, atol=1e-6)
    if n % 2 == 0:
        assert gain[-1] == 0.0


def test_notch_at_half_the_rate_takes_the_alternation_out():
    x = ecg_like(n_samples=1000)
    hum = 0.3 * (-1.0) ** np.arange(1000)
    difference = notch(x + hum, fs=100, freq=50) - notch(x, fs=100, freq=50)
    assert np.abs(difference).max() < 0.01


def test_bandpass_agrees_with_sosfiltfilt_away_from_the_ends():
    x = ecg_like(n_samples=6000)
    sos = sps.butter(3, [0.5, 40], "bandpass", fs=100, output="sos")
    expected = sps.sosfiltfilt(sos, x, axis=-1)
    inside = np.s_[..., 600:-600]
    error = np.abs(bandpass(x, fs=100) - expected)[inside].max()
    assert error < 1e-4 * np.abs(expected).max()


def test_bandpass_agrees_with_sosfiltfilt_where_the_signal_is_silent_at_its_ends():
    x = ecg_like() * np.clip(np.minimum(np.arange(1000), np.arange(1000)[::-1]) / 200 - 1, 0, 1)
    sos = sps.butter(3, [0.5, 40], "bandpass", fs=100, output="sos")
    expected = sps.sosfiltfilt(sos, x, axis=-1, padlen=999)
    error = np.abs(bandpass(x, fs=100) - expected)[..., 200:-200].max()
    assert error < 1e-3 * np.abs(expected).max()


def test_the_ends_are_closer_to_the_truth_than_those_of_sosfiltfilt():
    x = ecg_like(n_records=20, n_samples=3000)
    sos = sps.butter(3, [0.5, 40], "bandpass", fs=100, output="sos")
    truth = sps.sosfiltfilt(sos, x, axis=-1)[..., 1000:2000]
    cut = x[..., 1000:2000]
    ours = np.sqrt(np.mean((bandpass(cut, fs=100) - truth) ** 2))
    theirs = np.sqrt(np.mean((sps.sosfiltfilt(sos, cut, axis=-1) - truth) ** 2))
    assert ours < theirs


def test_notch_beats_filtfilt_at_the_ends_and_agrees_inside():
    t = np.arange(5000) / 500
    x = ecg_like(n_samples=5000, fs=500)
    hum = 0.2 * np.sin(2 * np.pi * 50 * t + 0.7)
    b, a = sps.iirnotch(50, 30, fs=500)
    ours, theirs = notch(x + hum, fs=500), sps.filtfilt(b, a, x + hum, axis=-1)
    assert np.abs(ours - x)[..., :500].std() < np.abs(theirs - x)[..., :500].std()
    np.testing.assert_allclose(ours[..., 1000:-1000], theirs[..., 1000:-1000], atol=2e-3)


def test_there_is_no_phase_shift():
    t = np.arange(2000) / 100
    tone = np.sin(2 * np.pi * 8 * t)
    np.testing.assert_allclose(bandpass(tone, fs=100)[500:-500], tone[500:-500], atol=2e-3)


@pytest.mark.parametrize("function", [bandpass, notch])
def test_a_huge_offset_costs_no_precision(function):
    x = ecg_like(n_samples=5000, fs=500).astype(np.float32)
    offset = np.float32(300)
    shifted = x + offset
    difference = function(shifted, fs=500) - function((shifted - offset), fs=500)
    if function is notch:
        difference = difference - offset
    # 1.5e-5 is the rounding of one sample at 300 mV in float32
    assert np.abs(difference).max() < 5e-5


def test_a_straight_line_is_removed_by_the_bandpass_and_kept_by_the_notch():
    line = np.linspace(-3, 5, 1000)
    assert np.abs(bandpass(line, fs=100)).max() < 1e-9
    np.testing.assert_allclose(notch(line, fs=100), line, atol=1e-9)


@pytest.mark.parametrize("function", [bandpass, notch])
def test_rows_do_not_depend_on_each_other(function):
    x = ecg_like(n_records=90, n_leads=12).astype(np.float32)
    together = function(x, fs=100)
    alone = np.stack([[function(lead, fs=100) for lead in record] for record in x[:5]])
    np.testing.assert_array_equal(together[:5], alone)
    np.testing.assert_array_equal(function(x[::-1], fs=100), together[::-1])


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 1000),
    st.floats(-3, 3),
    st.floats(-3, 3),
    st.sampled_from([bandpass, notch]),
    st.integers(60, 400),
)
def test_linear(seed, a, b, function, n):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(2, 3, n))
    combined = function(a * x + b * y, fs=100)
    np.testing.assert_allclose(
        combined, a * function(x, fs=100) + b * function(y, fs=100), atol=1e-9
    )


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 200))
def test_shift_invariant_inside(seed, shift):
    x = ecg_like(1, 1, 3000, seed=seed)[0, 0]
    whole, shifted = bandpass(x, fs=100), bandpass(x[shift:], fs=100)
    np.testing.assert_allclose(shifted[800:-800], whole[shift:][800:-800], atol=1e-4)


def test_time_reversal_commutes():
    x = ecg_like()
    for function in (bandpass, notch):
        np.testing.assert_allclose(
            function(x[..., ::-1], fs=100)[..., ::-1], function(x, fs=100), atol=1e-9
        )


@pytest.mark.parametrize("fs", [200, 257, 360, 500, 1000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_lower_rate_out_of_the_same_fft(fs, dtype):
    x = (ecg_like(n_samples=12 * fs, fs=fs) + 300).astype(dtype)
    filtered = bandpass(x, fs=fs, fs_out=100)
    assert filtered.dtype == dtype
    sos = sps.butter(3, [0.5, 40], "bandpass", fs=fs, output="sos")
    up, down = rate_ratio(fs, 100)
    expected = sps.resample_poly(
        sps.sosfiltfilt(sos, x.astype(float) - 300, axis=-1), up, down, axis=-1
    )
    assert filtered.shape == expected.shape
    inside = np.s_[..., 400:-400]  # where neither has an end
    error = np.sqrt(np.mean(np.square(filtered - expected)[inside]))
    assert error < 0.01 * np.sqrt(np.mean(np.square(expected[inside])))


@pytest.mark.parametrize(("fs", "fs_out"), [(500, 100), (100, 250), (360, 100), (500, 499)])
@pytest.mark.parametrize("n", [2, 7, 50, 999, 1000])
def test_filter_and_rate_in_one_are_both_in_turn(fs, fs_out, n):
    x = np.random.default_rng(n).normal(size=(2, n)).cumsum(axis=1)
    both = bandpass(x, fs=fs, fs_out=fs_out)
    turns = resample(bandpass(x, fs=fs), fs_in=fs, fs_out=fs_out)
    assert both.shape == turns.shape
    assert np.isfinite(both).all()
    if n > 500:  # what resample continues with at the ends is not what the filter does
        inside = np.s_[:, both.shape[1] // 4 : -both.shape[1] // 4]
        np.testing.assert_allclose(both[inside], turns[inside], atol=2e-3 * np.abs(turns).max())


def test_what_lies_above_the_new_rate_does_not_come_back():
    tone = np.sin(2 * np.pi * 93 * np.arange(5000) / 500)
    assert np.abs(bandpass(tone, fs=500, fs_out=100)[200:-200]).max() < 1e-3


def test_the_band_must_exist_at_both_rates():
    with pytest.raises(SignalError, match="half the sampling rate"):
        bandpass(np.zeros((1, 5000)), fs=500, highcut=60, fs_out=100)


@pytest.mark.parametrize("n", [2, 3, 5, 10, 17])
@pytest.mark.parametrize("function", [bandpass, notch])
def test_few_samples_are_filtered_somehow(function, n):
    result = function(np.random.default_rng(0).normal(size=(4, n)), fs=100)
    assert result.shape == (4, n)
    assert np.isfinite(result).all()


def test_a_wild_rate_asks_for_no_memory():
    assert bandpass(np.ones((2, 5)), fs=1e9, lowcut=1e-6, highcut=10).shape == (2, 5)
    assert notch(np.ones((2, 5)), fs=1e9, freq=1e-3).shape == (2, 5)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"lowcut": 0}, "lowcut must be above 0"),
        ({"lowcut": -1}, "lowcut must be above 0"),
        ({"highcut": 50}, "below half the sampling rate"),
        ({"lowcut": 41}, "exchange them"),
        ({"order": 0}, "order"),
        ({"fs": np.nan}, "fs must be a positive number"),
        ({"lowcut": np.nan}, "lowcut"),
        ({"highcut": np.nan}, "highcut"),
    ],
)
def test_bandpass_says_what_is_wrong(parameters, message):
    with pytest.raises(SignalError, match=message):
        bandpass(np.zeros(1000), **{"fs": 100, **parameters})


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"freq": 50.1}, "at most at half"),
        ({"freq": 0}, "above 0"),
        ({"q": 0}, "larger q"),
        ({"q": 0.5}, "larger q"),
        ({"fs": -1}, "fs must be"),
    ],
)
def test_notch_says_what_is_wrong(parameters, message):
    with pytest.raises(SignalError, match=message):
        notch(np.zeros(1000), **{"fs": 100, **parameters})


@pytest.mark.parametrize("function", [bandpass, notch])
@pytest.mark.parametrize("n", [0, 1])
def test_a_lone_sample_is_refused(function, n):
    with pytest.raises(SignalError, match="at least 2 samples"):
        function(np.zeros((3, n)), fs=100)


@pytest.mark.parametrize(
    ("gain", "args"), [(bandpass_gain, (0.5, 40.0, 3)), (notch_gain, (50, 30))]
)
def test_gains_are_kept_for_short_signals_only(gain, args):
    assert gain(1000, 500.0, *args) is gain(1000, 500.0, *args)
    n = 2**17 + 2
    assert gain(n, 500.0, *args) is not gain(n, 500.0, *args)
