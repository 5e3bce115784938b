"""Maps of what is unusual that know nothing of normal ECGs, and the difference of two maps."""

from __future__ import annotations

import numpy as np

from ..errors import SignalError


def difference_map(injected_map, original_map) -> np.ndarray:
    """Return what a change of a record added to its map.

    A record into which an anomaly was put has oddities of its own, which a map rightly shows and
    the mask of the anomaly does not hold. The map of the changed record minus that of the original
    shows the change alone; the measures of localisation are meant for it.

    A map that is local, of which each sample depends on the signal nearby, differs nowhere else: it
    points into the mask whatever it measures. So judge a detector's differences by how far they
    surpass those of `amplitude_map` and `paste_edge_map`, not by chance.

    Parameters
    ----------
    injected_map, original_map : array-like of one shape, (..., n_leads, n_samples)
        Of the changed record and of the record before, by the same detector.

    Returns
    -------
    ndarray of float
        Signed: above 0 where the change made the record more unusual.

    Raises
    ------
    SignalError
        If shapes differ, or values are not finite.

    Examples
    --------
    >>> difference_map([[0.1, 0.9]], [[0.1, 0.2]]).round(3).tolist()
    [[0.0, 0.7]]
    """
    injected = _check(injected_map, "injected map")
    original = _check(original_map, "original map")
    if injected.shape != original.shape:
        raise SignalError(
            f"maps of shapes {injected.shape} and {original.shape}; compare a record with itself."
        )
    return injected - original


def amplitude_map(x) -> np.ndarray:
    """Return how far each sample is from the median of its lead.

    A baseline for localisation: it points at QRS complexes and at whatever is large.

    Parameters
    ----------
    x : array-like of shape (..., n_leads, n_samples)
        In mV.

    Returns
    -------
    ndarray of float of the same shape
        In mV, 0 or more.

    Raises
    ------
    SignalError
        If values are not finite.

    Examples
    --------
    >>> amplitude_map([[0.0, 0.0, 1.0, -0.5, 0.0]]).tolist()
    [[0.0, 0.0, 1.0, 0.5, 0.0]]
    """
    x = _check(x, "signal")
    return np.abs(x - np.median(x, axis=-1, keepdims=True))


def paste_edge_map(x) -> np.ndarray:
    """Return how much steeper the signal is at each sample than around it and than usual.

    A baseline for localisation: it points at edges where something was pasted in. A detector that
    does no better may have learnt how anomalies were made rather than what is normal.

    Parameters
    ----------
    x : array-like of shape (..., n_leads, n_samples)
        In mV.

    Returns
    -------
    ndarray of float of the same shape
        Each step from one sample to the next is divided by the sum of the lead's usual step (the
        median, or the mean where most of the lead is flat) and the largest of the two steps before
        and the two after: a QRS complex is steep for several samples, an edge for one. A sample
        has the larger of the steps to it and from it; 0 throughout a flat lead.

    Raises
    ------
    SignalError
        If values are not finite, or leads have fewer than two samples.

    Examples
    --------
    >>> paste_edge_map([[0, 1, 2, 6, 7, 8]]).tolist()
    [[0.2, 0.2, 2.0, 2.0, 0.2, 0.2]]
    """
    x = _check(x, "signal")
    if x.shape[-1] < 2:
        raise SignalError(f"signal of shape {x.shape}; steps need two samples at least.")
    steps = np.abs(np.diff(x, axis=-1))
    usual = np.median(steps, axis=-1, keepdims=True)
    usual = np.where(usual > 0, usual, steps.mean(axis=-1, keepdims=True))
    padded = np.pad(steps, [(0, 0)] * (x.ndim - 1) + [(2, 2)])
    around = np.max([padded[..., k : k + steps.shape[-1]] for k in (0, 1, 3, 4)], axis=0)
    steps = np.divide(steps, usual + around, out=np.zeros_like(steps), where=usual > 0)
    before = np.concatenate([steps[..., :1], steps], axis=-1)
    after = np.concatenate([steps, steps[..., -1:]], axis=-1)
    return np.maximum(before, after)


def _check(values, what: str) -> np.ndarray:
    values = np.asarray(values)
    if not np.issubdtype(values.dtype, np.floating):
        values = values.astype(np.float64)
    if values.ndim < 2:
        raise SignalError(f"{what} of shape {values.shape}; it needs leads and samples.")
    if not np.isfinite(values).all():
        raise SignalError(f"{what} has values that are not finite; leave the record out.")
    return values
