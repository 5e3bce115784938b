"""Location and spread of signals, and scaling by them."""

from __future__ import annotations

import numpy as np

from ._rows import map_rows

#: Interquartile range of the normal distribution with standard deviation 1.
NORMAL_IQR = 1.3489795003921634
#: A spread below this share of the largest magnitude is rounding, not signal.
FLAT_SHARE = 1e-6


def mean_and_std(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and standard deviation over time, in float64; exactly 0 where it is flat.

    Parameters
    ----------
    x : ndarray of shape (..., n_samples)

    Returns
    -------
    mean, std : ndarray of shape (...)

    Examples
    --------
    >>> import numpy as np
    >>> [value.tolist() for value in mean_and_std(np.array([[0.0, 2.0], [5.0, 5.0]]))]
    [[1.0, 5.0], [1.0, 0.0]]
    """

    def both(rows):
        rows = rows.astype(np.float64)
        return np.stack([rows.mean(axis=-1), _no_rounding(rows.std(axis=-1), rows)], axis=-1)

    result = map_rows(both, x, n_out=2, dtype=np.float64)
    return result[..., 0], result[..., 1]


def zscore(x: np.ndarray) -> np.ndarray:
    """Scale each row to mean 0 and standard deviation 1; flat rows give zeros.

    Parameters
    ----------
    x : ndarray of shape (..., n_samples)

    Returns
    -------
    ndarray of shape (..., n_samples)
        float32 stays float32.

    Examples
    --------
    >>> import numpy as np
    >>> zscore(np.array([[0.0, 2.0], [5.0, 5.0]])).tolist()
    [[-1.0, 1.0], [0.0, 0.0]]
    """
    return map_rows(
        lambda rows: _scaled(rows, rows.mean(axis=-1), _no_rounding(rows.std(axis=-1), rows)), x
    )


def robust_scale(x: np.ndarray) -> np.ndarray:
    """Scale each row to median 0 and the interquartile range of a standard normal.

    Rows whose middle half is constant are scaled by their standard deviation; flat rows give
    zeros.

    Parameters
    ----------
    x : ndarray of shape (..., n_samples)

    Returns
    -------
    ndarray of shape (..., n_samples)
        float32 stays float32.

    Examples
    --------
    >>> import numpy as np
    >>> robust_scale(np.array([[-1.0, 0.0, 1.0, 99.0]]))[0, 1:3].round(3).tolist()
    [-0.026, 0.026]
    """

    def rows_scaled(rows):
        low, middle, high = np.percentile(rows, (25, 50, 75), axis=-1)
        spread = _no_rounding((high - low) / NORMAL_IQR, rows)
        spread = np.where(spread > 0, spread, _no_rounding(rows.std(axis=-1), rows))
        return _scaled(rows, middle, spread)

    return map_rows(rows_scaled, x)


def minmax_scale(x: np.ndarray) -> np.ndarray:
    """Scale each row to the range 0 to 1; flat rows give zeros.

    Parameters
    ----------
    x : ndarray of shape (..., n_samples)

    Returns
    -------
    ndarray of shape (..., n_samples)
        float32 stays float32.

    Examples
    --------
    >>> import numpy as np
    >>> minmax_scale(np.array([[-1.0, 0.0, 3.0], [5.0, 5.0, 5.0]])).tolist()
    [[0.0, 0.25, 1.0], [0.0, 0.0, 0.0]]
    """

    def rows_scaled(rows):
        low, high = rows.min(axis=-1), rows.max(axis=-1)
        return _scaled(rows, low, _no_rounding(high - low, rows))

    return map_rows(rows_scaled, x)


def _no_rounding(spread, rows):
    return np.where(spread > FLAT_SHARE * np.abs(rows).max(axis=-1), spread, 0.0)


def _scaled(rows, centre, spread):
    inverse = np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > 0)
    return (rows - centre[:, None]) * inverse[:, None]
