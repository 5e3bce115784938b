"""A detector behind the quality gate: what cannot be scored is said, not scored."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, OutlierMixin, _fit_context, clone
from sklearn.pipeline import Pipeline
from sklearn.utils._param_validation import HasMethods, Interval
from sklearn.utils.validation import check_is_fitted

from .._input import SignalInputMixin
from ..errors import ECGWarning, SignalError
from ..preprocessing import LeadImputer
from ..quality import Assessment, QualityGate
from ..records import RecordSet, default_leads
from ..signal.checks import check_rate
from ..verdicts import LOWEST_SCORE, verdicts
from .cae import CAEDetector

_NAMED = 3


class _BlankedRecords:
    """The records that can be scored, NaN where they are unusable, as the source of a RecordSet."""

    def __init__(self, records: RecordSet, assessments: Sequence[Assessment]):
        self.records, self.assessments = records, assessments
        self.shape = records.shape

    def read(self, rows: np.ndarray) -> np.ndarray:
        batch = self.records[rows].load()
        for signal, row in zip(batch, rows, strict=True):
            self.assessments[row].blank_signal(signal, self.records.fs, self.records.leads)
        return batch


class GatedDetector(SignalInputMixin, MetaEstimatorMixin, OutlierMixin, BaseEstimator):
    """A detector that sees only what a quality gate lets through.

    The gate sees the raw signal, before any filter. A record that it refuses has no score that
    means anything: `predict_verdict` says "not scorable". Leads, and parts of leads, that are
    unusable are put to NaN and filled in from the others by `LeadImputer`, so that a loose
    electrode is no anomaly. The detector is trained likewise.

    Parameters
    ----------
    detector : detector or Pipeline that ends in one, default=None
        Not fitted; None takes `CAEDetector` with its defaults.
    gate : QualityGate, default=None
        None takes the gate with its defaults. A search takes gates as a whole:
        ``{"gate": [QualityGate(), QualityGate(max_noise=0.03)]}``.
    fs : float, default=100.0
        Sampling rate in Hz of arrays; a RecordSet has its own.
    leads : sequence of str, default=None
        Names of the leads of arrays. By default the standard names for twelve, numbered ones for
        any other count.
    n_leads : int, default=1
        Number of leads in a 2-D `X`; a 3-D `X` has its own.

    Attributes
    ----------
    detector_ : estimator
        The fitted detector or Pipeline.
    gate_ : QualityGate
        The gate.
    imputer_ : LeadImputer
        Learnt from the usable samples of the training records.
    n_refused_ : int
        Training records that the gate refused; the detector was not trained on them.
    offset_ : float
        The detector's: records with a lower score are flagged. Can be set.
    fs_, leads_, n_leads_in_, n_features_in_
        What was fitted on.

    See Also
    --------
    ecg_anomaly.quality.QualityGate : what the gate looks for.

    Notes
    -----
    It is a meta-estimator, and no step of a Pipeline, because Pipelines pass on no method such as
    `predict_verdict`, and because the gate must come before every filter.

    Examples
    --------
    >>> from ecg_anomaly import BandpassFilter, CAEDetector, GatedDetector, make_ecg
    >>> from sklearn.pipeline import make_pipeline
    >>> normals, new = (make_ecg(20, random_state=seed).X for seed in (0, 1))
    >>> pipeline = make_pipeline(BandpassFilter(), CAEDetector(max_epochs=1, random_state=0))
    >>> model = GatedDetector(pipeline).fit(normals)
    >>> new[3] = 0.0
    >>> print(model.predict_verdict(new)[3], model.assess(new)[3].reason[:21], sep=": ")
    not scorable: too few usable leads
    """

    _allow_nan = True
    _parameter_constraints: ClassVar[dict] = {
        "detector": [HasMethods(["fit", "score_samples"]), None],
        "gate": [QualityGate, None],
        "fs": [Interval(Real, 0, None, closed="neither")],
        "leads": ["array-like", None],
        "n_leads": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, detector=None, gate=None, fs=100.0, leads=None, n_leads=1):
        self.detector = detector
        self.gate = gate
        self.fs = fs
        self.leads = leads
        self.n_leads = n_leads

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None):
        """Learn what normal ECGs look like from those that can be scored.

        Parameters
        ----------
        X : RecordSet or array-like of shape (n_records, n_leads, n_samples) or \
                (n_records, n_leads * n_samples)
            Normal ECGs, raw, in mV; NaN where samples are missing.
        y : None
            Ignored.

        Returns
        -------
        self : object

        Raises
        ------
        SignalError
            If no record can be scored, or a lead is unusable in all of them; if there is another
            gate in `detector`.
        """
        refuse_inner_gate(self.detector)
        if hasattr(_last_step(self.detector), "thresholds"):
            raise SignalError(
                f"{type(_last_step(self.detector)).__name__} belongs around the gate, so that it "
                "holds records out before the gate learns from them: "
                "TunedThresholdDetector(GatedDetector(...))."
            )
        with self._all_or_nothing():
            X, _ = self._fit_input(X)
            self.fs_ = X.fs if isinstance(X, RecordSet) else check_rate(self.fs)
            self.gate_ = QualityGate() if self.gate is None else self.gate
            records = self._records(X)
            assessments = self._assess(records)
            kept = _scorable(assessments)
            if not kept.any():
                raise SignalError(
                    f"the gate refuses all {len(kept)} records, the first because of "
                    f"{assessments[0].reason}; check units and rate, or give another gate."
                )
            blanked = _blanked(records, assessments, kept)
            self.imputer_ = LeadImputer(fs=records.fs, leads=records.leads).fit(blanked)
            base = CAEDetector() if self.detector is None else clone(self.detector)
            self.detector_ = base.fit(self.imputer_.transform(blanked))
            self.n_refused_ = int(np.sum(~kept))
            self.n_leads_in_ = records.shape[1]
        return self

    def assess(self, X) -> list[Assessment]:
        """Return what the gate says about each record.

        The findings tell, too, whether a record is outside the reference population: patients
        under 18 years, where the RecordSet's table has a column ``age``, and paced records.

        Parameters
        ----------
        X : RecordSet or array-like

        Returns
        -------
        list of Assessment
        """
        return self._assess(self._checked(X))

    def score_samples(self, X):
        """Return how normal each record is; `LOWEST_SCORE` where it cannot be scored.

        Parameters
        ----------
        X : RecordSet or array-like
            Raw records with the leads and length of those in `fit`; NaN where samples are missing.

        Returns
        -------
        ndarray of float64 of shape (n_records,)
            Higher = more normal.

        Warns
        -----
        ECGWarning
            If a record cannot be scored: the lowest score is no sign of disease.
        """
        return self._told_scores(X)[0]

    def decision_function(self, X):
        """Return ``score_samples(X) - offset_``: negative where a record is flagged."""
        return self.score_samples(X) - self.offset_

    def predict(self, X):
        """Return +1 (not flagged) or -1 (flagged, or not scorable) for each record.

        Warns
        -----
        ECGWarning
            If a record cannot be scored; `predict_verdict` tells it from those flagged.
        """
        scores, scorable = self._told_scores(X)
        return np.where(scorable & (scores >= self.offset_), 1, -1)

    def predict_verdict(self, X):
        """Return "not flagged", "flagged" or "not scorable" for each record.

        "Not flagged" is not "normal": it says that nothing unusual was found.

        Returns
        -------
        ndarray of str of shape (n_records,)
        """
        scores, assessments = self.score_and_assess(X)
        return verdicts(scores - self.offset_, _scorable(assessments))

    def score_and_assess(self, X) -> tuple[np.ndarray, list[Assessment]]:
        """Return what `score_samples` and `assess` give, of one reading and without a warning."""
        return self._scores(self._checked(X))

    def score_imputed(self, X):
        """Return the scores of records that passed the gate, NaN where they are unusable.

        The gate is not asked again: `score_records` asks it before it resamples.
        """
        return self.detector_.score_samples(self.imputer_.transform(self._checked(X)))

    @property
    def offset_(self) -> float:
        """Score below which a record is flagged: the detector's."""
        return float(_last_step(self.detector_).offset_)

    @offset_.setter
    def offset_(self, value: float) -> None:
        _last_step(self.detector_).offset_ = value

    def _records(self, X: RecordSet | np.ndarray) -> RecordSet:
        """Return a RecordSet, so that rate and names go with the signals."""
        if isinstance(X, RecordSet):
            return X
        return RecordSet(X, fs=self.fs_, leads=self.leads_ or default_leads(X.shape[1]))

    def _checked(self, X) -> RecordSet:
        check_is_fitted(self)
        return self._records(self._check_input(X)[0])

    def _assess(self, records: RecordSet) -> list[Assessment]:
        ages = _ages(records)
        assessments: list[Assessment] = []
        for batch in self._checked_batches(records):
            start = len(assessments)
            assessments += self.gate_.assess_batch(
                batch, records.fs, records.leads, ages[start : start + len(batch)]
            )
        return assessments

    def _scores(self, records: RecordSet) -> tuple[np.ndarray, list[Assessment]]:
        assessments = self._assess(records)
        kept = _scorable(assessments)
        scores = np.full(len(kept), LOWEST_SCORE)
        if kept.any():
            blanked = _blanked(records, assessments, kept)
            scores[kept] = self.detector_.score_samples(self.imputer_.transform(blanked))
        return scores, assessments

    def _told_scores(self, X) -> tuple[np.ndarray, np.ndarray]:
        """Return scores and what is scorable, with a warning about what is not."""
        records = self._checked(X)
        scores, assessments = self._scores(records)
        scorable = _scorable(assessments)
        refused = np.flatnonzero(~scorable)
        if not len(refused):
            return scores, scorable
        ids = records.record_ids
        told = "; ".join(f"{ids[row]}: {assessments[row].reason}" for row in refused[:_NAMED])
        more = f" and {len(refused) - _NAMED} more" if len(refused) > _NAMED else ""
        warnings.warn(
            f"{len(refused)} of {len(assessments)} records are not scorable and got the lowest "
            f"score, which is no anomaly ({told}{more}); predict_verdict tells them apart.",
            ECGWarning,
            stacklevel=3,
        )
        return scores, scorable

    def _check_input(self, X):
        self._check_fitted_rate(X)
        return super()._check_input(X)

    def _check_state(self) -> None:
        super()._check_state()
        first = self.detector_.steps[0][1] if hasattr(self.detector_, "steps") else self.detector_
        shape = (self.n_leads_in_, self.n_features_in_)
        steps = (self.imputer_, first)
        if (
            type(self.imputer_) is not LeadImputer
            or type(self.gate_) is not QualityGate
            or any((step.n_leads_in_, step.n_features_in_) != shape for step in steps)
        ):
            raise SignalError("the gate, the imputer and the detector do not fit together.")
        check_rate(self.fs_)
        if not np.isfinite(self.offset_):
            raise SignalError(f"the threshold {self.offset_} is no number.")

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "n_leads_in_")


