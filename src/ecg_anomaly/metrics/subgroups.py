"""Detection apart by sex, age, device, or whatever records differ in, and by diagnosis."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import LabelError, SignalError
from ._shares import check_resampling, check_threshold, share_interval
from .detection import anomaly_auroc, check_labels

if TYPE_CHECKING:
    import pandas as pd

UNKNOWN = "unknown"


def subgroup_table(
    y,
    scores,
    threshold: float,
    columns: pd.DataFrame | Mapping[str, Any],
    *,
    groups=None,
    confidence: float = 0.95,
    n_resamples: int = 0,
    random_state=None,
) -> pd.DataFrame:
    """Return how detection does in each subgroup of the records.

    Parameters
    ----------
    y : array-like of shape (n_records,)
        +1 normal, -1 anomaly.
    scores : array-like of shape (n_records,)
        Higher = more normal.
    threshold : float
        Records with ``score < threshold`` are flagged.
    columns : DataFrame or mapping of str to array-like of shape (n_records,)
        What the records differ in: sex, `age_band`, device, a flag of noise. Missing values (NaN,
        None, "") make a subgroup of their own, "unknown".
    groups : array-like of shape (n_records,), optional
        Patient of each record, for the bootstrap; by default each record is a patient of its own.
    confidence : float in (0, 1), default=0.95
    n_resamples : int, default=0
        0 gives exact binomial intervals (Clopper and Pearson), which take records for independent:
        too narrow where patients have several. Otherwise intervals are percentiles of so many
        bootstrap samples of patients; shares of 0 and 1, which a bootstrap takes for certain, have
        the exact interval with patients for trials.
    random_state : int, RandomState or None, default=None

    Returns
    -------
    DataFrame
        One row per value of each column, by value, "unknown" last: `column`, `value`, `n_normals`,
        `n_anomalies`, `auroc` (NaN where a class is absent), and `false_alarm_rate` and
        `sensitivity` with the bounds of their intervals, `..._low` and `..._high` (NaN where the
        class is absent). Intervals are of one share each: among many subgroups some miss the truth.

    Raises
    ------
    LabelError
        If labels are other than +1 and -1, or one class is absent altogether.
    SignalError
        If scores, columns or groups do not fit the labels, or scores are not finite.
    ValueError
        If another parameter is out of range, or groups come without resamples.

    Examples
    --------
    >>> table = subgroup_table(
    ...     [1, 1, -1, 1, -1], [3, 0, 1, 4, 2], 1.5, {"sex": ["f", "f", "f", "m", None]}
    ... )
    >>> table[["value", "n_normals", "n_anomalies", "auroc", "sensitivity"]]
         value  n_normals  n_anomalies  auroc  sensitivity
    0        f          2            1    0.5          1.0
    1        m          1            0    NaN          NaN
    2  unknown          0            1    NaN          0.0
    """
    import pandas as pd
    from sklearn.utils import check_random_state

    is_anomaly, anomaly_score = check_labels(y, scores)
    flagged = -anomaly_score < check_threshold(threshold)
    patients = check_resampling(groups, len(is_anomaly), confidence, n_resamples)
    rng = check_random_state(random_state)

    def share(name, rows):
        taken = None if patients is None else patients[rows]
        found = share_interval(flagged[rows], taken, confidence, n_resamples, rng)
        return {name: found.estimate, f"{name}_low": found.low, f"{name}_high": found.high}

    table = []
    for column, values in columns.items():
        for value, rows in _subgroups(column, values, len(is_anomaly)):
            table.append(
                {
                    "column": column,
                    "value": value,
                    "n_normals": int((rows & ~is_anomaly).sum()),
                    "n_anomalies": int((rows & is_anomaly).sum()),
                    "auroc": _auroc(is_anomaly[rows], anomaly_score[rows]),
                    **share("false_alarm_rate", rows & ~is_anomaly),
                    **share("sensitivity", rows & is_anomaly),
                }
            )
    if not table:
        raise SignalError("columns is empty; name at least one, such as sex.")
    return pd.DataFrame(table)


def recall_by_diagnosis(
    y,
    scores,
    labels: pd.DataFrame,
    threshold: float,
    *,
    min_records: int = 1,
    groups=None,
    confidence: float = 0.95,
    n_resamples: int = 0,
    random_state=None,
) -> pd.DataFrame:
    """Return which diagnoses are found.

    Parameters
    ----------
    y, scores, threshold, groups, confidence, n_resamples, random_state
        As in `subgroup_table`.
    labels : DataFrame of shape (n_records, n_diagnoses)
        Whether each record has a diagnosis: bool, or 0 and 1.
    min_records : int, default=1
        Diagnoses of fewer anomalies are left out.

    Returns
    -------
    DataFrame
        Indexed by diagnosis, the most frequent first: `n` anomalies that have it, alone or with
        others, `recall` (share of these that is flagged) with `recall_low` and `recall_high`, and
        `auroc` of these against all normals. A record labelled normal counts as a normal, whatever
        its diagnoses.

    Raises
    ------
    LabelError
        If labels of `y` are other than +1 and -1 or one class is absent, or diagnoses are other
        than 0 and 1.
    SignalError
        If scores, diagnoses or groups do not fit the labels, or scores are not finite.
    ValueError
        If another parameter is out of range, or groups come without resamples.

    Examples
    --------
    >>> import pandas as pd
    >>> diagnoses = pd.DataFrame({"AFIB": [0, 0, 1, 1], "LBBB": [0, 0, 0, 1]})
    >>> recall_by_diagnosis([1, 1, -1, -1], [4, 2, 3, 1], diagnoses, 1.5)[["n", "recall", "auroc"]]
               n  recall  auroc
    diagnosis
    AFIB       2     0.5   0.75
    LBBB       1     1.0   1.00
    """
    import pandas as pd
    from sklearn.utils import check_random_state

    is_anomaly, anomaly_score = check_labels(y, scores)
    flagged = -anomaly_score < check_threshold(threshold)
    patients = check_resampling(groups, len(is_anomaly), confidence, n_resamples)
    if min_records < 1:
        raise ValueError(f"min_records must be 1 or more, got {min_records!r}.")
    if len(labels) != len(is_anomaly):
        raise SignalError(f"{len(labels)} rows of diagnoses for {len(is_anomaly)} records.")
    rng = check_random_state(random_state)
    table = []
    for diagnosis in labels.columns:
        rows = _indicator(labels[diagnosis]) & is_anomaly
        if rows.sum() < min_records:
            continue
        taken = None if patients is None else patients[rows]
        recall = share_interval(flagged[rows], taken, confidence, n_resamples, rng)
        against = rows | ~is_anomaly
        table.append(
            {
                "diagnosis": diagnosis,
                "n": int(rows.sum()),
                "recall": recall.estimate,
                "recall_low": recall.low,
                "recall_high": recall.high,
                "auroc": _auroc(is_anomaly[against], anomaly_score[against]),
            }
        )
    names = ["diagnosis", "n", "recall", "recall_low", "recall_high", "auroc"]
    found = pd.DataFrame(table, columns=names).set_index("diagnosis")
    return found.sort_values("n", ascending=False, kind="stable")


def _auroc(is_anomaly: np.ndarray, anomaly_score: np.ndarray) -> float:
    if is_anomaly.all() or not is_anomaly.any():
        return float("nan")
    return anomaly_auroc(np.where(is_anomaly, -1, 1), -anomaly_score)


def _indicator(column: pd.Series) -> np.ndarray:
    """Return whether each record has the diagnosis."""
    if not column.isin([0, 1]).all():
        raise LabelError(
            f"diagnosis {column.name!r} holds other values than 0 and 1; turn likelihoods into "
            "labels first, such as by labels > 0."
        )
    return column.to_numpy(bool)


def _subgroups(name: Hashable, values, n_records: int) -> Iterator[tuple[Any, np.ndarray]]:
    """Give each value of a column and the records that have it, missing ones last."""
    import pandas as pd

    values = pd.Series(values).reset_index(drop=True)
    if len(values) != n_records:
        raise SignalError(f"column {name!r} has {len(values)} values for {n_records} records.")
    missing = (values.isna() | values.isin(["", UNKNOWN])).to_numpy(bool)
    if isinstance(values.dtype, pd.CategoricalDtype):
        present = [value for value in values.cat.categories if (values == value).any()]
    else:
        present = list(values[~missing].unique())
        try:
            present.sort()
        except TypeError:  # of several kinds
            present.sort(key=str)
    for value in present:
        rows = (values == value).to_numpy(bool, na_value=False) & ~missing
        if rows.any():
            yield value, rows
    if missing.any():
        yield UNKNOWN, missing
