"""Outlier detectors on tables of features: distances from where the normals lie."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, OutlierMixin, _fit_context
from sklearn.covariance import ledoit_wolf
from sklearn.neighbors import NearestNeighbors
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from ..errors import SignalError
from ._axes import principal_axes

# Records measured at a time, in double precision: bounds memory, changes no result.
_CHUNK = 256
# A direction in which training records hardly differ gets this share of the largest variance.
_LEAST_VARIANCE = 1e-12
# Records are the same where they differ by less than this share of their length: rounding.
_SAME = 1e-9

CONTAMINATION: dict[str, Any] = {"contamination": [Interval(Real, 0, 0.5, closed="right")]}


class _DistanceBase(OutlierMixin, BaseEstimator, metaclass=ABCMeta):
    """Base class: a subclass learns from a table and returns the distance of each row."""

    contamination: float
    n_features_in_: int

    @abstractmethod
    def _learn(self, X: np.ndarray) -> None:
        """Learn from an array of shape (n_records, n_features), in single or double precision."""

    @abstractmethod
    def _distances(self, X: np.ndarray) -> np.ndarray:
        """Return one distance a row of a float64 array, each row by itself."""

    @abstractmethod
    def _state_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of each fitted array, to check those that come from a file."""

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn where the normals lie.

        Parameters
        ----------
        X : array-like of shape (n_records, n_features)
            Features of normal records, at least two.
        y : None
            Ignored.

        Returns
        -------
        self : object
            Fitted detector.
        """
        X = validate_data(self, X, dtype=[np.float64, np.float32], ensure_min_samples=2)
        self._learn(X)
        self.offset_ = np.percentile(self._scores(X), 100 * self.contamination)
        return self

    def score_samples(self, X):
        """Return how normal each record is.

        Parameters
        ----------
        X : array-like of shape (n_records, n_features)

        Returns
        -------
        ndarray of float64 of shape (n_records,)
            Higher = more normal: the negative distance.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        return self._scores(X)

    def decision_function(self, X):
        """Return ``score_samples(X) - offset_``: negative where a record is flagged."""
        return self.score_samples(X) - self.offset_

    def predict(self, X):
        """Return +1 (not flagged) or -1 (flagged) for each record."""
        return np.where(self.decision_function(X) >= 0, 1, -1)

    def _scores(self, X: np.ndarray) -> np.ndarray:
        # in double precision, so that a record's score is the same in any company
        parts = (X[k : k + _CHUNK].astype(np.float64) for k in range(0, len(X), _CHUNK))
        return -np.concatenate([self._distances(part) for part in parts])

    def _check_state(self) -> None:
        """Refuse a fitted state that does not fit together."""
        shapes = {name: np.shape(getattr(self, name)) for name in self._state_shapes()}
        if shapes != self._state_shapes() or not np.isfinite(self.offset_):
            raise SignalError(
                f"the fitted arrays of {type(self).__name__} do not fit together: {shapes}."
            )


class DistanceDetector(_DistanceBase):
    """Distance to the mean of the normals.

    Parameters
    ----------
    metric : {"euclidean", "mahalanobis"}, default="euclidean"
        The Mahalanobis distance is taken with a covariance shrunk as Ledoit and Wolf [1]_ do; it
        wants fewer features than records: reduce them by PCA first.
    contamination : float in (0, 0.5], default=0.1
        Share of the training records that `predict` flags.

    Attributes
    ----------
    location_ : ndarray of shape (n_features,)
        Mean of the training records.
    whitening_ : ndarray of shape (n_features, n_features)
        Only with ``metric="mahalanobis"``: makes the covariance the identity.
    offset_ : float
        The score below which `predict` flags a record.
    n_features_in_ : int
        Features seen in `fit`.

    References
    ----------
    .. [1] Ledoit and Wolf, "A well-conditioned estimator for large-dimensional covariance
       matrices", Journal of Multivariate Analysis 2004.

    Examples
    --------
    >>> import numpy as np
    >>> from ecg_anomaly.baselines import DistanceDetector
    >>> normals = np.random.default_rng(0).normal(scale=[1, 9], size=(500, 2))
    >>> DistanceDetector(metric="mahalanobis").fit(normals).predict([[0, 9], [9, 0]]).tolist()
    [1, -1]
    """

    _parameter_constraints: ClassVar[dict] = {
        "metric": [StrOptions({"euclidean", "mahalanobis"})],
        **CONTAMINATION,
    }

    def __init__(self, metric="euclidean", contamination=0.1):
        self.metric = metric
        self.contamination = contamination

    def _learn(self, X: np.ndarray) -> None:
        self.location_ = X.mean(axis=0, dtype=np.float64)
        self.__dict__.pop("whitening_", None)
        if self.metric == "mahalanobis":
            covariance, _ = ledoit_wolf(X - self.location_, assume_centered=True)
            variances, axes = np.linalg.eigh(np.atleast_2d(covariance))
            largest = variances.max()
            least = _LEAST_VARIANCE * largest if largest > 0 else 1.0
            # contiguous, so that a loaded copy is multiplied the same way, to the last bit
            self.whitening_ = np.ascontiguousarray(axes / np.sqrt(np.maximum(variances, least)))

    def _distances(self, X: np.ndarray) -> np.ndarray:
        moved = X - self.location_
        # what was fitted counts: parameters may have been set since
        whitening = getattr(self, "whitening_", None)
        return np.linalg.norm(moved if whitening is None else moved @ whitening, axis=1)

    def _state_shapes(self):
        n = self.n_features_in_
        whitening = {"whitening_": (n, n)} if hasattr(self, "whitening_") else {}
        return {"location_": (n,), **whitening}


