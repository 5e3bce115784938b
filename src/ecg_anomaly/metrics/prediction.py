"""What share of new records will be flagged, with calibration and test error joined."""

from __future__ import annotations

import numpy as np

from ..errors import SignalError
from .intervals import Interval


def predicted_rate(
    n_flagged: float,
    n: float,
    n_new: int | None = None,
    *,
    confidence: float = 0.95,
    design_effect: float = 1.0,
) -> Interval:
    """Return the interval in which the share of flagged records among new ones will lie.

    The rate of a threshold with j of n calibration records below it lies between the order
    statistics Beta(j, n + 1 - j) and Beta(j + 1, n - j); the count among m new records is then
    beta-binomial [1]_. So the interval joins the error of the calibration and that of the test: it
    is wider than a binomial one around the rate that was found.

    Parameters
    ----------
    n_flagged : float
        Calibration records below the threshold.
    n : float
        Calibration records, at least 1.
    n_new : int, optional
        New records of the same kind; None is infinitely many, the error of the calibration alone.
    confidence : float in (0, 1), default=0.95
    design_effect : float >= 1, default=1.0
        Of records that share patients (`design_effect`): they count for so many times fewer.

    Returns
    -------
    Interval
        The rate expected, ``n_flagged / n``, and the interval of prediction.

    Raises
    ------
    SignalError
        If the counts do not fit each other.

    References
    ----------
    .. [1] V. Vovk, "Conditional validity of inductive conformal predictors", Machine Learning 92,
       349-376, 2013; for tolerance by order statistics S. S. Wilks, Annals of Mathematical
       Statistics 12, 91-96, 1941.

    Examples
    --------
    >>> print(predicted_rate(50, 1000, 900))
    0.050 (0.032 to 0.072)
    >>> print(predicted_rate(50, 1000))
    0.050 (0.037 to 0.065)
    """
    from scipy.stats import beta, betabinom

    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, got {confidence!r}.")
    if not (0 <= n_flagged <= n and n >= 1 and design_effect >= 1):
        raise SignalError(
            f"{n_flagged} of {n} records flagged, design effect {design_effect}: counts must lie "
            "between 0 and the number of records, the effect be 1 or more."
        )
    if n_new is not None and n_new < 1:
        raise SignalError(f"a rate among {n_new} new records is no rate; give 1 or more.")
    flagged, passed = n_flagged / design_effect, (n - n_flagged) / design_effect
    tail = (1 - confidence) / 2
    low, high = 0.0, 1.0
    if n_new is None:
        if flagged:
            low = beta.ppf(tail, flagged, passed + 1)
        if passed:
            high = beta.ppf(1 - tail, flagged + 1, passed)
    else:
        independent = max(1, round(n_new / design_effect))
        if flagged:
            low = betabinom.ppf(tail, independent, flagged, passed + 1) / independent
        if passed:
            high = betabinom.ppf(1 - tail, independent, flagged + 1, passed) / independent
    rate = n_flagged / n
    return Interval(rate, min(float(low), rate), max(float(high), rate))


def design_effect(flagged, groups) -> float:
    """Return how many records of these patients tell as much as one independent record.

    The variance of the flagged share with patients drawn, over that with records drawn [1]_.

    Parameters
    ----------
    flagged : array-like of bool of shape (n_records,)
    groups : array-like of shape (n_records,)
        Patient of each record.

    Returns
    -------
    float
        1 where records of a patient are no more alike than others. Where all or none are flagged,
        which tells nothing of likeness, the mean number of records a patient.

    References
    ----------
    .. [1] J. N. K. Rao, A. J. Scott, "A simple method for the analysis of clustered binary data",
       Biometrics 48, 577-585, 1992.

    Examples
    --------
    >>> design_effect([True, True, False, False], ["a", "a", "b", "b"]), design_effect([1, 0], "ab")
    (3.0, 1.0)
    """
    flagged = np.asarray(flagged, dtype=float)
    groups = np.asarray(list(groups))
    if groups.shape != flagged.shape or not len(flagged):
        raise SignalError(f"{len(groups)} patients for {len(flagged)} records.")
    _, patient = np.unique(groups, return_inverse=True)
    sizes = np.bincount(patient)
    n, n_patients, rate = len(flagged), len(sizes), flagged.mean()
    if rate in (0.0, 1.0) or n_patients < 2:
        return n / n_patients
    residuals = np.bincount(patient, weights=flagged) - rate * sizes
    of_patients = n_patients / (n_patients - 1) * np.square(residuals).sum() / n**2
    return float(max(1.0, of_patients / (rate * (1 - rate) / (n - 1))))
