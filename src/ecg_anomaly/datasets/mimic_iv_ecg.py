"""MIMIC-IV-ECG (Gow et al., PhysioNet 2023): 800,035 12-lead ECGs of 10 s."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import DatasetError
from ..leads import STANDARD_LEADS
from ..records import RecordSet
from ._dataset import ECGDataset
from ._files import RecordFiles
from ._people import OLDEST_AGE, clean_sexes
from ._tables import read_table, refuse_rows, relative_paths, unique, whole_numbers

if TYPE_CHECKING:
    import pandas as pd

_FS = 500
_DURATION = 10
_N_REPORTS = 18

NORMAL_STATEMENTS = ("Sinus rhythm", "Normal ECG")
ABNORMAL_STATEMENTS = ("Abnormal ECG",)
#: Neither normal nor clearly abnormal; "Normal ECG" beside one of them would be a contradiction.
DENY = ("Abnormal ECG", "Otherwise normal ECG", "Borderline ECG", "Normal ECG except for rate")
#: Disease and pacing, as whole words: a report of them is not normal, whatever it says besides.
DENY_WORDS = (
    # rhythm: a rate out of 60 to 100 a minute is no "Sinus rhythm" either
    "fibrillation", "flutter", "tachycardia", "bradycardia", "asystole",
    "premature", "ectopic", "ectopy", "escape", "bigeminy", "trigeminy", "PAC", "PVC",
    # conduction
    "block", "blocked", "LBBB", "RBBB", "dissociation", "WPW", "preexcitation", "pre-excitation",
    # infarction and ischemia
    "infarct", "infarction", "infarcts", "ischemia", "ischemic", "injury", "MI", "STEMI",
    # hypertrophy
    "hypertrophy", "LVH", "RVH",
    # pacing
    "pacemaker", "pacing", "paced",
)  # fmt: skip
#: What a cart's statements about a recording that it could not read well have in common.
POOR_QUALITY = (
    "data quality",
    "poor quality",
    "unsuitable for analysis",
    "lead reversal",
    "leads are missing",
    "measurement error",
    "analysis error",
)


def load_mimic_iv_ecg(
    folder: str | Path,
    *,
    normal_statements: Sequence[str] = NORMAL_STATEMENTS,
    abnormal_statements: Sequence[str] = ABNORMAL_STATEMENTS,
    deny: Sequence[str] = DENY,
    deny_words: Sequence[str] = DENY_WORDS,
    poor_quality: Sequence[str] = POOR_QUALITY,
    patients: str | Path | None = None,
) -> ECGDataset:
    """Load MIMIC-IV-ECG as PhysioNet serves it, labelled by the carts' own statements.

    The labels are those of a machine: a cart's reading of each ECG, not a cardiologist's.

    Statements are compared as a whole, without regard to case, repeated spaces, and dashes,
    asterisks and periods at their ends: "Abnormal ECG" and "Otherwise normal ECG" are not
    "Normal ECG", though they contain the words.

    Parameters
    ----------
    folder : str or Path
        Holds ``record_list.csv``, ``machine_measurements.csv`` and the records below ``files/``.
    normal_statements : sequence of str, default=("Sinus rhythm", "Normal ECG")
        A report with **all** of them, none of `deny` or `abnormal_statements`, and none of
        `deny_words` in any other statement, is normal.
    abnormal_statements : sequence of str, default=("Abnormal ECG",)
        A report with **any** of them is an anomaly, unless it has all of `normal_statements`.
    deny : sequence of str
        Statements with which a report is not normal, whatever else it says; by default "Abnormal
        ECG", "Otherwise normal ECG", "Borderline ECG" and "Normal ECG except for rate".
    deny_words : sequence of str
        Words or phrases of clear disease or pacing. A report that would be normal, but has one of
        them as whole words in any statement beside `normal_statements`, is left out: neither
        "Sinus rhythm, Normal ECG, Atrial fibrillation" nor "..., Pacemaker spikes present" is
        normal. Denials ("no longer atrial fibrillation") are left out too, to be safe. By default
        they are about rhythm (fibrillation, flutter, tachycardia, bradycardia, premature, ectopic,
        escape and more), conduction (block, WPW and more), infarction and ischemia, hypertrophy
        and pacing: see ``DENY_WORDS`` of this module. Other remarks, such as "Sinus arrhythmia",
        "Short PR interval", "Low voltage" or a comparison with an earlier ECG, deny nothing. An
        empty sequence leaves the verdict to whole statements.
    poor_quality : sequence of str
        Reports with one of these words anywhere in a statement are left out; by default "data
        quality", "poor quality", "unsuitable for analysis", "lead reversal", "leads are missing",
        "measurement error" and "analysis error".
    patients : str or Path, optional
        ``patients.csv`` or ``patients.csv.gz`` of MIMIC-IV's module hosp, which holds what this
        database does not: age and sex.

    Returns
    -------
    ECGDataset
        `X` reads the files when they are needed, 12 leads at 500 Hz, by name: the files have aVF
        before aVL and aVR. `table` has the columns of both tables but for names of files, reports
        as categories and measurements as they are (29999: not measured); with `patients` also
        `age` at the time of the ECG in years (90 for those over 89, as MIMIC-IV hides them; NaN
        unknown) and `sex` (0 male, 1 female, NaN unknown). `labels` is None.
        `excluded` counts what is neither clearly normal nor clearly abnormal, by the first reason
        that applies.

    Raises
    ------
    DatasetError
        If a file or column is missing, a value makes no sense, a path leads out of the folder, or
        nothing is left.

    References
    ----------
    Gow et al., "MIMIC-IV-ECG: Diagnostic electrocardiogram matched subset" (version 1.0),
    PhysioNet 2023, doi:10.13026/4nqg-sb35.
    """
    folder = Path(folder)
    statements = {
        "normal_statements": _checked(normal_statements, "normal_statements"),
        "abnormal_statements": _checked(abnormal_statements, "abnormal_statements"),
        "deny": _checked(deny, "deny", empty=True),
        "deny_words": _checked(deny_words, "deny_words", empty=True),
        "poor_quality": _checked(poor_quality, "poor_quality", empty=True),
    }
    table = _read_tables(folder)
    y, excluded = _labels(table, **statements)
    kept = y != 0
    if not kept.any():
        raise DatasetError(
            f"{folder}: no report is clearly normal or abnormal by the statements given; check "
            "their wording."
        )
    table = table[kept]
    paths = relative_paths(table.pop("path"), folder / "record_list.csv")
    table = table.reset_index(drop=True)
    if patients is not None:
        table = _with_people(table, Path(patients))
    ids: Any = table["study_id"].to_numpy()
    subjects: Any = table["subject_id"].to_numpy()
    records = RecordSet(
        RecordFiles(folder, paths, fs=_FS, n_samples=_FS * _DURATION, database="MIMIC-IV-ECG"),
        fs=_FS,
        leads=STANDARD_LEADS,
        record_ids=ids,
        patient_ids=subjects,
        table=table,
    )
    return ECGDataset(
        X=records,
        y=y[kept],
        groups=records.patient_ids,
        table=table,
        name="MIMIC-IV-ECG 500 Hz",
        label_rule=(
            f"by the cart's statements; normal: {_listed(normal_statements, 'and')}"
            f"{', without a word of disease or pacing' if deny_words else ''}; anomaly: "
            f"{_listed(abnormal_statements, 'or')}; of poor quality, or neither or both: left out"
        ),
        excluded=excluded,
    )


def _key(statement: str) -> str:
    """Return a statement in the form in which statements are compared."""
    return re.sub(r"\s+", " ", str(statement)).strip(" -*.").casefold()


def _checked(statements: Sequence[str], name: str, *, empty: bool = False) -> list[str]:
    if isinstance(statements, str) or not isinstance(statements, Iterable):
        raise DatasetError(f"{name} must be a sequence of statements, got {statements!r}.")
    keys = [_key(statement) for statement in statements]
    if not all(keys) or not (keys or empty):
        raise DatasetError(f"{name} must hold statements that are not empty, got {statements!r}.")
    return list(dict.fromkeys(keys))


def _listed(statements: Sequence[str], word: str) -> str:
    return f" {word} ".join(f'"{statement}"' for statement in statements)


def _read_tables(folder: Path) -> pd.DataFrame:
    """Return the record list with the machine's measurements, row by row."""
    import pandas as pd

    listed, measured = folder / "record_list.csv", folder / "machine_measurements.csv"
    database = "MIMIC-IV-ECG"
    columns = ["subject_id", "study_id", "ecg_time", "path"]
    records = read_table(listed, columns, database)
    reports = [f"report_{k}" for k in range(_N_REPORTS)]
    measurements = read_table(
        measured,
        ["subject_id", "study_id", "report_0"],
        database,
        # each column holds the same statements over and over
        dtype=dict.fromkeys([*reports, "bandwidth", "filtering"], "category"),
        usecols=lambda name: name not in ("cart_id", "ecg_time"),
    )
    if records.empty:
        raise DatasetError(f"{listed} lists no record; download it again.")
    for table, path in ((records, listed), (measurements, measured)):
        for name in ("subject_id", "study_id"):
            table[name] = whole_numbers(table[name], path)
        unique(table["study_id"], path)
    records["ecg_time"] = _times(records["ecg_time"], listed)
    found = measurements.set_index("study_id").reindex(records["study_id"]).reset_index(drop=True)
    whose = found.pop("subject_id")
    refuse_rows(
        records["subject_id"],
        (whose.notna() & (whose != records["subject_id"])).to_numpy(bool),
        listed,
        "but another subject in machine_measurements.csv",
    )
    return pd.concat([records.drop(columns="file_name", errors="ignore"), found], axis=1)


