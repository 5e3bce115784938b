import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ecg_anomaly.leads import LIMB_LEADS
from ecg_anomaly.signal.imputation import (
    fill_by_regression,
    fill_from_plane,
    fill_short_gaps,
    lead_statistics,
    regression_weights,
)

PLANE = np.array([*LIMB_LEADS.values()])


def limb_leads(n_records=3, n_samples=50, seed=0):
    two = np.random.default_rng(seed).normal(size=(n_records, 2, n_samples))
    return np.einsum("lk,rkt->rlt", PLANE, two)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.05, 0.7))
def test_any_two_limb_leads_give_the_others_and_idempotence(seed, share):
    x = limb_leads(seed=seed)
    hidden = np.random.default_rng(seed).random(x.shape) < share
    broken = np.where(hidden, np.nan, x)
    fill_from_plane(broken, PLANE)
    solvable = (~hidden).sum(axis=1) >= 2
    np.testing.assert_allclose(
        np.moveaxis(broken, 1, 2)[solvable], np.moveaxis(x, 1, 2)[solvable], atol=1e-12
    )
    np.testing.assert_array_equal(broken[~hidden], x[~hidden])
    again = broken.copy()
    fill_from_plane(again, PLANE)
    np.testing.assert_array_equal(again, broken)


def test_leads_outside_the_plane_stay():
    x = np.array([[[1.0], [np.nan], [2.0]]])
    fill_from_plane(x, np.array([[1.0, 0.0], [np.nan, np.nan], [0.0, 1.0]]))
    assert np.isnan(x[0, 1, 0])


def test_short_gaps_are_bridged_and_long_ones_left():
    n = np.nan
    x = np.array([[0, n, n, 3, n, n, n, 7, n], [n, 1, 2, n, 4, 5, 6, n, n], [n] * 9], dtype=float)
    fill_short_gaps(x, 2)
    np.testing.assert_allclose(x[0], [0, 1, 2, 3, n, n, n, 7, 7])
    np.testing.assert_allclose(x[1], [1, 1, 2, 3, 4, 5, 6, 6, 6])
    assert np.isnan(x[2]).all()


def test_no_gap_is_bridged_with_zero():
    x = np.array([[0.0, np.nan, 1.0]])
    fill_short_gaps(x, 0)
    assert np.isnan(x[0, 1])


def test_statistics_are_streamed():
    x = np.random.default_rng(0).normal(300, [[1.0], [2.0], [3.0]], size=(150, 3, 40))
    x[3, 1, 5:9] = np.nan
    mean, covariance = lead_statistics([x[:70], x[70:]])
    complete = np.moveaxis(x, 1, 0).reshape(3, -1)
    complete = complete[:, np.isfinite(complete).all(axis=0)]
    np.testing.assert_allclose(mean, complete.mean(axis=1))
    np.testing.assert_allclose(covariance, np.cov(complete, bias=True), atol=1e-10)


def test_statistics_without_a_complete_sample():
    x = np.full((1, 2, 4), np.nan)
    x[0, 0, :2], x[0, 1, 2:] = 1.0, 5.0
    mean, covariance = lead_statistics([x])
    assert mean.tolist() == [1.0, 5.0]
    assert not covariance.any()


def test_statistics_of_a_lead_that_is_never_there():
    x = np.zeros((2, 2, 3))
    x[:, 1] = np.nan
    assert np.isnan(lead_statistics([x])[0][1])


def test_regression_is_exact_where_leads_depend_on_each_other():
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(5, 2))
    x = np.einsum("lk,rkt->rlt", mixing, rng.normal(size=(4, 2, 200))) + rng.normal(size=(5, 1))
    mean, covariance = lead_statistics([x])
    broken = x.copy()
    broken[0, 2:] = np.nan
    broken[1, 0, 30:60] = np.nan
    fill_by_regression(broken, mean, covariance)
    np.testing.assert_allclose(broken, x, atol=1e-6)


def test_without_any_lead_the_mean_is_put():
    x = np.full((1, 2, 3), np.nan)
    fill_by_regression(x, np.array([1.0, 2.0]), np.eye(2))
    np.testing.assert_array_equal(x[0], [[1, 1, 1], [2, 2, 2]])


def test_regression_with_a_dead_lead():
    covariance = np.array([[1.0, 0.0], [0.0, 0.0]])
    assert regression_weights(covariance, np.array([False, True])).tolist() == [[0.0]]
    assert regression_weights(covariance, np.array([True, False])).tolist() == [[0.0]]
