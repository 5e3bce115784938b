import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags

from ecg_anomaly import RecordSet
from ecg_anomaly.baselines import AgeDetector
from ecg_anomaly.errors import SignalError


def records(ages, column="age"):
    table = pd.DataFrame({column: ages})
    return RecordSet(np.full((len(ages), 12, 10), np.nan), table=table)


def test_the_older_the_less_normal():
    detector = AgeDetector().fit(records([20.0, 30, 40, 50, 90]))
    scores = detector.score_samples(records([35, 300, np.nan, -4, 150, 0]))
    assert scores.tolist() == [-35, -90, -40, -40, -40, 0]
    assert scores.dtype == np.float64
    assert detector.predict(records([20, 89])).tolist() == [1, -1]
    np.testing.assert_array_equal(
        detector.decision_function(records([20, 89])), [-20, -89] - detector.offset_
    )


def test_contamination_is_a_share_of_the_training_records():
    ages = np.random.default_rng(0).permutation(100.0 * np.arange(100) / 100)
    for share in (0.1, 0.25):
        detector = clone(AgeDetector()).set_params(contamination=share).fit(records(ages))
        assert (detector.predict(records(ages)) == -1).mean() == share
        loaded = pickle.loads(pickle.dumps(detector))
        np.testing.assert_array_equal(
            loaded.score_samples(records(ages)), detector.score_samples(records(ages))
        )
        detector._check_state()


def test_nullable_columns():
    ages = pd.array([20, None, 60], dtype="Int64")
    assert AgeDetector().fit(records(ages)).score_samples(records(ages)).tolist() == [-20, -40, -60]


def test_the_signals_are_never_read():
    class Source:
        shape = (2, 12, 1000)

        def read(self, rows):
            raise AssertionError

    lazy = RecordSet(Source(), table=pd.DataFrame({"age": [30, 50]}))
    assert AgeDetector().fit(lazy).score_samples(lazy).tolist() == [-30, -50]
    assert get_tags(AgeDetector()).input_tags.allow_nan


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros((3, 12, 10)), r"X is a ndarray; pass RecordSet\(X, table="),
        ([[1.0]], "X is a list"),
        (RecordSet(np.zeros((2, 12, 10))), "no column age; add it"),
        (records([1, 2], column="sex"), "no column age"),
        (records([np.nan, -1]), "no record's age is known"),
        (records(["old", "young"]), "must hold numbers"),
        (records([30])[:0], "no record's age is known"),
    ],
)
def test_what_has_no_age_is_refused(X, message):
    with pytest.raises(SignalError, match=message):
        AgeDetector().fit(X)


def test_unfitted_and_wrong():
    with pytest.raises(NotFittedError):
        AgeDetector().score_samples(records([30]))
    with pytest.raises(ValueError, match="contamination"):
        AgeDetector(contamination=0.0).fit(records([30]))
    detector = AgeDetector().fit(records([30]))
    with pytest.raises(SignalError, match="pass RecordSet"):
        detector.predict(np.zeros((3, 12, 10)))
    detector.median_age_ = np.nan
    with pytest.raises(SignalError, match="no numbers"):
        detector._check_state()
