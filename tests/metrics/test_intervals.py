import numpy as np
import pytest

from ecg_anomaly.errors import LabelError, SignalError
from ecg_anomaly.metrics import (
    Interval,
    anomaly_auroc,
    bootstrap_difference,
    bootstrap_interval,
    sensitivity_at_specificity,
)


def make(n_patients, per_patient=1, effect=1.0, seed=0):
    """Draw patients of one label and a level of their own, with several records each."""
    rng = np.random.default_rng(seed)
    label = np.where(rng.uniform(size=n_patients) < 0.4, -1, 1)
    level = effect * label + rng.normal(size=n_patients)
    y, groups = (np.repeat(a, per_patient) for a in (label, np.arange(n_patients)))
    return y, np.repeat(level, per_patient) + 0.1 * rng.normal(size=len(y)), groups


def test_the_estimate_is_the_metric():
    y, scores, _ = make(100)
    interval = bootstrap_interval(anomaly_auroc, y, scores, n_resamples=50, random_state=0)
    assert isinstance(interval, Interval)
    assert interval.estimate == anomaly_auroc(y, scores)
    assert interval.low < interval.estimate < interval.high
    assert str(interval).count("to") == 1


def test_the_same_seed_gives_the_same_interval():
    y, scores, groups = make(60, 3)
    first, again, other = (
        bootstrap_interval(
            anomaly_auroc, y, scores, groups=groups, n_resamples=50, random_state=seed
        )
        for seed in (0, 0, 1)
    )
    assert first == again != other


def test_records_of_a_patient_stay_together():
    """Ten copies of each record tell no more than one."""
    y, scores, _ = make(80)
    groups = np.arange(80)
    alone = bootstrap_interval(anomaly_auroc, y, scores, groups=groups, random_state=0)
    order = np.random.default_rng(0).permutation(800)
    many = [np.repeat(a, 10)[order] for a in (y, scores, groups)]
    grouped = bootstrap_interval(anomaly_auroc, *many[:2], groups=many[2], random_state=0)
    assert grouped == pytest.approx(alone, abs=1e-9)
    by_record = bootstrap_interval(anomaly_auroc, *many[:2], random_state=0)
    assert by_record.high - by_record.low < 0.5 * (alone.high - alone.low)


def test_names_of_patients_may_be_text():
    y, scores, groups = make(40, 2)
    numbered = bootstrap_interval(anomaly_auroc, y, scores, groups=groups, random_state=0)
    named = np.array([f"p{group:03d}" for group in groups])
    assert bootstrap_interval(anomaly_auroc, y, scores, groups=named, random_state=0) == numbered


def test_intervals_hold_the_truth_as_often_as_they_say():
    truth = 0.921  # P(N(2, 2) > 0), the levels of both classes being two apart: Phi(sqrt 2)
    inside = 0
    for seed in range(200):
        y, scores, groups = make(120, 3, seed=seed)
        interval = bootstrap_interval(
            anomaly_auroc, y, scores, groups=groups, confidence=0.9, n_resamples=200,
            random_state=seed,
        )  # fmt: skip
        inside += interval.low <= truth <= interval.high
    # binomial: 180 expected, standard deviation 4; the percentile interval is a little narrow
    assert 165 <= inside <= 194


def test_differences_of_paired_scores():
    y, scores, groups = make(150, 2)
    noise = np.random.default_rng(1).normal(size=len(y))
    worse = scores + noise
    difference = bootstrap_difference(
        anomaly_auroc, y, scores, worse, groups=groups, random_state=0
    )
    assert difference.estimate == pytest.approx(anomaly_auroc(y, scores) - anomaly_auroc(y, worse))
    assert difference.low > 0
    opposite = bootstrap_difference(anomaly_auroc, y, worse, scores, groups=groups, random_state=0)
    assert opposite.estimate == -difference.estimate
    assert opposite.low == pytest.approx(-difference.high)
    same = bootstrap_difference(anomaly_auroc, y, scores, scores, random_state=0)
    assert same == (0, 0, 0)


def test_any_metric():
    y, scores, _ = make(100)

    def at_99(y, scores):
        return sensitivity_at_specificity(y, scores, 0.99)

    assert bootstrap_interval(at_99, y, scores, n_resamples=20, random_state=0).high <= 1


@pytest.mark.parametrize(
    ("change", "error", "problem"),
    [
        ({"y": [0, 1, 1, 0]}, LabelError, "0 and 1"),
        ({"y": [1, 1, 1, 1]}, LabelError, "both classes"),
        ({"scores": [1, 2, 3]}, SignalError, "one score a record"),
        ({"scores": [1, 2, 3, np.nan]}, SignalError, "not finite"),
        ({"groups": [1, 2]}, SignalError, "groups of shape"),
        ({"groups": [1, 1, 1, 2], "y": [1, 1, 1, -1]}, LabelError, "too few patients"),
        ({"confidence": 1.0}, ValueError, "confidence"),
        ({"n_resamples": 0}, ValueError, "n_resamples"),
    ],
)
def test_what_gives_no_interval(change, error, problem):
    given = {"y": [1, 1, -1, -1], "scores": [4.0, 3.0, 2.0, 1.0], "random_state": 0} | change
    with pytest.raises(error, match=problem):
        bootstrap_interval(anomaly_auroc, given.pop("y"), given.pop("scores"), **given)
