"""One protocol for every detector: a table of how well scores find anomalies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from .datasets import ECGDataset
from .errors import SignalError
from .metrics import (
    age_band,
    anomaly_auprc,
    anomaly_auroc,
    bootstrap_interval,
    matched_auroc,
    sensitivity_at_specificity,
)

if TYPE_CHECKING:
    import pandas as pd

AGE_ONLY = "age only"


def evaluate_scores(
    dataset: ECGDataset,
    scores: Mapping[str, np.ndarray],
    *,
    thresholds: Mapping[str, float] | None = None,
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
    thresholds : mapping of str to float, optional
        Scores below which a record is flagged.
    n_resamples : int, default=0
        Draws of patients for the 95 % interval of the AUROC; 0 gives none.
    random_state : int, RandomState or None, default=None
        For the draws, which are the same for all detectors if it is an int.

    Returns
    -------
    DataFrame
        One row a detector: AUROC, its interval, matched AUROC, AUPRC, prevalence, sensitivity at
        95 % specificity and, with `thresholds`, the rate of flagged normals (false alarms) and of
        flagged anomalies; where there are any, the rates of normals and of anomalies that were not
        scorable.

    Examples
    --------
    >>> from ecg_anomaly import make_ecg
    >>> dataset = make_ecg(60, anomalies="lvh", random_state=0)
    >>> table = evaluate_scores(dataset, {"peak": -abs(dataset.X).max((1, 2))})
    >>> table.index.tolist()
    ['peak', 'age only']
    """
    import pandas as pd

    has_people = {"age", "sex"} <= set(dataset.table.columns) and dataset.table["age"].notna().any()
    rows = {}
    named = {name: np.asarray(values) for name, values in scores.items()}
    scorable = _scorable(dataset, named)
    refused = {name: np.isnan(values) for name, values in named.items()}
    y = dataset.y
    if not scorable.all():
        dataset = dataset[scorable]
        named = {name: values[scorable] for name, values in named.items()}
    if has_people:
        age = dataset.table["age"].to_numpy(float)
        strata = (age_band(age), dataset.table["sex"].to_numpy())
        named[AGE_ONLY] = -np.where(np.isfinite(age), age, np.nanmedian(age))
    for name, values in named.items():
        row = {"AUROC": anomaly_auroc(dataset.y, values)}
        if n_resamples:
            interval = bootstrap_interval(
                anomaly_auroc,
                dataset.y,
                values,
                groups=dataset.groups,
                n_resamples=n_resamples,
                random_state=random_state,
            )
            row |= {"AUROC low": interval.low, "AUROC high": interval.high}
        if has_people:
            row["matched AUROC"] = _matched(dataset.y, values, strata)
        row |= {
            "AUPRC": anomaly_auprc(dataset.y, values),
            "prevalence": float(np.mean(dataset.y == -1)),
            "sens. at 95 % spec.": sensitivity_at_specificity(dataset.y, values, 0.95),
        }
        if thresholds and name in thresholds:
            flagged = np.asarray(values) < thresholds[name]
            row["false alarms"] = float(flagged[dataset.y == 1].mean())
            row["sensitivity"] = float(flagged[dataset.y == -1].mean())
        if name in refused and not scorable.all():
            row["normals not scorable"] = float(refused[name][y == 1].mean())
            row["anomalies not scorable"] = float(refused[name][y == -1].mean())
        rows[name] = row
    return pd.DataFrame.from_dict(rows, orient="index")


def _scorable(dataset: ECGDataset, scores: Mapping[str, np.ndarray]) -> np.ndarray:
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


def _matched(y: np.ndarray, scores: np.ndarray, strata) -> float:
    try:
        return matched_auroc(y, scores, *strata)
    except SignalError:  # the scores are sound: only pairs are missing
        return float("nan")


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
