"""Scoring of records as they come: any rate, any order of leads, any length."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sklearn.pipeline import Pipeline

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
    """What a model takes: rate in Hz, leads by name, samples, and whether NaN may stand in it."""

    fs: float
    leads: tuple[str, ...]
    n_samples: int
    allow_nan: bool


def model_input(model: Any) -> ModelInput:
    """Return what a fitted detector, or a Pipeline that ends in one, takes.

    A model fitted on arrays of twelve leads is taken to have them in the standard order.

    Raises
    ------
    SignalError
        If nobody named the model's leads and they are not twelve.
    """
    steps = [step for _, step in model.steps] if isinstance(model, Pipeline) else [model]
    first = steps[0]
    rates = (getattr(step, getattr(step, "_rate_name", None) or "fs_", None) for step in steps)
    fs = next(float(rate) for rate in rates if rate is not None)
    leads = next((step.leads_ for step in steps if step.leads_), ())
    if not leads and first.n_leads_in_ == len(STANDARD_LEADS):
        leads = STANDARD_LEADS
    if not leads:
        raise SignalError(
            f"the model does not know the names of its {first.n_leads_in_} leads; fit it on a "
            "RecordSet, or give the detector leads=."
        )
    n_samples = first.n_features_in_ // first.n_leads_in_
    return ModelInput(fs, tuple(leads), n_samples, first._allow_nan)


def score_records(
    model: Any,
    records: Iterable[Record | str | Path] | RecordSet,
    *,
    aggregate: str = "min",
    errors: str = "raise",
) -> pd.DataFrame:
    """Score records of any rate, lead order and length.

    Leads are picked by name, limb leads derived where two of them are present, and the signal is
    resampled to the model's rate. A record longer than the model's is cut into windows that
    overlap by half. A lead that is still missing is left to a `LeadImputer` where the model begins
    with one; else the record is refused.

    Parameters
    ----------
    model : detector or Pipeline
        Fitted.
    records : RecordSet or iterable of Record, str or Path
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
        With ``errors="raise"``, if a record cannot be read or scored.

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
    wanted = model_input(model)
    offset = (model[-1] if isinstance(model, Pipeline) else model).offset_
    rows: list[dict[str, Any]] = []
    waiting: list[tuple[dict[str, Any], np.ndarray]] = []

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
        row["n_windows"] = len(windows)
        waiting.append((row, windows))
        if sum(len(windows) for _, windows in waiting) >= _WINDOWS_AT_A_TIME:
            flush()
    flush()
    return pd.DataFrame(rows, columns=_COLUMNS)


def _windows(record: Record, wanted: ModelInput) -> np.ndarray:
    """Return views of shape (n_windows, n_leads, n_samples) that cover the record."""
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
    try:
        signal = reorder(signal, leads, wanted.leads, missing=missing)
    except SignalError as error:
        raise SignalError(f"{where}: {error}") from None
    n_samples = signal.shape[1]
    if n_samples < wanted.n_samples:
        raise SignalError(
            f"{where}: {record.duration:g} s is shorter than the "
            f"{wanted.n_samples / wanted.fs:g} s that the model takes; record longer, or pad it "
            "with CropOrPad, knowing that padding is not ECG."
        )
    n_windows = 1 + -(-(n_samples - wanted.n_samples) // max(1, wanted.n_samples // 2))
    starts = np.linspace(0, n_samples - wanted.n_samples, n_windows).round().astype(int)
    return np.lib.stride_tricks.sliding_window_view(signal, wanted.n_samples, axis=1)[
        :, starts
    ].transpose(1, 0, 2)


def _scores(model, wanted: ModelInput, waiting, errors: str) -> Sequence[np.ndarray | ECGError]:
    """Return the scores of each record's windows, or the error that a record alone causes."""
    if not waiting:
        return []
    parts = [windows for _, windows in waiting]
    try:
        batch = RecordSet(
            np.concatenate(parts),
            fs=wanted.fs,
            leads=wanted.leads,
            record_ids=[row["record_id"] for row, windows in waiting for _ in windows],
        )
        ends = np.cumsum([len(part) for part in parts])
        return np.split(model.score_samples(batch), ends[:-1])
    except ECGError as error:
        if errors == "raise":
            raise
        if len(waiting) == 1:
            return [error]
        return [_scores(model, wanted, [one], errors)[0] for one in waiting]
