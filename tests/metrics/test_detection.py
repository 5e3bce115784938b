import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from ecg_anomaly.errors import ECGError, LabelError, SignalError
from ecg_anomaly.metrics import (
    anomaly_auprc,
    anomaly_auroc,
    auprc_lift,
    check_labels,
    ppv_at_prevalence,
    sensitivity_at_specificity,
)

MEASURES = [anomaly_auroc, anomaly_auprc, sensitivity_at_specificity]


@st.composite
def labelled_scores(draw, max_size=40):
    """Draw labels of both classes and whole-number scores, ties among them."""
    normals = draw(st.lists(st.integers(-9, 9), min_size=1, max_size=max_size))
    anomalies = draw(st.lists(st.integers(-9, 9), min_size=1, max_size=max_size))
    order = draw(st.permutations(range(len(normals) + len(anomalies))))
    y = np.r_[np.ones(len(normals), int), -np.ones(len(anomalies), int)]
    return y[order], np.r_[normals, anomalies].astype(float)[order]


def mann_whitney(y, scores):
    normals, anomalies = scores[y == 1][:, None], scores[y == -1][None]
    return np.mean((anomalies < normals) + 0.5 * (anomalies == normals))


@pytest.mark.parametrize(
    ("y", "scores", "expected"),
    [
        ([1, 1, -1, -1], [4, 3, 2, 1], 1.0),
        ([1, 1, -1, -1], [1, 2, 3, 4], 0.0),
        ([1, 1, -1, -1], [4, 2, 3, 1], 0.75),
        ([1, -1], [7, 7], 0.5),
        ([1, 1, 1, -1], [3, 2, 1, 2], 0.5),
    ],
)
def test_auroc_by_hand(y, scores, expected):
    assert anomaly_auroc(y, scores) == expected


@pytest.mark.parametrize(
    ("y", "scores", "expected"),
    [
        ([1, 1, -1, -1], [4, 3, 2, 1], 1.0),
        # anomalies at ranks 1 and 3 of 4: (1/1 + 2/3) / 2
        ([-1, 1, -1, 1], [1, 2, 3, 4], 5 / 6),
        # all tied: the prevalence
        ([1, 1, 1, -1], [5, 5, 5, 5], 0.25),
    ],
)
def test_auprc_by_hand(y, scores, expected):
    assert anomaly_auprc(y, scores) == pytest.approx(expected)


def test_sensitivity_by_hand():
    y = [1] * 20 + [-1] * 4
    scores = [*range(20), -1, 0.5, 1.5, 30]
    # at 95 % one of 20 normals may be flagged, at 90 % two, at 99 % none
    assert sensitivity_at_specificity(y, scores, 0.95) == 0.5
    assert sensitivity_at_specificity(y, scores, 0.90) == 0.75
    assert sensitivity_at_specificity(y, scores, 0.99) == 0.25


def test_sensitivity_where_ties_make_the_curve_a_line():
    y = [1, -1, 1, -1, 1, -1, 1, -1]
    assert sensitivity_at_specificity(y, [0, 0, 1, 1, 2, 2, 3, 3], 0.7) == 0.25
    assert sensitivity_at_specificity(y, [0, 0, 1, 1, 2, 2, 3, 3], 0.5) == 0.5


@given(labelled_scores())
def test_auroc_is_the_mann_whitney_statistic(data):
    assert anomaly_auroc(*data) == pytest.approx(mann_whitney(*data), abs=1e-12)
    assert anomaly_auroc(*data) == pytest.approx(roc_auc_score(*data), abs=1e-12)


@given(labelled_scores(), st.sampled_from([np.exp, np.arctan, lambda x: x**3, lambda x: 2 * x - 5]))
def test_measures_do_not_change_under_a_monotone_map(data, increasing):
    y, scores = data
    for measure in MEASURES:
        assert measure(y, increasing(scores)) == pytest.approx(measure(y, scores), abs=1e-12)


@given(labelled_scores())
def test_negated_scores_mirror_the_auroc(data):
    y, scores = data
    assert anomaly_auroc(y, -scores) == pytest.approx(1 - anomaly_auroc(y, scores))


@given(labelled_scores(), st.sampled_from([0.05, 0.5, 0.75, 0.8, 0.9, 0.95, 0.99]))
def test_sensitivity_by_brute_force(data, specificity):
    y, scores = data
    normals, anomalies = scores[y == 1], scores[y == -1]
    best = max(
        np.mean(anomalies < threshold)
        for threshold in [*np.unique(scores), np.inf]
        if np.mean(normals >= threshold) >= specificity - 1e-9
    )
    assert sensitivity_at_specificity(y, scores, specificity) == pytest.approx(best)


@pytest.mark.parametrize("specificity", [0, 1, -0.5, 95, float("nan")])
def test_specificity_out_of_range(specificity):
    with pytest.raises(ValueError, match="specificity must lie between 0 and 1"):
        sensitivity_at_specificity([1, -1], [1, 0], specificity)


