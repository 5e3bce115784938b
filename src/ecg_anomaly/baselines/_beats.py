"""R peaks of a record of many leads, and the rhythm that they make."""

from __future__ import annotations

import numpy as np

from ..signal.r_peaks import find_r_peaks

# The largest deflection of a QRS complex lies within this of where XQRS marks it, in seconds.
_ALIGN = 0.06


def strongest_mixture(record: np.ndarray) -> np.ndarray:
    """Return the first principal component of a record's leads: where the heart shows most.

    Parameters
    ----------
    record : ndarray of shape (n_leads, n_samples)

    Returns
    -------
    ndarray of float64 of shape (n_samples,)
        Its largest deflection is positive.

    Examples
    --------
    >>> import numpy as np
    >>> strongest_mixture(np.array([[0.0, 0, -3, 0], [0.0, 0, 4, 0]])).round(2).tolist()
    [-1.25, -1.25, 3.75, -1.25]
    """
    moved = record.astype(np.float64)
    moved = moved - moved.mean(axis=1, keepdims=True)
    largest = np.abs(moved).max()
    if not largest > 0:
        return moved[0]
    moved = moved / largest
    _, axes = np.linalg.eigh(moved @ moved.T)
    mixture = axes[:, -1] @ moved
    return mixture * (largest * np.sign(mixture[np.abs(mixture).argmax()]))


def beat_centers(record: np.ndarray, fs: float) -> np.ndarray:
    """Return where the QRS complexes of a record of several leads deflect most.

    Parameters
    ----------
    record : ndarray of shape (n_leads, n_samples)
        In any unit, filtered.
    fs : float
        In Hz.

    Returns
    -------
    ndarray of int of shape (n_beats,)
        Samples, ascending.
    """
    mixture = strongest_mixture(record)
    found = find_r_peaks(mixture, fs)
    if not len(found):
        return found
    # XQRS marks some beats 30 ms beside others, which would blur their median
    reach = round(_ALIGN * fs)
    around = found[:, None] + np.arange(-reach, reach + 1)
    height = np.abs(mixture)[np.clip(around, 0, len(mixture) - 1)]
    return np.unique(np.clip(found + height.argmax(axis=1) - reach, 0, len(mixture) - 1))


def rhythm(centers: np.ndarray, n_samples: int, fs: float) -> np.ndarray:
    """Return the heart rate and how irregular it is.

    Parameters
    ----------
    centers : ndarray of int of shape (n_beats,)
        Samples, ascending.
    n_samples : int
        Of the record.
    fs : float
        In Hz.

    Returns
    -------
    ndarray of float64 of shape (2,)
        Beats a minute by the median interval, and the mean change from one interval to the next
        over the median interval. With fewer than two beats the rate is that of the beats in the
        time there is, and the irregularity 0, as with fewer than three.

    Examples
    --------
    >>> import numpy as np
    >>> rhythm(np.array([100, 200, 300, 380]), 500, 100.0).tolist()
    [60.0, 0.1]
    """
    if len(centers) < 2:
        return np.array([60.0 * len(centers) * fs / n_samples, 0.0])
    intervals = np.diff(centers)
    middle = np.median(intervals)
    changes = np.abs(np.diff(intervals))
    return np.array([60.0 * fs / middle, changes.mean() / middle if len(changes) else 0.0])
