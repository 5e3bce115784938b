import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.metrics import balanced_accuracy_score, fbeta_score

from ecg_anomaly.errors import DatasetError
from ecg_anomaly.model_selection import (
    TARGETS,
    AlertBudget,
    BalancedAccuracy,
    Cost,
    FalseAlarmRate,
    FBeta,
    Percentile,
    Sensitivity,
    Specificity,
    TailRate,
    Youden,
)

NONE = np.empty(0)
finite = st.floats(-100, 100, allow_subnormal=False).map(lambda x: round(x, 2))
several = st.lists(finite, min_size=3, max_size=40).map(np.array)


def flagged(threshold, scores):
    return float(np.mean(scores < threshold))


@pytest.mark.parametrize("cls", TARGETS.values())
def test_targets_are_plain_values(cls):
    target = cls()
    assert target == cls()
    assert hash(target) == hash(cls())
    assert cls(**{f.name: getattr(target, f.name) for f in dataclasses.fields(target)}) == target
    assert clone(target, safe=False) == target
    with pytest.raises(dataclasses.FrozenInstanceError):
        target.anything = 1


def test_rates_of_normals_by_hand():
    normals = np.arange(99.0)
    assert FalseAlarmRate(0.1).threshold(normals, NONE) == 9.0
    assert Specificity(0.9).threshold(normals, NONE) == 9.0
    assert Percentile(50).threshold(normals, NONE) == 49.0
    with pytest.raises(DatasetError, match="at least 199 held-out normals, got 99"):
        FalseAlarmRate(0.005).threshold(normals, NONE)


def test_sensitivity_by_hand():
    anomalies = np.array([5.0, 1.0, 3.0, 2.0])
    # ceil(0.6 * 5) = 3 of 4 must be flagged
    threshold = Sensitivity(0.6).threshold(NONE, anomalies)
    assert threshold == np.nextafter(3.0, np.inf)
    assert flagged(threshold, anomalies) == 0.75
    with pytest.raises(DatasetError, match="at least 9 anomalies, got 4"):
        Sensitivity(0.9).threshold(NONE, anomalies)


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9])
def test_sensitivity_holds_on_new_anomalies_on_average(level):
    rng = np.random.default_rng(0)
    draws = [rng.normal(size=224) for _ in range(2000)]
    kept = [flagged(Sensitivity(level).threshold(NONE, a[:24]), a[24:]) for a in draws]
    assert level - 0.02 < np.mean(kept) < level + 1 / 25 + 0.02


@given(normals=several, anomalies=several, beta=st.sampled_from([0.5, 1.0, 2.0]))
def test_f_beta_is_the_largest(normals, anomalies, beta):
    scores = np.concatenate([normals, anomalies])
    truth = np.concatenate([np.zeros(len(normals)), np.ones(len(anomalies))])

    def value(threshold):
        return fbeta_score(truth, scores < threshold, beta=beta, zero_division=0.0)

    best = max(value(t) for t in [*scores, np.nextafter(scores.max(), np.inf)])
    assert value(FBeta(beta).threshold(normals, anomalies)) == pytest.approx(best)


@given(normals=several, anomalies=several)
def test_youden_is_the_largest_balanced_accuracy(normals, anomalies):
    scores = np.concatenate([normals, anomalies])
    truth = np.concatenate([np.zeros(len(normals)), np.ones(len(anomalies))])
    threshold = Youden().threshold(normals, anomalies)
    assert BalancedAccuracy().threshold(normals, anomalies) == threshold
    best = max(
        balanced_accuracy_score(truth, scores < t)
        for t in [*scores, np.nextafter(scores.max(), np.inf)]
    )
    assert balanced_accuracy_score(truth, scores < threshold) == pytest.approx(best)


