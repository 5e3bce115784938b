import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecg_anomaly.errors import LabelError, SignalError
from ecg_anomaly.metrics import alarm_rates

NAN = float("nan")
RECORDS = st.lists(st.tuples(st.sampled_from([1, -1]), st.integers(-9, 9)), min_size=1, max_size=40)


def test_by_hand():
    # normals score 5 4 3 1, anomalies 2 0; below 2.5: one normal and both anomalies
    rates = alarm_rates([1, -1, 1, 1, -1, 1], [5, 2, 4, 3, 0, 1], 2.5, hours=0.5)
    assert rates == (4, 2, 2, 1, 1.0, 0.75, 0.25, 2 / 3, 0.8, 0.5, 2.0)
    assert rates._fields[:4] == ("n_normals", "n_anomalies", "n_true_alarms", "n_false_alarms")
    # a score of the threshold itself is not flagged
    assert alarm_rates([1, -1], [2, 1], 2).n_false_alarms == 0
    assert alarm_rates([1, -1], [2, 1], 2).false_alarms_per_hour is None


@pytest.mark.parametrize(
    ("y", "scores", "expected"),
    [
        # nothing flagged: precision says nothing, F1 = 2 * 0 / (0 + 0 + 1)
        ([1, -1], [9, 9], {"precision": NAN, "f1": 0, "sensitivity": 0, "alert_rate": 0}),
        ([1, -1], [0, 9], {"precision": 0, "f1": 0, "specificity": 0, "alert_rate": 0.5}),
        ([1, -1], [0, 0], {"precision": 0.5, "f1": 2 / 3, "sensitivity": 1, "alert_rate": 1}),
        ([1, 1], [0, 9], {"sensitivity": NAN, "specificity": 0.5, "precision": 0, "f1": 0}),
        ([1, 1], [9, 9], {"sensitivity": NAN, "specificity": 1, "precision": NAN, "f1": NAN}),
        ([-1, -1], [0, 9], {"sensitivity": 0.5, "specificity": NAN, "precision": 1}),
        ([-1], [0], {"false_alarm_rate": NAN, "f1": 1}),
    ],
)
def test_where_something_is_missing(y, scores, expected):
    rates = alarm_rates(y, scores, 1)._asdict()
    assert {name: rates[name] for name in expected} == pytest.approx(expected, nan_ok=True)


def test_hours():
    y, scores = [1, 1, 1, -1], [0, 0, 9, 0]
    assert alarm_rates(y, scores, 1, hours=4).false_alarms_per_hour == 0.5
    # of the normals only: 1 + 2 + 5
    assert alarm_rates(y, scores, 1, hours=[1, 2, 5, 100]).false_alarms_per_hour == 0.25
    assert np.isnan(alarm_rates([-1], [0], 1, hours=1).false_alarms_per_hour)


@given(RECORDS, st.integers(-10, 10))
def test_by_counting(records, threshold):
    rates = alarm_rates(*zip(*records, strict=True), threshold)
    flagged = [label for label, score in records if score < threshold]
    assert (rates.n_true_alarms, rates.n_false_alarms) == (flagged.count(-1), flagged.count(1))
    assert rates.alert_rate == len(flagged) / len(records)
    assert all(np.isnan(share) or 0 <= share <= 1 for share in rates[4:10])
    if rates.n_true_alarms:
        p, r = rates.precision, rates.sensitivity
        assert rates.f1 == pytest.approx(2 * p * r / (p + r))
    if rates.n_normals:
        assert rates.specificity == pytest.approx(1 - rates.false_alarm_rate)


@given(RECORDS, st.integers(-10, 10), st.randoms(use_true_random=False))
def test_neither_order_nor_scale_matters(records, threshold, random):
    shuffled = random.sample(records, len(records))
    y, scores = map(np.array, zip(*shuffled, strict=True))
    before = alarm_rates(*zip(*records, strict=True), threshold)
    after = alarm_rates(y, np.arctan(scores), np.arctan(threshold))
    assert after[:-1] == pytest.approx(before[:-1], nan_ok=True)


def test_thresholds_beyond_all_scores():
    y, scores = [1, 1, -1], [3, 2, 1]
    assert alarm_rates(y, scores, np.inf).alert_rate == 1
    assert alarm_rates(y, scores, -np.inf).alert_rate == 0


@pytest.mark.parametrize(
    ("change", "error", "problem"),
    [
        ({"y": [0, 1]}, LabelError, "labels are 0 and 1"),
        ({"y": [0, 0]}, LabelError, r"got \[0\]"),
        ({"y": [], "scores": []}, LabelError, "there are no labels"),
        ({"scores": [1, np.nan]}, SignalError, "score 1 is not finite"),
        ({"scores": [1]}, SignalError, "one score a record"),
        ({"threshold": np.nan}, ValueError, "threshold"),
        ({"hours": [1]}, SignalError, "hours of shape"),
        ({"hours": 0}, SignalError, "positive"),
        ({"hours": [1, np.nan]}, SignalError, "positive"),
    ],
)
def test_what_is_refused(change, error, problem):
    with pytest.raises(error, match=problem):
        alarm_rates(**({"y": [1, -1], "scores": [2, 1], "threshold": 1} | change))
