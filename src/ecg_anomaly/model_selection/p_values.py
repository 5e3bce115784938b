"""Conformal p-values of scores."""

from __future__ import annotations

import numpy as np

from ..errors import DatasetError


def conformal_p_values(scores, calibration, confidence: float | None = None) -> np.ndarray:
    """Return how probable it is that a normal record scores this low or lower.

    Parameters
    ----------
    scores : array-like of shape (n_records,)
        Higher = more normal; NaN where a record is not scorable.
    calibration : array-like of shape (n_normals,)
        Scores of normals that the detector was not fitted on.
    confidence : float in (0, 1), optional
        Without it, the p-values are valid on average over calibrations [1]_. With it, any level's
        false-alarm rate is at most that level with this probability over the calibrations [2]_.

    Returns
    -------
    ndarray of float64 of shape (n_records,)
        In (0, 1]; NaN stays NaN. They are multiples of 1 / (n_normals + 1): small ones need many
        normals.

    Raises
    ------
    DatasetError
        If there is no calibration score, or one is not finite.

    References
    ----------
    .. [1] V. Vovk, A. Gammerman, G. Shafer, "Algorithmic learning in a random world", 2005.
    .. [2] V. Vovk, "Conditional validity of inductive conformal predictors", Machine Learning 92,
       349-376, 2013; S. Bates et al., "Testing for outliers with conformal p-values", Annals of
       Statistics 51, 149-178, 2023.

    Examples
    --------
    >>> conformal_p_values([-1, 4.5, 100], range(9)).tolist()
    [0.1, 0.6, 1.0]
    """
    from scipy.stats import beta

    scores = np.asarray(scores, dtype=np.float64)
    calibration = np.sort(np.asarray(calibration, dtype=np.float64))
    n = len(calibration)
    if not n or not np.isfinite(calibration).all():
        raise DatasetError("p-values need at least one normal record with a finite score.")
    rank = np.searchsorted(calibration, scores, side="right")
    if confidence is None:
        p = (1.0 + rank) / (n + 1.0)
    else:
        p = np.where(rank < n, beta.ppf(confidence, rank + 1, np.maximum(n - rank, 1)), 1.0)
    return np.where(np.isnan(scores), np.nan, p)


def conformal_threshold(calibration, alpha: float, confidence: float | None = None) -> float:
    """Return the score below which the p-value is at most `alpha`.

    Parameters
    ----------
    calibration, confidence
        As in `conformal_p_values`.
    alpha : float in (0, 1)

    Raises
    ------
    DatasetError
        If no p-value can be that small with so few normals.

    Examples
    --------
    >>> conformal_threshold(range(99), 0.05)
    4.0
    """
    # the p-value of a score just below each calibration score, ties and all
    levels = np.unique(np.asarray(calibration, dtype=np.float64))
    lower = np.nextafter(levels, -np.inf)
    reached = conformal_p_values(lower, calibration, confidence) <= alpha + 1e-12
    if not reached.any():
        sure = "" if confidence is None else f" with confidence {confidence:g}"
        raise DatasetError(
            f"a false-alarm rate of {alpha:g}{sure} needs at least "
            f"{fewest_normals(alpha, confidence)} held-out normals, got {len(calibration)}; hold "
            "out more, or allow a higher rate."
        )
    return float(levels[reached][-1])


def fewest_normals(alpha: float, confidence: float | None = None) -> int:
    """Return how many normals the smallest p-value needs to reach `alpha`.

    Examples
    --------
    >>> fewest_normals(0.05), fewest_normals(0.05, confidence=0.9)
    (19, 45)
    """
    if confidence is None:
        return int(np.ceil(1 / alpha - 1 - 1e-9))
    return int(np.ceil(np.log1p(-confidence) / np.log1p(-alpha) - 1e-9))
