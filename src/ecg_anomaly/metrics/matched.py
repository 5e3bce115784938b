"""AUROC within strata, so that what only tells the strata apart earns nothing."""

from __future__ import annotations

import numpy as np

from ..errors import SignalError
from ._pairs import pairs_won
from .detection import check_labels


def matched_auroc(y, scores, *strata) -> float:
    """Return the AUROC over pairs of an anomaly and a normal of the same stratum.

    In PTB-XL the normals are younger, so that age alone has an AUROC of .78. Matching on age band
    and sex removes what a score gains by telling age.

    Parameters
    ----------
    y : array-like of shape (n_records,)
        +1 normal, -1 anomaly.
    scores : array-like of shape (n_records,)
        Higher = more normal.
    *strata : array-likes of shape (n_records,)
        Columns that must agree within a pair, such as age band and sex. A record with a missing
        value in one of them (NaN, None) is left out.

    Returns
    -------
    float in [0, 1]
        Pooled over all pairs: each stratum counts by its number of pairs.

    Raises
    ------
    SignalError
        If a column does not fit the labels, or no stratum holds both a normal and an anomaly.

    References
    ----------
    Janes and Pepe, "Adjusting for covariate effects on classification accuracy using the
    covariate-adjusted receiver operating characteristic curve", Biometrika 2009.

    Examples
    --------
    >>> matched_auroc([1, -1, 1, -1], [4, 3, 2, 1], ["young", "young", "old", "old"])
    1.0
    """
    import pandas as pd

    is_anomaly, anomaly_score = check_labels(y, scores)
    columns = [np.asarray(column) for column in strata]
    if not columns or any(column.shape != is_anomaly.shape for column in columns):
        raise SignalError(
            f"{len(is_anomaly)} labels, but strata of shapes {[c.shape for c in columns]}; pass "
            "one value a record in each."
        )
    table = pd.DataFrame(dict(enumerate(columns)))
    strata_rows = table.groupby(list(table.columns), dropna=True).indices.values()
    pairs = [pairs_won(anomaly_score[rows], is_anomaly[rows]) for rows in strata_rows]
    n_pairs = sum(n for _, n in pairs)
    if not n_pairs:
        raise SignalError("no stratum holds both a normal and an anomaly; use wider bands.")
    return sum(won for won, _ in pairs) / n_pairs


def age_band(age, width: float = 5.0) -> np.ndarray:
    """Return the band of each age, NaN where the age is missing or impossible.

    PTB-XL writes 300 for ages of 90 and over that were hidden; they share one band.

    Parameters
    ----------
    age : array-like of shape (n,)
        In years.
    width : float, default=5.0
        Of a band, in years.

    Returns
    -------
    ndarray of float of shape (n,)
        Lower end of the band.

    Examples
    --------
    >>> age_band([42, 300, -1]).tolist()
    [40.0, 90.0, nan]
    """
    age = np.asarray(age, dtype=float)
    age = np.where(age == 300, 90.0, age)
    return np.where((age >= 0) & (age <= 120), np.floor(age / width) * width, np.nan)
