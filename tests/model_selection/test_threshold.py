import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecg_anomaly.errors import DatasetError
from ecg_anomaly.model_selection import split_holdout, threshold_at_false_alarm_rate


@given(
    st.lists(st.integers(0, 30), min_size=2, max_size=80).filter(lambda g: len(set(g)) > 1),
    st.floats(0.01, 0.5),
    st.integers(0, 99),
)
def test_holdout_keeps_patients_together(groups, holdout, seed):
    groups = np.array(groups)
    fit_rows, holdout_rows = split_holdout(groups, holdout, seed)
    assert sorted([*fit_rows, *holdout_rows]) == list(range(len(groups)))
    assert not set(groups[fit_rows]) & set(groups[holdout_rows])
    assert len(fit_rows)
    n_patients = len(set(groups))
    assert len(set(groups[holdout_rows])) == np.ceil(holdout * n_patients)
    for rows in (fit_rows, holdout_rows):
        np.testing.assert_array_equal(rows, np.sort(rows))


def test_holdout_is_reproducible():
    groups = np.repeat([f"p{k}" for k in range(50)], 2)
    first, again, other = (split_holdout(groups, 0.2, seed)[1] for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert set(first) != set(other)
    assert len(first) == 20


@pytest.mark.parametrize(
    ("groups", "holdout"), [([], 0.2), (["a"], 0.2), (["a", "a", "a"], 0.5), (["a", "b"], 0.9)]
)
def test_too_few_patients(groups, holdout):
    with pytest.raises(DatasetError, match="patients leaves none to fit on"):
        split_holdout(groups, holdout, 0)


@pytest.mark.parametrize("holdout", [0.0, 1.0, -0.5, 1.5, float("nan")])
def test_holdout_out_of_range(holdout):
    with pytest.raises(ValueError, match="holdout must lie between 0 and 1"):
        split_holdout(range(10), holdout, 0)


@pytest.mark.parametrize(
    ("n", "rate", "expected"),
    [(99, 0.05, 4.0), (19, 0.05, 0.0), (9, 0.1, 0.0), (99, 0.5, 49.0), (100, 0.05, 4.0)],
)
def test_threshold_by_hand(n, rate, expected):
    shuffled = np.random.default_rng(0).permutation(n)
    assert threshold_at_false_alarm_rate(shuffled, rate) == expected


@pytest.mark.parametrize(("n", "rate"), [(19, 0.05), (50, 0.05), (99, 0.1), (30, 0.3)])
def test_rate_on_new_normals_is_k_of_n_plus_one(n, rate):
    rng = np.random.default_rng(0)
    trials = 20_000
    draws = rng.standard_t(3, size=(trials, n + 1))
    thresholds = np.array([threshold_at_false_alarm_rate(row[:-1], rate) for row in draws])
    expected = np.floor(rate * (n + 1) + 1e-9) / (n + 1)
    error = np.sqrt(expected * (1 - expected) / trials)
    assert np.mean(draws[:, -1] < thresholds) == pytest.approx(expected, abs=4 * error)
    assert expected <= rate


@pytest.mark.parametrize("rate", [1 / k for k in (3, 10, 20, 49, 98, 103, 1000)] + [0.07, 0.4])
def test_the_error_names_the_number_that_suffices(rate):
    with pytest.raises(DatasetError, match="needs at least") as caught:
        threshold_at_false_alarm_rate([1.0], rate)
    needed = int(str(caught.value).split("at least ")[1].split()[0])
    assert threshold_at_false_alarm_rate(np.arange(needed), rate) == 0
    with pytest.raises(DatasetError, match=f"got {needed - 1};"):
        threshold_at_false_alarm_rate(np.arange(needed - 1), rate)


@pytest.mark.parametrize("scores", [[], [np.nan] * 50, [*range(50), np.inf]])
def test_scores_that_cannot_be_used(scores):
    with pytest.raises(DatasetError, match="finite score"):
        threshold_at_false_alarm_rate(scores, 0.1)


@pytest.mark.parametrize("rate", [0, 1, -0.1, 5, float("nan")])
def test_rate_out_of_range(rate):
    with pytest.raises(ValueError, match="false_alarm_rate must lie between 0 and 1"):
        threshold_at_false_alarm_rate(range(99), rate)
