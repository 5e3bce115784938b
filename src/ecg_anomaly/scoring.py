"""Scoring of records as they come: any rate, any order of leads, any length."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from ._input import SignalInputMixin
from .errors import ECGError, SignalError
from .io import read_record
from .leads import STANDARD_LEADS, reorder
from .records import Record, RecordSet
from .signal.resampling import resample

if TYPE_CHECKING:
    import pandas as pd

# Windows scored together: bounds memory, changes no result.
_WINDOWS_AT_A_TIME = 256
_AGGREGATES: dict[str, Callable[[np.ndarray], float]] = {
    "min": np.min,
    "mean": np.mean,
    "median": np.median,
}
_COLUMNS = ["record_id", "source", "score", "verdict", "n_windows", "problem"]


class ModelInput(NamedTuple):
    """What a model takes: rate in Hz, leads by name, and samples.

    `allow_nan` tells whether NaN may stand in it, `any_length` whether it brings records of other
    lengths to its own.
    """

    fs: float
    leads: tuple[str, ...]
    n_samples: int
    allow_nan: bool
    any_length: bool


def detector_of(model: Any) -> Any:
    """Return the fitted detector in a model: itself, or the end of a Pipeline or a search.

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
        If nobody named the model's leads and they are not twelve, or its steps do not agree on the
        sampling rate.
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
    if not leads:
        raise SignalError(
            f"the model does not know the names of its {first.n_leads_in_} leads; fit it on a "
            "RecordSet, or give the detector leads=."
        )
    n_samples = first.n_features_in_ // first.n_leads_in_
    return ModelInput(_rate_in(steps), tuple(leads), n_samples, first._allow_nan, first._any_length)


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
    """Return the steps of a model, those of nested Pipelines too, without idle ones."""
    if isinstance(model, BaseSearchCV):
        check_is_fitted(model, "best_estimator_")
        return _flat(model.best_estimator_)
    if isinstance(model, Pipeline):
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


def score_records(
    model: Any,
    records: Iterable[Record | str | Path] | RecordSet | Record | str | Path,
    *,
    aggregate: str = "min",
    errors: str = "raise",
) -> pd.DataFrame:
    """Score records of any rate, lead order and length.

    Leads are picked by name, limb leads derived where two of them are present, and the signal is
    resampled to the model's rate. A record longer than the model's is cut into windows that
    overlap by half. A lead that is still missing is left to a `LeadImputer` where the model begins
    with one; else the record is refused. A shorter record is left to a `CropOrPad` likewise.

    Parameters
    ----------
    model : detector, Pipeline or search
        Fitted.
    records : RecordSet, Record, str or Path, or iterable of the latter three
        Paths are read with `ecg_anomaly.io.read_record`. Taken one after another: a generator may
        be longer than memory.
    aggregate : {"min", "mean", "median"}, default="min"
        How a record's score follows from those of its windows. With ``"min"`` a record is flagged
        as soon as one window is, so that a false-alarm rate holds for each window, not for long
        records.
    errors : {"raise", "report"}, default="raise"
        What becomes of a record that cannot be scored: an error, or a row without a score that
        names the problem.

    Returns
    -------
    DataFrame
        One row a record, in order: ``record_id``, ``source``, ``score`` (higher = more normal),
        ``verdict`` ("not flagged", "flagged", "not scorable"), ``n_windows``, ``problem``.

    Raises
    ------
    ECGError
        If the model is none that scores; with ``errors="raise"``, if a record cannot be read or
        scored.

    Examples
    --------
    >>> from ecg_anomaly import CAEDetector, RecordSet, make_ecg, score_records
    >>> normals = RecordSet(make_ecg(30, random_state=0).X)
    >>> detector = CAEDetector(max_epochs=1, random_state=0).fit(normals)
    >>> minute = RecordSet(make_ecg(2, fs=250, duration=60, random_state=1).X, fs=250)
    >>> score_records(detector, minute)["n_windows"].tolist()
    [11, 11]
    """
    import pandas as pd

    if aggregate not in _AGGREGATES:
        raise ValueError(f"aggregate must be one of {sorted(_AGGREGATES)}, got {aggregate!r}.")
    if errors not in ("raise", "report"):
        raise ValueError(f'errors must be "raise" or "report", got {errors!r}.')
    if isinstance(records, str | os.PathLike | Record):
        records = [records]
    if isinstance(records, np.ndarray):
        raise SignalError(
            f"an array of shape {records.shape} tells neither rate nor leads; wrap it as "
            "RecordSet(X, fs=...)."
        )
    wanted = model_input(model)
    offset = detector_of(model).offset_
    rows: list[dict[str, Any]] = []
    waiting: list[tuple[dict[str, Any], _Windows]] = []

    def flush():
        for (row, _), scores in zip(waiting, _scores(model, wanted, waiting, errors), strict=True):
            if isinstance(scores, ECGError):
                row["problem"] = str(scores)
                continue
            row["score"] = float(_AGGREGATES[aggregate](scores))
            row["verdict"] = "flagged" if row["score"] < offset else "not flagged"
        waiting.clear()

    for item in records:
        row = dict.fromkeys(_COLUMNS, "") | {"score": np.nan, "verdict": "not scorable"}
        row |= {"record_id": Path(str(item)).stem, "source": str(item), "n_windows": 0}
        rows.append(row)
        try:
            record = item if isinstance(item, Record) else read_record(item)
            row |= {"record_id": record.record_id, "source": record.source}
            windows = _windows(record, wanted)
        except ECGError as error:
            if errors == "raise":
                raise
            row["problem"] = str(error)
            continue
        row["n_windows"] = len(windows.starts)
        if waiting and waiting[0][1].length != windows.length:
            flush()
        waiting.append((row, windows))
        if sum(len(windows.starts) for _, windows in waiting) >= _WINDOWS_AT_A_TIME:
            flush()
    flush()
    return pd.DataFrame(rows, columns=_COLUMNS)


