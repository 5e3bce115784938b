"""What all feature extractors share: signals in, a table of numbers out."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import _fit_context
from sklearn.utils.validation import check_is_fitted

from ..errors import SignalError
from ..leads import STANDARD_LEADS
from ..preprocessing._base import SignalTransformer
from ..records import RecordSet

#: The other four of the standard twelve are sums and differences of the first two.
INDEPENDENT_LEADS = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")


class SignalFeatures(SignalTransformer):
    """Base class of extractors of features.

    A subclass declares its parameters, implements `_features` and, where it learns something,
    `_learn_from`. Signals come as to every transformer; what goes out is always an array of shape
    (n_records, n_features), read batch by batch from a `RecordSet`.
    """

    def _learn_from(self, X: RecordSet | np.ndarray) -> None:
        """Learn from all signals."""

    def _features(self, X: np.ndarray) -> np.ndarray:
        """Return the features of signals of shape (n, n_leads, n_samples), each by itself."""
        raise NotImplementedError

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Check the signals and learn what there is to learn.

        Parameters
        ----------
        X : RecordSet or array-like of shape (n_records, n_leads, n_samples) or \
                (n_records, n_leads * n_samples)
            Signals, in mV.
        y : None
            Ignored.

        Returns
        -------
        self : object
            Fitted transformer.

        Raises
        ------
        SignalError
            If the rate is not that of the parameters, or a sample is NaN or infinite.
        """
        if isinstance(X, RecordSet):
            self._check_rate(X)
        with self._all_or_nothing():
            X, _ = self._fit_input(X)
            self._learn_from(X)
            self.n_leads_in_ = X.shape[1]
        return self

    def transform(self, X):
        """Return the features of each record.

        Parameters
        ----------
        X : RecordSet or array-like of shape (n_records, n_leads, n_samples) or \
                (n_records, n_leads * n_samples)
            Signals, in mV, of the shape that was given to `fit`.

        Returns
        -------
        ndarray of shape (n_records, n_features)

        Raises
        ------
        SignalError
            If `X` differs from what was fitted on in leads, length or rate, is empty, or has NaN
            or inf.
        """
        check_is_fitted(self, "n_leads_in_")
        if isinstance(X, RecordSet):
            self._check_rate(X)
            if len(X) == 0:
                raise SignalError(f"{type(self).__name__} cannot transform the empty {X!r}.")
        signals, _ = self._check_input(X)
        out: np.ndarray | None = None
        start = 0
        for batch in self._batches(signals):
            rows = self._features(batch)
            if out is None:
                # filled piece by piece: joining the pieces would hold them twice
                out = np.empty((len(signals), rows.shape[1]), rows.dtype)
            out[start : start + len(rows)] = rows
            start += len(rows)
        return out

    def _independent_rows(self, n_leads: int) -> list[int]:
        """Return which leads to read: all, but of the standard twelve the eight independent."""
        # arrays of twelve leads are taken to have them in the standard order
        names = self.leads_ or STANDARD_LEADS
        if n_leads != len(STANDARD_LEADS) or set(names) != set(STANDARD_LEADS):
            return list(range(n_leads))
        return [names.index(lead) for lead in INDEPENDENT_LEADS]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags
