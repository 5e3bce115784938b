import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecg_anomaly.baselines._minirocket import (
    KERNELS,
    bias_levels,
    convolve,
    draw_channels,
    samples_read,
    share_above,
    spread_dilations,
)


def test_kernels():
    assert KERNELS.shape == (84, 9)
    assert len(np.unique(KERNELS, axis=0)) == 84
    assert set(KERNELS.ravel().tolist()) == {-1.0, 2.0}
    np.testing.assert_array_equal(KERNELS.sum(axis=1), 0)


@given(st.integers(1, 5000), st.integers(1, 200))
def test_dilations_fit_the_span(span, n_biases):
    dilations, counts = spread_dilations(span, n_biases)
    assert counts.sum() == n_biases
    assert (counts >= 1).all()
    assert (np.diff(dilations) > 0).all()
    assert dilations[0] == 1
    assert 8 * dilations[-1] <= max(8, span - 1)


def test_the_longest_kernel():
    assert spread_dilations(1001, 119)[0][-1] == 125
    assert spread_dilations(9, 119)[0].tolist() == [1]


@pytest.mark.parametrize("n_channels", [1, 2, 8, 20])
def test_channels_are_a_random_few(n_channels):
    chosen = draw_channels(n_channels, np.random.RandomState(0))
    counts = chosen.sum(axis=1)
    assert counts.min() == 1
    assert counts.max() <= min(n_channels, 9)
    assert chosen.any(axis=0).all()
    # small numbers are as likely as large: half of the kernels read three or fewer of eight
    assert n_channels < 8 or np.median(counts) <= 3


def test_bias_levels_fill_the_unit_interval():
    levels = np.sort(bias_levels(100))
    assert levels.min() >= 0
    assert levels.max() < 1
    assert np.diff(levels).max() < 0.02
    np.testing.assert_array_equal(bias_levels(10)[4:], bias_levels(6, start=4))


@pytest.mark.parametrize("n_samples", [1, 5, 9, 50])
@pytest.mark.parametrize("dilation", [1, 3, 6])
def test_convolution_equals_numpy(n_samples, dilation):
    rng = np.random.RandomState(0)
    record = rng.normal(size=(3, n_samples)).astype(np.float32)
    channels = draw_channels(3, rng)
    values = convolve(record, channels, dilation)
    spread = np.zeros((84, 8 * dilation + 1))
    spread[:, ::dilation] = KERNELS
    mixed = np.pad(channels @ record, ((0, 0), (4 * dilation, 4 * dilation)))
    expected = [np.correlate(x, w, "valid") for x, w in zip(mixed, spread, strict=True)]
    np.testing.assert_allclose(values, expected, atol=1e-4)


def test_every_other_turn_leaves_the_padding_out():
    assert samples_read(0, 5, 100) == slice(0, 100)
    assert samples_read(1, 5, 100) == slice(20, 80)
    assert samples_read(1, 5, 40) == slice(0, 40)


@settings(max_examples=50)
@given(st.integers(1, 6), st.integers(1, 5), st.integers(1, 5000), st.integers(0, 2**31 - 1))
def test_shares_equal_counting(n_rows, n_biases, n_values, seed):
    rng = np.random.default_rng(seed)
    values = rng.integers(-3, 4, (n_rows, n_values)).astype(np.float32)
    biases = rng.integers(-4, 5, (n_rows, n_biases)).astype(np.float32)
    expected = (values[:, None, :] > biases[:, :, None]).mean(axis=2)
    np.testing.assert_allclose(share_above(values, biases), expected, atol=1e-7)


def test_shares_of_all_and_none():
    values = np.ones((2, 4099), np.float32)
    np.testing.assert_array_equal(share_above(values, np.array([[0, 1], [1, 0]])), [[1, 0], [0, 1]])
