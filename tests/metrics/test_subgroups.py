import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta

from ecg_anomaly.errors import LabelError, SignalError
from ecg_anomaly.metrics import age_band, anomaly_auroc, recall_by_diagnosis, subgroup_table

Y = np.array([1, 1, 1, -1, -1, 1, -1, 1])
SCORES = np.array([9, 8, 1, 2, 7, 3, 0, 6.0])
SEX = ["f", "f", "f", "f", "m", "m", "m", None]


def by_value(table):
    return table.set_index("value")


def test_subgroups_by_hand():
    table = subgroup_table(Y, SCORES, 5, {"sex": SEX})
    assert table["column"].unique().tolist() == ["sex"]
    rows = by_value(table)
    assert rows.index.tolist() == ["f", "m", "unknown"]
    assert rows["n_normals"].tolist() == [3, 1, 1]
    assert rows["n_anomalies"].tolist() == [1, 2, 0]
    # f: the anomaly at 2 beats normals at 9 and 8, not 1; m: of 7 and 0 one is below 3
    np.testing.assert_allclose(rows["auroc"], [2 / 3, 1 / 2, np.nan])
    np.testing.assert_allclose(rows["false_alarm_rate"], [1 / 3, 1, 0])
    np.testing.assert_allclose(rows["sensitivity"], [1, 1 / 2, np.nan])
    assert rows.loc["unknown", ["sensitivity_low", "sensitivity_high"]].isna().all()


def test_binomial_intervals_are_those_of_clopper_and_pearson():
    rows = by_value(subgroup_table(Y, SCORES, 5, {"sex": SEX}, confidence=0.9))
    # 1 of 3
    assert rows.loc["f", "false_alarm_rate_low"] == pytest.approx(beta.ppf(0.05, 1, 3))
    assert rows.loc["f", "false_alarm_rate_high"] == pytest.approx(beta.ppf(0.95, 2, 2))
    # 0 of 1
    assert rows.loc["unknown", "false_alarm_rate_low"] == 0
    assert rows.loc["unknown", "false_alarm_rate_high"] == pytest.approx(0.95)


def test_values_of_several_kinds():
    frame = pd.DataFrame(
        {
            "band": age_band([33, 47, 300, np.nan, 8, 8, 8, -1]),
            "device": ["B", "a", "", "unknown", "B", "B", 7, "a"],
            "noisy": pd.array([True, None, False, True, True, False, False, True], "boolean"),
            "size": pd.Categorical(
                ["small", "large", "small", None, "small", "large", "small", "unknown"],
                categories=["small", "medium", "large", "unknown"],
            ),
        }
    )
    table = subgroup_table(Y, SCORES, 5, frame)
    values = {name: rows["value"].tolist() for name, rows in table.groupby("column", sort=False)}
    assert values == {
        "band": [5, 30, 45, 90, "unknown"],
        "device": [7, "B", "a", "unknown"],
        "noisy": [False, True, "unknown"],
        "size": ["small", "large", "unknown"],
    }
    counted = table.groupby("column")[["n_normals", "n_anomalies"]].sum().sum(axis=1)
    assert (counted == len(Y)).all()


def test_rows_go_by_position_not_by_index():
    frame = pd.DataFrame({"sex": SEX}, index=range(50, 58))
    expected = subgroup_table(Y, SCORES, 5, {"sex": SEX})
    pd.testing.assert_frame_equal(subgroup_table(Y, SCORES, 5, frame), expected)


def make(n_patients, per_patient, seed=0):
    """Draw patients who each tend to be flagged or not, with several records."""
    rng = np.random.default_rng(seed)
    y = np.where(rng.uniform(size=n_patients) < 0.3, -1, 1)
    level = y + 1.5 * rng.normal(size=n_patients)
    y, level, groups = (np.repeat(a, per_patient) for a in (y, level, np.arange(n_patients)))
    return y, level + 0.1 * rng.normal(size=len(y)), groups


def width(table, name="false_alarm_rate"):
    return (table[f"{name}_high"] - table[f"{name}_low"]).to_numpy()


