"""What a model sees of records, and the score that decides as a function of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._training import threads
from ..detectors import GatedDetector
from ..detectors.base import BaseDetector
from ..detectors.gated import _blanked
from ..errors import SignalError
from ..records import RecordSet, default_leads
from ..scoring._model import _flat, fitted_core, gated_of

_NAMED = 3


@dataclass(frozen=True)
class Subject:
    """Records in the form in which parts of them can be restored and scored.

    Attributes
    ----------
    signals : ndarray of float64 of shape (n_records, n_leads, n_samples)
        What the detector itself is given (after gate, imputation and filters), on the grid of the
        raw records; the raw records where the model has no network.
    seen : ndarray of bool of the shape of `signals`
        False where there is nothing to blame: samples that were filled in, and constant leads.
    fs : float
    leads : tuple of str
    record_ids : tuple of str or int
    detector : BaseDetector or None
        The network's detector, None where the score is a black box.
    """

    signals: np.ndarray
    seen: np.ndarray
    fs: float
    leads: tuple[str, ...]
    record_ids: tuple
    detector: BaseDetector | None
    _score: Callable[[np.ndarray, int], np.ndarray]

    def anomaly_scores(self, variants: np.ndarray, row: int) -> np.ndarray:
        """Return the anomaly scores, higher = more unusual, of variants of one record."""
        return -np.asarray(self._score(variants.astype(np.float32), row), dtype=np.float64)


def subject_of(model: Any, X: Any) -> Subject:
    """Return what a fitted model sees of records.

    Raises
    ------
    SignalError
        If a record cannot be scored because the gate refuses it.
    NotFittedError
        If the model is not fitted.
    """
    core, gated = fitted_core(model), gated_of(model)
    check_is_fitted(core)
    steps = _flat(model)
    detector = steps[-1] if steps else None
    n_leads = getattr(steps[0], "n_leads_in_", None) if steps else None
    records = _records(X, steps, n_leads)
    raw = _scorable(gated, records) if gated is not None else records
    signals = raw.load()
    seen = np.isfinite(signals) & (np.ptp(np.nan_to_num(signals), axis=-1, keepdims=True) > 0)
    common = (records.fs, tuple(records.leads), tuple(np.asarray(records.record_ids).tolist()))
    if isinstance(detector, BaseDetector):
        given: Any = raw
        with threads():
            for step in steps[:-1]:
                given = step.transform(given)
        if given.shape == signals.shape:
            score = detector.score_samples
            inputs = given.load().astype(np.float64)
            return Subject(inputs, seen, *common, detector, lambda x, row: score(x))
    scored = gated.score_imputed if isinstance(gated, GatedDetector) else core.score_samples
    as_set = isinstance(X, RecordSet) or gated is not None

    def of_variants(variants: np.ndarray, row: int) -> np.ndarray:
        return scored(_like(records, variants, row) if as_set else variants)

    return Subject(signals.astype(np.float64), seen, *common, None, of_variants)


def _records(X: Any, steps, n_leads: int | None) -> RecordSet:
    """Return a RecordSet, so that rate and names go with the signals."""
    if isinstance(X, RecordSet):
        return X
    X = np.asarray(X)
    if X.ndim == 2:
        X = X.reshape(len(X), n_leads or 1, -1)
    if X.ndim != 3:
        raise SignalError(f"X has {X.ndim} dimensions; give (n_records, n_leads, n_samples).")
    names = next((step.leads_ for step in steps if getattr(step, "leads_", ())), None)
    rates = (getattr(step, getattr(step, "_rate_name", None) or "fs_", None) for step in steps)
    fs = next((float(rate) for rate in rates if rate), 100.0)
    return RecordSet(X, fs=fs, leads=names or default_leads(X.shape[1]))


def _scorable(gated: GatedDetector, records: RecordSet) -> RecordSet:
    """Return the records as the gate leaves them: NaN where they are unusable."""
    assessments = gated.assess(records)
    refused = [k for k, item in enumerate(assessments) if not item.is_scorable]
    if refused:
        told = "; ".join(
            f"{records.record_ids[k]}: {assessments[k].reason}" for k in refused[:_NAMED]
        )
        more = f" and {len(refused) - _NAMED} more" if len(refused) > _NAMED else ""
        raise SignalError(
            f"{len(refused)} of {len(assessments)} records are not scorable ({told}{more}), and "
            "without a score there is nothing to explain; leave them out."
        )
    return _blanked(records, assessments, np.ones(len(assessments), bool))


def _like(records: RecordSet, variants: np.ndarray, row: int) -> RecordSet:
    rows = np.full(len(variants), row)
    table = records.table
    return RecordSet(
        variants,
        fs=records.fs,
        leads=records.leads,
        record_ids=[f"{records.record_ids[row]}-{k}" for k in range(len(variants))],
        table=None if table is None else table.iloc[rows].reset_index(drop=True),
    )
