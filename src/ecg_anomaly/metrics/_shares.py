"""Shares of records, such as those flagged, and their confidence intervals."""

from __future__ import annotations

import numpy as np

from ..errors import SignalError
from .intervals import Interval

# Draws of patients at a time, so that many patients do not fill the memory.
_CHUNK = 100


def check_threshold(threshold) -> float:
    """Return the threshold, which may be infinite, as a number."""
    threshold = float(threshold)
    if np.isnan(threshold):
        raise ValueError("threshold must be a number, got nan; is the detector fitted?")
    return threshold


def check_resampling(groups, n_records: int, confidence: float, n_resamples: int):
    """Return the number of each record's patient, None if intervals are binomial.

    Raises
    ------
    SignalError
        If groups do not fit the records.
    ValueError
        If another parameter is out of range, or groups would not be used.
    """
    if not 0 < confidence < 1 or n_resamples < 0:
        raise ValueError("confidence must lie between 0 and 1, and n_resamples be 0 or more.")
    if not n_resamples:
        if groups is not None:
            raise ValueError(
                "groups are used by the bootstrap only: give n_resamples, such as 1000, or leave "
                "groups out to take records for independent."
            )
        return None
    groups = np.arange(n_records) if groups is None else np.asarray(groups)
    if groups.shape != (n_records,):
        raise SignalError(f"groups of shape {groups.shape} for {n_records} records.")
    return np.unique(groups, return_inverse=True)[1]


def share_interval(
    hits: np.ndarray, patients: np.ndarray | None, confidence: float, n_resamples: int, rng
) -> Interval:
    """Return a share of records with its interval.

    Parameters
    ----------
    hits : ndarray of bool of shape (n_records,)
    patients : ndarray of int of shape (n_records,), optional
        Of each record. If None, records are taken for independent and the interval is the exact
        binomial one (Clopper and Pearson); else it is the percentile bootstrap over patients. A
        bootstrap cannot tell shares of 0 and 1 from certainty: there the interval is the exact
        one with patients for trials.
    confidence : float
    n_resamples : int
    rng : RandomState

    Returns
    -------
    Interval
        NaN for no records, and with NaN for bounds if all are of one patient and differ.
    """
    n_records, n_hits = len(hits), int(hits.sum())
    if not n_records:
        return Interval(np.nan, np.nan, np.nan)
    share = n_hits / n_records
    if patients is None:
        return Interval(share, *_exact(n_hits, n_records, confidence))
    _, patient = np.unique(patients, return_inverse=True)
    of_patient = np.stack([np.bincount(patient, hits), np.bincount(patient)], axis=1)
    n_patients = len(of_patient)
    if n_hits in (0, n_records):
        return Interval(share, *_exact(n_patients if n_hits else 0, n_patients, confidence))
    if n_patients == 1:
        return Interval(share, np.nan, np.nan)
    draws = []
    for first in range(0, n_resamples, _CHUNK):
        size = min(_CHUNK, n_resamples - first)
        # how often each patient is drawn
        times = rng.multinomial(n_patients, np.full(n_patients, 1 / n_patients), size=size)
        drawn = times @ of_patient
        draws.append(drawn[:, 0] / drawn[:, 1])
    low, high = np.quantile(np.concatenate(draws), [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(share, float(low), float(high))


def _exact(hits: int, trials: int, confidence: float) -> tuple[float, float]:
    from scipy.stats import binomtest

    found = binomtest(hits, trials).proportion_ci(confidence, method="exact")
    return float(found.low), float(found.high)
