"""A table of scores and verdicts, one row a record."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..datasets import ECGDataset
from ..errors import ECGError, SignalError
from ..io import read_record
from ..quality import QualityGate
from ..records import Record, RecordSet
from ..verdicts import NOT_SCORABLE, verdicts
from ._gating import gate_windows, raw_windows
from ._known import known_of
from ._model import ModelInput, conformal_of, gated_of, record_input, threshold_of
from ._windows import Windows, WindowSource, plain_windows

if TYPE_CHECKING:
    import pandas as pd

# Windows scored together: bounds memory, changes no result.
_WINDOWS_AT_A_TIME = 128
_AGGREGATES: dict[str, Callable[[np.ndarray], float]] = {
    "min": np.min,
    "mean": np.mean,
    "median": np.median,
}
#: Name, source, and the record or why it cannot be read.
Opened = tuple[str, str, Record | ECGError]
_COLUMNS = [
    "record_id", "source", "score", "verdict", "n_windows", "n_refused", "findings", "problem",
]  # fmt: skip


def score_records(
    model: Any,
    records: Iterable[Record | str | Path] | RecordSet | ECGDataset | Record | str | Path,
    *,
    aggregate: str = "min",
    errors: str = "raise",
    read: Callable[[str | Path], Record] = read_record,
) -> pd.DataFrame:
    """Score records of any rate, lead order and length.

    Leads are picked by name, limb leads derived where two of them are present, and the signal is
    resampled to the model's rate. A record longer than the model's is cut into windows that
    overlap by half. A lead that is still missing is left to a `LeadImputer` where the model begins
    with one; else the record is refused. A shorter record is left to a `CropOrPad` likewise.

    A `GatedDetector`'s gate sees the raw signal of each window, at the record's own rate, of the
    leads that the model takes; windows that it refuses do not count, and a record without any other
    is not scorable.

    Parameters
    ----------
    model : detector, Pipeline or search
        Fitted.
    records : RecordSet, ECGDataset of one, Record, str or Path, or iterable of the latter three
        Taken one after another: a generator may be longer than memory.
    aggregate : {"min", "mean", "median"}, default="min"
        How a record's score follows from those of its windows. With ``"min"`` a record is flagged
        as soon as one window is, so that a false-alarm rate holds for each window, not for long
        records.
    errors : {"raise", "report"}, default="raise"
        What becomes of a record that cannot be scored: an error, or a row without a score that
        names the problem.
    read : callable, default=`ecg_anomaly.io.read_record`
        How paths are read; with ``functools.partial(read_record, fs=500)``, say, for files that do
        not tell their rate.

    Returns
    -------
    DataFrame
        One row a record, in order: ``record_id``, ``source``, ``score`` (higher = more normal),
        ``p_value`` where the model is a `ConformalDetector`, ``verdict`` ("not flagged",
        "flagged", "not scorable"), ``n_windows`` that were scored,
        ``n_refused`` that the gate refused, ``findings`` (what the reader and the gate found, a
        list of str), ``problem``.

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
    check_aggregate(aggregate)
    check_errors(errors)
    return score_opened(model, opened(records, read), aggregate, errors)


def check_aggregate(aggregate: str) -> None:
    """Refuse an unknown way to put windows together."""
    if aggregate not in _AGGREGATES:
        raise ValueError(f"aggregate must be one of {sorted(_AGGREGATES)}, got {aggregate!r}.")


def check_errors(errors: str) -> None:
    """Refuse an unknown way to treat records that cannot be scored."""
    if errors not in ("raise", "report"):
        raise ValueError(f'errors must be "raise" or "report", got {errors!r}.')


