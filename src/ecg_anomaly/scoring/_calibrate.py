"""Threshold and p-values anew, on normals of the place where a model is used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..datasets import ECGDataset
from ..errors import DatasetError
from ..io import read_record
from ..model_selection import ConformalDetector
from ..model_selection.disjoint import record_digests
from ..records import Record, RecordSet
from ._known import known_of
from ._model import fitted_core
from ._records import Opened, check_aggregate, opened, score_opened


def calibrate(
    model: Any,
    records: Iterable[Record | str | Path] | RecordSet | ECGDataset,
    *,
    alpha: float = 0.05,
    group_by: str | Sequence[str] | None = None,
    bands: Mapping[str, Sequence[float]] | None = None,
    confidence: float | None = None,
    aggregate: str = "min",
    read: Callable[[str | Path], Record] = read_record,
    random_state=None,
) -> ConformalDetector:
    """Return the model with threshold and p-values set by normals of one's own.

    A false-alarm rate that was set on one database does not hold at another hospital: devices,
    filters and patients differ. The network stays as it is.

    Parameters
    ----------
    model : detector, Pipeline, search, or one of them behind a gate or with a threshold
        Fitted. A threshold that it already has is dropped.
    records : RecordSet, ECGDataset, or iterable of Record, str or Path
        Normal ECGs that the model was not trained on, scored as `score_records` scores them. Those
        that cannot be read or scored are left out, as are repetitions. An anomaly among them makes
        the model less sensitive; those that an ECGDataset tells of are left out.
    alpha : float in (0, 1), default=0.05
        False-alarm rate.
    group_by, bands, confidence
        As in `ConformalDetector`; columns are those of a RecordSet's table or the annotations of
        records, with age in years and sex as 0 (male) or 1 (female).
    aggregate : {"min", "mean", "median"}, default="min"
        How a record's score follows from those of its windows. The promise holds for records of
        like length that `score_records` scores with the same.
    read : callable, default=`ecg_anomaly.io.read_record`
        How paths are read.
    random_state : int, RandomState or None, default=None
        Chooses the one record of each patient that calibrates.

    Returns
    -------
    ConformalDetector
        Ready for `score_records` and `save`. `n_refused_` counts records that were left out: those
        without a score, and those that are there twice.

    Raises
    ------
    DatasetError
        If too few records can be scored for `alpha`.

    Examples
    --------
    >>> from ecg_anomaly import CAEDetector, RecordSet, make_ecg
    >>> here, there = (RecordSet(make_ecg(30, duration=4, random_state=seed).X) for seed in (0, 1))
    >>> detector = CAEDetector(max_epochs=1, random_state=0).fit(there)
    >>> calibrate(detector, here, alpha=0.1).n_refused_
    0
    """
    core = fitted_core(model)
    calibrated = ConformalDetector(
        core,
        alpha,
        cv="prefit",
        group_by=group_by,
        bands=None if bands is None else {name: list(edges) for name, edges in bands.items()},
        confidence=confidence,
        random_state=random_state,
    )
    calibrated._validate_params()
    check_aggregate(aggregate)
    if isinstance(records, ECGDataset):
        records = records[records.y == 1].X
    seen: list[tuple[str, dict[str, Any], np.uint64]] = []
    table = score_opened(core, _noted(opened(records, read), calibrated.columns, seen), aggregate)
    scores = table["score"].to_numpy(float)
    rows = np.flatnonzero(~np.isnan(scores))
    if not len(rows):
        first = table["problem"].iloc[0] if len(table) else "there is none"
        raise DatasetError(f"none of {len(table)} records can be scored: {first}")
    # the same record twice, by whatever name, tells no more than once
    digests = np.array([digest for _, _, digest in (seen[row] for row in rows)])
    rows = rows[np.sort(np.unique(digests, return_index=True)[1])]
    told = [seen[row] for row in rows]
    known = pd.DataFrame([known for _, known, _ in told], columns=list(calibrated.columns))
    calibrated.calibrate_on(
        scores[rows],
        groups=np.array([patient for patient, _, _ in told]),
        names=calibrated.names_of(known, len(rows)),
    )
    calibrated.tuned_on_ = np.array([digest for _, _, digest in told])
    calibrated.aggregate_ = aggregate
    calibrated.estimator_, calibrated.n_refused_ = core, len(table) - len(rows)
    return calibrated


def _noted(items: Iterable[Opened], columns: Sequence[str], seen: list) -> Iterator[Opened]:
    """Pass records on, noting patient, what is known, and digest of each."""
    for number, (name, source, record) in enumerate(items):
        if isinstance(record, Record):
            patient = record.patient_id or f"record {number}"
            digest = record_digests(record.signal[None])[0]
            seen.append((patient, known_of(record, columns), digest))
        else:
            seen.append(("", {}, np.uint64(0)))
        yield name, source, record
