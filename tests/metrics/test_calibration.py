import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, kstest

from ecg_anomaly.errors import SignalError
from ecg_anomaly.metrics import p_value_calibration, p_value_departure

P_VALUES = st.lists(st.integers(0, 20).map(lambda k: k / 20), min_size=1, max_size=50)


def conformal(rng, n_calibration, n_test, decimals=None):
    """Rank test scores among those of a calibration: (1 + number at most as high) / (n + 1)."""
    calibration, test = rng.normal(size=n_calibration), rng.normal(size=n_test)
    if decimals is not None:
        calibration, test = calibration.round(decimals), test.round(decimals)
    at_most = np.searchsorted(np.sort(calibration), test, side="right")
    return (1 + at_most) / (n_calibration + 1)


def test_shares_by_hand():
    table = p_value_calibration([0.01, 0.05, 0.1, 0.7, 1.0], [0.05, 0.1, 0.5])
    assert table.index.tolist() == [0.05, 0.1, 0.5]
    assert table["n"].tolist() == [5, 5, 5]
    assert table["share"].tolist() == [0.4, 0.6, 0.6]
    # of 5 at .05: P(at most 1) = .977 >= .975
    assert table.loc[0.05, ["low", "high"]].tolist() == [0, 0.2]
    assert table["exceeds"].tolist() == [True, True, False]


def test_alphas_that_floats_miss():
    # three steps of a tenth are 0.30000000000000004
    assert p_value_calibration([0.1 + 0.1 + 0.1], [0.3])["share"].item() == 1


def test_without_the_size_of_the_calibration_the_interval_is_binomial():
    table = p_value_calibration(np.linspace(0, 1, 400), [0.05, 0.2], confidence=0.9)
    for alpha, row in table.iterrows():
        expected = binom.ppf([0.05, 0.95], 400, alpha) / 400
        np.testing.assert_allclose(row[["low", "high"]].to_numpy(float), expected)


def test_the_interval_of_few_calibration_records_by_hand():
    # 9 records: p <= .1 is to rank first of 10, so that the share is Beta(1, 9) distributed. None
    # of two p-values is as small with probability E (1 - share)^2 = 9 * 10 / (10 * 11) = .818
    for confidence, high in ((0.6, 0), (0.7, 0.5)):
        table = p_value_calibration([0.5, 0.9], [0.1], n_calibration=9, confidence=confidence)
        assert table.loc[0.1, ["low", "high"]].tolist() == [0, high]
    # p <= .2 is to rank second or better: 8 * 9 / (10 * 11) = .654
    table = p_value_calibration([0.5, 0.9], [0.2], n_calibration=9, confidence=0.6)
    assert table.loc[0.2, "high"] == 0.5


def test_intervals_hold_the_share_as_often_as_they_say():
    rng = np.random.default_rng(0)
    alphas = [0.05, 0.2]
    inside, too_narrow = np.zeros(2), np.zeros(2)
    for _ in range(400):
        p_values = conformal(rng, 99, 300)
        table = p_value_calibration(p_values, alphas, n_calibration=99, confidence=0.9)
        inside += table["share"].between(table["low"], table["high"]).to_numpy()
        table = p_value_calibration(p_values, alphas, confidence=0.9)
        too_narrow += table["share"].between(table["low"], table["high"]).to_numpy()
    # 360 of 400 expected or a little more, counts being discrete; standard deviation 6
    assert ((inside >= 344) & (inside <= 385)).all()
    assert (too_narrow < 320).all()


def test_conservative_p_values_are_not_wrong():
    rng = np.random.default_rng(1)
    # ties of rounded scores count as more normal than the record itself
    p_values = conformal(rng, 999, 5000, decimals=0)
    table = p_value_calibration(p_values, n_calibration=999)
    assert (table["share"] < table["low"]).sum() >= 3
    assert not table["exceeds"].any()
    excess, two_sided = p_value_departure(p_values)
    assert excess < 0.05
    assert two_sided > 0.2


def test_too_many_small_p_values_are():
    p_values = conformal(np.random.default_rng(2), 999, 5000) ** 2
    table = p_value_calibration(p_values, n_calibration=999)
    assert table["exceeds"].all()
    # p^2 <= a where p <= sqrt(a): sqrt(a) - a is 1/4 at most
    assert p_value_departure(p_values).excess == pytest.approx(0.25, abs=0.03)


def test_alphas_below_the_smallest_p_value():
    table = p_value_calibration([0.1, 0.5], [0.001], n_calibration=9)
    assert table.loc[0.001, ["low", "high"]].tolist() == [0, 0]
    assert not table["exceeds"].item()
    assert p_value_calibration([0.001, 0.5], [0.001], n_calibration=9)["exceeds"].item()


@given(P_VALUES)
def test_departures_are_those_of_kolmogorov_and_smirnov(p_values):
    departure = p_value_departure(p_values)
    assert departure.two_sided == pytest.approx(kstest(p_values, "uniform").statistic)
    greater = kstest(p_values, "uniform", alternative="greater").statistic
    assert departure.excess == pytest.approx(max(greater, 0))
    assert 0 <= departure.excess <= departure.two_sided <= 1


@given(P_VALUES, st.randoms(use_true_random=False))
def test_order_does_not_matter_and_shares_rise(p_values, random):
    table = p_value_calibration(p_values)
    shuffled = random.sample(p_values, len(p_values))
    assert table.equals(p_value_calibration(shuffled))
    assert p_value_departure(p_values) == p_value_departure(shuffled)
    assert table["share"].is_monotonic_increasing
    assert ((table["low"] <= table["high"]) & (table["high"] <= 1)).all()


@pytest.mark.parametrize("function", [p_value_calibration, p_value_departure])
@pytest.mark.parametrize(
    ("p_values", "problem"),
    [
        ([0.1, np.nan], "p-value 1 is nan, not between 0 and 1"),
        ([1.5, 0.1], r"p-value 0 is 1\.5"),
        ([-0.1], "p-value 0"),
        ([], "one at least"),
        ([[0.1]], "one a record"),
    ],
)
def test_what_is_no_p_value(function, p_values, problem):
    with pytest.raises(SignalError, match=problem):
        function(p_values)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"alphas": [0]}, "alphas must lie between 0 and 1"),
        ({"alphas": [0.5, 1]}, "alphas must lie between 0 and 1"),
        ({"confidence": 95}, "confidence"),
        ({"n_calibration": 0}, "n_calibration"),
    ],
)
def test_parameters_out_of_range(change, problem):
    with pytest.raises(ValueError, match=problem):
        p_value_calibration([0.5], **change)
