"""A detector whose threshold meets a stated target on records that it did not see."""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np
from sklearn.base import _fit_context
from sklearn.model_selection import GroupKFold, check_cv
from sklearn.utils import _safe_indexing
from sklearn.utils._param_validation import Interval as Range
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_is_fitted

from ..errors import DatasetError, SignalError
from ..metrics import Interval
from ._held_out import HeldOut, HeldOutDetector, checked_records, scores_or_nan
from ._rates import rates_at, same_rank, tuning_curve
from .disjoint import assert_disjoint, record_digests
from .splitters import NormalsOnly
from .targets import FalseAlarmRate, Target


class TunedThresholdDetector(HeldOutDetector):
    """A detector whose threshold is set on held-out records, to a stated target.

    By default one split by patient: the estimator is fitted on one part of the normals and not
    again, so that the threshold belongs to the very model that is used; the other part, and the
    anomalies of patients that the estimator did not see, set the threshold.

    Parameters
    ----------
    estimator : detector, Pipeline that ends in one, or `GatedDetector`, default=None
        Not fitted, unless ``cv="prefit"``; None takes `CAEDetector` with its defaults.
    target : Target, default=None
        What the threshold is to achieve, out of `ecg_anomaly.model_selection.TARGETS`; None is
        ``FalseAlarmRate(0.05)``.
    holdout : float in (0, 1), default=0.2
        Share of the patients with normals that are held out.
    cv : None, "prefit", int or splitter, default=None
        "prefit" takes a fitted estimator, and all records for the threshold: none of them may have
        been in its training. A splitter by patient, or an int for that many folds, scores every
        anomaly by models that did not see its patient, for targets that need anomalies: scores
        of different fits differ in scale, so each is ranked among the held-out normals of its fold
        and brought to the scale of the final model by that rank, which takes a few hundred held-out
        normals to be accurate; the intervals tell.
    random_state : int, RandomState or None, default=None
        For the splits.

    Attributes
    ----------
    estimator_ : estimator
        The fitted model.
    offset_ : float
        Records with a lower score are flagged.
    tuning_curve_ : dict of str to ndarray
        ``threshold``, ``specificity`` and, with anomalies, ``sensitivity`` and ``alert_rate`` at
        the prevalence of the target or the data; each rate with ``_low`` and ``_high``, the 95 %
        prediction interval for as many new records as were held out.
    n_normals_, n_anomalies_, n_refused_ : int
        Held-out records that set the threshold, and those that a gate refused.
    held_out_ : dict of str to ndarray
        Scores of these records on the scale of `estimator_`, and numbers for their patients.
    tuned_on_ : ndarray of uint64
        Digests of the records that set the threshold: `evaluate` refuses to test on them.
    n_features_in_

    See Also
    --------
    ConformalDetector : p-values, and a promise in each group of patients.

    Notes
    -----
    Labels are +1 and -1; without `y` all records are normal. Anomalies are never trained on, so
    that `fit` may be given both, also as the last step of a Pipeline and in `GridSearchCV`.

    The intervals are beta-binomial [1]_: they join the error of the calibration and that of the
    new records. Records of one patient count for less, by the design effect. For a target that is
    an optimum (Youden, F-beta, cost) the rates at the threshold are those of the tuning records,
    which chose it, and so a little optimistic.

    References
    ----------
    .. [1] V. Vovk, "Conditional validity of inductive conformal predictors", Machine Learning 92,
       349-376, 2013.

    Examples
    --------
    >>> from ecg_anomaly import CAEDetector, make_ecg
    >>> from ecg_anomaly.model_selection import FalseAlarmRate, TunedThresholdDetector
    >>> normals, new = (make_ecg(n, duration=4, random_state=n).X for n in (60, 20))
    >>> detector = CAEDetector(max_epochs=1, random_state=0)
    >>> tuned = TunedThresholdDetector(detector, FalseAlarmRate(0.1), random_state=0).fit(normals)
    >>> tuned.n_normals_, tuned.predict(new).shape
    (12, (20,))
    >>> print(tuned.predicted_rates(n_normals=20)["specificity"])
    1.000 (0.700 to 1.000)
    """

    _parameter_constraints = {
        **HeldOutDetector._parameter_constraints,
        "target": [Target, None],
        "holdout": [Range(Real, 0, 1, closed="neither")],
        "cv": [
            StrOptions({"prefit"}),
            Range(Integral, 2, None, closed="left"),
            "cv_object",
        ],
    }

    def __init__(self, estimator=None, target=None, *, holdout=0.2, cv=None, random_state=None):
        self.estimator = estimator
        self.target = target
        self.holdout = holdout
        self.cv = cv
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, groups=None):
        """Fit the estimator on normals and set the threshold on others.

        Parameters
        ----------
        X : RecordSet or array-like
            Whatever the estimator takes.
        y : array-like of shape (n_records,), optional
            +1 normal, -1 anomaly; None: all normal.
        groups : array-like of shape (n_records,), optional
            Patients; by default those of the RecordSet, or each record a patient of its own.

        Returns
        -------
        self : object

        Raises
        ------
        DatasetError
            If there are too few records for the target, or no anomalies where it needs them.
        """
        target = FalseAlarmRate() if self.target is None else self.target
        X, is_anomaly, groups = checked_records(X, y, groups)
        if target.needs_anomalies and not is_anomaly.any():
            raise DatasetError(
                f"{target} needs anomalies among the records, y == -1, and there are none; give "
                "some, or choose a target on normals such as FalseAlarmRate."
            )
        labels = np.where(is_anomaly, -1, 1)
        model, held = self._hold_out(X, labels, groups)
        anomalies = held.scores[held.is_anomaly]
        of_anomalies = held.groups[held.is_anomaly]
        carried = 0.0
        if not (self.cv is None or isinstance(self.cv, str)):
            anomalies, of_anomalies = self._cross_validated(X, labels, groups, held)
            # by the ranks among these normals and those of all folds
            carried = 1 / np.sum(~held.is_anomaly) + 1 / np.sum(~is_anomaly)
        if target.needs_anomalies and not len(anomalies):
            raise DatasetError(
                f"{target} needs anomalies of patients that the estimator was not fitted on, and "
                "there are none; give some of other patients."
            )
        normals = held.scores[~held.is_anomaly]
        prevalence = target.prevalence_
        if prevalence is None and is_anomaly.any():
            # of all records: anomalies are not held out in proportion
            prevalence = float(is_anomaly.mean())
        offset = target.threshold(normals, anomalies, prevalence)
        if not np.isfinite(offset):
            raise DatasetError(f"{target} gives the threshold {offset}, which is no number.")
        tuned_on = held.rows if not carried else np.union1d(held.rows, np.flatnonzero(is_anomaly))
        self.tuned_on_ = record_digests(_safe_indexing(X, tuned_on))
        self.n_normals_, self.n_anomalies_ = len(normals), len(anomalies)
        self.n_refused_ = held.n_refused
        self.held_out_ = {
            "normals": normals,
            "normal_patients": _numbered(held.groups[~held.is_anomaly]),
            "anomalies": anomalies,
            "anomaly_patients": _numbered(of_anomalies),
            "carried": np.array([carried]),
        }
        self.tuning_curve_ = tuning_curve(self.held_out_, prevalence)
        self.estimator_ = model
        self.offset_ = float(offset)
        return self

    def _check_state(self) -> None:
        super()._check_state()
        held, sizes = self.held_out_, {key: len(value) for key, value in self.held_out_.items()}
        if (
            set(held) != {"normals", "normal_patients", "anomalies", "anomaly_patients", "carried"}
            or not 0 < sizes["normals"] == sizes["normal_patients"] == self.n_normals_
            or not sizes["anomalies"] == sizes["anomaly_patients"] == self.n_anomalies_
            or sizes["carried"] != 1
            or self.tuned_on_.dtype != np.uint64
        ):
            raise SignalError("the held-out scores of TunedThresholdDetector do not fit together.")

    def _cross_validated(
        self, X, y: np.ndarray, groups: np.ndarray, held: HeldOut
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return scores of the anomalies on the scale of the final model, and their patients."""
        splitter = self.cv
        if isinstance(splitter, Integral):
            splitter = GroupKFold(splitter, shuffle=True, random_state=self.random_state)
        reference = held.scores[~held.is_anomaly]
        scores, patients = [], []
        for train, test in NormalsOnly(check_cv(splitter)).split(X, y, groups):
            assert_disjoint(groups[train], groups[test], names=["training", "held-out records"])
            fold = self._unfitted().fit(_safe_indexing(X, train))
            of_fold = scores_or_nan(fold, _safe_indexing(X, test))
            normals = of_fold[(y[test] == 1) & ~np.isnan(of_fold)]
            anomalies = (y[test] == -1) & ~np.isnan(of_fold)
            if not len(normals):
                raise DatasetError("a fold holds out no normal to rank by; use fewer folds.")
            scores.append(same_rank(of_fold[anomalies], normals, reference))
            patients.append(groups[test][anomalies])
        return np.concatenate(scores), np.concatenate(patients)

    @property
    def calibration_scores(self) -> np.ndarray:
        """Scores of the normals that set the threshold."""
        return self.held_out_["normals"]

    def predicted_rates(
        self,
        *,
        n_normals: int | None = None,
        n_anomalies: int | None = None,
        confidence: float = 0.95,
    ) -> dict[str, Interval]:
        """Return what the threshold is expected to do on new records like the held-out ones.

        Parameters
        ----------
        n_normals, n_anomalies : int, optional
            New records; None is infinitely many.
        confidence : float in (0, 1), default=0.95

        Returns
        -------
        dict of str to Interval
            ``false_alarm_rate``, ``specificity`` and, with anomalies, ``sensitivity``.
        """
        check_is_fitted(self)
        return rates_at(self.held_out_, self.offset_, n_normals, n_anomalies, confidence)


def _numbered(groups: np.ndarray) -> np.ndarray:
    """Return patients as numbers: names have no place in a model's file."""
    return np.unique(groups, return_inverse=True)[1].astype(np.int64)
