"""What a threshold does: alarms that are right, false, and missing."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..errors import SignalError
from ._shares import check_threshold
from .detection import check_labels


class AlarmRates(NamedTuple):
    """What a threshold does to labelled records; shares are NaN where nothing is there to share.

    Attributes
    ----------
    n_normals, n_anomalies : int
        Records of either class.
    n_true_alarms, n_false_alarms : int
        Flagged anomalies, and flagged normals.
    sensitivity : float
        Share of the anomalies that are flagged; NaN without anomalies.
    specificity : float
        Share of the normals that are not flagged; NaN without normals.
    false_alarm_rate : float
        Share of the normals that are flagged, ``1 - specificity``.
    precision : float
        Share of the flagged records that are anomalies; NaN if none is flagged.
    f1 : float
        ``2 TP / (2 TP + FP + FN)``: 0 if no anomaly is flagged, be it that nothing is; NaN if
        there are neither anomalies nor alarms.
    alert_rate : float
        Share of all records that are flagged. It depends on the prevalence, as precision and F1.
    false_alarms_per_hour : float or None
        Per hour of recording of normals; None where the hours were not given.
    """

    n_normals: int
    n_anomalies: int
    n_true_alarms: int
    n_false_alarms: int
    sensitivity: float
    specificity: float
    false_alarm_rate: float
    precision: float
    f1: float
    alert_rate: float
    false_alarms_per_hour: float | None


def alarm_rates(y, scores, threshold: float, *, hours=None) -> AlarmRates:
    """Return what flagging the scores below a threshold does.

    Parameters
    ----------
    y : array-like of shape (n_records,)
        +1 normal, -1 anomaly; one class alone will do.
    scores : array-like of shape (n_records,)
        Higher = more normal.
    threshold : float
        Records with ``score < threshold`` are flagged; -inf flags none and +inf all.
    hours : float or array-like of shape (n_records,), optional
        What the false alarms per hour are counted by: the duration of all normals together, or of
        each record. In h.

    Returns
    -------
    AlarmRates

    Raises
    ------
    LabelError
        If labels are other than +1 and -1.
    SignalError
        If scores or hours do not fit the labels, scores are not finite, or hours are not positive.
    ValueError
        If the threshold is NaN.

    Examples
    --------
    >>> rates = alarm_rates([1, 1, 1, -1, -1], [0.9, 0.8, 0.2, 0.1, 0.7], 0.5, hours=0.25)
    >>> rates.sensitivity, rates.precision, rates.false_alarms_per_hour
    (0.5, 0.5, 4.0)
    """
    is_anomaly, anomaly_score = check_labels(y, scores, both_classes=False)
    flagged = -anomaly_score < check_threshold(threshold)
    n_anomalies = int(is_anomaly.sum())
    n_normals = len(is_anomaly) - n_anomalies
    true_alarms = int((flagged & is_anomaly).sum())
    false_alarms = int(flagged.sum()) - true_alarms
    return AlarmRates(
        n_normals=n_normals,
        n_anomalies=n_anomalies,
        n_true_alarms=true_alarms,
        n_false_alarms=false_alarms,
        sensitivity=_share(true_alarms, n_anomalies),
        specificity=_share(n_normals - false_alarms, n_normals),
        false_alarm_rate=_share(false_alarms, n_normals),
        precision=_share(true_alarms, true_alarms + false_alarms),
        f1=_share(2 * true_alarms, true_alarms + false_alarms + n_anomalies),
        alert_rate=_share(true_alarms + false_alarms, len(is_anomaly)),
        false_alarms_per_hour=_per_hour(false_alarms, hours, ~is_anomaly),
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def _per_hour(false_alarms: int, hours, is_normal: np.ndarray) -> float | None:
    if hours is None:
        return None
    hours = np.asarray(hours, dtype=np.float64)
    if hours.ndim and hours.shape != is_normal.shape:
        raise SignalError(
            f"hours of shape {hours.shape} for {len(is_normal)} records; pass the duration of "
            "each, or that of all normals as one number."
        )
    if not (np.isfinite(hours) & (hours > 0)).all():
        raise SignalError("hours must be positive and finite; they are durations of records.")
    if not is_normal.any():
        return float("nan")
    return false_alarms / float(hours[is_normal].sum() if hours.ndim else hours)
