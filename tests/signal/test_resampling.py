import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecg_anomaly.errors import SignalError
from ecg_anomaly.signal.resampling import rate_ratio, resample, resample_gaps, resampled_length


@pytest.mark.parametrize(
    ("fs_in", "fs_out"), [(500, 100), (100, 500), (360, 100), (257, 100), (128, 250)]
)
def test_a_sine_stays_a_sine(fs_in, fs_out):
    n = fs_in * 10
    expected_n = -(-n * fs_out // fs_in)
    x = np.sin(2 * np.pi * 7 * np.arange(n) / fs_in + 0.3) + 20
    expected = np.sin(2 * np.pi * 7 * np.arange(expected_n) / fs_out + 0.3) + 20
    result = resample(x, fs_in=fs_in, fs_out=fs_out)
    assert result.shape == (expected_n,)
    inside = slice(fs_out // 2, -(fs_out // 2))
    np.testing.assert_allclose(result[inside], expected[inside], atol=0.01)


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 300), st.sampled_from([125, 128, 250, 257, 360, 500, 1000]))
def test_length_is_as_announced(n, fs_in):
    result = resample(np.ones((2, n), np.float32), fs_in=fs_in, fs_out=100)
    assert result.shape == (2, resampled_length(n, fs_in, 100))
    assert result.dtype == np.float32


def test_a_straight_line_stays_one():
    x = np.linspace(300, 302, 1000)
    np.testing.assert_allclose(resample(x, fs_in=500, fs_out=100), x[::5], atol=1e-9)


def test_aliases_are_kept_out():
    x = np.sin(2 * np.pi * 90 * np.arange(5000) / 500)
    assert np.abs(resample(x, fs_in=500, fs_out=100)[100:-100]).max() < 0.01


def test_equal_rates_give_a_copy():
    x = np.random.default_rng(0).normal(size=(2, 50))
    result = resample(x, fs_in=100, fs_out=100.0)
    np.testing.assert_array_equal(result, x)
    assert not np.shares_memory(result, x)


def test_there_and_back():
    t = np.arange(1000) / 100
    x = np.sin(2 * np.pi * 5 * t)
    back = resample(resample(x, fs_in=100, fs_out=250), fs_in=250, fs_out=100)
    np.testing.assert_allclose(back[50:-50], x[50:-50], atol=0.01)


def test_rows_do_not_depend_on_each_other():
    x = np.random.default_rng(0).normal(size=(50, 12, 500)).astype(np.float32)
    together = resample(x, fs_in=500, fs_out=100)
    np.testing.assert_array_equal(together[7], resample(x[7], fs_in=500, fs_out=100))


@pytest.mark.parametrize("rates", [(0, 100), (500, np.nan), (np.inf, 100), (-500, 100)])
def test_rates_must_be_positive(rates):
    with pytest.raises(SignalError, match="positive number in Hz"):
        rate_ratio(*rates)


def test_rates_without_a_simple_ratio_are_refused():
    with pytest.raises(SignalError, match="simple ratio"):
        rate_ratio(123_456.7, 100)
    with pytest.raises(SignalError, match="simple ratio"):
        rate_ratio(1, 1e6)
    with pytest.raises(SignalError):
        rate_ratio(1e-9, 100)
    with pytest.raises(SignalError):
        rate_ratio(100, 1e-9)


def test_a_lone_sample_is_refused():
    with pytest.raises(SignalError, match="at least 2 samples"):
        resample(np.zeros((3, 1)), fs_in=500, fs_out=100)


@pytest.mark.parametrize(("fs_in", "fs_out"), [(500, 100), (100, 500), (360, 100), (250, 250)])
def test_gaps_stay_gaps_and_harm_nothing_else(fs_in, fs_out):
    times = np.arange(10 * fs_in) / fs_in
    x = np.sin(2 * np.pi * 3 * times) * np.ones((2, 3, 1)) + 100
    whole = resample(x, fs_in=fs_in, fs_out=fs_out)
    broken = x.copy()
    broken[0, 1, (times >= 2) & (times < 4)] = np.nan
    broken[1, 2] = np.nan
    result = resample_gaps(broken, fs_in=fs_in, fs_out=fs_out)
    gone = np.isnan(result)
    assert gone[1, 2].all()
    assert not gone[[0, 0, 1, 1], [0, 2, 0, 1]].any()
    after = np.arange(result.shape[-1]) / fs_out
    step = 1 / min(fs_in, fs_out)
    inside = (after >= 2 + step) & (after < 4 - step)
    outside = (after < 2 - step) | (after > 4 + step)
    assert gone[0, 1, inside].all()
    assert not gone[0, 1, outside].any()
    far = (after < 1.9) | (after > 4.1)
    np.testing.assert_allclose(result[0, 1, far], whole[0, 1, far], atol=0.02)
    np.testing.assert_array_equal(result[1, :2], whole[1, :2])
    np.testing.assert_array_equal(resample_gaps(x, fs_in=fs_in, fs_out=fs_out), whole)


@pytest.mark.parametrize("fs", [249.89, 62.4725, 360.12345])
def test_rates_of_monitors_are_met_within_a_ten_thousandth(fs):
    up, down = rate_ratio(fs, 100)
    assert up / down * fs == pytest.approx(100, rel=1e-4)
    times = np.arange(round(10 * fs)) / fs
    result = resample(np.sin(2 * np.pi * 3 * times), fs_in=fs, fs_out=100)
    expected = np.sin(2 * np.pi * 3 * np.arange(len(result)) / 100)
    np.testing.assert_allclose(result[50:-50], expected[50:-50], atol=0.02)
