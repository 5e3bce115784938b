"""Beats as windows around peaks, and peaks of two sources compared."""

from __future__ import annotations

import numpy as np

from ..errors import SignalError


def window_fits(centers: np.ndarray, n_samples: int, n_total: int) -> np.ndarray:
    """Tell which windows lie within a signal.

    Parameters
    ----------
    centers : ndarray of int of shape (n_windows,)
        Sample ``n_samples // 2`` of each window.
    n_samples : int
        Length of a window.
    n_total : int
        Length of the signal.

    Returns
    -------
    ndarray of bool of shape (n_windows,)

    Examples
    --------
    >>> import numpy as np
    >>> window_fits(np.array([1, 2, 8, 9]), 4, 10).tolist()
    [False, True, True, False]
    """
    start = np.asarray(centers) - n_samples // 2
    return (start >= 0) & (start + n_samples <= n_total)


def cut_windows(signal: np.ndarray, centers: np.ndarray, n_samples: int) -> np.ndarray:
    """Cut windows of one length out of a signal.

    Parameters
    ----------
    signal : ndarray of shape (n_leads, n_total)
    centers : ndarray of int of shape (n_windows,)
        Sample ``n_samples // 2`` of each window.
    n_samples : int
        Length of a window.

    Returns
    -------
    ndarray of shape (n_windows, n_leads, n_samples)
        A copy.

    Raises
    ------
    SignalError
        If `n_samples` is less than 1 or a window reaches beyond the signal.

    Examples
    --------
    >>> import numpy as np
    >>> cut_windows(np.arange(10)[None], np.array([3, 8]), 4).tolist()
    [[[1, 2, 3, 4]], [[6, 7, 8, 9]]]
    """
    centers = np.asarray(centers, np.int64)
    if n_samples < 1 or not window_fits(centers, n_samples, signal.shape[-1]).all():
        raise SignalError(
            f"windows of {n_samples} samples do not all lie within the {signal.shape[-1]} samples "
            "of the signal; leave out those that window_fits() does not pass."
        )
    if not len(centers):
        return np.empty((0, signal.shape[0], n_samples), signal.dtype)
    windows = np.lib.stride_tricks.sliding_window_view(signal, n_samples, axis=-1)
    return np.ascontiguousarray(windows[:, centers - n_samples // 2].swapaxes(0, 1))


def cut_beats(signal: np.ndarray, peaks: np.ndarray, before: int, n_samples: int) -> np.ndarray:
    """Cut windows of one length around R peaks, leaving out those that reach beyond the signal.

    Parameters
    ----------
    signal : ndarray of shape (n_leads, n_total)
    peaks : ndarray of int of shape (n_peaks,)
        Samples.
    before : int
        Samples of each window before the peak.
    n_samples : int
        Length of a window.

    Returns
    -------
    ndarray of shape (n_windows, n_leads, n_samples)
        A copy.

    Raises
    ------
    SignalError
        If `n_samples` is less than 1.

    Examples
    --------
    >>> import numpy as np
    >>> cut_beats(np.arange(10)[None], np.array([0, 3, 8]), 1, 3).tolist()
    [[[2, 3, 4]], [[7, 8, 9]]]
    """
    centers = np.asarray(peaks) + n_samples // 2 - before
    return cut_windows(signal, centers[window_fits(centers, n_samples, signal.shape[1])], n_samples)


def count_in_windows(marks: np.ndarray, centers: np.ndarray, n_samples: int) -> np.ndarray:
    """Count the marks within each window.

    Parameters
    ----------
    marks : ndarray of int of shape (n_marks,)
        Samples, ascending.
    centers : ndarray of int of shape (n_windows,)
        Sample ``n_samples // 2`` of each window.
    n_samples : int
        Length of a window.

    Returns
    -------
    ndarray of int of shape (n_windows,)

    Examples
    --------
    >>> import numpy as np
    >>> count_in_windows(np.array([5, 10, 15]), np.array([5, 12]), 11).tolist()
    [2, 2]
    """
    start = np.asarray(centers) - n_samples // 2
    return np.searchsorted(marks, start + n_samples) - np.searchsorted(marks, start)


def match_peaks(
    reference: np.ndarray, detected: np.ndarray, tolerance: float
) -> tuple[np.ndarray, np.ndarray]:
    """Pair peaks that are each other's nearest, as the beat-by-beat comparison of EC57 does.

    Parameters
    ----------
    reference, detected : ndarray of int
        Samples, ascending.
    tolerance : float
        Largest distance of a pair in samples; EC57 allows 150 ms.

    Returns
    -------
    reference_rows, detected_rows : ndarray of int of shape (n_pairs,)
        Which peaks pair up, ascending. Sensitivity is ``n_pairs / len(reference)``, positive
        predictive value ``n_pairs / len(detected)``.

    References
    ----------
    ANSI/AAMI EC57, "Testing and reporting performance results of cardiac rhythm and ST segment
    measurement algorithms".

    Examples
    --------
    >>> import numpy as np
    >>> match_peaks(np.array([10, 50, 90]), np.array([12, 30, 52, 55]), 5)
    (array([0, 1]), array([0, 2]))
    """
    reference, detected = np.asarray(reference, np.int64), np.asarray(detected, np.int64)
    if not len(reference) or not len(detected):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    to_detected = _nearest(detected, reference)
    to_reference = _nearest(reference, detected)
    rows = np.arange(len(reference))
    paired = (to_reference[to_detected] == rows) & (
        np.abs(detected[to_detected] - reference) <= tolerance
    )
    return rows[paired], to_detected[paired]


def _nearest(among: np.ndarray, to: np.ndarray) -> np.ndarray:
    """Return the row of `among`, which ascends, nearest to each value, the earlier one if two."""
    after = np.clip(np.searchsorted(among, to), 1, len(among) - 1) if len(among) > 1 else to * 0
    before = np.maximum(after - 1, 0)
    return np.where(to - among[before] <= among[after] - to, before, after)
