"""What all transformers share: input checks, shapes, and RecordSets."""

from __future__ import annotations

import copy
from collections.abc import Iterable

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils.validation import check_is_fitted

from .._input import SignalInputMixin
from ..errors import SignalError
from ..records import RecordSet
from ..signal.checks import check_rate


class SignalTransformer(SignalInputMixin, TransformerMixin, BaseEstimator):
    """Base class of transformers of ECG signals.

    A subclass declares its parameters and implements `_transform_signals`; where it needs them,
    also `_check_setup`, `_learn` and the output's length and rate.

    The contract of all: an array of shape (n_records, n_leads, n_samples) or
    (n_records, n_leads * n_samples) gives an array with as many dimensions, of the same float
    type; a `RecordSet` gives a lazy `RecordSet`. The shape, or the names of the leads, must be
    those of `fit`.
    """

    _rate_name: str | None = None

    def _check_setup(self, n_leads: int, n_samples: int, *, generic: bool) -> None:
        """Refuse parameters that do not fit the input; `generic` input is 2-D."""

    def _learn(self, batches: Iterable[np.ndarray]) -> None:
        """Learn from batches of shape (n, n_leads, n_samples)."""

    def _transform_signals(self, X: np.ndarray) -> np.ndarray:
        """Return a new array for one of shape (n, n_leads, n_samples), each record by itself."""
        raise NotImplementedError

    def _samples_out(self, n_samples: int) -> int:
        return n_samples

    def _rate_out(self, fs: float) -> float:
        return fs

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Check the parameters against the signals and learn what there is to learn.

        Parameters
        ----------
        X : RecordSet or array-like of shape (n_records, n_leads, n_samples) or \
                (n_records, n_leads * n_samples)
            Signals, in mV. A RecordSet is read in batches, and only where something is learnt.
        y : None
            Ignored.

        Returns
        -------
        self : object
            Fitted transformer.

        Raises
        ------
        SignalError
            If a parameter does not fit the rate, leads or length of the signals.
        """
        if self._rate_name is not None:
            check_rate(getattr(self, self._rate_name), self._rate_name)
        if isinstance(X, RecordSet):
            self._check_rate(X)
        with self._all_or_nothing():
            X, generic = self._fit_input(X)
            _, n_leads, n_samples = X.shape
            self._check_setup(n_leads, n_samples, generic=generic)
            self._learn(self._checked_batches(X) if isinstance(X, RecordSet) else (X,))
            self.n_leads_in_ = n_leads
        return self

    def transform(self, X):
        """Transform signals.

        Parameters
        ----------
        X : RecordSet or array-like of shape (n_records, n_leads, n_samples) or \
                (n_records, n_leads * n_samples)
            Signals, in mV, of the shape that was given to `fit`.

        Returns
        -------
        RecordSet or ndarray
            A lazy RecordSet for a RecordSet, which transforms each batch when it is read; else a
            new C-contiguous array with as many dimensions as `X`. float32 and float64 stay;
            integers and float16 become the smallest of both that holds them.

        Raises
        ------
        SignalError
            If `X` differs from what was fitted on in leads, length or rate, or has NaN or inf.
        """
        check_is_fitted(self, "n_leads_in_")
        if isinstance(X, RecordSet):
            return self._transform_records(X)
        signals, generic = self._check_input(X)
        if not generic:
            self._check_setup(*signals.shape[1:], generic=False)
        result = np.ascontiguousarray(self._transform_signals(np.asarray(signals)))
        return result.reshape(len(result), -1) if generic else result

    def _transform_records(self, X: RecordSet) -> RecordSet:
        self._check_rate(X)
        self._check_input(X)
        n_samples = X.shape[2]
        self._check_setup(X.shape[1], n_samples, generic=False)
        # a copy: fitting this transformer again must not change sets made before
        return X.map(
            copy.copy(self)._transform_batch,
            fs=self._rate_out(X.fs),
            n_samples=self._samples_out(n_samples),
        )

    def _transform_batch(self, batch: np.ndarray) -> np.ndarray:
        signals = np.ascontiguousarray(batch)
        self._check_finite(signals, self.leads_)
        return self._transform_signals(signals)

    def _check_rate(self, X: RecordSet) -> None:
        if self._rate_name is None:
            return
        rate = float(getattr(self, self._rate_name))
        if not np.isclose(rate, X.fs, rtol=1e-6):
            raise SignalError(
                f"{type(self).__name__} has {self._rate_name}={rate:g}, but the records have "
                f"{X.fs:g} Hz; set {self._rate_name}={X.fs:g}, or resample the records with "
                f"Resampler(fs_in={X.fs:g}, fs_out={rate:g}) first."
            )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
