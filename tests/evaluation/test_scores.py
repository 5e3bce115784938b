import numpy as np
import pandas as pd
import pytest

from ecg_anomaly.datasets import ECGDataset, make_ecg
from ecg_anomaly.errors import LabelError, SignalError
from ecg_anomaly.evaluation.scores import AGE_ONLY, describe, evaluate_scores
from ecg_anomaly.metrics import (
    age_band,
    anomaly_auprc,
    anomaly_auroc,
    bootstrap_interval,
    matched_auroc,
    sensitivity_at_specificity,
)

N = 400
RNG = np.random.default_rng(0)
Y = np.where(RNG.uniform(size=N) < 0.3, -1, 1)
AGE = RNG.uniform(20, 90, N) + 5 * (Y == -1)
SEX = RNG.integers(0, 2, N)
GOOD, POOR = RNG.normal(size=(2, N)) + np.outer([2, 0], Y)


def dataset(**columns):
    return ECGDataset(
        X=np.zeros((N, 1, 1), np.float32),
        y=Y,
        groups=np.arange(N) // 2,
        table=pd.DataFrame(columns, index=range(N)),
        name="made up",
        label_rule="as drawn.",
        excluded={"too short": 3, "without leads": 1},
    )


PEOPLE = dataset(age=AGE, sex=SEX)


def test_the_table_holds_the_measures():
    table = evaluate_scores(PEOPLE, {"good": GOOD, "poor": POOR})
    assert table.index.tolist() == ["good", "poor", AGE_ONLY]
    assert table.columns.tolist() == [
        "AUROC",
        "matched AUROC",
        "partial AUROC",
        "AUPRC",
        "AUPRC lift",
        "prevalence",
        "sens. at 90 % spec.",
        "sens. at 95 % spec.",
        "sens. at 99 % spec.",
    ]
    for name, scores in {"good": GOOD, "poor": POOR, AGE_ONLY: -AGE}.items():
        row = table.loc[name]
        assert row["AUROC"] == anomaly_auroc(Y, scores)
        assert row["matched AUROC"] == matched_auroc(Y, scores, age_band(AGE), SEX)
        assert row["AUPRC"] == anomaly_auprc(Y, scores)
        assert row["prevalence"] == np.mean(Y == -1)
        assert row["sens. at 95 % spec."] == sensitivity_at_specificity(Y, scores, 0.95)
    assert table.loc["good", "AUROC"] > 0.95
    assert table.loc[AGE_ONLY, "AUROC"] > 0.52


@pytest.mark.parametrize(
    "columns", [{}, {"age": AGE}, {"sex": SEX}, {"age": np.full(N, np.nan), "sex": SEX}]
)
def test_without_age_and_sex_nothing_is_matched(columns):
    table = evaluate_scores(dataset(**columns), {"good": GOOD})
    assert table.index.tolist() == ["good"]
    assert "matched AUROC" not in table


def test_unknown_ages_count_as_the_median_and_match_nobody():
    age = np.where(np.arange(N) % 3 == 0, np.nan, AGE)
    table = evaluate_scores(dataset(age=age, sex=SEX), {"good": GOOD})
    filled = np.where(np.isnan(age), np.nanmedian(age), age)
    assert table.loc[AGE_ONLY, "AUROC"] == anomaly_auroc(Y, -filled)
    known = np.isfinite(age)
    assert table.loc["good", "matched AUROC"] == pytest.approx(
        matched_auroc(Y[known], GOOD[known], age_band(age[known]), SEX[known])
    )


def test_no_pair_of_one_age_and_sex_is_nan():
    table = evaluate_scores(dataset(age=AGE, sex=Y), {"good": GOOD})
    assert np.isnan(table.loc["good", "matched AUROC"])
    assert table.loc["good", "AUROC"] > 0.95


def test_thresholds():
    table = evaluate_scores(PEOPLE, {"good": GOOD, "poor": POOR}, thresholds={"good": 0.5})
    assert table.loc["good", "false alarms"] == np.mean(GOOD[Y == 1] < 0.5)
    assert table.loc["good", "sensitivity"] == np.mean(GOOD[Y == -1] < 0.5)
    assert table.loc[["poor", AGE_ONLY], ["false alarms", "sensitivity"]].isna().all(axis=None)


def test_a_score_at_the_threshold_is_not_flagged():
    scores = np.where(Y == 1, 1.0, 0.0)
    table = evaluate_scores(dataset(), {"x": scores}, thresholds={"x": 1.0})
    assert table.loc["x", "false alarms"] == 0
    assert table.loc["x", "sensitivity"] == 1


def test_scores_that_cannot_be_used():
    with pytest.raises(SignalError, match="not finite"):
        evaluate_scores(PEOPLE, {"bad": np.where(np.arange(N) == 7, np.inf, GOOD)})
    with pytest.raises(SignalError, match=r"bad has scores of shape \(399,\) for 400"):
        evaluate_scores(PEOPLE, {"bad": GOOD[:-1]})


def test_records_that_one_could_not_score_are_left_out_for_all():
    part = np.arange(N) % 10 == 0
    holed = np.where(part, np.nan, GOOD)
    table = evaluate_scores(PEOPLE, {"holed": holed, "poor": POOR}, thresholds={"poor": 0.5})
    rest = evaluate_scores(
        PEOPLE[~part], {"holed": GOOD[~part], "poor": POOR[~part]}, thresholds={"poor": 0.5}
    )
    refused = ["normals not scorable", "anomalies not scorable"]
    pd.testing.assert_frame_equal(table.drop(columns=refused), rest)
    assert table.loc["holed", refused].tolist() == [part[Y == 1].mean(), part[Y == -1].mean()]
    assert table.loc["poor", refused].tolist() == [0, 0]
    with pytest.raises(SignalError, match="no record was scorable by all of none"):
        evaluate_scores(PEOPLE, {"none": np.full(N, np.nan)})


def test_intervals_are_over_patients():
    table = evaluate_scores(PEOPLE, {"good": GOOD}, n_resamples=200, random_state=0)
    expected = bootstrap_interval(
        anomaly_auroc, Y, GOOD, groups=PEOPLE.groups, n_resamples=200, random_state=0
    )
    row = table.loc["good"]
    assert (row["AUROC"], row["AUROC low"], row["AUROC high"]) == expected
    assert row["AUROC low"] < row["AUROC"] < row["AUROC high"]
    assert table.loc[AGE_ONLY, "AUROC low"] < table.loc[AGE_ONLY, "AUROC"]
    assert "AUROC low" not in evaluate_scores(PEOPLE, {"good": GOOD})


def test_one_class_alone():
    with pytest.raises(LabelError, match="both classes"):
        evaluate_scores(PEOPLE[Y == 1], {"good": GOOD[Y == 1]})


def test_the_score_s_unit_does_not_matter():
    first = evaluate_scores(PEOPLE, {"x": POOR}, thresholds={"x": 0.1})
    second = evaluate_scores(PEOPLE, {"x": 1000 * POOR}, thresholds={"x": 100.0})
    pd.testing.assert_frame_equal(first, second)


def test_description():
    n = int(np.sum(Y == -1))
    assert describe(PEOPLE) == (
        f"made up: {N - n} normals and {n} anomalies of 200 patients. as drawn. "
        "Left out: 3 too short, 1 without leads."
    )
    assert "Left out" not in describe(make_ecg(4, random_state=0))
