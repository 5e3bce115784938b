import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecg_anomaly.errors import SignalError
from ecg_anomaly.metrics import amplitude_map, difference_map, paste_edge_map, pointing_game

SIGNALS = st.lists(
    st.lists(st.integers(-50, 50), min_size=8, max_size=8), min_size=1, max_size=3
).map(lambda rows: np.array(rows, float))


def test_amplitude_by_hand():
    np.testing.assert_array_equal(
        amplitude_map([[1, 1, 4, -1, 1], [0, 0, 0, 0, 2]]), [[0, 0, 3, 2, 0], [0, 0, 0, 0, 2]]
    )


def test_edges_by_hand():
    # steps 1 1 4 1 and 0 0 0 2, whose median is 0 and mean a half; the last lead is flat
    x = [[0, 1, 2, 6, 7], [5, 5, 5, 5, 7], [3, 3, 3, 3, 3]]
    expected = [[1, 1, 4, 4, 1], [0, 0, 0, 4, 4], [0, 0, 0, 0, 0]]
    np.testing.assert_array_equal(paste_edge_map(x), expected)


@given(SIGNALS, st.integers(-9, 9), st.sampled_from([0.25, 2.0, 8.0]))
def test_neither_offset_nor_scale_makes_an_edge(x, offset, scale):
    np.testing.assert_array_equal(paste_edge_map(scale * x + offset), paste_edge_map(x))
    np.testing.assert_array_equal(amplitude_map(scale * x + offset), scale * amplitude_map(x))
    assert (paste_edge_map(x) >= 0).all()


@given(SIGNALS)
def test_records_are_mapped_alone_and_back_in_time_alike(x):
    for function in (amplitude_map, paste_edge_map):
        np.testing.assert_array_equal(function(np.stack([x, -2 * x]))[0], function(x))
        np.testing.assert_array_equal(function(x[:, ::-1]), function(x)[:, ::-1])


def test_edges_show_where_something_was_pasted():
    """Something that differs by its edges alone is found by them, not by its size."""
    time = np.linspace(0, 1, 500)
    x = np.stack([np.sin(2 * np.pi * (time + phase)) for phase in np.linspace(0, 1, 12)])
    original = np.repeat(x[None], 30, axis=0)
    rng = np.random.default_rng(0)
    masks = np.zeros(original.shape, bool)
    pasted = original.copy()
    for k in range(30):
        lead, start = rng.integers(12), rng.integers(50, 350)
        masks[k, lead, start : start + 60] = True
        pasted[k][masks[k]] += 0.2
    edges = pointing_game(paste_edge_map(pasted), masks, tolerance=1)
    sizes = pointing_game(amplitude_map(pasted), masks, tolerance=1)
    assert edges.corrected == 1
    assert sizes.corrected < 0.7


def test_float32_stays():
    x = np.random.default_rng(0).normal(size=(2, 12, 50)).astype(np.float32)
    for values in (amplitude_map(x), paste_edge_map(x), difference_map(x, x)):
        assert values.dtype == np.float32
        assert values.shape == x.shape


def test_difference_by_hand():
    np.testing.assert_array_equal(difference_map([[3, 1]], [[1, 2]]), [[2, -1]])


@pytest.mark.parametrize("function", [amplitude_map, paste_edge_map])
@pytest.mark.parametrize(
    ("x", "problem"), [([1, 2, 3], "leads and samples"), ([[1, np.nan]], "not finite")]
)
def test_signals_without_a_map(function, x, problem):
    with pytest.raises(SignalError, match=problem):
        function(x)


def test_what_has_no_difference_or_steps():
    with pytest.raises(SignalError, match=r"shapes \(1, 2\) and \(1, 3\)"):
        difference_map([[1, 2]], [[1, 2, 3]])
    with pytest.raises(SignalError, match="original map has values that are not finite"):
        difference_map([[1, 2]], [[1, np.inf]])
    with pytest.raises(SignalError, match="injected map of shape"):
        difference_map([1, 2], [1, 2])
    with pytest.raises(SignalError, match="two samples at least"):
        paste_edge_map([[1]])
