"""Whether p-values of normals keep their promise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..errors import SignalError

if TYPE_CHECKING:
    import pandas as pd

# Shares such as 0.1 and 1 / 10 are the same although their floats may differ.
_ROUNDING = 1e-9


class Departure(NamedTuple):
    """How far p-values are from uniform.

    Attributes
    ----------
    excess : float in [0, 1]
        The most by which the share of ``p <= alpha`` exceeds alpha, over all alphas: the side that
        breaks the promise, Kolmogorov and Smirnov's D+.
    two_sided : float in [0, 1]
        The largest difference on either side, Kolmogorov and Smirnov's D.
    """

    excess: float
    two_sided: float


def p_value_calibration(
    p_values,
    alphas: Sequence[float] = (0.001, 0.01, 0.05, 0.1, 0.2),
    *,
    n_calibration: int | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Compare how many normals have small p-values with what was promised.

    Conformal p-values promise ``P(p <= alpha) <= alpha`` for normals exchangeable with those that
    the detector was calibrated with [1]_. They are discrete and super-uniform: steps of
    ``1 / (n_calibration + 1)`` and ties of scores make shares smaller than alpha. Such
    conservative p-values are no error and are not marked as one.

    Parameters
    ----------
    p_values : array-like of shape (n_records,)
        Of normals that the detector has not seen, best one a patient: records of a patient are
        alike, which widens the true interval.
    alphas : sequence of float in (0, 1), default=(0.001, 0.01, 0.05, 0.1, 0.2)
    n_calibration : int, optional
        Number of normals that the p-values were calibrated with. All share them and their luck: the
        share for a given calibration is Beta distributed around alpha [2]_, and the interval that
        of a beta-binomial count. Without it the interval is binomial, as for endless calibration
        data, and too narrow for few.
    confidence : float in (0, 1), default=0.95

    Returns
    -------
    DataFrame
        Indexed by `alpha`: `n` p-values, `share` of ``p <= alpha``, `low` and `high`, between which
        the share lies with probability `confidence` by exchangeability without ties, and
        `exceeds`, whether it is higher. Of promises that are kept, at most ``(1 - confidence) / 2``
        are marked so.

    Raises
    ------
    SignalError
        If p-values are not between 0 and 1, or there are none.
    ValueError
        If another parameter is out of range.

    References
    ----------
    .. [1] Vovk, Gammerman and Shafer, "Algorithmic learning in a random world", Springer 2005.
    .. [2] Bates, Candès, Lei, Romano and Sesia, "Testing for outliers with conformal p-values",
       Annals of Statistics 2023.

    Examples
    --------
    >>> table = p_value_calibration([0.04, 0.3, 0.6, 0.9], alphas=[0.05, 0.5])
    >>> table["share"].tolist(), table["exceeds"].tolist()
    ([0.25, 0.5], [False, False])
    """
    import pandas as pd

    p_values = _check(p_values)
    n_records = len(p_values)
    if not all(0 < alpha < 1 for alpha in alphas):
        raise ValueError(f"alphas must lie between 0 and 1, got {list(alphas)}.")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, got {confidence!r}.")
    if n_calibration is not None and n_calibration < 1:
        raise ValueError(f"n_calibration must be 1 or more, got {n_calibration!r}.")
    table = []
    for alpha in alphas:
        low, high = _expected(alpha, n_records, n_calibration, confidence)
        share = float(np.mean(p_values <= alpha + _ROUNDING))
        table.append(
            {"alpha": alpha, "n": n_records, "share": share, "low": low, "high": high}
            | {"exceeds": share > high + _ROUNDING}
        )
    return pd.DataFrame(table).set_index("alpha")


def p_value_departure(p_values) -> Departure:
    """Return how far p-values of normals are from uniform, and on which side.

    Parameters
    ----------
    p_values : array-like of shape (n_records,)
        As in `p_value_calibration`.

    Returns
    -------
    Departure
        Conformal p-values may only lie on one side: judge them by `excess`; `two_sided` also
        counts that they are discrete and conservative. No p-value of the test goes with it, since
        p-values from one calibration are not independent.

    Raises
    ------
    SignalError
        If p-values are not between 0 and 1, or there are none.

    Examples
    --------
    >>> p_value_departure([0.5, 1.0])
    Departure(excess=0.0, two_sided=0.5)
    """
    ordered = np.sort(_check(p_values))
    n_records = len(ordered)
    above = float((np.arange(1, n_records + 1) / n_records - ordered).max())
    below = float((ordered - np.arange(n_records) / n_records).max())
    return Departure(max(above, 0.0), max(above, below))


def _check(p_values) -> np.ndarray:
    p_values = np.asarray(p_values, dtype=np.float64)
    if p_values.ndim != 1 or not len(p_values):
        raise SignalError(f"p-values of shape {p_values.shape}; pass one a record, one at least.")
    outside = ~((p_values >= 0) & (p_values <= 1))
    if outside.any():
        first = int(np.flatnonzero(outside)[0])
        raise SignalError(
            f"p-value {first} is {p_values[first]:g}, not between 0 and 1; leave out records that "
            "cannot be scored, and say so."
        )
    return p_values


def _expected(
    alpha: float, n_records: int, n_calibration: int | None, confidence: float
) -> tuple[float, float]:
    from scipy.stats import betabinom, binom

    tails = np.array([(1 - confidence) / 2, (1 + confidence) / 2])
    if n_calibration is None:
        counts = binom.ppf(tails, n_records, alpha)
    else:
        # p <= alpha is to rank among the lowest k of the calibration's scores and one's own
        k = min(int(np.floor(alpha * (n_calibration + 1) + _ROUNDING)), n_calibration)
        counts = betabinom.ppf(tails, n_records, k, n_calibration + 1 - k) if k else np.zeros(2)
    low, high = np.asarray(counts) / n_records
    return float(low), float(high)