def test_records_of_a_patient_do_not_narrow_the_bootstrap():
    y, scores, groups = make(200, 5)
    column = {"all": np.zeros(1000)}
    binomial = subgroup_table(y, scores, 0, column)
    by_record = subgroup_table(y, scores, 0, column, n_resamples=500, random_state=0)
    by_patient = subgroup_table(
        y, scores, 0, column, groups=groups, n_resamples=500, random_state=0
    )
    assert width(by_record) == pytest.approx(width(binomial), rel=0.15)
    assert width(by_patient) > 1.8 * width(by_record)
    assert by_patient["false_alarm_rate"].equals(binomial["false_alarm_rate"])


def test_bootstrap_intervals_hold_the_truth_as_often_as_they_say():
    # a normal is flagged where 1 + 1.5 N(0, 1) + 0.1 N(0, 1) < 0
    from scipy.stats import norm

    truth = norm.cdf(-1 / np.hypot(1.5, 0.1))
    inside = 0
    for seed in range(200):
        y, scores, groups = make(150, 3, seed)
        row = subgroup_table(
            y, scores, 0, {"all": [1] * 450}, groups=groups, confidence=0.9, n_resamples=200,
            random_state=seed,
        ).iloc[0]  # fmt: skip
        inside += row["false_alarm_rate_low"] <= truth <= row["false_alarm_rate_high"]
    # binomial: 180 expected, standard deviation 4
    assert 166 <= inside <= 193


def test_bootstrap_where_it_would_be_certain():
    y = [1, 1, 1, 1, -1, -1]
    scores = [9, 9, 9, 9, 9, 0]
    table = subgroup_table(
        y, scores, 5, {"all": [1] * 6}, groups=["a", "a", "b", "b", "c", "c"], n_resamples=50
    ).iloc[0]
    # no false alarm among two patients, not four records: 1 - sqrt(.025)
    assert (table["false_alarm_rate_low"], table["false_alarm_rate"]) == (0, 0)
    assert table["false_alarm_rate_high"] == pytest.approx(1 - 0.025**0.5)
    # one patient with one of two found: nothing to be said about others
    assert table["sensitivity"] == 0.5
    assert np.isnan(table["sensitivity_low"])


def test_the_same_seed_gives_the_same_table():
    y, scores, groups = make(60, 2)
    first, again, other = (
        subgroup_table(
            y, scores, 0, {"half": groups < 30}, groups=groups, n_resamples=50, random_state=seed
        )
        for seed in (0, 0, 1)
    )
    pd.testing.assert_frame_equal(first, again)
    assert not first.equals(other)


DIAGNOSES = pd.DataFrame(
    {
        "LBBB": [0, 0, 0, 1, 0, 0, 0, 0],
        "AFIB": [1, 0, 0, 1, 1, 0, 1, 0],
        "NORM": [1, 1, 1, 0, 0, 1, 0, 1],
        "LVH": [0, 0, 0, 0, 1, 0, 1, 0],
    }
)


def test_diagnoses_by_hand():
    table = recall_by_diagnosis(Y, SCORES, DIAGNOSES, 5)
    assert table.index.tolist() == ["AFIB", "LVH", "LBBB"]
    # the normal with AFIB stays a normal; no anomaly is NORM
    assert table["n"].tolist() == [3, 2, 1]
    np.testing.assert_allclose(table["recall"], [2 / 3, 1 / 2, 1])
    # normals at 9 8 1 3 6: 2 beats four of five, 7 two, 0 all
    np.testing.assert_allclose(table["auroc"], [11 / 15, 7 / 10, 4 / 5])
    assert table.loc["LBBB", "recall_low"] == pytest.approx(0.025)
    assert recall_by_diagnosis(Y, SCORES, DIAGNOSES, 5, min_records=2).index.tolist() == [
        "AFIB",
        "LVH",
    ]
    assert recall_by_diagnosis(Y, SCORES, DIAGNOSES.astype(bool), 5).equals(table)


