"""A table of how well scores find anomalies, the same for every detector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..datasets import ECGDataset
from ..errors import SignalError
from ..metrics import (
    age_band,
    alarm_rates,
    anomaly_auprc,
    anomaly_auroc,
    auprc_lift,
    bootstrap_interval,
    matched_auroc,
    partial_auroc,
    ppv_at_prevalence,
    sensitivity_at_specificity,
)
from ..records import RecordSet

if TYPE_CHECKING:
    import pandas as pd

AGE_ONLY = "age only"
SPECIFICITIES = (0.90, 0.95, 0.99)
#: Prevalences at which the positive predictive value is given beside that of the data.
PREVALENCES = (0.05, 0.10)


def evaluate_scores(
    dataset: ECGDataset,
    scores: Mapping[str, np.ndarray],
    *,
    thresholds: Mapping[str, float | np.ndarray] | None = None,
    n_resamples: int = 0,
    random_state=None,
) -> pd.DataFrame:
    """Return the table of several detectors on one dataset.

    Parameters
    ----------
    dataset : ECGDataset
        With `age` and `sex` in its table where the database has them: then the table holds the
        AUROC within age bands of five years and sex (NaN where no normal and anomaly agree in
        both), and a row for age alone.
    scores : mapping of str to ndarray of shape (n_records,)
        Higher = more normal, one array a detector. A record that has NaN from one of them was not
        scorable, and is left out for all; the table tells how many were.
    thresholds : mapping of str to float or ndarray of shape (n_records,), optional
        Scores below which a record is flagged.
    n_resamples : int, default=0
        Draws of patients for the 95 % interval of the AUROC; 0 gives none.
    random_state : int, RandomState or None, default=None
        For the draws, which are the same for all detectors if it is an int.

    Returns
    -------
    DataFrame
        One row a detector: the columns of `measures`, and with `n_resamples` the interval of the
        AUROC; where there are any, the rates of normals and of anomalies that were not scorable.

    Examples
    --------
    >>> from ecg_anomaly import make_ecg
    >>> dataset = make_ecg(60, anomalies="lvh", random_state=0)
    >>> table = evaluate_scores(dataset, {"peak": -abs(dataset.X).max((1, 2))})
    >>> table.index.tolist()
    ['peak', 'age only']
    """
    import pandas as pd

    rows = {}
    named = {name: np.asarray(values) for name, values in scores.items()}
    scorable = scorable_by_all(dataset, named)
    refused = {name: np.isnan(values) for name, values in named.items()}
    y = dataset.y
    limits = {
        name: np.broadcast_to(limit, y.shape)[scorable]
        for name, limit in (thresholds or {}).items()
    }
    if not scorable.all():
        dataset = dataset[scorable]
        named = {name: values[scorable] for name, values in named.items()}
    age = ages(dataset)
    if age is not None:
        named[AGE_ONLY] = -age
    for name, values in named.items():
        row = measures(dataset, values, limits.get(name))
        if n_resamples:
            interval = bootstrap_interval(
                anomaly_auroc,
                dataset.y,
                values,
                groups=dataset.groups,
                n_resamples=n_resamples,
                random_state=random_state,
            )
            # beside the estimate
            of_auroc = {"AUROC low": interval.low, "AUROC high": interval.high}
            row = {"AUROC": row.pop("AUROC"), **of_auroc, **row}
        if name in refused and not scorable.all():
            row["normals not scorable"] = float(refused[name][y == 1].mean())
            row["anomalies not scorable"] = float(refused[name][y == -1].mean())
        rows[name] = row
    return pd.DataFrame.from_dict(rows, orient="index")


def measures(dataset: ECGDataset, scores: np.ndarray, thresholds=None) -> dict[str, float]:
    """Return all measures of one detector on records that were all scorable.

    Parameters
    ----------
    dataset : ECGDataset
    scores : ndarray of shape (n_records,)
        Higher = more normal.
    thresholds : float or ndarray of shape (n_records,), optional
        Scores below which records are flagged.

    Returns
    -------
    dict of str to float
        ``AUROC``; where the table has the columns, ``matched AUROC`` (age band and sex) and
        ``within-device AUROC``; ``partial AUROC`` up to 10 % false alarms; ``AUPRC`` with its
        ``lift`` over the ``prevalence``; sensitivity at three specificities; with thresholds, the
        rates of ``false alarms``, also an hour of normal ECG, ``sensitivity``, ``F1``, and the
        positive predictive value at low prevalences.
    """
    y, table = dataset.y, dataset.table
    row = {"AUROC": anomaly_auroc(y, scores)}
    if ages(dataset) is not None:
        strata = (age_band(table["age"].to_numpy(float)), table["sex"].to_numpy())
        row["matched AUROC"] = _matched(y, scores, *strata)
    if "device" in table and table["device"].nunique() > 1:
        row["within-device AUROC"] = _matched(y, scores, table["device"].to_numpy())
    row |= {
        "partial AUROC": partial_auroc(y, scores),
        "AUPRC": anomaly_auprc(y, scores),
        "AUPRC lift": auprc_lift(y, scores),
        "prevalence": float(np.mean(y == -1)),
    }
    for specificity in SPECIFICITIES:
        name = f"sens. at {100 * specificity:.0f} % spec."
        row[name] = sensitivity_at_specificity(y, scores, specificity)
    if thresholds is not None:
        rates = alarm_rates(y, scores - thresholds, 0.0, hours=_hours(dataset))
        row |= {"false alarms": rates.false_alarm_rate, "sensitivity": rates.sensitivity}
        if rates.false_alarms_per_hour is not None:
            row["false alarms per hour"] = rates.false_alarms_per_hour
        row["F1"] = rates.f1
        for prevalence in PREVALENCES:
            row[f"PPV at {100 * prevalence:.0f} %"] = float(
                ppv_at_prevalence(rates.sensitivity, rates.specificity, prevalence)
            )
    return row


def ages(dataset: ECGDataset) -> np.ndarray | None:
    """Return ages in years, the median where one is missing; None if age or sex is not known."""
    if not {"age", "sex"} <= set(dataset.table.columns) or not dataset.table["age"].notna().any():
        return None
    age = dataset.table["age"].to_numpy(float)
    return np.where(np.isfinite(age), age, np.nanmedian(age))


def scorable_by_all(dataset: ECGDataset, scores: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return which records have a score from every detector.

    Raises
    ------
    SignalError
        If scores do not fit the dataset, or there is no such record.
    """
    scorable = np.ones(len(dataset), bool)
    for name, values in scores.items():
        if values.shape != scorable.shape:
            raise SignalError(
                f"{name} has scores of shape {values.shape} for {len(dataset)} records."
            )
        scorable &= ~np.isnan(values)
    if not scorable.any():
        raise SignalError(f"{dataset.name}: no record was scorable by all of {', '.join(scores)}.")
    return scorable


def describe(dataset: ECGDataset) -> str:
    """Return what a report must say of its dataset: counts, rule of labels, what was left out."""
    n_anomalies = int(np.sum(dataset.y == -1))
    text = (
        f"{dataset.name}: {len(dataset) - n_anomalies} normals and {n_anomalies} anomalies of "
        f"{len(np.unique(dataset.groups))} patients. {dataset.label_rule.rstrip('.')}."
    )
    if dataset.excluded:
        left_out = ", ".join(f"{count} {reason}" for reason, count in dataset.excluded.items())
        text += f" Left out: {left_out}."
    return text


def _matched(y: np.ndarray, scores: np.ndarray, *strata) -> float:
    try:
        return matched_auroc(y, scores, *strata)
    except SignalError:  # the scores are sound: only pairs are missing
        return float("nan")


def _hours(dataset: ECGDataset) -> float | None:
    """Return the hours of recording of the normals, None where the rate is not known."""
    if not isinstance(dataset.X, RecordSet) and "fs" not in dataset.table:
        return None
    return float(np.sum(dataset.y == 1)) * dataset.X.shape[-1] / dataset.fs / 3600