@given(
    normals=several,
    anomalies=several,
    miss=st.floats(0, 50),
    review=st.floats(0, 5),
    prevalence=st.floats(0.01, 0.99),
)
def test_cost_is_the_least(normals, anomalies, miss, review, prevalence):
    target = Cost(false_alarm=1.0, miss=miss, review=review, prevalence=prevalence)

    def cost(threshold):
        alarms = (1 - prevalence) * flagged(threshold, normals)
        hits = prevalence * flagged(threshold, anomalies)
        return alarms + miss * (prevalence - hits) + review * (alarms + hits)

    scores = np.concatenate([normals, anomalies])
    least = min(cost(t) for t in [*scores, np.nextafter(scores.max(), np.inf)])
    assert cost(target.threshold(normals, anomalies)) == pytest.approx(least, abs=1e-9)


def test_prevalence_moves_the_optimum():
    rng = np.random.default_rng(0)
    normals, anomalies = rng.normal(size=500), rng.normal(-1.5, size=500)
    rare, common = (
        FBeta(prevalence=prevalence).threshold(normals, anomalies) for prevalence in (0.02, 0.5)
    )
    assert rare < common
    same_mix = FBeta(prevalence=0.5).threshold(normals, anomalies)
    assert FBeta().threshold(normals, anomalies) == same_mix


def test_an_alert_budget_holds_on_new_records_on_average():
    rng = np.random.default_rng(0)
    rates = {False: [], True: []}
    for _ in range(400):
        normals, anomalies = rng.normal(size=180), rng.normal(-2, size=20)
        new = np.concatenate([rng.normal(size=900), rng.normal(-2, size=100)])
        as_they_come = AlertBudget(10).threshold(np.concatenate([normals, anomalies]), NONE)
        rates[False].append(flagged(as_they_come, new))
        weighted = AlertBudget(10, prevalence=0.1).threshold(normals, anomalies)
        rates[True].append(flagged(weighted, new))
    assert 0.09 < np.mean(rates[False]) <= 0.1 + 0.004
    assert 0.07 < np.mean(rates[True]) <= 0.1 + 0.004


def test_a_budget_with_a_prevalence_needs_anomalies():
    with pytest.raises(DatasetError, match="needs anomalies"):
        AlertBudget(5, prevalence=0.1).threshold(np.arange(100.0), NONE)
    with pytest.raises(DatasetError, match="hold out more"):
        AlertBudget(1, prevalence=0.5).threshold(np.arange(10.0), np.arange(5.0))


@pytest.mark.parametrize("shape", ["exponential", "normal"])
def test_peaks_over_threshold_find_rates_below_one_in_n(shape):
    """The rate on a million others is mostly within a factor of three of one in 2,500."""
    rng = np.random.default_rng(1)
    found = []
    others = -getattr(rng, shape)(size=1_000_000)
    for _ in range(20):
        normals = -getattr(rng, shape)(size=1000)
        found.append(flagged(TailRate(4e-4).threshold(normals, NONE), others))
    assert 4e-4 / 3 < np.median(found) < 4e-4 * 3


def test_a_tail_needs_records():
    with pytest.raises(DatasetError, match="needs 30"):
        TailRate().threshold(np.arange(100.0), NONE)
    assert np.isfinite(TailRate().threshold(np.arange(400.0), NONE))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FalseAlarmRate(0), "rate must lie between 0 and 1"),
        (lambda: FalseAlarmRate(float("nan")), "rate must lie"),
        (lambda: Specificity(1.0), "level must lie"),
        (lambda: Percentile(100), "percent must lie"),
        (lambda: Sensitivity(1.5), "level must lie"),
        (lambda: TailRate(0.2, tail=0.1), "must lie below tail"),
        (lambda: FBeta(0), "beta must be"),
        (lambda: FBeta(prevalence=2), "prevalence must lie"),
        (lambda: Cost(miss=-1), "miss must be a cost"),
        (lambda: Cost(review=float("inf")), "review must be a cost"),
        (lambda: AlertBudget(100), "per_hundred"),
    ],
)
def test_impossible_targets(make, message):
    with pytest.raises(ValueError, match=message):
        make()
