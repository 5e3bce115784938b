"""A detector whose scores are known: the first feature, plus what the fit adds."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, OutlierMixin

from ecg_anomaly import RecordSet


class FirstFeature(OutlierMixin, BaseEstimator):
    """Scores are `scale` times the first sample; `fit` notes the rows that it was given."""

    def __init__(self, scale=1.0):
        self.scale = scale

    def fit(self, X, y=None):
        X = np.asarray(X)
        self.seen_ = X.reshape(len(X), -1)[:, -1].copy()
        self.n_features_in_ = X.reshape(len(X), -1).shape[1]
        self.offset_ = 0.0
        return self

    def score_samples(self, X):
        X = np.asarray(X)
        return self.scale * X.reshape(len(X), -1)[:, 0].astype(float)

    def decision_function(self, X):
        return self.score_samples(X) - self.offset_

    def predict(self, X):
        return np.where(self.decision_function(X) >= 0, 1, -1)


class ScaledByFit(FirstFeature):
    """Scores of two fits differ in scale, as distances do."""

    def fit(self, X, y=None):
        super().fit(X)
        self.factor_ = 1.0 + self.seen_.sum() % 7
        return self

    def score_samples(self, X):
        return self.factor_ * super().score_samples(X)


@pytest.fixture
def first_feature():
    return FirstFeature


@pytest.fixture
def scaled_by_fit():
    return ScaledByFit


@pytest.fixture(scope="session")
def table_of_scores():
    """Make a 2-D X: the score, and the row's number."""

    def make(scores):
        scores = np.asarray(scores, dtype=float)
        return np.column_stack([scores, np.arange(len(scores))])

    return make


@pytest.fixture(scope="session")
def records_of_scores():
    """Make a RecordSet of one lead whose first sample is the score, and its last the row."""

    def make(scores, **known):
        scores = np.asarray(scores, dtype=np.float32)
        signals = np.zeros((len(scores), 1, 3), np.float32)
        signals[:, 0, 0], signals[:, 0, 2] = scores, np.arange(len(scores))
        return RecordSet(signals, leads=["II"], **known)

    return make
