"""How well scores separate anomalies from normals.

Scores are those of scikit-learn's outlier detectors: higher is more normal. Labels are +1 (normal)
and -1 (anomaly).
"""

from __future__ import annotations

import numpy as np

from ..errors import LabelError, SignalError


def check_labels(y, scores) -> tuple[np.ndarray, np.ndarray]:
    """Return labels as a boolean "is an anomaly" and anomaly scores (higher = more anomalous).

    Parameters
    ----------
    y : array-like of shape (n_records,)
        +1 normal, -1 anomaly.
    scores : array-like of shape (n_records,)
        Higher = more normal.

    Raises
    ------
    LabelError
        If labels are other than +1 and -1, or one class is absent.
    SignalError
        If scores do not fit the labels or are not finite.
    """
    y, scores = np.asarray(y), np.asarray(scores, dtype=np.float64)
    values = set(np.unique(y).tolist())
    if y.dtype == bool or values == {0, 1}:
        raise LabelError(
            "labels are 0 and 1; this package uses +1 for normal and -1 for anomaly. "
            "Convert with np.where(is_anomaly, -1, 1)."
        )
    if not values <= {-1, 1}:
        raise LabelError(f"labels must be +1 (normal) and -1 (anomaly), got {sorted(values)}.")
    if values != {-1, 1}:
        raise LabelError(f"labels need both classes, +1 and -1, got only {sorted(values)}.")
    if y.ndim != 1 or scores.shape != y.shape:
        raise SignalError(
            f"scores of shape {scores.shape} for labels of shape {y.shape}; "
            "pass one score a record."
        )
    if not np.isfinite(scores).all():
        raise SignalError(
            f"score {int(np.flatnonzero(~np.isfinite(scores))[0])} is not finite; "
            "leave out records that cannot be scored, and say so."
        )
    return y == -1, -scores


def anomaly_auroc(y, scores) -> float:
    """Return the area under the ROC curve of anomalies against normals.

    Parameters
    ----------
    y : array-like of shape (n_records,)
        +1 normal, -1 anomaly.
    scores : array-like of shape (n_records,)
        Higher = more normal.

    Returns
    -------
    float in [0, 1]
        Probability that a random anomaly scores lower than a random normal.

    Examples
    --------
    >>> anomaly_auroc([1, 1, -1], [0.9, 0.2, 0.1])
    1.0
    """
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(*check_labels(y, scores)))


def anomaly_auprc(y, scores) -> float:
    """Return the area under the precision-recall curve (average precision) of anomalies.

    Its chance level is the prevalence, ``np.mean(y == -1)``: report both.

    Parameters
    ----------
    y, scores
        As in `anomaly_auroc`.

    Returns
    -------
    float in [0, 1]

    Examples
    --------
    >>> anomaly_auprc([1, 1, -1], [0.9, 0.2, 0.1])
    1.0
    """
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(*check_labels(y, scores)))


def sensitivity_at_specificity(y, scores, specificity: float = 0.95) -> float:
    """Return the share of anomalies flagged where `specificity` of the normals are not.

    Parameters
    ----------
    y, scores
        As in `anomaly_auroc`.
    specificity : float in (0, 1), default=0.95

    Returns
    -------
    float in [0, 1]

    Examples
    --------
    >>> sensitivity_at_specificity([1, 1, -1, -1], [0.9, 0.8, 0.1, 0.85], specificity=0.95)
    0.5
    """
    from sklearn.metrics import roc_curve

    if not 0 < specificity < 1:
        raise ValueError(f"specificity must lie between 0 and 1, got {specificity!r}.")
    # among tied scores, the curve's corners alone would lose points that lie on its lines
    false_alarm_rate, sensitivity, _ = roc_curve(*check_labels(y, scores), drop_intermediate=False)
    return float(sensitivity[false_alarm_rate <= 1 - specificity + 1e-12].max())


def partial_auroc(y, scores, max_false_alarm_rate: float = 0.1) -> float:
    """Return the area under the ROC curve up to a false-alarm rate, scaled to 0.5 for chance.

    Parameters
    ----------
    y, scores
        As in `anomaly_auroc`.
    max_false_alarm_rate : float in (0, 1], default=0.1

    Returns
    -------
    float in [0, 1]
        1 where all anomalies are found without a false alarm, 0.5 by chance.

    References
    ----------
    McClish, "Analyzing a portion of the ROC curve", Medical Decision Making 1989.

    Examples
    --------
    >>> partial_auroc([1, 1, -1, -1], [0.9, 0.8, 0.1, 0.2], max_false_alarm_rate=0.1)
    1.0
    """
    from sklearn.metrics import roc_auc_score

    if not 0 < max_false_alarm_rate <= 1:
        raise ValueError(
            f"max_false_alarm_rate must lie between 0 and 1, got {max_false_alarm_rate!r}."
        )
    return float(roc_auc_score(*check_labels(y, scores), max_fpr=max_false_alarm_rate))
