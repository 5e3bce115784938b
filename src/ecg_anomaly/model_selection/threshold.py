"""Thresholds from normals that the detector did not see."""

from __future__ import annotations

import numpy as np
from sklearn.model_selection import GroupShuffleSplit

from ..errors import DatasetError
from .p_values import conformal_threshold


def split_holdout(groups, holdout: float, random_state=None) -> tuple[np.ndarray, np.ndarray]:
    """Split records by patient into those to fit on and those to set the threshold on.

    Parameters
    ----------
    groups : array-like of shape (n_records,)
        Patients.
    holdout : float in (0, 1)
        Share of the patients to hold out.
    random_state : int, RandomState or None

    Returns
    -------
    fit_rows, holdout_rows : ndarray of int
        Both sorted.

    Raises
    ------
    DatasetError
        If there are too few patients for two sides.

    Examples
    --------
    >>> fit_rows, holdout_rows = split_holdout(["a", "a", "b", "c", "d"], 0.25, random_state=0)
    >>> len(fit_rows) + len(holdout_rows)
    5
    """
    if not 0 < holdout < 1:
        raise ValueError(f"holdout must lie between 0 and 1, got {holdout!r}.")
    groups = np.asarray(groups)
    n_patients = len(np.unique(groups))
    if n_patients - np.ceil(holdout * n_patients) < 1:
        raise DatasetError(
            f"holding out {holdout:.0%} of {n_patients} patients leaves none to fit on; a split by "
            "patient needs more of them."
        )
    splitter = GroupShuffleSplit(1, test_size=holdout, random_state=random_state)
    fit_rows, holdout_rows = next(splitter.split(np.zeros(len(groups)), groups=groups))
    return np.sort(fit_rows), np.sort(holdout_rows)


def threshold_at_false_alarm_rate(normal_scores, false_alarm_rate: float) -> float:
    """Return the score below which at most `false_alarm_rate` of new normals fall on average.

    The k-th smallest of n held-out scores with ``k = floor(rate * (n + 1))``: then the expected
    rate on exchangeable normals is k / (n + 1), at most the rate asked for (the split-conformal
    quantile: Vovk et al. 2005).

    Parameters
    ----------
    normal_scores : array-like of shape (n,)
        Of normals that the detector was not fitted on; higher = more normal.
    false_alarm_rate : float in (0, 1)

    Returns
    -------
    float
        A record is flagged where its score lies strictly below.

    Raises
    ------
    DatasetError
        If there are fewer than ``1 / false_alarm_rate - 1`` scores, one is not finite, or one is
        the lowest number, which `GatedDetector` gives for what cannot be scored.

    Examples
    --------
    >>> threshold_at_false_alarm_rate(range(99), 0.05)
    4.0
    """
    scores = np.sort(np.asarray(normal_scores, dtype=np.float64))
    if not 0 < false_alarm_rate < 1:
        raise ValueError(f"false_alarm_rate must lie between 0 and 1, got {false_alarm_rate!r}.")
    if len(scores) == 0 or not np.isfinite(scores).all():
        raise DatasetError("a threshold needs at least one normal record with a finite score.")
    if scores[0] == np.finfo(np.float64).min:
        raise DatasetError(
            "the scores hold those of records that are not scorable, the lowest number there is; "
            "leave these out: they have no score."
        )
    return conformal_threshold(scores, false_alarm_rate)
