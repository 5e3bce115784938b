import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecg_anomaly.errors import SignalError
from ecg_anomaly.signal.cropping import PAD_MODES, POSITIONS, crop_or_pad


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 40),
    st.integers(0, 60),
    st.sampled_from(POSITIONS),
    st.sampled_from([*PAD_MODES]),
)
def test_padding_and_cropping_gives_it_back(n, more, position, mode):
    x = np.arange(2.0 * n).reshape(2, n)
    padded = crop_or_pad(x, n + more, position=position, mode=mode)
    assert padded.shape == (2, n + more)
    np.testing.assert_array_equal(crop_or_pad(padded, n, position=position), x)


def test_where_and_with_what():
    x = np.array([1.0, 2.0, 3.0])
    assert crop_or_pad(x, 5, position="start", mode="zero").tolist() == [1, 2, 3, 0, 0]
    assert crop_or_pad(x, 5, position="end", mode="zero").tolist() == [0, 0, 1, 2, 3]
    assert crop_or_pad(x, 7, position="start", mode="reflect").tolist() == [1, 2, 3, 2, 1, 2, 3]
    assert crop_or_pad(x, 2, position="start").tolist() == [1, 2]
    assert crop_or_pad(x, 1, position="center").tolist() == [2]


def test_the_result_is_a_copy():
    x = np.zeros((2, 5), np.float32)
    result = crop_or_pad(x, 5)
    assert not np.shares_memory(result, x)
    assert result.dtype == np.float32


@pytest.mark.parametrize("arguments", [(0,), (-3,)])
def test_impossible_lengths(arguments):
    with pytest.raises(SignalError, match="at least 1"):
        crop_or_pad(np.zeros(5), *arguments)
    with pytest.raises(SignalError, match="at least 1"):
        crop_or_pad(np.zeros((2, 0)), 5)


@pytest.mark.parametrize("wrong", [{"position": "middle"}, {"mode": "wrap"}])
def test_unknown_names(wrong):
    with pytest.raises(SignalError, match="must be one of"):
        crop_or_pad(np.zeros(5), 3, **wrong)
