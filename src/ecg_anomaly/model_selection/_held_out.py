"""What detectors with a threshold from held-out records have in common."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, MetaEstimatorMixin, OutlierMixin, clone
from sklearn.utils import _safe_indexing, get_tags
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _num_samples, check_is_fitted

from ..errors import DatasetError, ECGWarning, LabelError, SignalError
from ..verdicts import LOWEST_SCORE, verdicts
from .threshold import split_holdout


class HeldOut(NamedTuple):
    """Scores of records that the model was not fitted on, without those that have none.

    `rows` are those of the records in what was given to `fit`, `n_refused` counts what the gate of
    the model refused.
    """

    scores: np.ndarray
    rows: np.ndarray
    is_anomaly: np.ndarray
    groups: np.ndarray
    n_refused: int


def _estimator_has(name: str):
    def check(self):
        return hasattr(getattr(self, "estimator_", self.estimator), name)

    return check


class HeldOutDetector(MetaEstimatorMixin, OutlierMixin, BaseEstimator):
    """A detector around another one, whose threshold comes from records that this did not see.

    A subclass has the parameters `estimator`, `holdout`, `cv` and `random_state`, sets `estimator_`
    and `offset_`, and may have other thresholds for some records (`thresholds`).
    """

    _parameter_constraints: dict = {
        "estimator": [HasMethods(["fit", "score_samples"]), None],
        "random_state": ["random_state"],
    }

    def score_samples(self, X):
        """Return how normal each record is: the scores of `estimator_`.

        Parameters
        ----------
        X : RecordSet or array-like

        Returns
        -------
        ndarray of float64 of shape (n_records,)
            Higher = more normal.
        """
        check_is_fitted(self)
        return self.estimator_.score_samples(X)

    def decision_function(self, X):
        """Return the scores minus the threshold: negative where a record is flagged."""
        return self.score_samples(X) - self.thresholds(X)

    def predict(self, X):
        """Return +1 (not flagged) or -1 (flagged, or not scorable) for each record."""
        return np.where(self.decision_function(X) >= 0, 1, -1)

    def predict_verdict(self, X):
        """Return "not flagged", "flagged" or "not scorable" for each record.

        Records are not scorable where a quality gate in `estimator_` refuses them. "Not flagged"
        is not "normal": it says that nothing unusual was found.

        Returns
        -------
        ndarray of str of shape (n_records,)
        """
        check_is_fitted(self)
        scores = scores_or_nan(self.estimator_, X)
        return verdicts(scores - self.thresholds(X), ~np.isnan(scores))

    def thresholds(self, X) -> np.ndarray:
        """Return the threshold of each record: that of its group, where groups have their own.

        Returns
        -------
        ndarray of float64 of shape (n_records,)
        """
        check_is_fitted(self)
        return np.full(_num_samples(X), self.offset_)

    @available_if(_estimator_has("assess"))
    def assess(self, X):
        """Return what the quality gate of `estimator_` says of each record."""
        check_is_fitted(self)
        return self.estimator_.assess(X)

    @available_if(_estimator_has("score_and_assess"))
    def score_and_assess(self, X):
        """Return the scores and what the gate of `estimator_` says, of one reading."""
        check_is_fitted(self)
        return self.estimator_.score_and_assess(X)

    @property
    def n_features_in_(self) -> int:
        """Number of features of the fitted estimator."""
        return self._fitted_attribute("n_features_in_")

    @property
    def feature_names_in_(self) -> np.ndarray:
        """Names of the features, where the fitted estimator has any."""
        return self._fitted_attribute("feature_names_in_")

    def _fitted_attribute(self, name: str) -> Any:
        # an AttributeError is how scikit-learn asks whether there is one
        fitted = vars(self).get("estimator_")
        if fitted is None:
            raise AttributeError(f"{type(self).__name__} is not fitted and has no {name}.")
        return getattr(fitted, name)

    def _hold_out(self, X, y, groups) -> tuple[Any, HeldOut]:
        """Return a model fitted on some of the normals, and the scores of what was held out."""
        X, is_anomaly, groups = checked_records(X, y, groups)
        if isinstance(self.cv, str) and self.cv == "prefit":
            if self.estimator is None:
                raise SignalError('cv="prefit" needs a fitted estimator, and there is none.')
            check_is_fitted(self.estimator)
            model, rows = self.estimator, np.arange(len(groups))
        else:
            normals = np.flatnonzero(~is_anomaly)
            seed = self.random_state
            fit_part, held_part = split_holdout(groups[normals], self.holdout, seed)
            known = np.isin(groups, groups[normals[fit_part]])
            rows = np.sort(
                np.concatenate([normals[held_part], np.flatnonzero(is_anomaly & ~known)])
            )
            model = self._unfitted().fit(_safe_indexing(X, normals[fit_part]))
        scores = scores_or_nan(model, _safe_indexing(X, rows))
        scorable = ~np.isnan(scores)
        kept = rows[scorable]
        if not np.any(~is_anomaly[kept]):
            raise DatasetError(
                "no normal record is left for the threshold; hold out more, or give some (y == 1)."
            )
        held = HeldOut(
            scores[scorable], kept, is_anomaly[kept], groups[kept], int((~scorable).sum())
        )
        return model, held

    def _unfitted(self) -> Any:
        if self.estimator is not None:
            return clone(self.estimator)
        # by the package, which loads it when it is asked for
        from .. import CAEDetector

        return CAEDetector()

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = self.estimator
        tags.input_tags = get_tags(self._unfitted() if inner is None else inner).input_tags
        return tags

    def _check_state(self) -> None:
        """Refuse a fitted state, from a file, that does not fit together."""
        if not (isinstance(self.offset_, float) and np.isfinite(self.offset_)):
            raise SignalError(f"the threshold {self.offset_} is no number.")

    def __sklearn_is_fitted__(self) -> bool:
        return "offset_" in vars(self)


def checked_records(X, y, groups) -> tuple[Any, np.ndarray, np.ndarray]:
    """Return indexable records, whether each is an anomaly, and its patient.

    Patients are those of a RecordSet by default, and each record of an array is a patient of its
    own. Labels that are no numbers are refused; numbers other than +1 and -1 are taken for normals
    with a warning, as `fit` may not refuse them (scikit-learn's contract).
    """
    if issparse(X):
        raise SignalError("X is sparse, and signals are dense; convert it with X.toarray().")
    X = X if hasattr(X, "shape") else np.asarray(X)
    n_records = _num_samples(X)
    if n_records < 2:
        raise SignalError(f"a threshold on held-out records cannot be had from {n_records} sample.")
    is_anomaly = np.zeros(n_records, bool)
    if y is not None:
        y = np.asarray(y).ravel()
        if len(y) != n_records:
            raise SignalError(f"{len(y)} labels for {n_records} records; give one a record.")
        y = np.array(y.tolist()) if y.dtype.kind == "O" else y
        if y.dtype.kind not in "iufc":
            raise LabelError(
                f"Unknown label type {y.dtype}: labels must be +1 (normal) and -1 (anomaly). "
                "Convert with np.where(is_anomaly, -1, 1)."
            )
        is_anomaly = y == -1
        if set(np.unique(y).tolist()) - {-1, 1}:
            warnings.warn(
                "labels other than +1 (normal) and -1 (anomaly) are taken for normal; convert "
                "with np.where(is_anomaly, -1, 1).",
                ECGWarning,
                stacklevel=4,
            )
    if groups is None:
        groups = getattr(X, "patient_ids", None)
    groups = np.arange(n_records) if groups is None else np.asarray(groups)
    if groups.shape != (n_records,):
        raise SignalError(f"groups of shape {groups.shape} for {n_records} records.")
    if is_anomaly.all():
        raise LabelError("all records are anomalies (y == -1); a detector learns from normals.")
    return X, is_anomaly, groups


def scores_or_nan(model: Any, X: Any) -> np.ndarray:
    """Return the scores of records, NaN for those that the model's gate refuses.

    Parameters
    ----------
    model : detector, Pipeline, or one behind a gate
        Fitted.
    X : RecordSet or array-like

    Returns
    -------
    ndarray of float64 of shape (n_records,)

    Raises
    ------
    SignalError
        If another score is not finite.
    """
    if hasattr(model, "score_and_assess"):
        scores, assessments = model.score_and_assess(X)
        scorable = np.array([item.is_scorable for item in assessments], bool)
    else:
        scores = np.asarray(model.score_samples(X), dtype=np.float64)
        scorable = scores != LOWEST_SCORE
    bad = scorable & ~np.isfinite(scores)
    if bad.any():
        raise SignalError(
            f"{type(model).__name__} gives record {np.flatnonzero(bad)[0]} the score "
            f"{scores[bad][0]}, which is no number; look at this record, or put a gate before it."
        )
    return np.where(scorable, scores, np.nan)
