"""Pairs of a positive and a negative, of which the AUROC is the share that is won."""

from __future__ import annotations

import numpy as np


def pairs_won(values: np.ndarray, positive: np.ndarray) -> tuple[float, int]:
    """Return in how many pairs the positive has the higher value, and how many pairs there are.

    The Mann-Whitney statistic: of equal values, half count.

    Parameters
    ----------
    values : ndarray of shape (n,)
    positive : ndarray of bool of shape (n,)

    Returns
    -------
    won : float
    n_pairs : int

    Examples
    --------
    >>> pairs_won(np.array([1, 2, 2, 3]), np.array([False, False, True, True]))
    (3.5, 4)
    """
    from scipy.stats import rankdata

    n_positive = int(positive.sum())
    ranks = rankdata(values)[positive]
    won = float(ranks.sum() - n_positive * (n_positive + 1) / 2)
    return won, n_positive * (len(positive) - n_positive)