class _Windows(NamedTuple):
    """Windows of one length over a record."""

    signal: np.ndarray
    starts: np.ndarray
    length: int


class _WindowSource:
    """The windows of several records as the source of a RecordSet: none is copied unread."""

    def __init__(self, parts: Sequence[_Windows]):
        self.windows = [(part.signal, start) for part in parts for start in part.starts]
        self.length = parts[0].length
        self.shape = (len(self.windows), len(parts[0].signal), self.length)

    def read(self, rows: np.ndarray) -> np.ndarray:
        out = np.empty((len(rows), *self.shape[1:]), np.float32)
        for k, row in enumerate(rows):
            signal, start = self.windows[row]
            out[k] = signal[:, start : start + self.length]
        return out


def _windows(record: Record, wanted: ModelInput) -> _Windows:
    """Return windows that cover the record, at the model's rate and with its leads."""
    signal, leads = record.signal, tuple(record.leads or ())
    where = f"record {record.record_id!r}"
    # resampling would spread a missing sample over the whole lead
    may_miss = wanted.allow_nan and record.fs == wanted.fs
    bad = np.isinf(signal) if may_miss else ~np.isfinite(signal)
    if bad.any():
        lead, sample = (int(index[0]) for index in np.nonzero(bad))
        raise SignalError(
            f"{where}: {signal[lead, sample]} in lead {leads[lead]} at sample {sample}; fill in "
            "missing samples with LeadImputer, at the record's own rate."
        )
    missing = "nan" if wanted.allow_nan else "raise"
    if record.fs != wanted.fs:
        signal = resample(signal, fs_in=record.fs, fs_out=wanted.fs)
    if leads != wanted.leads:
        try:
            signal = reorder(signal, leads, wanted.leads, missing=missing)
        except SignalError as error:
            raise SignalError(f"{where}: {error}") from None
    n_samples = signal.shape[1]
    if n_samples < wanted.n_samples and not (wanted.any_length and n_samples):
        raise SignalError(
            f"{where}: {record.duration:g} s is shorter than the "
            f"{wanted.n_samples / wanted.fs:g} s that the model takes; record longer, or begin the "
            "model with CropOrPad, knowing that padding is not ECG."
        )
    length = min(n_samples, wanted.n_samples)
    n_windows = 1 + -(-(n_samples - length) // max(1, length // 2))
    starts = np.linspace(0, n_samples - length, n_windows).round().astype(int)
    if wanted.allow_nan:
        known = np.concatenate([[0], np.isfinite(signal).any(axis=0).cumsum()])
        empty = starts[known[starts + length] == known[starts]]
        if len(empty):
            begin, end = empty[0] / wanted.fs, (empty[0] + length) / wanted.fs
            raise SignalError(
                f"{where}: no sample from {begin:g} to {end:g} s in any lead that the model takes; "
                f"present are {', '.join(leads) or 'none'}. Record more leads, or cut that part "
                "out: an ECG made up as a whole is none."
            )
    return _Windows(signal, starts, length)


def _scores(model, wanted: ModelInput, waiting, errors: str) -> Sequence[np.ndarray | ECGError]:
    """Return the scores of each record's windows, or the error that a record alone causes."""
    if not waiting:
        return []
    try:
        batch = RecordSet(
            _WindowSource([windows for _, windows in waiting]),
            fs=wanted.fs,
            leads=wanted.leads,
            record_ids=[row["record_id"] for row, windows in waiting for _ in windows.starts],
        )
        ends = np.cumsum([len(windows.starts) for _, windows in waiting])
        return np.split(model.score_samples(batch), ends[:-1])
    except ECGError as error:
        if errors == "raise":
            raise
        if len(waiting) == 1:
            return [error]
        return [_scores(model, wanted, [one], errors)[0] for one in waiting]
