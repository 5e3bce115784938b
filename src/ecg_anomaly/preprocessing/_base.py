"""What all transformers share: input checks, shapes, and RecordSets."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils.validation import check_is_fitted, validate_data

from ..errors import SignalError
from ..leads import canonical_leads
from ..records import RecordSet, RecordSignalError, check_fs
from ..signal._rows import as_float


class SignalTransformer(TransformerMixin, BaseEstimator):
    """Base class of transformers of ECG signals.

    A subclass declares its parameters and implements `_transform_signals`; where it needs them,
    also `_check_setup`, `_learn` and the output's length and rate.

    The contract of all: an array of shape (n_records, n_leads, n_samples) or
    (n_records, n_leads * n_samples) gives an array with as many dimensions, of the same float
    type; a `RecordSet` gives a lazy `RecordSet`. The shape, or the names of the leads, must be
    those of `fit`.
    """

    _rate_name: str | None = None
    _allow_nan = False
    _any_length = False

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
            check_fs(getattr(self, self._rate_name), self._rate_name)
        if isinstance(X, RecordSet):
            n_records, n_leads, n_samples = X.shape
            if n_records == 0 or n_samples == 0:
                raise SignalError(f"{type(self).__name__} cannot be fitted on the empty {X!r}.")
            self._check_rate(X)
            self.n_features_in_ = n_leads * n_samples
            names, generic = X.leads, False
            batches: Iterable[np.ndarray] = self._checked_batches(X)
        else:
            signals, generic = self._validate(X, reset=True)
            n_leads = signals.shape[1]
            n_samples = signals.shape[2]
            names, batches = (), (signals,)
        self.leads_ = self._names(names, n_leads)
        self._check_setup(n_leads, n_samples, generic=generic)
        self._learn(batches)
        # last: it tells check_is_fitted that nothing failed
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
        signals, generic = self._validate(X, reset=False)
        result = np.ascontiguousarray(self._transform_signals(signals))
        return result.reshape(len(result), -1) if generic else result

    def _transform_records(self, X):
        self._check_rate(X)
        n_samples = X.shape[2]
        if self.leads_ and tuple(X.leads) != self.leads_:
            raise SignalError(
                f"X has the leads {', '.join(X.leads)}, but {type(self).__name__} was fitted on "
                f"{', '.join(self.leads_)}; select and order them by name first."
            )
        self._check_shape(X.shape[1], n_samples)
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

    def _checked_batches(self, X: RecordSet) -> Iterator[np.ndarray]:
        start = 0
        for batch in X.batches():
            self._check_finite(batch, X.leads, X.record_ids[start : start + len(batch)])
            yield batch
            start += len(batch)

    def _names(self, names, n_leads: int) -> tuple[str, ...]:
        """Return the names of the leads, or () where nobody said them."""
        given = getattr(self, "leads", None)
        if given is None:
            return tuple(names)
        given = canonical_leads(given)
        if len(given) != n_leads or (names and tuple(names) != given):
            raise SignalError(
                f"leads={given} does not name the {n_leads} leads of X"
                + (f", which are {tuple(names)}" if names else "")
                + "; give the names in the order of the signals, or None."
            )
        return given

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

    def _check_shape(self, n_leads: int, n_samples: int) -> None:
        n_features = n_leads * n_samples
        same_length = self._any_length or n_features == self.n_features_in_
        if n_leads != self.n_leads_in_ or not same_length:
            raise SignalError(
                f"X has {n_features} features ({n_leads} leads x {n_samples} samples), but "
                f"{type(self).__name__} is expecting {self.n_features_in_} features as input "
                f"({self.n_leads_in_} leads x {self.n_features_in_ // self.n_leads_in_} samples); "
                "select leads by name, and bring the records to one length with CropOrPad."
            )

    def _validate(self, X: Any, *, reset: bool) -> tuple[np.ndarray, bool]:
        """Return the signals as a C-contiguous 3-D array, and whether they came as a 2-D one."""
        if np.ndim(X) != 3 if isinstance(X, list | tuple) else getattr(X, "ndim", 2) != 3:
            return self._validate_table(X, reset=reset), True
        X = np.asarray(X)
        if X.dtype.kind not in "fiub":
            raise SignalError(
                f"signals must be real numbers, got an array of {X.dtype}; convert it with "
                "X.astype(np.float32), in mV."
            )
        n_records, n_leads, n_samples = X.shape
        if not reset:
            self._check_shape(n_leads, n_samples)
        X = np.ascontiguousarray(as_float(X))
        flat = X.reshape(n_records, n_leads * n_samples)
        if reset or not self._any_length:
            validate_data(self, flat, reset=reset, dtype=None, ensure_all_finite=False)
        self._check_finite(X, () if reset else self.leads_)
        if not reset:
            self._check_setup(n_leads, n_samples, generic=False)
        return X, False

    def _validate_table(self, X: Any, *, reset: bool) -> np.ndarray:
        if isinstance(X, np.ndarray) and X.dtype.kind in "fiub":
            X = as_float(X)
        X = validate_data(
            self,
            X,
            reset=reset,
            dtype=[np.float64, np.float32],
            order="C",
            ensure_all_finite="allow-nan" if self._allow_nan else True,
        )
        n_leads = self.n_leads if reset else self.n_leads_in_
        if X.shape[1] % n_leads:
            raise SignalError(
                f"X has {X.shape[1]} features, which n_leads={n_leads} does not divide; a 2-D X "
                "holds the leads of a record one after another: (n_records, n_leads * n_samples)."
            )
        return X.reshape(len(X), n_leads, -1)

    def _check_finite(self, X: np.ndarray, leads=(), record_ids=None) -> None:
        with np.errstate(over="ignore", invalid="ignore"):
            # one pass without temporaries; an overflow of the sum only costs the second look
            if np.isfinite(X.sum()):
                return
        bad = np.isinf(X) if self._allow_nan else ~np.isfinite(X)
        if not bad.any():
            return
        record, lead, sample = (int(index[0]) for index in np.nonzero(bad))
        name = f" ({leads[lead]})" if leads else ""
        value = X[record, lead, sample]
        remedy = (
            "replace infinite samples by NaN, which LeadImputer fills in."
            if np.isinf(value)
            else "fill in missing samples with LeadImputer first."
        )
        raise RecordSignalError(
            f"{value} in lead {lead}{name} at sample {sample}; {remedy}",
            row=record,
            record_id=record if record_ids is None else str(record_ids[record]),
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = self._allow_nan
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
