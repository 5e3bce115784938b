"""MIT-BIH Arrhythmia Database (Moody and Mark 2001): beats of 48 half-hour records, 360 Hz."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DatasetError, SignalError
from ..leads import canonical_leads
from ..records import RecordSet
from ._beat_windows import BeatWindows, LongRecords
from ._dataset import ECGDataset, counted
from ._folders import is_file
from ._headers import ScannedHeader, scan_header
from ._mitbih_beats import AAMI_CLASSES, CLASSES, FLUTTER, Beats, annotated_beats, detected_beats

_FS = 360
# de Chazal, O'Dwyer and Reilly 2004
DS1 = (
    "101", "106", "108", "109", "112", "114", "115", "116", "118", "119", "122", "124", "201",
    "203", "205", "207", "208", "209", "215", "220", "223", "230",
)  # fmt: skip
DS2 = (
    "100", "103", "105", "111", "113", "117", "121", "123", "200", "202", "210", "212", "213",
    "214", "219", "221", "222", "228", "231", "232", "233", "234",
)  # fmt: skip
PACED = ("102", "104", "107", "217")
RECORDS = tuple(sorted((*DS1, *DS2, *PACED)))
#: Records of one person, under the number of the first.
_SAME_PERSON = {"202": "201"}

SPLITS = ("inter-patient", "inter-patient-strict", "intra-patient")
SUBSETS = ("train", "test")
R_PEAKS = ("annotated", "detected")
BUNDLE_BRANCH_BLOCK = ("normal", "abnormal")


def load_mitbih(
    folder: str | Path,
    *,
    split: str = "inter-patient",
    subset: str | None = None,
    r_peaks: str = "annotated",
    n_samples: int = 720,
    leads: Sequence[str] = ("MLII",),
    bundle_branch_block: str = "normal",
    paced: bool = False,
    fibrillation: bool = False,
) -> ECGDataset:
    """Load the beats of the MIT-BIH Arrhythmia Database as PhysioNet serves it.

    Each beat is a window with its R peak at sample ``n_samples // 2``.

    Parameters
    ----------
    folder : str or Path
        Holds the records, ``100.hea``, ``100.dat``, ``100.atr`` and so on.
    split : {"inter-patient", "inter-patient-strict", "intra-patient"}, default="inter-patient"
        What is training and test data:

        - ``"inter-patient"``: the records of DS1 and of DS2 [1]_. Records 201 (DS1) and 202 (DS2)
          are of the same man.
        - ``"inter-patient-strict"``: the same, but 202 is training data too, so that nobody is on
          both sides.
        - ``"intra-patient"``: the first and the second half of each record. Beats of everybody are
          on both sides: figures look far better than on new patients. Windows across the middle are
          left out.
    subset : {"train", "test"}, optional
        One side of the split; by default both, told apart by the column `subset` of `table`.
    r_peaks : {"annotated", "detected"}, default="annotated"
        Whether windows lie around the annotated beats, or around what `find_r_peaks` finds in the
        first of `leads`, as for new recordings. A detected peak takes the label of the annotated
        beat within 150 ms; what remains on either side is counted in `excluded`.
    n_samples : int, default=720
        Length of a window; 720 are 2 s.
    leads : sequence of str, default=("MLII",)
        Which leads, by name; records without one of them are left out. MLII is in all but 102 and
        104 (in 114 as the second), V1 in 40 records, V5 and V2 in few.
    bundle_branch_block : {"normal", "abnormal"}, default="normal"
        What beats of bundle branch block (L and R) are: normal, as AAMI EC57 [2]_ has it, or
        anomalies.
    paced : bool, default=False
        Whether to take in records 102, 104, 107 and 217, of patients with pacemakers, which EC57
        leaves out. Under a split by patient they are test data.
    fibrillation : bool, default=False
        Whether to take in what lies within ventricular flutter or fibrillation, which EC57 leaves
        out: beats, and flutter waves as anomalies of class VF.

    Returns
    -------
    ECGDataset
        `X` cuts windows when they are needed. `labels` has one column for each class of EC57: N
        (codes N L R e j), S (A a J S), V (V E), F (F), Q (/ f Q), and VF with `fibrillation`; all
        but N are anomalies. `groups` is the patient: 201 and 202 are one. `table` has for each beat
        its `record`, `sample` (of the R peak), `time` in s, `symbol`, `aami`, `rhythm`, `subset`,
        `age` in years and `sex` (0 male, 1 female) of the patient, and `abnormal_neighbour`:
        whether the window holds another beat that is abnormal, or a flutter wave. Leave such
        windows out of the normals to train on.
        `excluded` counts records and beats by reason.

    Raises
    ------
    DatasetError
        If the folder holds none of the records, a parameter is none of those above, or nothing is
        left.
    RecordFileError
        If a record's annotations are missing or damaged.

    References
    ----------
    Moody and Mark, "The impact of the MIT-BIH Arrhythmia Database", IEEE Eng in Med and Biol 2001.

    .. [1] de Chazal, O'Dwyer and Reilly, "Automatic classification of heartbeats using ECG
       morphology and heartbeat interval features", IEEE Trans Biomed Eng 2004.
    .. [2] ANSI/AAMI EC57, "Testing and reporting performance results of cardiac rhythm and ST
       segment measurement algorithms".
    """
    folder = Path(folder)
    for name, value, choices in (
        ("split", split, SPLITS),
        ("subset", subset, (*SUBSETS, None)),
        ("r_peaks", r_peaks, R_PEAKS),
        ("bundle_branch_block", bundle_branch_block, BUNDLE_BRANCH_BLOCK),
    ):
        if value not in choices:
            raise DatasetError(f"{name} must be one of {choices}, got {value!r}.")
    if not isinstance(n_samples, int | np.integer) or n_samples < 1:
        raise DatasetError(f"n_samples must be a whole number from 1 on, got {n_samples!r}.")
    try:
        wanted = canonical_leads(leads)
    except (SignalError, TypeError) as error:
        raise DatasetError(f"leads: {error}") from None
    if not wanted:
        raise DatasetError("leads must name at least one lead.")

    excluded: Counter[str] = Counter()
    headers = _choose(folder, wanted, split, subset, paced, excluded)
    records = LongRecords(folder, wanted)
    abnormal_symbols = {symbol for symbol, group in AAMI_CLASSES.items() if group != "N"}
    abnormal_symbols |= {"L", "R"} if bundle_branch_block == "abnormal" else set()
    parts = []
    for header in headers:
        beats = annotated_beats(header.path.with_suffix(""), header.n_samples)
        if r_peaks == "detected":
            beats = detected_beats(beats, records.signal(header.path.stem)[0], _FS, excluded)
        parts.append(
            beats.select(
                n_samples,
                header.n_samples,
                excluded,
                abnormal=abnormal_symbols,
                fibrillation=fibrillation,
                halves=split == "intra-patient",
            )
        )
    table = _table(headers, parts, split)
    if subset is not None:
        table = table[table["subset"] == subset].reset_index(drop=True)
    if table.empty:
        raise DatasetError(
            f"{folder}: no beat is left ({counted(excluded)}); take in more records, other "
            "leads or shorter windows."
        )
    return _dataset(table, headers, records, int(n_samples), abnormal_symbols, fibrillation,
                    bundle_branch_block, r_peaks, excluded)  # fmt: skip


def _side(name: str, split: str) -> str:
    """Return the side on which a split by patient puts a record."""
    if split == "inter-patient-strict":
        name = _SAME_PERSON.get(name, name)
    return "train" if name in DS1 else "test"


def _choose(
    folder: Path,
    leads: tuple[str, ...],
    split: str,
    subset: str | None,
    paced: bool,
    excluded: Counter[str],
) -> list[ScannedHeader]:
    """Return the headers of the records to take beats from."""
    there = [name for name in RECORDS if is_file(folder / f"{name}.hea")]
    if not there:
        raise DatasetError(
            f"{folder} holds none of the 48 records of the MIT-BIH Arrhythmia Database, such as "
            "100.hea; the folder must hold the database as PhysioNet serves it."
        )

    def chosen(name):
        return split == "intra-patient" or subset in (None, _side(name, split))

    excluded["records that the folder lacks"] = sum(
        chosen(name) and name not in there and (paced or name not in PACED) for name in RECORDS
    )
    headers = []
    for name in filter(chosen, there):
        if name in PACED and not paced:
            excluded["records of patients with pacemakers"] += 1
            continue
        header = scan_header(folder / f"{name}.hea")
        if header.fs != _FS:
            raise DatasetError(
                f"{header.path}: {header.fs:g} Hz where the MIT-BIH Arrhythmia Database has {_FS}; "
                "download it again."
            )
        if set(leads) <= set(header.leads):
            headers.append(header)
        else:
            excluded[f"records without lead(s) {', '.join(leads)}"] += 1
    return headers


def _table(headers: list[ScannedHeader], parts: list[Beats], split: str):
    import pandas as pd

    frames = []
    for number, (header, beats) in enumerate(zip(headers, parts, strict=True)):
        name = header.path.stem
        # "69 M 1085 1629 x1": age, -1 where unknown, and sex
        person = next(
            filter(None, (re.match(r"(\d+|-1) ([MF])\b", c) for c in header.comments)), None
        )
        subset: Any = _side(name, split)
        if split == "intra-patient":
            subset = np.where(beats.sample < header.n_samples // 2, "train", "test")
        frames.append(
            pd.DataFrame(
                {
                    "record": name,
                    "sample": beats.sample,
                    "time": beats.sample / header.fs,
                    "symbol": beats.symbol,
                    "aami": [AAMI_CLASSES[symbol] for symbol in beats.symbol.tolist()],
                    "rhythm": beats.rhythm,
                    "subset": subset,
                    "abnormal_neighbour": beats.abnormal_neighbour,
                    "age": np.nan if person is None or person[1] == "-1" else float(person[1]),
                    "sex": np.nan if person is None else float(person[2] == "F"),
                    "number": number,
                }
            )
        )
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _dataset(
    table,
    headers: list[ScannedHeader],
    records: LongRecords,
    n_samples: int,
    abnormal: set[str],
    fibrillation: bool,
    bundle_branch_block: str,
    r_peaks: str,
    excluded: Counter[str],
) -> ECGDataset:
    import pandas as pd

    names = [header.path.stem for header in headers]
    numbers = table.pop("number").to_numpy()
    ids: Any = (table["record"] + "/" + table["sample"].astype(str)).to_numpy(str)
    patients: Any = table["record"].replace(_SAME_PERSON).to_numpy(str)
    classes = [*CLASSES, FLUTTER] if fibrillation else CLASSES
    as_normal = "with" if bundle_branch_block == "normal" else "without"
    return ECGDataset(
        X=RecordSet(
            BeatWindows(records, names, numbers, table["sample"].to_numpy(), n_samples),
            fs=_FS,
            leads=records.leads,
            record_ids=ids,
            patient_ids=patients,
            table=table,
        ),
        y=np.where(table["symbol"].isin(abnormal), -1, 1),
        groups=patients,
        table=table,
        labels=pd.DataFrame({name: table["aami"] == name for name in classes}),
        name=f"MIT-BIH beats, {', '.join(records.leads)}",
        label_rule=(
            f"by the annotated beat; normal: class N of AAMI EC57, {as_normal} bundle branch "
            f"block; anomaly: every other beat; windows around {r_peaks} R peaks"
        ),
        excluded={reason: count for reason, count in excluded.items() if count},
    )