class ResidualDetector(_DistanceBase):
    """What the principal components of the normals leave of a record.

    Parameters
    ----------
    n_components : int, default=512
        Of the PCA; fewer where there are fewer than twice as many records, or too few features.
    contamination : float in (0, 0.5], default=0.1
        Share of the training records that `predict` flags.
    random_state : int, RandomState instance or None, default=None
        For the randomised solver, which large tables get.

    Attributes
    ----------
    mean_ : ndarray of shape (n_features,)
        Mean of the training records.
    components_ : ndarray of shape (n_kept, n_features)
        Orthonormal rows, in the precision of the training records.
    offset_ : float
        The score below which `predict` flags a record.
    n_features_in_ : int
        Features seen in `fit`.

    References
    ----------
    Jackson and Mudholkar, "Control procedures for residuals associated with principal component
    analysis", Technometrics 1979.

    Examples
    --------
    >>> import numpy as np
    >>> from ecg_anomaly.baselines import ResidualDetector
    >>> normals = np.random.default_rng(0).normal(size=(500, 1)) @ [[1, 1]]
    >>> ResidualDetector(n_components=1).fit(normals).score_samples([[5, 5], [1, -1]]).round(2)
    array([-0.  , -1.41])
    """

    _parameter_constraints: ClassVar[dict] = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        **CONTAMINATION,
        "random_state": ["random_state"],
    }

    def __init__(self, n_components=512, contamination=0.1, random_state=None):
        self.n_components = n_components
        self.contamination = contamination
        self.random_state = random_state

    def _learn(self, X: np.ndarray) -> None:
        # as many components as records or features would leave nothing of the training records
        n_kept = min(self.n_components, len(X) // 2, X.shape[1] - 1)
        self.mean_, self.components_ = principal_axes(X, n_kept, self.random_state)

    def _distances(self, X: np.ndarray) -> np.ndarray:
        moved = X - self.mean_
        components = self.components_.astype(np.float64)
        return np.linalg.norm(moved - (moved @ components.T) @ components, axis=1)

    def _state_shapes(self):
        n = self.n_features_in_
        return {"mean_": (n,), "components_": (len(self.components_), n)}


class NearestNormals(_DistanceBase):
    """Mean distance to the nearest normals, other than the record itself.

    A record that equals a training record is taken to be it, and does not count as its own
    neighbour: training records score as new ones do, and `offset_` keeps what it promises.

    Parameters
    ----------
    n_neighbors : int, default=5
        Fewer where there are fewer other records.
    contamination : float in (0, 0.5], default=0.1
        Share of the training records that `predict` flags.

    Attributes
    ----------
    normals_ : ndarray of shape (n_records, n_features)
        The training records.
    n_neighbors_ : int
        As many as there were.
    offset_ : float
        The score below which `predict` flags a record.
    n_features_in_ : int
        Features seen in `fit`.

    References
    ----------
    Angiulli and Pizzuti, "Fast outlier detection in high dimensional spaces", PKDD 2002.

    Examples
    --------
    >>> from ecg_anomaly.baselines import NearestNormals
    >>> NearestNormals(n_neighbors=2).fit([[0.0], [1.0], [2.0]]).score_samples([[5.0]]).tolist()
    [-3.5]
    """

    _parameter_constraints: ClassVar[dict] = {
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        **CONTAMINATION,
    }

    def __init__(self, n_neighbors=5, contamination=0.1):
        self.n_neighbors = n_neighbors
        self.contamination = contamination

    def _learn(self, X: np.ndarray) -> None:
        self.normals_ = X.copy()
        self.n_neighbors_ = min(int(self.n_neighbors), len(X) - 1)

    def _distances(self, X: np.ndarray) -> np.ndarray:
        normals = self.normals_.astype(np.float64)
        search = NearestNeighbors(n_neighbors=self.n_neighbors_ + 1, algorithm="brute")
        nearest = search.fit(normals).kneighbors(X, return_distance=False)
        # computed anew by differences: the search's own distances lose digits near zero
        distances = np.stack(
            [
                np.sort(np.linalg.norm(normals[rows] - row, axis=1))
                for rows, row in zip(nearest, X, strict=True)
            ]
        )
        itself = distances[:, 0] <= _SAME * np.linalg.norm(X, axis=1)
        return np.where(itself, distances[:, 1:].mean(axis=1), distances[:, :-1].mean(axis=1))

    def _check_state(self):
        super()._check_state()
        if not 1 <= self.n_neighbors_ < len(self.normals_):
            raise SignalError(f"{len(self.normals_)} records have no {self.n_neighbors_} nearest.")

    def _state_shapes(self):
        return {"normals_": (len(self.normals_), self.n_features_in_)}
