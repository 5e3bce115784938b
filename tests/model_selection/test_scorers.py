import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score

from ecg_anomaly import CAEDetector, NormalsOnly
from ecg_anomaly.errors import LabelError
from ecg_anomaly.metrics import anomaly_auprc, anomaly_auroc, partial_auroc
from ecg_anomaly.model_selection import SCORERS, get_scorer

Y = np.where(np.arange(40) % 4, 1, -1)


class Oracle:
    """Knows the answer, up to noise."""

    def score_samples(self, X):
        return X[:, 0]


@pytest.mark.parametrize("name", SCORERS)
def test_every_scorer_is_highest_for_the_best(name):
    rng = np.random.default_rng(0)
    perfect, noisy = Y + 0.0, Y + rng.normal(0, 2, 40)
    scorer = get_scorer(name)
    assert scorer(Oracle(), perfect[:, None], Y) == 1
    assert scorer(Oracle(), noisy[:, None], Y) < 1
    assert scorer(Oracle(), -perfect[:, None], Y) < scorer(Oracle(), noisy[:, None], Y)
    assert repr(scorer).startswith("AnomalyScorer(")


@pytest.mark.parametrize("name", SCORERS)
def test_labels_of_another_kind_are_refused(name):
    with pytest.raises(LabelError, match=r"uses .1 for normal"):
        get_scorer(name)(Oracle(), np.zeros((40, 1)), (Y == -1).astype(int))


def test_scorers_are_the_metrics():
    scores = np.random.default_rng(0).normal(size=40)
    X = scores[:, None]
    assert get_scorer("auroc")(Oracle(), X, Y) == anomaly_auroc(Y, scores)
    assert get_scorer("auprc")(Oracle(), X, Y) == anomaly_auprc(Y, scores)
    assert get_scorer("partial_auroc")(Oracle(), X, Y) == partial_auroc(Y, scores, 0.1)


def test_in_a_search(small, signals):
    X = signals(40)
    X[Y == -1] += 1
    search = GridSearchCV(
        small(CAEDetector), {"latent_dim": [2, 4]}, scoring=SCORERS, refit=False,
        cv=NormalsOnly(2, random_state=0),
    ).fit(X, Y)  # fmt: skip
    for name in SCORERS:
        assert np.isfinite(search.cv_results_[f"mean_test_{name}"]).all()


def test_scorers_go_to_other_processes(small, signals):
    scorer = pickle.loads(pickle.dumps(get_scorer("auprc")))
    detector = clone(small(CAEDetector))
    scores = cross_val_score(detector, signals(40), Y, cv=NormalsOnly(2), scoring=scorer)
    assert scores.shape == (2,)


def test_an_unknown_name():
    with pytest.raises(ValueError, match="no scorer 'f1'; there are auroc, auprc"):
        get_scorer("f1")