def score_opened(
    model: Any, items: Iterable[Opened], aggregate: str, errors: str = "report"
) -> pd.DataFrame:
    """Return the table of `score_records` for records that were opened already."""
    import pandas as pd

    wanted, gated = record_input(model), gated_of(model)
    score = model.score_samples if gated is None else gated.score_imputed
    conformal = conformal_of(model)
    calibrated_by = getattr(conformal, "aggregate_", aggregate)
    if calibrated_by != aggregate:
        raise ECGError(
            f"the model was calibrated with aggregate={calibrated_by!r} and promises nothing with "
            f"{aggregate!r}; score with the same, or calibrate anew."
        )
    columns = () if conformal is None else conformal.columns
    known: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    waiting: list[tuple[dict[str, Any], Any]] = []

    def flush():
        ready = waiting if gated is None else _let_through(waiting, gated.gate_)
        for row, windows in ready:
            row["n_windows"] = len(windows)
        ready = [item for item in ready if item[0]["n_windows"]]
        for (row, _), scores in zip(ready, _scores(score, wanted, ready, errors), strict=True):
            if isinstance(scores, ECGError):
                row["problem"] = str(scores)
                continue
            row["score"] = float(_AGGREGATES[aggregate](scores))
        waiting.clear()

    for name, source, record in items:
        row: dict[str, Any] = dict.fromkeys(_COLUMNS, "") | {"score": np.nan}
        row |= {"record_id": name, "source": source, "verdict": NOT_SCORABLE}
        row |= {"n_windows": 0, "n_refused": 0, "findings": []}
        rows.append(row)
        known.append(known_of(record, columns))
        try:
            if isinstance(record, ECGError):
                raise record
            row["findings"] = [str(finding) for finding in record.quality]
            windows = (plain_windows if gated is None else raw_windows)(record, wanted)
        except ECGError as error:
            if errors == "raise":
                raise
            row["problem"] = str(error)
            continue
        if waiting and waiting[0][1].length != windows.length:
            flush()
        waiting.append((row, windows))
        if sum(len(windows) for _, windows in waiting) >= _WINDOWS_AT_A_TIME:
            flush()
    flush()
    table = pd.DataFrame(rows, columns=_COLUMNS)
    thresholds: Any = threshold_of(model)
    scores = table["score"].to_numpy(float)
    if conformal is not None:
        told = pd.DataFrame(known, columns=list(columns)) if columns else None
        groups = conformal.names_of(told, len(rows))
        thresholds = conformal.thresholds_of(groups)
        table.insert(3, "p_value", conformal.p_values_of(scores, groups))
    table["verdict"] = verdicts(scores - thresholds, ~np.isnan(scores))
    return table


def opened(records: Any, read: Callable[[str | Path], Record]) -> Iterator[Opened]:
    """Yield name, source and record, or why it cannot be read."""
    if isinstance(records, str | os.PathLike | Record):
        records = [records]
    elif isinstance(records, ECGDataset):
        records = records.X
    if isinstance(records, np.ndarray):
        raise SignalError(
            f"an array of shape {records.shape} tells neither rate nor leads; wrap it as "
            "RecordSet(X, fs=...)."
        )
    if isinstance(records, RecordSet):
        for name, item in zip(records.record_ids, records.each(), strict=True):
            yield str(name), getattr(item, "source", ""), item
        return
    for item in records:
        if isinstance(item, Record):
            yield item.record_id, item.source, item
            continue
        try:
            record = read(item)
        except ECGError as error:
            yield Path(str(item)).stem, str(item), error
        else:
            yield record.record_id, record.source, record


def _let_through(waiting, gate: QualityGate) -> list[tuple[dict[str, Any], Windows]]:
    """Return rows, with what the gate says of each record, and the windows that may be scored."""
    answers = gate_windows([windows for _, windows in waiting], gate)
    ready: list[tuple[dict[str, Any], Windows]] = []
    for (row, _), answer in zip(waiting, answers, strict=True):
        row["n_refused"], row["findings"] = answer.n_refused, answer.findings
        row["problem"] = answer.problem
        ready.append((row, answer.windows))
    return ready


def _scores(score, wanted: ModelInput, waiting, errors: str) -> Sequence[np.ndarray | ECGError]:
    """Return the scores of each record's windows, or the error that a record alone causes."""
    if not waiting:
        return []
    try:
        batch = RecordSet(
            WindowSource([windows for _, windows in waiting], len(wanted.leads)),
            fs=wanted.fs,
            leads=wanted.leads,
            record_ids=[row["record_id"] for row, windows in waiting for _ in range(len(windows))],
        )
        ends = np.cumsum([len(windows) for _, windows in waiting])
        return np.split(score(batch), ends[:-1])
    except ECGError as error:
        if errors == "raise":
            raise
        if len(waiting) == 1:
            return [error]
        return [_scores(score, wanted, [one], errors)[0] for one in waiting]