@pytest.mark.parametrize("measure", [*MEASURES, check_labels])
@pytest.mark.parametrize(
    ("y", "problem"),
    [
        ([0, 1, 1], "labels are 0 and 1"),
        ([True, False, True], "labels are 0 and 1"),
        (np.ones(3, bool), "labels are 0 and 1"),
        ([1, 1, 1], r"both classes, \+1 and -1, got only \[1\]"),
        ([-1, -1, -1], r"both classes, \+1 and -1, got only \[-1\]"),
        ([0, 0, 0], r"must be \+1 \(normal\) and -1 \(anomaly\), got \[0\]"),
        ([1, -1, 2], r"got \[-1, 1, 2\]"),
        ([1, -1, np.nan], "nan"),
        (["normal", "normal", "afib"], "got .*afib"),
    ],
)
def test_wrong_labels(measure, y, problem):
    with pytest.raises(LabelError, match=problem) as caught:
        measure(y, [0.1, 0.2, 0.3])
    assert isinstance(caught.value, ECGError)


@pytest.mark.parametrize("measure", MEASURES)
def test_no_labels(measure):
    with pytest.raises(LabelError, match="both classes"):
        measure([], [])


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_score_that_is_not_finite(measure, bad):
    with pytest.raises(SignalError, match="score 1 is not finite"):
        measure([1, -1, 1], [0.5, bad, 0.1])


@pytest.mark.parametrize("scores", [[0.1, 0.2], [[0.1], [0.2], [0.3]], 0.5])
def test_scores_that_do_not_fit(scores):
    with pytest.raises(SignalError, match="one score a record"):
        anomaly_auroc([1, -1, 1], scores)


def test_labels_of_two_dimensions():
    with pytest.raises(SignalError, match="one score a record"):
        anomaly_auroc([[1, -1]], [[0.5, 0.1]])


def test_check_labels_turns_both_round():
    is_anomaly, anomaly_score = check_labels([1.0, -1.0], [3, -2])
    np.testing.assert_array_equal(is_anomaly, [False, True])
    np.testing.assert_array_equal(anomaly_score, [-3, 2])


def test_one_class_alone_where_that_is_allowed():
    is_anomaly, _ = check_labels([1, 1], [3, -2], both_classes=False)
    assert not is_anomaly.any()
    assert check_labels([-1], [3], both_classes=False)[0].all()
    for y in ([], [0, 0], [0, 1], [True, True], [1, np.nan]):
        with pytest.raises(LabelError, match="labels"):
            check_labels(y, np.zeros(len(y)), both_classes=False)


def test_lift_by_hand():
    # the AUPRC is 5/6 (above), the prevalence 1/2
    assert auprc_lift([-1, 1, -1, 1], [1, 2, 3, 4]) == pytest.approx(5 / 3)
    assert auprc_lift([1, 1, 1, 1, -1], [5, 4, 3, 2, 1]) == 5
    assert auprc_lift([1, 1, 1, -1], [5, 5, 5, 5]) == 1
    with pytest.raises(LabelError, match="labels are 0 and 1"):
        auprc_lift([0, 1], [1, 2])


@given(labelled_scores())
def test_lift_ends_at_one_over_the_prevalence(data):
    y, scores = data
    assert 0 < auprc_lift(y, scores) <= 1 / np.mean(y == -1) + 1e-9


def test_predictive_value_by_hand():
    # of 1000 people 100 are ill: 80 of them are flagged, and 90 of the 900 others
    assert ppv_at_prevalence(0.8, 0.9, 0.1) == pytest.approx(80 / 170)
    assert ppv_at_prevalence(0.5, 1, 0.001) == 1
    assert ppv_at_prevalence(0, 0.5, 0.5) == 0
    assert np.isnan(ppv_at_prevalence(0, 1, 0.5))
    assert np.isnan(ppv_at_prevalence(0.9, 1, 0))
    np.testing.assert_allclose(ppv_at_prevalence(0.8, [0.9, 1], [[0.1], [0]]),
                               [[80 / 170, 1], [0, np.nan]])  # fmt: skip


@given(labelled_scores(), st.integers(-9, 9))
def test_predictive_value_at_the_prevalence_of_the_data_is_the_precision(data, threshold):
    y, scores = data
    flagged = scores < threshold
    value = ppv_at_prevalence(flagged[y == -1].mean(), 1 - flagged[y == 1].mean(), np.mean(y == -1))
    expected = np.mean(y[flagged] == -1) if flagged.any() else np.nan
    assert value == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("name", ["sensitivity", "specificity", "prevalence"])
@pytest.mark.parametrize("bad", [-0.1, 1.01, 95, np.nan, [0.5, 2]])
def test_predictive_value_of_what_is_no_share(name, bad):
    given = {"sensitivity": 0.5, "specificity": 0.5, "prevalence": 0.5} | {name: bad}
    with pytest.raises(ValueError, match=f"{name} must lie between 0 and 1"):
        ppv_at_prevalence(**given)
