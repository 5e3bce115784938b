"""How well leads agree: each with the others, and with what follows from them."""

from __future__ import annotations

import numpy as np

#: Lag in seconds of the difference that leads are compared by. It passes 4 to 20 Hz, where QRS
#: complexes are, and neither the baseline nor most of the noise.
LAG = 0.04
# A difference counts up to this many times the usual largest one of a second, so that one
# artefact does not decide.
_CAP = 1.5
# A lead's noise, as a share of its power, that keeps the regression of leads well posed.
_RIDGE = 1e-4


def lag_difference(x: np.ndarray, fs: float) -> np.ndarray:
    """Return the difference of samples `LAG` apart.

    Parameters
    ----------
    x : ndarray of shape (..., n_samples)
    fs : float
        In Hz.

    Returns
    -------
    ndarray of shape (..., n_samples - lag)

    Examples
    --------
    >>> import numpy as np
    >>> lag_difference(np.arange(6.0), 100.0).tolist()
    [4.0, 4.0]
    """
    lag = min(max(1, round(LAG * fs)), x.shape[-1])
    return x[..., lag:] - x[..., : x.shape[-1] - lag]


def limit_outliers(difference: np.ndarray, fs: float) -> np.ndarray:
    """Clip each row at 1.5 times the median of its largest magnitude in each second.

    Parameters
    ----------
    difference : ndarray of shape (..., n_samples)
    fs : float
        In Hz.

    Examples
    --------
    >>> import numpy as np
    >>> limit_outliers(np.array([1.0, -1.0, 1.0, 1.0, 90.0, 1.0]), 2.0).tolist()
    [1.0, -1.0, 1.0, 1.0, 1.5, 1.0]
    """
    second = max(1, min(round(fs), difference.shape[-1]))
    n = difference.shape[-1] // second
    if n == 0:
        return difference
    whole = np.abs(difference[..., : n * second]).reshape(*difference.shape[:-1], n, second)
    cap = _CAP * np.median(whole.max(axis=-1), axis=-1, keepdims=True)
    return np.clip(difference, -cap, cap)


def explained_share(products: np.ndarray) -> np.ndarray:
    """Return the share of each lead's power that the other leads predict.

    Parameters
    ----------
    products : ndarray of shape (..., n_leads, n_leads)
        Sums of products of the leads with each other.

    Returns
    -------
    ndarray of shape (..., n_leads)
        In [0, 1]; 0 for a lead of zeros.

    Examples
    --------
    >>> import numpy as np
    >>> explained_share(np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])).round(2)
    array([1., 1., 0.])
    """
    power = np.einsum("...ii->...i", products).astype(np.float64)
    scale = np.divide(1, np.sqrt(power), out=np.zeros_like(power), where=power > 0)
    correlation = products * scale[..., :, None] * scale[..., None, :]
    n = products.shape[-1]
    correlation[..., np.arange(n), np.arange(n)] = 1 + _RIDGE
    inverse = np.linalg.inv(correlation)
    return np.clip(1 - 1 / np.einsum("...ii->...i", inverse), 0, 1)
