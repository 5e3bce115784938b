"""The quality gate: every detector as it comes finds and localises what is known to be there."""

import time
from functools import cache

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from ecg_anomaly import make_ecg
from ecg_anomaly.detectors import DETECTORS

pytestmark = pytest.mark.slow
every_detector = pytest.mark.parametrize("cls", DETECTORS)
KINDS = ("st_elevation", "t_inversion", "pvc", "lead_off")
MAX_SECONDS = 60
MIN_AUROC = 0.89
MIN_CONTRAST = 2.0


@pytest.fixture(scope="module")
def train():
    return make_ecg(2000, random_state=0).X


@pytest.fixture(scope="module")
def fitted(train):
    """Fit each detector once, with its default parameters."""

    @cache
    def fit(cls):
        start = time.process_time()
        detector = cls(random_state=0).fit(train)
        seconds = time.process_time() - start
        return detector, seconds

    return fit


@pytest.fixture(scope="module")
def test_set():
    return make_ecg(800, anomalies="all", random_state=1)


@pytest.fixture(scope="module")
def pairs():
    """Make ECGs that differ from their twins where the mask says so."""
    return make_ecg(
        400,
        anomalies=[kind for kind in KINDS if kind != "lead_off"],
        faults=["lead_off"],
        anomaly_fraction=1.0,
        return_twins=True,
        random_state=2,
    )


def rises(detector, pairs):
    """Return by kind how much the anomaly map rises inside the mask and outside it."""
    rise = detector.anomaly_map(pairs.X) - detector.anomaly_map(pairs.twins)
    found = {}
    for kind in KINDS:
        rows = (pairs.table["kind"] == kind).to_numpy()
        mask = pairs.masks[rows]
        found[kind] = rise[rows][mask].mean(dtype=float), rise[rows][~mask].mean(dtype=float)
    return found


def localises(inside, outside):
    return inside > 0 and inside > outside and inside >= MIN_CONTRAST * outside


@every_detector
def test_fitting_is_quick(cls, fitted):
    assert fitted(cls)[1] <= MAX_SECONDS


@every_detector
def test_anomalies_score_lower(cls, fitted, test_set):
    scores = fitted(cls)[0].score_samples(test_set.X)
    assert len(np.unique(scores)) == len(scores)
    assert roc_auc_score(test_set.y, scores) >= MIN_AUROC


@every_detector
def test_kinds_of_anomaly_that_are_not_missed(cls, fitted, test_set):
    scores = fitted(cls)[0].score_samples(test_set.X)
    kinds = test_set.table["kind"].to_numpy()
    # a premature atrial beat looks like any other: little but its time tells it
    for kind in set(kinds) - {"normal", "pac"}:
        chosen = np.isin(kinds, ["normal", kind])
        assert roc_auc_score(test_set.y[chosen], scores[chosen]) > 0.6, kind


@every_detector
def test_the_map_rises_where_the_anomaly_is(cls, fitted, pairs):
    for kind, (inside, outside) in rises(fitted(cls)[0], pairs).items():
        assert localises(inside, outside), (kind, inside, outside)


@every_detector
def test_an_untrained_network_does_not_localise(cls, train, pairs):
    untrained = cls(max_epochs=0, random_state=0).fit(train[:500])
    failed = [kind for kind, rise in rises(untrained, pairs).items() if not localises(*rise)]
    # it says zero, so that a silent lead looks best of all, and only loud anomalies stand out
    assert failed == ["lead_off"]
