"""Principal axes of tables that may hold fewer records than axes are wanted."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.decomposition import PCA
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted, validate_data

from ..errors import SignalError


def principal_axes(X: np.ndarray, n_axes: int, random_state: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of a table and its leading principal axes, possibly none.

    Returns
    -------
    mean : ndarray of shape (n_features,)
    axes : ndarray of shape (n_axes, n_features)
        Orthonormal rows.
    """
    if n_axes == 0 or not np.ptp(X, axis=0).any():
        # where all records are equal any axes do, and PCA would divide by their variance
        return X.mean(axis=0), np.eye(n_axes, X.shape[1], dtype=X.dtype)
    pca = PCA(n_axes, random_state=random_state).fit(X)
    # contiguous, so that a loaded copy is multiplied the same way, to the last bit
    return pca.mean_, np.ascontiguousarray(pca.components_)


class PrincipalAxes(TransformerMixin, BaseEstimator):
    """Coordinates on the principal axes, in double precision.

    scikit-learn's PCA with two differences: it makes do with fewer axes where there are fewer
    records or features, and a record's coordinates are the same in any company even if it was
    fitted in single precision.

    Parameters
    ----------
    n_components : int, default=64
        At most.
    random_state : int, RandomState instance or None, default=None
        For the randomised solver, which large tables get.

    Attributes
    ----------
    mean_ : ndarray of shape (n_features,)
        Mean of the training records.
    components_ : ndarray of shape (n_kept, n_features)
        Orthonormal rows.
    n_features_in_ : int
        Features seen in `fit`.

    Examples
    --------
    >>> import numpy as np
    >>> from ecg_anomaly.baselines import PrincipalAxes
    >>> X = np.random.default_rng(0).normal(size=(500, 80))
    >>> PrincipalAxes().fit_transform(X).shape, PrincipalAxes().fit_transform(X[:20]).shape
    ((500, 64), (20, 20))
    """

    _parameter_constraints: ClassVar[dict] = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(self, n_components=64, random_state=None):
        self.n_components = n_components
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn the axes.

        Parameters
        ----------
        X : array-like of shape (n_records, n_features)
            At least two records.
        y : None
            Ignored.

        Returns
        -------
        self : object
            Fitted transformer.
        """
        X = validate_data(self, X, dtype=[np.float64, np.float32], ensure_min_samples=2)
        n_axes = min(self.n_components, *X.shape)
        self.mean_, self.components_ = principal_axes(X, n_axes, self.random_state)
        return self

    def transform(self, X):
        """Return coordinates of shape (n_records, n_kept)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        # double precision, without a copy of the whole table
        mean, components = self.mean_.astype(np.float64), self.components_.astype(np.float64)
        parts = (X[k : k + 256] for k in range(0, len(X), 256))
        return np.concatenate([(part - mean) @ components.T for part in parts])

    def _check_state(self) -> None:
        """Refuse a fitted state that does not fit together."""
        n = self.n_features_in_
        if self.mean_.shape != (n,) or self.components_.shape[1:] != (n,):
            raise SignalError("the fitted arrays of PrincipalAxes do not fit together.")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags
