"""Maps of what is unusual that know nothing of normal ECGs, and the difference of two maps."""

from __future__ import annotations

import numpy as np

from ..errors import SignalError


def difference_map(injected_map, original_map) -> np.ndarray:
    """Return what a change of a record added to its map.

    A record into which an anomaly was put has oddities of its own, which a map rightly shows and
    the mask of the anomaly does not hold. The map of the changed record minus that of the original
    shows the change alone; the measures of localisation are meant for it.

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
    """Return how steep the signal is at each sample, compared with its lead's usual slope.

    A baseline for localisation: it points at edges where something was pasted in. A detector that
    does no better may have learnt how anomalies were made rather than what is normal.

    Parameters
    ----------
    x : array-like of shape (..., n_leads, n_samples)
        In mV.

    Returns
    -------
    ndarray of float of the same shape
        The larger of the steps from the sample before and to the one after, over the median of the
        lead's steps, or over their mean where most of the lead is flat; 0 throughout a flat lead.

    Raises
    ------
    SignalError
        If values are not finite, or leads have fewer than two samples.

    Examples
    --------
    >>> paste_edge_map([[0, 1, 2, 7, 8, 9]]).tolist()
    [[1.0, 1.0, 5.0, 5.0, 1.0, 1.0]]
    """
    x = _check(x, "signal")
    if x.shape[-1] < 2:
        raise SignalError(f"signal of shape {x.shape}; steps need two samples at least.")
    steps = np.abs(np.diff(x, axis=-1))
    usual = np.median(steps, axis=-1, keepdims=True)
    usual = np.where(usual > 0, usual, steps.mean(axis=-1, keepdims=True))
    steps = np.divide(steps, usual, out=np.zeros_like(steps), where=usual > 0)
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
