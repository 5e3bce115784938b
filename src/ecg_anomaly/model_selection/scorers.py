"""Scorers for searches and cross-validation, where labels are +1 (normal) and -1 (anomaly).

scikit-learn's own ``"average_precision"`` and ``"f1"`` take the normal class for the positive one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..metrics import (
    anomaly_auprc,
    anomaly_auroc,
    partial_auroc,
    sensitivity_at_specificity,
)


class AnomalyScorer:
    """A scorer: ``scorer(estimator, X, y)`` measures how well an estimator finds anomalies.

    Parameters
    ----------
    metric : callable
        From labels and scores (higher = more normal) to a number, higher = better.
    **params
        Passed on to the metric.

    Examples
    --------
    >>> from ecg_anomaly import CAEDetector, NormalsOnly, make_ecg
    >>> from sklearn.model_selection import cross_val_score
    >>> ecgs = make_ecg(40, anomalies="lvh", duration=4, random_state=0)
    >>> scorer = get_scorer("auprc")
    >>> detector = CAEDetector(max_epochs=1, random_state=0)
    >>> scores = cross_val_score(detector, ecgs.X, ecgs.y, cv=NormalsOnly(2), scoring=scorer)
    >>> scores.shape
    (2,)
    """

    def __init__(self, metric: Callable[..., float], **params: Any):
        self.metric = metric
        self.params = params

    def __call__(self, estimator, X, y) -> float:
        """Return the metric of the estimator's scores of X.

        Raises
        ------
        LabelError
            If labels are other than +1 and -1, or one class is absent.
        """
        return self.metric(y, estimator.score_samples(X), **self.params)

    def __repr__(self) -> str:
        params = "".join(f", {name}={value!r}" for name, value in self.params.items())
        return f"AnomalyScorer({self.metric.__name__}{params})"


SCORERS: dict[str, AnomalyScorer] = {
    "auroc": AnomalyScorer(anomaly_auroc),
    "auprc": AnomalyScorer(anomaly_auprc),
    "partial_auroc": AnomalyScorer(partial_auroc, max_false_alarm_rate=0.1),
    "sensitivity_at_05_false_alarms": AnomalyScorer(sensitivity_at_specificity, specificity=0.95),
    "sensitivity_at_01_false_alarms": AnomalyScorer(sensitivity_at_specificity, specificity=0.99),
}


def get_scorer(name: str) -> AnomalyScorer:
    """Return a scorer by its name.

    Parameters
    ----------
    name : {"auroc", "auprc", "partial_auroc", "sensitivity_at_05_false_alarms", \
            "sensitivity_at_01_false_alarms"}

    Raises
    ------
    ValueError
        If there is none of that name.

    Examples
    --------
    >>> get_scorer("sensitivity_at_05_false_alarms")
    AnomalyScorer(sensitivity_at_specificity, specificity=0.95)
    """
    if name not in SCORERS:
        raise ValueError(f"there is no scorer {name!r}; there are {', '.join(SCORERS)}.")
    return SCORERS[name]
