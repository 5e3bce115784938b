"""How every estimator takes its signals: 3-D arrays, 2-D tables and RecordSets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.utils.validation import validate_data

from .errors import SignalError
from .leads import STANDARD_LEADS, canonical_leads
from .records import BATCH_SIZE, RecordSet, RecordSignalError
from .signal._rows import as_float

# In mV. No ECG comes near it; filters and scaling stay within single precision below it.
_LARGEST = 1e32


class SignalInputMixin:
    """Input checks of an estimator with a parameter `n_leads`, for 2-D `X`, and perhaps `leads`.

    Sets `n_features_in_` and `leads_`, which is () where nobody named the leads. `fit` sets
    `n_leads_in_` last: it tells `check_is_fitted` that nothing failed.
    """

    _allow_nan = False
    _any_length = False
    # whether a heartbeat must lie in the middle of each record
    _beat_centred = False
    n_leads: int
    n_features_in_: int
    n_leads_in_: int
    leads_: tuple[str, ...]
    fs_: float

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        """Put the estimator back as it was where the block fails or is interrupted."""
        before = dict(vars(self))
        try:
            yield
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise

    def _fit_input(self, X: Any) -> tuple[RecordSet | np.ndarray, bool]:
        """Check and remember the input's shape; return it, and whether it came as a 2-D table."""
        generic = False
        if isinstance(X, RecordSet):
            n_records, n_leads, n_samples = X.shape
            if n_records == 0 or n_samples == 0:
                raise SignalError(f"{type(self).__name__} cannot be fitted on the empty {X!r}.")
            self.n_features_in_ = n_leads * n_samples
            names = tuple(X.leads)
        else:
            X, generic = self._validate(X, reset=True)
            n_leads, names = X.shape[1], ()
        self.leads_ = self._names(names, n_leads)
        return X, generic

    def _check_input(self, X: Any) -> tuple[RecordSet | np.ndarray, bool]:
        """Check the input against what was fitted on; return it as `_fit_input` does."""
        if not isinstance(X, RecordSet):
            return self._validate(X, reset=False)
        # arrays of twelve leads are taken to have them in the standard order
        standard = STANDARD_LEADS if self.n_leads_in_ == len(STANDARD_LEADS) else ()
        expected = self.leads_ or standard
        if expected and tuple(X.leads) != expected:
            raise SignalError(
                f"X has the leads {', '.join(X.leads)}, but {type(self).__name__} was fitted on "
                f"{', '.join(expected)}; select and order them by name first "
                "(score_records does)."
            )
        self._check_shape(X.shape[1], X.shape[2])
        return X, False

    def _check_fitted_rate(self, X: Any) -> None:
        """Refuse a RecordSet of another rate than that of the fit, which is in `fs_`."""
        if isinstance(X, RecordSet) and not np.isclose(X.fs, self.fs_, rtol=1e-6):
            raise SignalError(
                f"X has {X.fs:g} Hz, but {type(self).__name__} was fitted at {self.fs_:g} Hz; "
                "resample it with Resampler first (score_records does)."
            )

    def _batches(self, X: RecordSet | np.ndarray, size: int = BATCH_SIZE) -> Iterator[np.ndarray]:
        """Yield checked signals piece by piece; those of arrays were checked as a whole."""
        if isinstance(X, RecordSet):
            yield from self._checked_batches(X, size)
        else:
            yield from (X[start : start + size] for start in range(0, len(X), size))

    def _checked_batches(self, X: RecordSet, size: int = BATCH_SIZE) -> Iterator[np.ndarray]:
        start = 0
        for batch in X.batches(size):
            self._check_finite(batch, X.leads, X.record_ids[start : start + len(batch)])
            yield batch
            start += len(batch)

    def _names(self, names: tuple[str, ...], n_leads: int) -> tuple[str, ...]:
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
        if np.ma.is_masked(X):
            X = X.astype(np.result_type(X.dtype, np.float32)).filled(np.nan)
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
        X = X.reshape(len(X), n_leads, -1)
        self._check_finite(X, () if reset else self.leads_)
        return X

    def _check_finite(self, X: np.ndarray, leads=(), record_ids=None) -> None:
        # two passes without temporaries; NaN fails both comparisons
        if X.size == 0 or (X.min() >= -_LARGEST and X.max() <= _LARGEST):
            return
        bad = ~(np.abs(X) <= _LARGEST)
        if self._allow_nan:
            bad &= ~np.isnan(X)
        if not bad.any():
            return
        record, lead, sample = (int(index[0]) for index in np.nonzero(bad))
        name = f" ({leads[lead]})" if leads else ""
        value = X[record, lead, sample]
        remedy = "fill in missing samples with LeadImputer first."
        if np.isinf(value):
            remedy = "replace infinite samples by NaN, which LeadImputer fills in."
        elif not np.isnan(value):
            remedy = f"signals are in mV, of at most {_LARGEST:g}."
        raise RecordSignalError(
            f"{value} in lead {lead}{name} at sample {sample}; {remedy}",
            row=record,
            record_id=record if record_ids is None else str(record_ids[record]),
        )

    def _state_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of each fitted array, to check those that come from a file."""
        return {}

    def _check_state(self) -> None:
        """Refuse a fitted state that does not fit together."""
        n_leads, n_features = self.n_leads_in_, self.n_features_in_
        whole = isinstance(n_leads, int) and isinstance(n_features, int) and n_leads > 0
        if not whole or n_features <= 0 or n_features % n_leads:
            raise SignalError(f"{n_features} features cannot hold {n_leads} leads.")
        named = isinstance(self.leads_, tuple) and canonical_leads(self.leads_) == self.leads_
        if not named or len(self.leads_) not in (0, n_leads):
            raise SignalError(f"leads {self.leads_} do not name {n_leads} leads.")
        for name, shape in self._state_shapes().items():
            if np.shape(getattr(self, name)) != shape:
                raise SignalError(
                    f"{name} has shape {np.shape(getattr(self, name))} instead of {shape}."
                )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = self._allow_nan
        return tags
