"""Splitters that train on normals only."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral

import numpy as np
from sklearn.model_selection import BaseCrossValidator, StratifiedKFold, check_cv

from ..errors import LabelError


class NormalsOnly(BaseCrossValidator):
    """Wrap a splitter so that its training indices hold normals only.

    An outlier detector's ``fit`` ignores ``y``: under a plain splitter it would be trained on the
    labelled anomalies too. Test indices keep both classes. Goes wherever scikit-learn takes
    ``cv=``, in `GridSearchCV` as in `cross_val_score`. A search's final refit takes all records
    that it is given: set ``refit=False`` and fit the best parameters on the normals yourself.

    Parameters
    ----------
    cv : int, splitter or None, default=None
        Any scikit-learn splitter, grouped ones too. An int is that many folds of
        `StratifiedKFold`, shuffled with `random_state`; None is five.
    random_state : int, RandomState or None, default=None
        For the shuffling of an int or None.

    Raises
    ------
    LabelError
        In ``split``: if `y` is missing or holds other labels than +1 and -1, or a fold would
        train on no normal.

    Examples
    --------
    >>> import numpy as np
    >>> y = np.array([1, 1, 1, 1, -1, -1])
    >>> for train, test in NormalsOnly(2, random_state=0).split(np.zeros((6, 1)), y):
    ...     print(y[train].tolist(), sorted(y[test].tolist()))
    [1, 1] [-1, 1, 1]
    [1, 1] [-1, 1, 1]
    """

    # scikit-learn's metadata routing hands groups to splitters that ask for them
    __metadata_request__split = {"groups": True}

    def __init__(self, cv=None, random_state=None):
        self.cv = cv
        self.random_state = random_state

    def _splitter(self):
        if self.cv is None or isinstance(self.cv, Integral):
            n_splits = 5 if self.cv is None else self.cv
            return StratifiedKFold(n_splits, shuffle=True, random_state=self.random_state)
        return check_cv(self.cv)

    def get_n_splits(self, X=None, y=None, groups=None) -> int:
        """Return the number of splits of the wrapped splitter."""
        return self._splitter().get_n_splits(X, y, groups)

    def split(self, X, y=None, groups=None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield (train, test) indices; train holds normals only.

        Parameters
        ----------
        X : array-like or RecordSet of n_records
        y : array-like of shape (n_records,)
            +1 normal, -1 anomaly.
        groups : array-like of shape (n_records,), optional
            Patients, for grouped splitters.
        """
        if y is None:
            raise LabelError("NormalsOnly needs y, with +1 for normal and -1 for anomaly.")
        y = np.asarray(y)
        values = set(np.unique(y).tolist())
        if not values <= {-1, 1}:
            raise LabelError(
                f"labels must be +1 (normal) and -1 (anomaly), got {sorted(values)}. "
                "Convert with np.where(is_anomaly, -1, 1)."
            )
        for train, test in self._splitter().split(X, y, groups):
            normals = train[y[train] == 1]
            if len(normals) == 0:
                raise LabelError("a fold would train on no normal; use fewer folds.")
            yield normals, test
