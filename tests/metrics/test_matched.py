import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ecg_anomaly.errors import SignalError
from ecg_anomaly.metrics import age_band, anomaly_auroc, matched_auroc

LABELS = st.sampled_from([1, -1])
ROWS = st.lists(
    st.tuples(LABELS, st.integers(-5, 5), st.integers(0, 2), st.sampled_from("fm")),
    min_size=2,
    max_size=40,
)


def brute_force(y, scores, *strata):
    wins = [
        (scores[i] < scores[j]) + 0.5 * (scores[i] == scores[j])
        for i in np.flatnonzero(y == -1)
        for j in np.flatnonzero(y == 1)
        if all(column[i] == column[j] for column in strata)
    ]
    return np.mean(wins) if wins else None


@given(ROWS)
def test_equals_brute_force_over_pairs(rows):
    y, scores, band, sex = map(np.array, zip(*rows, strict=True))
    assume(len(set(y)) == 2)
    expected = brute_force(y, scores, band, sex)
    if expected is None:
        with pytest.raises(SignalError, match="no stratum holds both"):
            matched_auroc(y, scores, band, sex)
    else:
        assert matched_auroc(y, scores, band, sex) == pytest.approx(expected, abs=1e-12)


@given(ROWS)
def test_one_stratum_is_the_auroc(rows):
    y, scores = (np.array(column) for column in list(zip(*rows, strict=True))[:2])
    assume(len(set(y)) == 2)
    assert matched_auroc(y, scores, np.zeros(len(y))) == pytest.approx(anomaly_auroc(y, scores))


def test_a_score_that_only_tells_the_strata_apart_earns_nothing():
    rng = np.random.default_rng(0)
    age = rng.uniform(20, 90, 4000)
    y = np.where(rng.uniform(20, 90, 4000) < age, -1, 1)
    assert anomaly_auroc(y, -age) > 0.8
    # within a band of five years age tells next to nothing; the band itself tells nothing at all
    assert matched_auroc(y, -age, age_band(age)) == pytest.approx(0.5, abs=0.06)
    assert matched_auroc(y, -age_band(age), age_band(age)) == 0.5


def test_records_with_a_missing_stratum_are_left_out():
    y, scores = [1, -1, 1, -1], [1, 2, 9, 0]
    assert matched_auroc(y, scores, [1, 1, np.nan, np.nan]) == 0
    assert matched_auroc(y, scores, ["f", "f", None, "f"]) == 0.5


@pytest.mark.parametrize(
    ("strata", "problem"),
    [
        (([1, 1, 1],), r"strata of shapes \[\(3,\)\]"),
        (([1, 1, 1, 1], [1] * 5), "one value a record"),
        ((), "one value a record"),
        (([1, 2, 3, 4],), "no stratum holds both"),
        (([np.nan] * 4,), "no stratum holds both"),
    ],
)
def test_strata_that_do_not_fit(strata, problem):
    with pytest.raises(SignalError, match=problem):
        matched_auroc([1, -1, 1, -1], [4, 3, 2, 1], *strata)


@pytest.mark.parametrize(
    ("age", "band"),
    [
        (0, 0),
        (4.9, 0),
        (5, 5),
        (42, 40),
        (90, 90),
        (120, 120),
        (300, 90),
        (121, np.nan),
        (299, np.nan),
        (-1, np.nan),
        (np.nan, np.nan),
        (np.inf, np.nan),
        (-np.inf, np.nan),
    ],
)
def test_age_band(age, band):
    np.testing.assert_array_equal(age_band([age]), [band])


def test_age_band_of_another_width():
    assert age_band([9, 10, 300], width=10).tolist() == [0, 10, 90]