def refuse_inner_gate(model: Any) -> None:
    """Refuse a model with a gate inside.

    Raises
    ------
    SignalError
        If there is one: it would see filtered signals, and its refusals would pass for scores.
    """
    if isinstance(model, GatedDetector):
        raise SignalError(
            "a GatedDetector cannot be inside a Pipeline or another gate; let the gate come first, "
            "around the Pipeline."
        )
    if isinstance(model, Pipeline):
        for _, step in model.steps:
            refuse_inner_gate(step)
    elif isinstance(model, MetaEstimatorMixin):
        refuse_inner_gate(getattr(model, "estimator", None))


def _last_step(model: Any) -> Any:
    return _last_step(model.steps[-1][1]) if isinstance(model, Pipeline) else model


def _scorable(assessments: Sequence[Assessment]) -> np.ndarray:
    return np.array([item.is_scorable for item in assessments], bool)


def _blanked(records: RecordSet, assessments, kept: np.ndarray) -> RecordSet:
    """Return the records that were kept, NaN where they are unusable."""
    rows = np.flatnonzero(kept)
    some = records[rows]
    return RecordSet(
        _BlankedRecords(some, [assessments[row] for row in rows]),
        fs=some.fs,
        leads=some.leads,
        record_ids=some.record_ids,
        patient_ids=some.patient_ids,
        table=some.table,
    )


def _ages(records: RecordSet) -> np.ndarray:
    import pandas as pd

    if records.table is None or "age" not in records.table:
        return np.full(len(records), np.nan)
    return pd.to_numeric(records.table["age"], errors="coerce").to_numpy(float)
