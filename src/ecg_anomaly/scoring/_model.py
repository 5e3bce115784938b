"""What a fitted model takes, whatever it is wrapped in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from .._input import SignalInputMixin
from ..detectors.gated import GatedDetector, refuse_inner_gate
from ..errors import ECGError, SignalError
from ..leads import STANDARD_LEADS
from ..model_selection import ConformalDetector
from ..model_selection._held_out import HeldOutDetector


class ModelInput(NamedTuple):
    """What a model takes: rate in Hz, leads, and samples.

    `leads` is () where nobody named them. `allow_nan` tells whether NaN may stand in it,
    `any_length` whether it brings records of other lengths to its own, `beat_centred` whether a
    heartbeat must lie in the middle.
    """

    fs: float
    leads: tuple[str, ...]
    n_leads: int
    n_samples: int
    allow_nan: bool
    any_length: bool
    beat_centred: bool


def detector_of(model: Any) -> Any:
    """Return the fitted detector in a model, whatever it is wrapped in.

    Its own `offset_` need not be the model's threshold: see `threshold_of`.

    Raises
    ------
    ECGError
        If there is none.
    NotFittedError
        If the model is not fitted.
    """
    return _fitted_steps(model)[-1]


def model_input(model: Any) -> ModelInput:
    """Return what a fitted detector, or a Pipeline or search that ends in one, takes.

    A model fitted on arrays of twelve leads is taken to have them in the standard order.

    Raises
    ------
    SignalError
        If its steps do not agree on the sampling rate.
    ECGError
        If the model has no detector.
    NotFittedError
        If it is not fitted.
    """
    steps = _fitted_steps(model)
    first = steps[0]
    leads = next((step.leads_ for step in steps if step.leads_), ())
    if not leads and first.n_leads_in_ == len(STANDARD_LEADS):
        leads = STANDARD_LEADS
    return ModelInput(
        fs=_rate_in(steps),
        leads=tuple(leads),
        n_leads=first.n_leads_in_,
        n_samples=first.n_features_in_ // first.n_leads_in_,
        allow_nan=first._allow_nan,
        any_length=first._any_length,
        beat_centred=steps[-1]._beat_centred,
    )


def record_input(model: Any) -> ModelInput:
    """Return what a model takes that scores records cut without regard to heartbeats.

    Raises
    ------
    SignalError
        As `model_input`, and if nobody named the model's leads and they are not twelve, or if a
        heartbeat must lie in the middle of its windows.
    ECGError, NotFittedError
        As `model_input`.
    """
    wanted = model_input(model)
    if wanted.beat_centred:
        raise SignalError(
            f"{type(detector_of(model)).__name__} scores single heartbeats in the middle of a "
            "window; use score_beats, on the command line `ecg-anomaly beats`."
        )
    if not wanted.leads:
        raise SignalError(
            f"the model does not know the names of its {wanted.n_leads} leads; fit it on a "
            "RecordSet, or give the detector leads=."
        )
    return wanted


def gated_of(model: Any) -> GatedDetector | None:
    """Return the part of the model that is behind a quality gate, None without a gate."""
    while not isinstance(model, GatedDetector):
        inner = _inner(model)
        if inner is None:
            return None
        model = inner
    return model


def threshold_of(model: Any) -> float:
    """Return the score below which a model flags: that of the outermost part that sets one."""
    return float(_that_decides(model).offset_)


def thresholds_of(model: Any, X: Any) -> np.ndarray:
    """Return the threshold of each record: that of its group, where groups have their own."""
    decides = _that_decides(model)
    if isinstance(decides, HeldOutDetector):
        return decides.thresholds(X)
    return np.full(len(X), decides.offset_, dtype=np.float64)


def conformal_of(model: Any) -> ConformalDetector | None:
    """Return the part of the model that decides, if it has p-values, else None."""
    decides = _that_decides(model)
    return decides if isinstance(decides, ConformalDetector) else None


def fitted_core(model: Any) -> Any:
    """Return the fitted model without the searches and thresholds around it."""
    inner = _inner(model)
    return model if inner is None else fitted_core(inner)


def _that_decides(model: Any) -> Any:
    if isinstance(model, BaseSearchCV):
        return _that_decides(_inner(model))
    return _that_decides(model.steps[-1][1]) if isinstance(model, Pipeline) else model


def _inner(model: Any) -> Any:
    """Return the fitted model that a search or a detector with a threshold is made around."""
    if isinstance(model, BaseSearchCV):
        check_is_fitted(model, "best_estimator_")
        return model.best_estimator_
    if isinstance(model, HeldOutDetector):
        check_is_fitted(model)
        return model.estimator_
    return None


def _fitted_steps(model: Any) -> list[Any]:
    steps = _flat(model)
    for step in steps:
        if not isinstance(step, SignalInputMixin):
            raise ECGError(
                f"{type(step).__name__} is no estimator of this package; score_records takes a "
                "detector, or a Pipeline of transformers that ends in one."
            )
        check_is_fitted(step, "n_leads_in_")
    if not steps or not hasattr(steps[-1], "score_samples"):
        last = type(steps[-1]).__name__ if steps else "nothing"
        raise ECGError(f"the model has no detector: it ends in {last}; put one there.")
    check_is_fitted(steps[-1], "offset_")
    return steps


def _flat(model: Any) -> list[Any]:
    """Return the steps of a model, those of nested Pipelines too, without idle ones.

    Behind a gate, which must be outermost, the imputer comes first.
    """
    inner = _inner(model)
    if inner is not None:
        return _flat(inner)
    if isinstance(model, GatedDetector):
        check_is_fitted(model)
        return [model.imputer_, *_flat(model.detector_)]
    if isinstance(model, Pipeline):
        refuse_inner_gate(model)
        return [inner for _, step in model.steps for inner in _flat(step)]
    return [] if model is None or isinstance(model, str) else [model]


def _rate_in(steps: Sequence[Any]) -> float:
    """Return the rate that the first step takes, following it through all of them."""
    rate_in = rate = 0.0  # not known yet
    for step in steps:
        name = getattr(step, "_rate_name", None)
        own = getattr(step, name) if name else getattr(step, "fs_", None)
        if own is None:
            continue
        if not rate:
            rate_in = rate = float(own)
        if not np.isclose(rate, own, rtol=1e-6):
            what = name or "fs"
            raise SignalError(
                f"{type(step).__name__} has {what}={own:g}, but its input {rate:g} Hz: fit it "
                f"with {what}={rate:g}."
            )
        rate = step._rate_out(rate) if name else rate
    return rate_in
