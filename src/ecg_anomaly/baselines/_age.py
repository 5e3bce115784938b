"""Age alone as a score: what a detector must beat that may have learnt to tell age."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, OutlierMixin, _fit_context
from sklearn.utils.validation import check_is_fitted

from ..errors import SignalError
from ..patients import MAX_AGE
from ..records import RecordSet
from ._distances import CONTAMINATION

# PTB-XL's sign for 90 and over, and what stands for it.
_HIDDEN, _OLD = 300.0, 90.0


class AgeDetector(OutlierMixin, BaseEstimator):
    """The older, the less normal. It never looks at the signals.

    In hospital archives the normals are younger than the sick, so that age alone finds disease.

    Parameters
    ----------
    contamination : float in (0, 0.5], default=0.1
        Share of the training records that `predict` flags.

    Attributes
    ----------
    median_age_ : float
        Of the training records, in years: stands for an age that is missing or impossible.
    offset_ : float
        The score below which `predict` flags a record.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from ecg_anomaly import RecordSet
    >>> from ecg_anomaly.baselines import AgeDetector
    >>> table = pd.DataFrame({"age": [30, 40, 50, np.nan]})
    >>> records = RecordSet(np.zeros((4, 12, 1000)), table=table)
    >>> AgeDetector().fit(records).score_samples(records).tolist()
    [-30.0, -40.0, -50.0, -40.0]
    """

    _parameter_constraints: ClassVar[dict] = CONTAMINATION

    def __init__(self, contamination=0.1):
        self.contamination = contamination

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn the median age and the threshold.

        Parameters
        ----------
        X : RecordSet
            Normal ECGs with a column `age`, in years, in their table.
        y : None
            Ignored.

        Returns
        -------
        self : object
            Fitted detector.

        Raises
        ------
        SignalError
            If `X` is no RecordSet, has no column `age`, or no age is known.
        """
        age = _ages(X)
        if np.isnan(age).all():
            raise SignalError(
                "no record's age is known, so that age is no baseline here; leave it out."
            )
        self.median_age_ = float(np.nanmedian(age))
        self.offset_ = np.percentile(self._scores(age), 100 * self.contamination)
        return self

    def score_samples(self, X):
        """Return the negative age of each record of a RecordSet, in years."""
        check_is_fitted(self)
        return self._scores(_ages(X))

    def decision_function(self, X):
        """Return ``score_samples(X) - offset_``: negative where a record is flagged."""
        return self.score_samples(X) - self.offset_

    def predict(self, X):
        """Return +1 (not flagged) or -1 (flagged) for each record."""
        return np.where(self.decision_function(X) >= 0, 1, -1)

    def _scores(self, age: np.ndarray) -> np.ndarray:
        return -np.where(np.isnan(age), self.median_age_, age)

    def _check_state(self) -> None:
        """Refuse a fitted state that does not fit together."""
        if not np.isfinite([self.median_age_, self.offset_]).all():
            raise SignalError("the ages of AgeDetector are no numbers.")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        return tags


def _ages(X: Any) -> np.ndarray:
    """Return ages in years, NaN where unknown."""
    if not isinstance(X, RecordSet):
        raise SignalError(
            f"age stands in the table of a RecordSet, but X is a {type(X).__name__}; pass "
            'RecordSet(X, table=DataFrame({"age": ...})), or leave the baseline "age" out.'
        )
    if X.table is None or "age" not in X.table:
        raise SignalError(
            f"the table of {X!r} has no column age; add it, in years, or leave the baseline "
            '"age" out.'
        )
    try:
        age = X.table["age"].to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError):
        raise SignalError("the column age must hold numbers, in years; convert it.") from None
    age = np.where(age == _HIDDEN, _OLD, age)
    return np.where((age >= 0) & (age <= MAX_AGE), age, np.nan)
