"""ECG5000 and ECG200 of the UCR time series archive: single beats, z-normalised."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DatasetError
from ..records import RecordSet
from ._dataset import ECGDataset
from ._ucr_files import find_split, read_split

SPLITS = ("train", "test")
#: What the numbers are, as the table's column `unit` has it.
UNIT = "standard deviations of the row"
_NOT_MV = "; each row is z-normalised: its unit is the row's own standard deviation, not mV"


@dataclass(frozen=True)
class _Archive:
    name: str
    n_samples: int
    fs: float
    n_rows: dict[str, int]
    classes: dict[int, str]
    normal: int
    one_patient: bool
    rule: str


_ECG5000 = _Archive(
    name="ECG5000",
    n_samples=140,
    fs=180.0,
    n_rows={"train": 500, "test": 4500},
    classes={
        1: "normal",
        2: "R-on-T premature ventricular contraction",
        3: "premature ventricular contraction",
        4: "supraventricular premature or ectopic beat",
        5: "unclassified beat",
    },
    normal=1,
    one_patient=True,
    rule="normal: class 1; anomaly: classes 2 to 5; all beats are one patient's" + _NOT_MV,
)
_ECG200 = _Archive(
    name="ECG200",
    n_samples=96,
    fs=120.0,
    n_rows={"train": 100, "test": 100},
    classes={1: "normal", -1: "myocardial infarction"},
    normal=1,
    one_patient=False,
    rule="normal: class 1; anomaly: class -1, myocardial infarction" + _NOT_MV,
)


def load_ecg5000(folder: str | Path, *, split: str | None = None) -> ECGDataset:
    """Load ECG5000: 5,000 beats of one patient with severe congestive heart failure.

    Parameters
    ----------
    folder : str or Path
        Holds ``ECG5000_TRAIN`` and ``ECG5000_TEST`` as ``.txt``, ``.tsv``, ``.csv``, ``.ts`` or
        ``.arff``; of several the first in this order is read.
    split : {"train", "test"}, optional
        One of the archive's splits, 500 and 4,500 rows; by default both, train first.

    Returns
    -------
    ECGDataset
        `X` has one lead, "ECG", and 140 samples. **Its unit is not mV**: each row is z-normalised,
        as `label_rule` and the column `unit` of `table` say, so that amplitude tells nothing and
        detectors trained on mV do not apply. Beats were stretched to 140 samples: `fs` = 180 Hz is
        nominal, from the mean beat of 194 samples at 250 Hz. `labels` has one column for each of
        the five classes; `groups` is the same for all beats, because all are one patient's (record
        chf07): no split by patient exists, and splitters that need two groups refuse it; use the
        archive's own splits. `excluded` counts the rows that the archive has and a file lacks.

    Raises
    ------
    DatasetError
        If a file is missing, or a row is malformed; the message names file and line.

    References
    ----------
    Goldberger et al., "PhysioBank, PhysioToolkit, and PhysioNet", Circulation 2000 (BIDMC
    Congestive Heart Failure Database). Chen et al., "A general framework for never-ending learning
    from time series streams", Data Mining and Knowledge Discovery 2015. Dau et al., "The UCR time
    series archive", IEEE/CAA Journal of Automatica Sinica 2019.
    """
    return _load(_ECG5000, Path(folder), split)


def load_ecg200(folder: str | Path, *, split: str | None = None) -> ECGDataset:
    """Load ECG200: 200 beats, normal or of a myocardial infarction.

    Parameters
    ----------
    folder : str or Path
        Holds ``ECG200_TRAIN`` and ``ECG200_TEST`` as ``.txt``, ``.tsv``, ``.csv``, ``.ts`` or
        ``.arff``; of several the first in this order is read.
    split : {"train", "test"}, optional
        One of the archive's splits, 100 rows each; by default both, train first.

    Returns
    -------
    ECGDataset
        `X` has one lead, "ECG", and 96 samples. **Its unit is not mV**: each row is z-normalised,
        as `label_rule` and the column `unit` of `table` say. The archive states neither rate nor
        patients: `fs` = 120 Hz is nominal, as if a beat took 0.8 s, and each row is a group of its
        own. `labels` has one column for each of the two classes.

    Raises
    ------
    DatasetError
        If a file is missing, or a row is malformed; the message names file and line.

    References
    ----------
    Olszewski, "Generalized feature extraction for structural pattern recognition in time-series
    data", PhD thesis, Carnegie Mellon University 2001. Dau et al., "The UCR time series archive",
    IEEE/CAA Journal of Automatica Sinica 2019.
    """
    return _load(_ECG200, Path(folder), split)


def _load(archive: _Archive, folder: Path, split: str | None) -> ECGDataset:
    import pandas as pd

    if split is not None and split not in SPLITS:
        raise DatasetError(f"split must be one of {SPLITS} or None, got {split!r}.")
    parts, tables, missing = [], [], 0
    for name in SPLITS if split is None else (split,):
        path = find_split(folder, archive.name, name)
        values, labels = read_split(path, archive.n_samples, set(archive.classes))
        if len(values) > archive.n_rows[name]:
            raise DatasetError(
                f"{path} has {len(values)} rows where {archive.name} has {archive.n_rows[name]}; "
                "download it again."
            )
        missing += archive.n_rows[name] - len(values)
        parts.append(values)
        tables.append(
            pd.DataFrame(
                {
                    "split": name,
                    "row": np.arange(1, len(values) + 1),
                    "class": labels,
                    "diagnosis": [archive.classes[label] for label in labels.tolist()],
                    "unit": UNIT,
                }
            )
        )
    table = pd.concat(tables, ignore_index=True)
    ids: Any = (table["split"] + "/" + table["row"].astype(str)).to_numpy(str)
    groups: Any = np.full(len(table), "chf07") if archive.one_patient else ids
    names = list(archive.classes.values())
    return ECGDataset(
        X=RecordSet(
            np.concatenate(parts)[:, None, :],
            fs=archive.fs,
            leads=("ECG",),
            record_ids=ids,
            patient_ids=groups,
            table=table,
        ),
        y=np.where(table["class"] == archive.normal, 1, -1),
        groups=groups,
        table=table,
        labels=pd.DataFrame({name: table["diagnosis"] == name for name in names}),
        name=archive.name,
        label_rule=archive.rule,
        excluded={"rows that the archive has and the file lacks": missing} if missing else {},
    )
