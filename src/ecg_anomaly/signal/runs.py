"""Runs of True in rows of a mask."""

from __future__ import annotations

import numpy as np


def runs(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find the runs of True in each row.

    Parameters
    ----------
    mask : ndarray of bool, shape (n_rows, n)

    Returns
    -------
    row, start, stop : ndarray of int
        One entry a run, ordered by row and start; `stop` is the first index after the run.

    Examples
    --------
    >>> import numpy as np
    >>> [part.tolist() for part in runs(np.array([[1, 1, 0, 1], [0, 0, 0, 0]], bool))]
    [[0, 0], [0, 3], [2, 4]]
    """
    edges = np.zeros((mask.shape[0], mask.shape[1] + 2), np.int8)
    edges[:, 1:-1] = mask
    change = np.diff(edges, axis=1)
    row, start = np.nonzero(change == 1)
    return row, start, np.nonzero(change == -1)[1]


def keep_long_runs(mask: np.ndarray, length: int) -> np.ndarray:
    """Return the mask without the runs of True that are shorter than `length`.

    Parameters
    ----------
    mask : ndarray of bool, shape (..., n)
    length : int

    Examples
    --------
    >>> import numpy as np
    >>> keep_long_runs(np.array([True, False, True, True]), 2).tolist()
    [False, False, True, True]
    """
    if not mask.any():
        return mask
    rows = mask.reshape(-1, mask.shape[-1])
    row, start, stop = runs(rows)
    long = stop - start >= length
    change = np.zeros((len(rows), mask.shape[-1] + 1), np.int8)
    change[row[long], start[long]] = 1
    change[row[long], stop[long]] = -1
    return change.cumsum(axis=-1, dtype=np.int8)[:, :-1].astype(bool).reshape(mask.shape)
