"""A table of scores and verdicts, one row a heartbeat."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..datasets import ECGDataset
from ..errors import ECGError, SignalError
from ..io import read_record
from ..leads import canonical_leads, reorder
from ..records import Record, RecordSet
from ..signal.beats import window_fits
from ..signal.r_peaks import find_r_peaks
from ..signal.resampling import resample_gaps
from ..verdicts import LOWEST_SCORE, verdicts
from ._model import ModelInput, conformal_of, model_input, threshold_of
from ._records import check_errors, opened
from ._windows import PlainWindows, WindowSource

if TYPE_CHECKING:
    import pandas as pd

#: Names of the lead of a model whose one lead has none, as hospitals and Holter recorders have it.
_LEAD_II = (("II",), ("MLII",))
_COLUMNS = ["record_id", "source", "sample", "time", "score", "verdict", "problem"]


def score_beats(
    model: Any,
    records: Iterable[Record | str | Path] | RecordSet | ECGDataset | Record | str | Path,
    *,
    leads: str | Sequence[str] | None = None,
    find_peaks: Callable[[np.ndarray, float], np.ndarray] = find_r_peaks,
    errors: str = "raise",
    read: Callable[[str | Path], Record] = read_record,
) -> pd.DataFrame:
    """Score every heartbeat of recordings of any rate and length.

    For models whose windows have an R peak in the middle, as those of `load_mitbih` have. R peaks
    are found in the first of the leads, and the leads are resampled to the model's rate.

    Parameters
    ----------
    model : detector, or Pipeline or threshold around one
        Fitted on windows around heartbeats: a `HeartbeatDetector`, or any other.
    records : RecordSet, ECGDataset of one, Record, str or Path, or iterable of the latter three
        Taken one after another: a generator may be longer than memory.
    leads : str or sequence of str, optional
        What the records call the model's leads, in its order. By default as the model does; a
        model whose one lead has no name takes II, else MLII.
    find_peaks : callable, default=`ecg_anomaly.signal.r_peaks.find_r_peaks`
        Given one lead, with NaN where samples are missing, and its rate in Hz, returns the R peaks
        in samples, ascending.
    errors : {"raise", "report"}, default="raise"
        What becomes of a record that cannot be read or has not the leads: an error, or one row
        without a sample that names the problem.
    read : callable, default=`ecg_anomaly.io.read_record`
        How paths are read.

    Returns
    -------
    DataFrame
        One row a heartbeat, in order: ``record_id``, ``source``, ``sample`` of the R peak at the
        record's own rate, ``time`` in s, ``score`` (higher = more normal), ``verdict`` ("not
        flagged", "flagged", "not scorable"), ``problem``. A beat too near to an end of the record,
        or to missing samples, for its window has no score; a record without a heartbeat has one
        row.

    Raises
    ------
    ECGError
        If the model is none that scores, or has thresholds of groups; with ``errors="raise"``, if
        a record cannot be read or lacks a lead.

    See Also
    --------
    score_records : one score a record.

    Examples
    --------
    >>> from ecg_anomaly import RecordSet, load_pretrained, make_ecg, score_beats
    >>> minute = RecordSet(make_ecg(1, duration=60, fs=250, random_state=0).X, fs=250)
    >>> table = score_beats(load_pretrained("mitbih-360hz"), minute)
    >>> table["verdict"].value_counts().to_dict()
    {'not flagged': 56, 'not scorable': 11}
    """
    import pandas as pd

    check_errors(errors)
    wanted = model_input(model)
    names = _names(wanted, leads)
    conformal = conformal_of(model)
    if conformal is not None and conformal.columns:
        raise ECGError(
            "the model has thresholds of groups of records; score_beats takes one threshold for "
            "all: calibrate without group_by."
        )
    threshold = threshold_of(model)
    tables = []
    for name, source, record in opened(records, read):
        try:
            if isinstance(record, ECGError):
                raise record
            beats = _scored(model, wanted, names, record, find_peaks)
        except ECGError as error:
            if errors == "raise":
                raise
            beats = _nothing(str(error))
        scorable = ~np.isnan(beats["score"])
        said = verdicts(beats["score"] - threshold, scorable)
        tables.append(pd.DataFrame({"record_id": name, "source": source, "verdict": said} | beats))
    if not tables:
        return pd.DataFrame(columns=_COLUMNS)
    table = pd.concat(tables, ignore_index=True)[_COLUMNS]
    # whole numbers beside the one that a record without a beat lacks
    return table.astype({"sample": "Int64"})


def _names(wanted: ModelInput, leads: str | Sequence[str] | None) -> Sequence[tuple[str, ...]]:
    """Return what records may call the model's leads, the first choice first."""
    if leads is not None:
        names = canonical_leads([leads] if isinstance(leads, str) else leads)
        if len(names) != wanted.n_leads:
            raise SignalError(
                f"leads={', '.join(names)}, but the model takes {wanted.n_leads}; name as many, "
                "in its order."
            )
        return [names]
    if wanted.leads:
        return [wanted.leads]
    if wanted.n_leads == 1:
        return _LEAD_II
    raise SignalError(
        f"the model does not know the names of its {wanted.n_leads} leads; give leads=."
    )