def _times(values: pd.Series, path: Path) -> pd.Series:
    import pandas as pd

    times = pd.to_datetime(values, format="%Y-%m-%d %H:%M:%S", errors="coerce")
    refuse_rows(
        values, (times.isna() & values.notna()).to_numpy(bool), path, "which is no date and time"
    )
    return times


def _labels(
    table: pd.DataFrame,
    *,
    normal_statements: list[str],
    abnormal_statements: list[str],
    deny: list[str],
    deny_words: list[str],
    poor_quality: list[str],
) -> tuple[np.ndarray, dict[str, int]]:
    """Return +1, -1 or 0 (left out) for each report, and how many were left out and why."""
    n = len(table)
    has_normal = np.zeros((len(normal_statements), n), bool)
    abnormal, denied, diseased, poor, any_report = (np.zeros(n, bool) for _ in range(5))
    words = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, deny_words)) or '(?!)'})(?!\w)")
    for column in (name for name in table if re.fullmatch(r"report_\d+", str(name))):
        # what holds of each category once, and last of a missing statement: it has the code -1
        keys = [_key(text) for text in table[column].cat.categories] + [""]
        codes = table[column].cat.codes.to_numpy()
        for k, statement in enumerate(normal_statements):
            has_normal[k] |= np.array([key == statement for key in keys])[codes]
        abnormal |= np.array([key in abnormal_statements for key in keys])[codes]
        denied |= np.array([key in deny for key in keys])[codes]
        diseased |= np.array(
            [key not in normal_statements and words.search(key) is not None for key in keys]
        )[codes]
        poor |= np.array([any(word in key for word in poor_quality) for key in keys])[codes]
        any_report |= np.array([bool(key) for key in keys])[codes]
    all_normal = has_normal.all(axis=0)
    normal = all_normal & ~denied & ~abnormal & ~diseased
    y = np.where(normal, 1, np.where(abnormal & ~all_normal, -1, 0))
    y[poor] = 0
    reasons = {
        "without a report": ~any_report,
        "of poor quality, by the cart": poor,
        "normal and denied at once": all_normal & (denied | abnormal),
        "normal with a word of disease or pacing": all_normal,
        "neither clearly normal nor clearly abnormal": np.ones(n, bool),
    }
    left, excluded = y == 0, {}
    for reason, applies in reasons.items():
        excluded[reason] = int((left & applies).sum())
        left &= ~applies
    return y, {reason: count for reason, count in excluded.items() if count}


def _with_people(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Return the table with age and sex from the patients of MIMIC-IV."""
    columns = ["subject_id", "gender", "anchor_age", "anchor_year"]
    people = read_table(path, columns, "MIMIC-IV's module hosp", usecols=columns)
    for name in ("subject_id", "anchor_age", "anchor_year"):
        people[name] = whole_numbers(people[name], path)
    unique(people["subject_id"], path)
    rows = people.set_index("subject_id").reindex(table["subject_id"]).reset_index(drop=True)
    # dates of a patient are shifted together: the difference in years is true
    age = rows["anchor_age"] + table["ecg_time"].dt.year - rows["anchor_year"]
    return table.assign(
        age=age.clip(upper=OLDEST_AGE).astype(float), sex=clean_sexes(rows["gender"])
    )
