import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from ecg_anomaly.errors import DatasetError
from ecg_anomaly.model_selection import threshold_at_false_alarm_rate
from ecg_anomaly.model_selection.p_values import (
    conformal_p_values,
    conformal_threshold,
    fewest_normals,
)

scores = st.lists(st.integers(-5, 5), min_size=1, max_size=60).map(np.array)
levels = st.sampled_from([0.02, 0.05, 0.1, 0.25, 0.5])


def test_by_hand():
    p = conformal_p_values([0, 1, 1.5, 9, np.nan], [1, 2, 3, 4])
    np.testing.assert_allclose(p, [0.2, 0.4, 0.4, 1.0, np.nan])
    # P(Beta(1, 9) <= p) = 0.9: p = 1 - 0.1 ** (1 / 9)
    p = conformal_p_values([-1.0, 100.0], range(9), confidence=0.9)
    np.testing.assert_allclose(p, [1 - 0.1 ** (1 / 9), 1.0])


@given(calibration=scores, new=scores, alpha=levels, confidence=st.sampled_from([None, 0.8, 0.99]))
def test_threshold_and_p_value_say_the_same(calibration, new, alpha, confidence):
    try:
        threshold = conformal_threshold(calibration, alpha, confidence)
    except DatasetError:
        # nothing scores low enough, however low
        assert conformal_p_values([-1e9], calibration, confidence)[0] > alpha
        return
    p = conformal_p_values(new, calibration, confidence)
    np.testing.assert_array_equal(new < threshold, p <= alpha + 1e-12)


@given(calibration=scores, alpha=levels)
def test_equals_the_quantile_of_thresholds(calibration, alpha):
    """The p-value counts scores; the quantile is an order statistic, ties or not."""
    try:
        expected = threshold_at_false_alarm_rate(calibration, alpha)
    except DatasetError:
        expected = None
    if expected is None:
        with pytest.raises(DatasetError, match="held-out normals"):
            conformal_threshold(calibration, alpha)
    else:
        k = int(np.floor(alpha * (len(calibration) + 1) + 1e-9))
        assert conformal_threshold(calibration, alpha) == expected == np.sort(calibration)[k - 1]


@given(calibration=scores, new=scores)
def test_p_values_rise_with_the_score_and_stay_in_range(calibration, new):
    for confidence in (None, 0.9):
        p = conformal_p_values(np.sort(new), calibration, confidence)
        assert (np.diff(p) >= 0).all()
        assert ((p > 0) & (p <= 1)).all()
    assert (conformal_p_values(new, calibration, 0.9) >= beta.ppf(0.9, 1, len(calibration))).all()


@pytest.mark.parametrize(("alpha", "confidence"), [(0.05, None), (0.1, 0.9), (0.01, 0.5)])
def test_fewest_normals_is_exact(alpha, confidence):
    n = fewest_normals(alpha, confidence)
    conformal_threshold(np.arange(n), alpha, confidence)
    with pytest.raises(DatasetError, match=f"at least {n}"):
        conformal_threshold(np.arange(n - 1), alpha, confidence)


def test_with_confidence_the_rate_holds_for_nine_calibrations_of_ten():
    rng = np.random.default_rng(0)
    rates = []
    for _ in range(1000):
        threshold = conformal_threshold(rng.uniform(size=200), 0.1, confidence=0.9)
        rates.append(threshold)  # of uniform scores the rate is the threshold
    assert np.mean(np.array(rates) <= 0.1) >= 0.9 - 3 * np.sqrt(0.09 / 1000)
    assert np.mean(np.array(rates) <= 0.1) <= 0.97


@pytest.mark.parametrize("bad", [[], [np.nan], [1.0, -np.inf]])
def test_calibrations_that_are_none(bad):
    with pytest.raises(DatasetError, match="finite score"):
        conformal_p_values([1.0], bad)
