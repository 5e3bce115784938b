import os
from pathlib import Path

import numpy as np
import pandas as pd
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
    # steps 1 1 4 1 of median 1: 1 / (1 + 4) but 4 / (1 + 1)
    # steps 0 0 0 2, whose median is 0 and mean a half: 2 / (.5 + 0); the last lead is flat
    x = [[0, 1, 2, 6, 7], [5, 5, 5, 5, 7], [3, 3, 3, 3, 3]]
    expected = [[0.2, 0.2, 2, 2, 0.2], [0, 0, 0, 4, 4], [0, 0, 0, 0, 0]]
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


def test_a_steep_wave_is_no_edge():
    """Of two jumps as high, one takes one step and one four; each is two samples from the other."""
    x = np.r_[np.zeros(20), np.ones(20), np.linspace(1, 0, 5)[1:], np.zeros(20)]
    x += 0.001 * np.arange(len(x))
    edges = paste_edge_map(x[None])[0]
    assert np.argsort(edges)[-2:].tolist() in ([19, 20], [20, 19])
    assert edges[19] > 100
    # inside the slope steps are alike
    assert edges[41:43].max() < 1.01


REAL = Path(os.environ.get("ECG_ANOMALY_DATA") or "unset") / "ptbxl"


@pytest.mark.skipif(
    not (REAL / "ptbxl_database.csv").is_file(),
    reason="needs PTB-XL: set ECG_ANOMALY_DATA to a folder that holds it as ptbxl/",
)
def test_pieces_of_other_real_records_are_found_by_their_edges():
    from ecg_anomaly.io import read_record

    table = pd.read_csv(REAL / "ptbxl_database.csv")
    names = table.loc[table["strat_fold"] <= 7, "filename_lr"]
    files = [REAL / f"{name}.hea" for name in names if (REAL / f"{name}.hea").is_file()][:40]
    x = np.stack([read_record(file).signal for file in files])
    x = x[np.isfinite(x).all(axis=(1, 2))]
    rng = np.random.default_rng(0)
    pasted, masks = x.copy(), np.zeros(x.shape, bool)
    for k in range(len(x)):
        lead, start = rng.integers(12), rng.integers(50, 900)
        masks[k, lead, start : start + 50] = True
        pasted[k][masks[k]] = x[k - 1][masks[k]]
    edges = pointing_game(paste_edge_map(pasted), masks, tolerance=2)
    sizes = pointing_game(amplitude_map(pasted), masks, tolerance=2)
    assert edges.corrected > max(0.3, sizes.corrected + 0.2)


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
