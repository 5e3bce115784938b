"""How far pooled hidden states lie from those of the training normals.

Whiten with a Ledoit-Wolf covariance, weight each axis by its reliability, and take the mean
distance to the nearest normals. An axis is reliable where the two halves of a normal record agree:
what differs between them is noise or chance, not the heart.
"""

from __future__ import annotations

import numpy as np
from sklearn.covariance import ledoit_wolf
from sklearn.neighbors import NearestNeighbors

from ..signal.scaling import NORMAL_IQR

# The whitening of d features needs several times as many records; below, PCA reduces them.
_RECORDS_PER_FEATURE = 8
# Of 384 axes the most reliable 128 have the same AUROC on PTB-XL fold 8, within .002.
_MAX_RELIABLE = 128
_EPSILON = 1e-6

Reference = dict[str, np.ndarray]


def fit_reference(
    features: np.ndarray,
    half_difference: np.ndarray | None,
    ids: np.ndarray | None = None,
    max_axes: int | None = None,
) -> Reference:
    """Learn where the normals lie.

    Parameters
    ----------
    features : ndarray of shape (n_records, n_features)
        Pooled states of the training normals.
    half_difference : ndarray of shape (n_records, n_features) or None
        Difference of the features of each record's halves; None where records are too short.
    ids : ndarray of shape (n_records,), optional
        What the records are called; by default their numbers.
    max_axes : int, optional
        Principal components to whiten; by default one for every eight records.

    Returns
    -------
    dict of ndarray
        ``center`` (n_features,), ``projection`` (n_features, n_axes) and ``neighbours``
        (n_records, n_axes), all that `distance` needs, and the ``ids`` (n_records,) of these.

    References
    ----------
    Ledoit and Wolf, "A well-conditioned estimator for large-dimensional covariance matrices",
    Journal of Multivariate Analysis 2004.
    """
    n_records, n_features = features.shape
    center = features.mean(0)
    scale = features.std(0)
    scale = np.where(scale > _EPSILON, scale, 1.0)
    projection = np.diag(1 / scale)
    n_axes = max(1, n_records // _RECORDS_PER_FEATURE)
    if max_axes is not None:
        n_axes = min(n_axes, max_axes)
    if n_axes < n_features:
        # principal components, without PCA's division by a variance that may be zero
        axes = np.linalg.svd((features - center) @ projection, full_matrices=False)[2]
        projection = projection @ axes[:n_axes].T
    standardised = (features - center) @ projection
    projection = projection @ _whitening(standardised)
    if half_difference is not None:
        projection = projection @ _reliability(half_difference @ projection)
    # low precision makes the model's file small; the distances stay double
    center, projection = center.astype(np.float32), projection.astype(np.float32)
    return {
        "center": center,
        "projection": projection,
        "neighbours": _half((features - center) @ projection),
        "ids": np.arange(n_records) if ids is None else np.asarray(ids),
    }


def project(reference: Reference, features: np.ndarray) -> np.ndarray:
    """Return coordinates of shape (n_records, n_axes) in which the distance is Euclidean."""
    return (features - reference["center"]) @ reference["projection"]


def distance(reference: Reference, features: np.ndarray, n_neighbors: int) -> np.ndarray:
    """Return the mean distance to the nearest normals.

    A training normal is its own nearest, at distance 0: scores of training records flatter.

    Parameters
    ----------
    reference : dict
        Of `fit_reference`.
    features : ndarray of shape (n_records, n_features)
    n_neighbors : int

    Returns
    -------
    ndarray of float64 of shape (n_records,)
    """
    points = project(reference, features)
    normals = reference["neighbours"].astype(np.float64)
    search = NearestNeighbors(n_neighbors=min(n_neighbors, len(normals)), algorithm="brute")
    nearest = search.fit(normals).kneighbors(points, return_distance=False)
    # computed anew by differences: the search's own distances lose digits near zero
    return np.stack(
        [
            np.sqrt(np.square(normals[rows] - point).sum(1)).mean()
            for point, rows in zip(points, nearest, strict=True)
        ]
    )


def among(reference: Reference, n_neighbors: int) -> np.ndarray:
    """Return the distance of each of the normals kept to the nearest others, (n_kept,)."""
    normals = reference["neighbours"].astype(np.float64)
    if len(normals) < 2:
        return np.zeros(1)
    search = NearestNeighbors(n_neighbors=min(n_neighbors, len(normals) - 1), algorithm="brute")
    return search.fit(normals).kneighbors(return_distance=True)[0].mean(1)


def nearest(
    reference: Reference, features: np.ndarray, n_neighbors: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the ids of the nearest normals and their distances, both of shape (n_records, n).

    The ids are the numbers of the normals where a model saved before they were kept has none.
    """
    points = project(reference, features)
    normals = reference["neighbours"].astype(np.float64)
    ids = reference.get("ids", np.arange(len(normals)))
    search = NearestNeighbors(n_neighbors=min(n_neighbors, len(normals)), algorithm="brute")
    rows = search.fit(normals).kneighbors(points, return_distance=False)
    apart = np.sqrt(np.square(normals[rows] - points[:, None]).sum(-1))
    return ids[rows], apart


def _half(points: np.ndarray) -> np.ndarray:
    """Return the points in half precision: to 0.001 of deviations that are 1 at most."""
    limit = float(np.finfo(np.float16).max)
    return np.clip(points, -limit, limit).astype(np.float16)


def _whitening(standardised: np.ndarray) -> np.ndarray:
    if len(standardised) < 2:
        return np.eye(standardised.shape[1])
    covariance, _ = ledoit_wolf(standardised, assume_centered=True)
    variances, axes = np.linalg.eigh(covariance)
    return axes / np.sqrt(np.maximum(variances, _EPSILON))


def _reliability(whitened_difference: np.ndarray) -> np.ndarray:
    """Rotate to the axes of the within-record noise and weight them by (1 - noise) squared."""
    # a record's features are the mean of its halves', hence the quarter
    noise = whitened_difference.T @ whitened_difference / (4 * len(whitened_difference))
    share, axes = np.linalg.eigh(noise)  # the most reliable first
    weighted = axes * np.square(np.clip(1 - share, 0.0, 1.0))
    return weighted[:, :_MAX_RELIABLE]


def usual(values: np.ndarray) -> tuple[float, float]:
    """Return the median and a robust deviation of what the normals have."""
    low, middle, high = np.percentile(values, (25, 50, 75))
    return float(middle), float(max((high - low) / NORMAL_IQR, 1e-12))


def standing(values: np.ndarray, usual: tuple[float, float]) -> np.ndarray:
    """Return values in deviations from what is usual."""
    center, scale = usual
    return (values - center) / scale
