import numpy as np
import pytest

from ecg_anomaly.signal.agreement import explained_share, lag_difference, limit_outliers


def test_the_share_is_that_of_least_squares():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(5, 4000))
    x[4] = x[0] - 2 * x[1] + rng.normal(size=4000)
    share = explained_share(x @ x.T)
    for row in range(5):
        others = np.delete(x, row, axis=0).T
        fitted = others @ np.linalg.lstsq(others, x[row], rcond=None)[0]
        expected = 1 - np.mean((x[row] - fitted) ** 2) / np.mean(x[row] ** 2)
        assert share[row] == pytest.approx(expected, abs=0.01)


def test_leads_that_follow_from_each_other_and_leads_of_zeros():
    x = np.random.default_rng(0).normal(size=(3, 100))
    x[2] = x[0] + x[1]
    assert (explained_share(x @ x.T) > 0.99).all()
    x[1] = 0
    assert explained_share(x @ x.T)[1] == 0


def test_one_artefact_does_not_decide():
    x = np.random.default_rng(0).uniform(-1, 1, size=1000)
    limited = limit_outliers(np.where(np.arange(1000) == 500, 99.0, x), 100.0)
    assert limited.max() <= 1.5
    np.testing.assert_array_equal(np.delete(limited, 500), np.delete(x, 500))


@pytest.mark.parametrize("n", [0, 1, 4, 5])
def test_short_rows(n):
    difference = lag_difference(np.arange(float(n)), 100.0)
    assert len(limit_outliers(difference, 100.0)) == max(0, n - 4)