def _scored(model, wanted: ModelInput, names, record: Record, find_peaks) -> dict[str, Any]:
    """Return the columns of the beats of one record."""
    signal = _signal(record, names)
    if np.isinf(signal).any():
        raise SignalError(
            f"record {record.record_id!r}: infinite samples; replace them by NaN, which is missing."
        )
    peaks = _checked(find_peaks(signal[0], record.fs), record)
    if not len(peaks):
        return _nothing("no heartbeat was found; look at the signal, or give find_peaks=.")
    if record.fs != wanted.fs:
        signal = resample_gaps(signal, fs_in=record.fs, fs_out=wanted.fs)
    n_samples, n_total = wanted.n_samples, signal.shape[1]
    centers = np.rint(peaks * (wanted.fs / record.fs)).astype(np.int64)
    starts = centers - n_samples // 2
    problems = np.full(len(peaks), "", object)
    fits = window_fits(centers, n_samples, n_total)
    seconds = n_samples / 2 / wanted.fs
    problems[~fits] = f"less than {seconds:g} s from an end of the record"
    if not wanted.allow_nan:
        lacking = np.concatenate([[0], np.isnan(signal).any(axis=0).cumsum()])
        within = lacking[starts[fits] + n_samples] - lacking[starts[fits]]
        problems[np.flatnonzero(fits)[within > 0]] = f"samples are missing within {seconds:g} s"
    rows = np.flatnonzero(problems == "")
    scores = np.full(len(peaks), np.nan)
    if len(rows):
        windows = WindowSource([PlainWindows(signal, starts[rows], n_samples)], len(signal))
        # a model that knows its leads by other names than the record is given its own
        named = wanted.leads or names[0]
        scores[rows] = model.score_samples(RecordSet(windows, fs=wanted.fs, leads=named))
    refused = scores == LOWEST_SCORE
    scores[refused], problems[refused] = np.nan, "the quality gate refused it"
    return {
        "sample": peaks,
        "time": peaks / record.fs,
        "score": scores,
        "problem": problems,
    }


def _signal(record: Record, names: Sequence[tuple[str, ...]]) -> np.ndarray:
    """Return the model's leads of a record, by the first of the names that it has."""
    present = tuple(record.leads or ())
    chosen = next((leads for leads in names if set(leads) <= set(present)), names[0])
    try:
        return reorder(record.signal, present, chosen)
    except SignalError as error:
        raise SignalError(
            f"record {record.record_id!r}: {error} Or say by leads= what it calls the lead."
        ) from None


def _checked(peaks: Any, record: Record) -> np.ndarray:
    peaks = np.asarray(peaks)
    n_samples = record.signal.shape[1]
    whole = peaks.ndim == 1 and (peaks.dtype.kind in "iu" or not peaks.size)
    if not whole or (np.diff(peaks) <= 0).any() or ((peaks < 0) | (peaks >= n_samples)).any():
        raise SignalError(
            f"record {record.record_id!r}: find_peaks must return ascending samples between 0 and "
            f"{n_samples - 1}, as whole numbers."
        )
    return peaks.astype(np.int64)


def _nothing(problem: str) -> dict[str, Any]:
    return {
        "sample": [None],
        "time": np.array([np.nan]),
        "score": np.array([np.nan]),
        "problem": problem,
    }
