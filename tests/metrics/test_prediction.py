import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, binom

from ecg_anomaly.errors import SignalError
from ecg_anomaly.metrics import design_effect, predicted_rate

counts = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def test_infinitely_many_have_the_interval_of_clopper_and_pearson():
    rate, low, high = predicted_rate(7, 120)
    assert rate == 7 / 120
    assert low == pytest.approx(beta.ppf(0.025, 7, 114))
    assert high == pytest.approx(beta.ppf(0.975, 8, 113))


@given(counts, st.integers(1, 500))
def test_bounds(count, n_new):
    j, n = count
    for new in (None, n_new):
        rate, low, high = predicted_rate(j, n, new)
        assert 0 <= low <= rate <= high <= 1
    assert predicted_rate(0, n)[1] == 0.0
    assert predicted_rate(n, n)[2] == 1.0


@given(counts)
def test_few_new_records_are_less_certain_than_many(count):
    j, n = count
    few, many = predicted_rate(j, n, 50), predicted_rate(j, n, 5_000)
    assert few.high - few.low >= many.high - many.low - 0.021  # counts of 50 come in steps
    plain = predicted_rate(j, n)
    assert many.low == pytest.approx(plain.low, abs=0.02)
    assert many.high == pytest.approx(plain.high, abs=0.02)


def test_it_is_wider_than_the_binomial_of_a_known_rate():
    _, low, high = predicted_rate(50, 1000, 1000)
    assert low < binom.ppf(0.025, 1000, 0.05) / 1000
    assert high > binom.ppf(0.975, 1000, 0.05) / 1000


@pytest.mark.parametrize(("rate", "n"), [(0.05, 100), (0.3, 40), (0.9, 200)])
def test_new_rates_lie_within_for_fixed_thresholds_and_order_statistics(rate, n):
    rng = np.random.default_rng(0)
    k = int(rate * (n + 1))
    inside = {"fixed": [], "chosen": []}
    for _ in range(1500):
        calibration, new = np.sort(rng.uniform(size=n)), rng.uniform(size=80)
        for how, threshold in (("fixed", rate), ("chosen", calibration[k - 1])):
            _, low, high = predicted_rate(np.sum(calibration < threshold), n, 80)
            inside[how].append(low <= np.mean(new < threshold) <= high)
    for covered in inside.values():
        assert np.mean(covered) >= 0.945


def test_the_design_effect_makes_records_count_less():
    plain, clustered = predicted_rate(20, 200, 100), predicted_rate(20, 200, 100, design_effect=4)
    assert clustered.low < plain.low
    assert clustered.high > plain.high
    assert clustered == pytest.approx(predicted_rate(5, 50, 25))


def test_likeness_of_a_patients_records():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(300), 5)
    independent = rng.uniform(size=1500) < 0.2
    alike = np.repeat(rng.uniform(size=300) < 0.2, 5)
    assert design_effect(independent, groups) == pytest.approx(1.0, abs=0.15)
    assert design_effect(alike, groups) == pytest.approx(5.0, rel=0.05)
    assert design_effect(np.zeros(1500, bool), groups) == 5.0
    assert design_effect(independent, np.arange(1500)) == pytest.approx(1.0)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=1, max_size=40))
def test_the_effect_is_at_least_one(rows):
    flagged, groups = zip(*rows, strict=True)
    assert design_effect(flagged, groups) >= 1.0


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((-1, 10), SignalError),
        ((11, 10), SignalError),
        ((0, 0), SignalError),
        ((1, 10, 0), SignalError),
    ],
)
def test_counts_that_are_none(arguments, error):
    with pytest.raises(error):
        predicted_rate(*arguments)
    with pytest.raises(ValueError, match="confidence"):
        predicted_rate(1, 10, confidence=1)
    with pytest.raises(SignalError, match="patients for"):
        design_effect([True], [1, 2])