def test_no_diagnosis_is_frequent_enough():
    table = recall_by_diagnosis(Y, SCORES, DIAGNOSES, 5, min_records=9)
    assert table.empty
    assert table.columns.tolist() == ["n", "recall", "recall_low", "recall_high", "auroc"]


def test_recall_over_patients():
    y, scores, groups = make(200, 5)
    labels = pd.DataFrame({"ill": y == -1})
    alone = recall_by_diagnosis(y, scores, labels, 0)
    grouped = recall_by_diagnosis(
        y, scores, labels, 0, groups=groups, n_resamples=300, random_state=0
    )
    assert grouped["auroc"].item() == anomaly_auroc(y, scores)
    assert width(grouped, "recall") > 1.8 * width(alone, "recall")


ROWS = st.lists(
    st.tuples(st.sampled_from([1, -1]), st.integers(-5, 5), st.sampled_from("fm")), max_size=30
).map(lambda rows: [(1, 0, "f"), (-1, 0, "m"), *rows])


@settings(max_examples=25, deadline=None)
@given(ROWS, st.integers(-6, 6), st.randoms(use_true_random=False))
def test_order_and_scale_do_not_matter_and_shares_have_bounds(rows, threshold, random):
    y, scores, sex = map(np.array, zip(*rows, strict=True))
    table = subgroup_table(y, scores, threshold, {"sex": sex})
    order = np.array(random.sample(range(len(y)), len(y)))
    shuffled = subgroup_table(y[order], scores[order] ** 3, threshold**3, {"sex": sex[order]})
    pd.testing.assert_frame_equal(shuffled, table)
    for name in ("false_alarm_rate", "sensitivity"):
        there = table[table[name].notna()]
        assert (there[f"{name}_low"] <= there[name]).all()
        assert (there[name] <= there[f"{name}_high"]).all()
        assert there[[f"{name}_low", f"{name}_high"]].stack().between(0, 1).all()


@pytest.mark.parametrize(
    ("change", "error", "problem"),
    [
        ({"y": (Y == -1).astype(int)}, LabelError, "labels are 0 and 1"),
        ({"y": np.ones(8)}, LabelError, "both classes"),
        ({"scores": SCORES[:5]}, SignalError, "one score a record"),
        ({"scores": np.where(SCORES > 8, np.nan, SCORES)}, SignalError, "score 0 is not finite"),
        ({"threshold": np.nan}, ValueError, "threshold"),
        ({"confidence": 95}, ValueError, "confidence"),
        ({"n_resamples": -1}, ValueError, "n_resamples"),
        ({"groups": np.arange(8)}, ValueError, "groups are used by the bootstrap only"),
        ({"groups": [1, 2], "n_resamples": 9}, SignalError, "groups of shape"),
    ],
)
@pytest.mark.parametrize("function", [subgroup_table, recall_by_diagnosis])
def test_what_is_refused(function, change, error, problem):
    what = {"columns": {"sex": SEX}} if function is subgroup_table else {"labels": DIAGNOSES}
    with pytest.raises(error, match=problem):
        function(**({"y": Y, "scores": SCORES, "threshold": 5} | what | change))


def test_columns_that_do_not_fit():
    with pytest.raises(SignalError, match="column 'sex' has 2 values for 8 records"):
        subgroup_table(Y, SCORES, 5, {"sex": ["f", "m"]})
    with pytest.raises(SignalError, match="columns is empty"):
        subgroup_table(Y, SCORES, 5, {})
    with pytest.raises(SignalError, match="3 rows of diagnoses for 8 records"):
        recall_by_diagnosis(Y, SCORES, DIAGNOSES[:3], 5)
    with pytest.raises(LabelError, match=r"diagnosis 'LBBB' holds other values.*labels > 0"):
        recall_by_diagnosis(Y, SCORES, DIAGNOSES * 100, 5)
    with pytest.raises(ValueError, match="min_records"):
        recall_by_diagnosis(Y, SCORES, DIAGNOSES, 5, min_records=0)
