"""A detector with p-values, and a promise on its false alarms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
from sklearn.base import _fit_context
from sklearn.utils import _safe_indexing, check_random_state
from sklearn.utils._param_validation import Interval as Range
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_is_fitted

from ..errors import DatasetError, SignalError
from ..metrics import Interval, predicted_rate
from ._held_out import HeldOutDetector, checked_records, scores_or_nan
from ._rates import both_rates
from .disjoint import record_digests
from .groups import Groups, group_names
from .p_values import conformal_p_values, conformal_threshold, fewest_normals


class ConformalDetector(HeldOutDetector):
    """A detector with conformal p-values from held-out normals.

    On new normals that are exchangeable with the held-out ones a record is flagged with a
    probability of at most `alpha`, whatever the detector [1]_. There is no such promise at another
    hospital, with another device or population: calibrate anew on local normals
    (`ecg_anomaly.scoring.calibrate`, ``ecg-anomaly calibrate``).

    Parameters
    ----------
    estimator : detector, Pipeline that ends in one, or `GatedDetector`, default=None
        Not fitted, unless ``cv="prefit"``; None takes `CAEDetector` with its defaults.
    alpha : float in (0, 1), default=0.05
        False-alarm rate.
    holdout : float in (0, 1), default=0.2
        Share of the patients that are held out.
    cv : {None, "prefit"}, default=None
        "prefit" takes a fitted estimator, and all records for the calibration: none of them may
        have been in its training.
    group_by : str or list of str, default=None
        Columns of the RecordSet's table: the promise then holds within each of their groups, such
        as women, and not just on average over all (Mondrian). A record of a group that the
        calibration did not have, or of an unknown one, has the promise of all.
    bands : dict of str to list of float, default=None
        Edges at which columns of numbers are cut: ``{"age": [40, 60, 75]}`` makes four groups.
    confidence : float in (0, 1), default=None
        With it, the promise holds with this probability for the very calibration that was made,
        and not just on average over calibrations; thresholds are then lower.
    random_state : int, RandomState or None, default=None
        For the split, and to choose the one record of each patient that calibrates.

    Attributes
    ----------
    estimator_ : estimator
        The fitted model.
    offset_ : float
        Threshold of all: records with a lower score are flagged, unless their group has another.
    group_offsets_ : dict of str to float
        Thresholds of the groups.
    calibration_ : dict of str to ndarray
        Scores of the calibration records, sorted: of each group, and of all as ``""``.
    merged_ : dict of str to str
        Groups too small for `alpha`, and the group that they were merged into.
    n_refused_ : int
        Held-out normals that a gate refused.
    tuned_on_ : ndarray of uint64
        Digests of the calibration records: `evaluate` refuses to test on them.
    n_features_in_

    Notes
    -----
    One record a patient calibrates, since records of one patient are not exchangeable with those
    of others. Anomalies (``y == -1``) are neither trained on nor calibrated with.

    With groups, ``decision_function`` is the score minus the threshold of the record's group.

    References
    ----------
    .. [1] V. Vovk, A. Gammerman, G. Shafer, "Algorithmic learning in a random world", 2005;
       R. Laxhammar, G. Falkman, "Inductive conformal anomaly detection", Annals of Mathematics and
       Artificial Intelligence 74, 67-94, 2015.

    Examples
    --------
    >>> from ecg_anomaly import CAEDetector, ConformalDetector, make_ecg
    >>> normals, new = (make_ecg(n, duration=4, random_state=n).X for n in (60, 20))
    >>> detector = CAEDetector(max_epochs=1, random_state=0)
    >>> conformal = ConformalDetector(detector, alpha=0.1, random_state=0).fit(normals)
    >>> conformal.p_values(new).min() >= 1 / 13
    np.True_
    """

    _parameter_constraints = {
        **HeldOutDetector._parameter_constraints,
        "alpha": [Range(Real, 0, 1, closed="neither")],
        "holdout": [Range(Real, 0, 1, closed="neither")],
        "cv": [StrOptions({"prefit"}), None],
        "group_by": [str, list, tuple, None],
        "bands": [dict, None],
        "confidence": [Range(Real, 0, 1, closed="neither"), None],
    }

    def __init__(
        self,
        estimator=None,
        alpha=0.05,
        *,
        holdout=0.2,
        cv=None,
        group_by=None,
        bands=None,
        confidence=None,
        random_state=None,
    ):
        self.estimator = estimator
        self.alpha = alpha
        self.holdout = holdout
        self.cv = cv
        self.group_by = group_by
        self.bands = bands
        self.confidence = confidence
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, groups=None):
        """Fit the estimator on normals and calibrate it on others.

        Parameters
        ----------
        X : RecordSet or array-like
            Whatever the estimator takes; with `group_by`, a RecordSet with these columns.
        y : array-like of shape (n_records,), optional
            +1 normal, -1 anomaly, which are left out; None: all normal.
        groups : array-like of shape (n_records,), optional
            Patients; by default those of the RecordSet, or each record a patient of its own.

        Returns
        -------
        self : object

        Raises
        ------
        DatasetError
            If there are too few normals for `alpha`.
        SignalError
            If the table lacks a column of `group_by`.
        """
        X, is_anomaly, groups = checked_records(X, y, groups)
        X, groups = _normals(X, is_anomaly, groups)
        names = self._group_names(X)
        model, held = self._hold_out(X, None, groups)
        digests = record_digests(_safe_indexing(X, held.rows))
        self.calibrate_on(held.scores, held.groups, [names[row] for row in held.rows])
        self.estimator_, self.n_refused_, self.tuned_on_ = model, held.n_refused, digests
        return self

    def calibrate_on(self, scores: np.ndarray, groups: np.ndarray, names: Sequence[str]) -> None:
        """Set thresholds and p-values by scores of normals.

        Parameters
        ----------
        scores : ndarray of shape (n_normals,)
            Of `estimator_`, which was not fitted on these records.
        groups : ndarray of shape (n_normals,)
            Patients; one record of each, drawn at random, calibrates.
        names : sequence of str of length n_normals
            Groups of `group_by`, of `names_of`.

        Raises
        ------
        DatasetError
            If there are too few normals for `alpha`, or none of them is of a known group.
        """
        if self.columns and not any(names):
            raise DatasetError(
                f"none of the {len(names)} records tells its {' and '.join(self.columns)}, which "
                "group_by asks for; check the names of the columns or annotations."
            )
        order = check_random_state(self.random_state).permutation(len(groups))
        chosen = order[np.unique(groups[order], return_index=True)[1]]
        grouped = Groups.of(
            [names[row] for row in chosen], fewest_normals(self.alpha, self.confidence)
        )
        scores = scores[chosen]
        calibration = {"": np.sort(scores)} | {
            name: np.sort(scores[rows]) for name, rows in grouped.rows.items()
        }
        offsets = {
            name: conformal_threshold(values, self.alpha, self.confidence)
            for name, values in calibration.items()
        }
        self.calibration_, self.merged_ = calibration, grouped.merged
        self.offset_ = offsets.pop("")
        self.group_offsets_: Mapping[str, float] = offsets

    def p_values(self, X) -> np.ndarray:
        """Return how probable it is that a normal record of the same group scores this low.

        Parameters
        ----------
        X : RecordSet or array-like

        Returns
        -------
        ndarray of float64 of shape (n_records,)
            NaN for records that a quality gate refuses.
        """
        check_is_fitted(self)
        return self.p_values_of(scores_or_nan(self.estimator_, X), self._group_names(X))

    def thresholds(self, X) -> np.ndarray:
        """Return the threshold of each record: that of its group.

        Returns
        -------
        ndarray of float64 of shape (n_records,)
        """
        check_is_fitted(self)
        if self.group_by is None:
            return super().thresholds(X)
        return self.thresholds_of(self._group_names(X))

    @property
    def calibration_scores(self) -> np.ndarray:
        """Scores of the normals that set the threshold, whatever their group."""
        return self.calibration_[""]

    def predicted_rates(
        self, *, n_normals: int | None = None, confidence: float = 0.95
    ) -> dict[str, Interval]:
        """Return the false-alarm rate to be expected among new normals like the held-out ones.

        With groups the new normals are taken to be of these groups, in the same shares.

        Parameters
        ----------
        n_normals : int, optional
            New records, one a patient; None is infinitely many.
        confidence : float in (0, 1), default=0.95

        Returns
        -------
        dict of str to Interval
            ``false_alarm_rate`` and ``specificity``.
        """
        check_is_fitted(self)
        parts = self.group_offsets_ or {"": self.offset_}
        flagged = sum(int(np.sum(self.calibration_[name] < limit)) for name, limit in parts.items())
        n = sum(len(self.calibration_[name]) for name in parts)
        rate, low, _ = predicted_rate(flagged, n, n_normals, confidence=confidence)
        # each group has an order statistic of its own, between two ranks
        upper = flagged + len(parts) - 1
        high = predicted_rate(upper, n, n_normals, confidence=confidence).high
        return both_rates(Interval(rate, low, high))

    def select(self, X, fdr: float = 0.1) -> np.ndarray:
        """Return which records of a batch to look at, with few normals among them.

        Benjamini and Hochberg's procedure on the p-values [2]_: on exchangeable normals the
        expected share of normals among the records selected is at most `fdr`. What is selected
        depends on the batch.

        Parameters
        ----------
        X : RecordSet or array-like
            The whole batch.
        fdr : float in (0, 1), default=0.1
            False-discovery rate.

        Returns
        -------
        ndarray of bool of shape (n_records,)
            False for records that are not scorable.

        References
        ----------
        .. [2] S. Bates et al., "Testing for outliers with conformal p-values", Annals of Statistics
           51, 149-178, 2023.
        """
        from scipy.stats import false_discovery_control

        if not 0 < fdr < 1:
            raise ValueError(f"fdr must lie between 0 and 1, got {fdr!r}.")
        p = self.p_values(X)
        selected = np.zeros(len(p), bool)
        known = ~np.isnan(p)
        if known.any():
            selected[known] = false_discovery_control(p[known], method="bh") <= fdr + 1e-12
        return selected

    def p_values_of(self, scores, names) -> np.ndarray:
        """Return p-values of scores of `estimator_`, given the names of the records' groups."""
        scores, names = np.asarray(scores, dtype=np.float64), self._known_groups(names)
        p = np.empty(len(scores))
        for name in set(names.tolist()):
            rows = names == name
            p[rows] = conformal_p_values(scores[rows], self.calibration_[name], self.confidence)
        return p

    def thresholds_of(self, names) -> np.ndarray:
        """Return the threshold of each record, given the names of the groups."""
        known = {"": self.offset_, **self.group_offsets_}
        return np.array([known[name] for name in self._known_groups(names)], dtype=np.float64)

    def names_of(self, table: Any, n_records: int) -> list[str]:
        """Return the group of each row of a table, ``""`` where there is none."""
        return group_names(table, n_records, self.columns, self.bands or {})

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of `group_by`."""
        given = self.group_by
        return () if given is None else (given,) if isinstance(given, str) else tuple(given)

    def _group_names(self, X) -> list[str]:
        return self.names_of(getattr(X, "table", None), len(X))

    def _known_groups(self, names) -> np.ndarray:
        merged = [self.merged_.get(name, name) for name in names]
        return np.array([name if name in self.calibration_ else "" for name in merged], object)

    def _check_state(self) -> None:
        super()._check_state()
        scores = list(self.calibration_.values())
        thresholds = list(self.group_offsets_.values())
        if (
            set(self.calibration_) != {"", *self.group_offsets_}
            or not set(self.merged_.values()) <= set(self.calibration_)
            or any(value.ndim != 1 or not len(value) for value in scores)
            or not np.isfinite(thresholds).all()
            or self.tuned_on_.dtype != np.uint64
            or {"": self.offset_, **self.group_offsets_}
            != {
                name: conformal_threshold(values, self.alpha, self.confidence)
                for name, values in self.calibration_.items()
            }
        ):
            raise SignalError("the calibration of the ConformalDetector does not fit together.")


def _normals(X, is_anomaly: np.ndarray, groups: np.ndarray) -> tuple[Any, np.ndarray]:
    if not is_anomaly.any():
        return X, groups
    rows = np.flatnonzero(~is_anomaly)
    return _safe_indexing(X, rows), groups[rows]
