import numpy as np
from hypothesis import given
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.testing import assert_array_equal

from ecg_anomaly.signal.runs import keep_long_runs, runs


@given(arrays(bool, array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=12)))
def test_runs_put_together_give_the_mask(mask):
    again = np.zeros_like(mask)
    row, start, stop = runs(mask)
    for k, i, j in zip(row, start, stop, strict=True):
        assert i < j
        assert i == 0 or not mask[k, i - 1]
        assert j == mask.shape[1] or not mask[k, j]
        again[k, i:j] = True
    assert_array_equal(again, mask)


@given(arrays(bool, (3, 20)))
def test_long_runs_stay(mask):
    kept = keep_long_runs(mask, 3)
    assert not (kept & ~mask).any()
    _, start, stop = runs(kept)
    assert (stop - start >= 3).all()
    lost = mask & ~kept
    _, start, stop = runs(lost)
    assert (stop - start < 3).all()
    assert_array_equal(keep_long_runs(mask, 1), mask)
