"""Bootstrap intervals over patients, of one measure and of the difference between two detectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..errors import LabelError, SignalError

Metric = Callable[[np.ndarray, np.ndarray], float]
# Draws that may lack one of the classes before the data is called too small.
_MAX_FUTILE = 0.5


class Interval(NamedTuple):
    """An estimate with its confidence interval."""

    estimate: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.estimate:.3f} ({self.low:.3f} to {self.high:.3f})"


def bootstrap_interval(
    metric: Metric,
    y,
    scores,
    *,
    groups=None,
    confidence: float = 0.95,
    n_resamples: int = 1000,
    random_state=None,
) -> Interval:
    """Return a measure with its percentile bootstrap interval, patients drawn with replacement.

    Records of one patient are alike, so that drawing records would make intervals too narrow
    [1]_. A patient is drawn with all of his records.

    Parameters
    ----------
    metric : callable
        From labels and scores to a number, such as `anomaly_auroc`.
    y : array-like of shape (n_records,)
        +1 normal, -1 anomaly.
    scores : array-like of shape (n_records,)
        Higher = more normal.
    groups : array-like of shape (n_records,), optional
        Patient of each record; by default each record is a patient of its own.
    confidence : float in (0, 1), default=0.95
    n_resamples : int, default=1000
    random_state : int, RandomState or None, default=None

    Returns
    -------
    Interval

    Raises
    ------
    LabelError
        If labels are wrong, or more than half of the draws lack normals or anomalies.
    SignalError
        If scores or groups do not fit the labels.

    References
    ----------
    .. [1] C. A. Field, A. H. Welsh, "Bootstrapping clustered data", Journal of the Royal
       Statistical Society B 69, 369-390, 2007.

    Examples
    --------
    >>> from ecg_anomaly.metrics import anomaly_auroc
    >>> y = [1, 1, 1, 1, -1, -1, -1]
    >>> scores = [0.9, 0.8, 0.7, 0.3, 0.1, 0.2, 0.6]
    >>> print(bootstrap_interval(anomaly_auroc, y, scores, random_state=0))
    0.917 (0.500 to 1.000)
    """
    (estimate,), draws = _draws(metric, y, [scores], groups, confidence, n_resamples, random_state)
    return _interval(estimate, draws[:, 0], confidence)


def bootstrap_difference(
    metric: Metric,
    y,
    scores,
    other_scores,
    *,
    groups=None,
    confidence: float = 0.95,
    n_resamples: int = 1000,
    random_state=None,
) -> Interval:
    """Return how much better one detector is than another, with its interval.

    Both are measured on the same draws, which takes out what their intervals have in common: two
    that overlap may still differ.

    Parameters
    ----------
    metric, y, groups, confidence, n_resamples, random_state
        As in `bootstrap_interval`.
    scores, other_scores : array-like of shape (n_records,)
        Of both detectors; higher = more normal.

    Returns
    -------
    Interval
        Of the metric of `scores` minus that of `other_scores`.

    Raises
    ------
    LabelError, SignalError
        As `bootstrap_interval`.

    Examples
    --------
    >>> from ecg_anomaly.metrics import anomaly_auroc
    >>> y = [1, 1, 1, 1, -1, -1, -1]
    >>> one, other = [0.9, 0.8, 0.7, 0.3, 0.1, 0.2, 0.6], [0.9, 0.1, 0.7, 0.3, 0.1, 0.2, 0.6]
    >>> bootstrap_difference(anomaly_auroc, y, one, other, random_state=0).estimate.__round__(3)
    0.208
    """
    (first, second), draws = _draws(
        metric, y, [scores, other_scores], groups, confidence, n_resamples, random_state
    )
    return _interval(first - second, draws[:, 0] - draws[:, 1], confidence)


def _interval(estimate: float, draws: np.ndarray, confidence: float) -> Interval:
    low, high = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(estimate), float(low), float(high))


def _draws(
    metric, y, columns, groups, confidence, n_resamples, random_state
) -> tuple[list[float], np.ndarray]:
    """Return the metric of each column, and of each in every draw that holds both classes."""
    from sklearn.utils import check_random_state

    if not 0 < confidence < 1 or n_resamples < 1:
        raise ValueError("confidence must lie between 0 and 1, and n_resamples be 1 or more.")
    y = np.asarray(y)
    columns = [np.asarray(column, dtype=np.float64) for column in columns]
    estimates = [metric(y, column) for column in columns]  # checks labels and scores
    groups = np.arange(len(y)) if groups is None else np.asarray(groups)
    if groups.shape != y.shape:
        raise SignalError(f"groups of shape {groups.shape} for labels of shape {y.shape}.")
    _, patient = np.unique(groups, return_inverse=True)
    order = np.argsort(patient, kind="stable")
    ends = np.cumsum(np.bincount(patient))
    starts = np.concatenate([[0], ends[:-1]])
    rng = check_random_state(random_state)
    draws: list[list[float]] = []
    futile = 0
    while len(draws) < n_resamples:
        chosen = rng.randint(len(ends), size=len(ends))
        rows = order[_ranges(starts[chosen], ends[chosen])]
        if len(np.unique(y[rows])) < 2:
            futile += 1
            if futile > _MAX_FUTILE * n_resamples:
                raise LabelError(
                    "too few patients for an interval: most draws lack normals or anomalies."
                )
            continue
        draws.append([metric(y[rows], column[rows]) for column in columns])
    return estimates, np.array(draws)


def _ranges(starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return the numbers from each start to its end, one range after another."""
    lengths = ends - starts
    offsets = np.repeat(starts - np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths)
    return np.arange(lengths.sum()) + offsets
