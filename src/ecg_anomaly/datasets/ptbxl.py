"""PTB-XL (Wagner et al., Scientific Data 2020): 21,799 12-lead ECGs of 10 s."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..errors import DatasetError, ECGWarning
from ..leads import STANDARD_LEADS
from ..records import RecordSet
from ._dataset import ECGDataset
from ._files import RecordFiles
from ._people import clean_ages, clean_sexes
from ._ptbxl_labels import (
    LABEL_RULES,
    LABEL_SETS,
    label_indicator,
    label_targets,
    normal_or_anomaly,
    parse_codes,
)
from ._tables import flags, read_table, relative_paths, unique, whole_numbers

_DURATION = 10
_FILE_COLUMN = {100: "filename_lr", 500: "filename_hr"}


def load_ptbxl(
    folder: str | Path,
    *,
    folds: Iterable[int] | None = None,
    fs: int = 100,
    normal: str = "superclass",
    label_set: str = "superclass",
    min_likelihood: float = 0.0,
    validated_by_human: bool = False,
) -> ECGDataset:
    """Load PTB-XL as PhysioNet serves it.

    Parameters
    ----------
    folder : str or Path
        Holds ``ptbxl_database.csv``, ``scp_statements.csv`` and the records.
    folds : iterable of int, optional
        Of `strat_fold`, 1 to 10; by default all. Patients never stand in two folds.
    fs : {100, 500}, default=100
        Which of the two sets of files, in Hz.
    normal : {"superclass", "strict", "all"}, default="superclass"
        What is normal and what an anomaly, by all statements of a record, whatever their
        likelihood:

        - ``"superclass"``: normal has NORM as its only diagnostic superclass; an anomaly has at
          least one and not NORM. The rest is left out. Such normals still hold premature beats,
          atrial fibrillation and paced rhythms, which are no diagnostic statements.
        - ``"strict"``: normal has NORM with a likelihood of at least 80, sinus rhythm and no
          other statement of diagnosis, form or rhythm. Everything with another statement is an
          anomaly; what only misses the likelihood or the rhythm is left out.
        - ``"all"``: normals as under ``"superclass"``; every other record is an anomaly and none
          is left out, as multi-label diagnosis wants it.
    label_set : {"superclass", "subclass", "diagnostic", "form", "rhythm", "all"}, \
default="superclass"
        Which diagnoses the columns of `labels` are: 5 superclasses or 23 subclasses of the
        diagnostic statements, sorted by name; or the 44 diagnostic, 19 form, 12 rhythm or all 71
        statements, in the order of ``scp_statements.csv``. Four statements are both diagnostic
        and form. All columns are there, also those that no record has.
    min_likelihood : float, default=0.0
        From 0 to 100, for `labels` only. Statements with a lower likelihood do not count. A
        likelihood of 0 means that none was stated, as in nearly all statements of rhythm and
        most of form: these always count.
    validated_by_human : bool, default=False
        Whether to leave out the records that no person looked at.

    Returns
    -------
    ECGDataset
        `X` reads the files when they are needed; `labels` as chosen; `table` has the columns of
        the database, with `scp_codes` as dictionaries, `age` in years (NaN unknown, 90 for the
        ages over 89 that newer versions hide as 300) and `sex` (0 male, 1 female, NaN unknown);
        `excluded` counts what was left out.

    Raises
    ------
    DatasetError
        If a file or column is missing, a value makes no sense, a parameter is none of those
        above, or nothing is left.

    Warns
    -----
    ECGWarning
        If records have statements that ``scp_statements.csv`` does not know: they do not count.

    References
    ----------
    Wagner et al., "PTB-XL, a large publicly available electrocardiography dataset", Scientific
    Data 2020. Label sets and folds: Strodthoff et al., "Deep learning for ECG analysis: benchmarks
    and insights from PTB-XL", IEEE J Biomed Health Inform 2021.
    """
    import pandas as pd

    folder = Path(folder)
    if fs not in _FILE_COLUMN:
        raise DatasetError(f"PTB-XL has files at 100 and 500 Hz, not at fs={fs!r}.")
    for name, value, choices in (
        ("normal", normal, LABEL_RULES),
        ("label_set", label_set, LABEL_SETS),
    ):
        if value not in choices:
            raise DatasetError(f"{name} must be one of {sorted(choices)}, got {value!r}.")
    least = _checked_likelihood(min_likelihood)
    chosen = None if folds is None else _checked_folds(folds)
    database, descriptions = folder / "ptbxl_database.csv", folder / "scp_statements.csv"
    columns = ["ecg_id", "patient_id", "scp_codes", "strat_fold", _FILE_COLUMN[fs]]
    if validated_by_human:
        columns.append("validated_by_human")
    table = read_table(database, columns, "PTB-XL")
    group = LABEL_SETS[label_set]
    needed = {"diagnostic_class", group} - {None}
    statements = read_table(descriptions, sorted(map(str, needed)), "PTB-XL", index_col=0)
    superclass_of = label_targets(statements, "superclass", descriptions)
    if "NORM" not in superclass_of.values():
        raise DatasetError(f"{descriptions} lacks NORM; download it again.")
    targets = label_targets(statements, label_set, descriptions)

    table = table.assign(
        ecg_id=unique(whole_numbers(table["ecg_id"], database), database),
        patient_id=whole_numbers(table["patient_id"], database),
        strat_fold=whole_numbers(table["strat_fold"], database, low=1, high=10),
    )
    if chosen is not None:
        table = table[table["strat_fold"].isin(chosen)]
    if table.empty:
        raise DatasetError(f"{folder}: no record lies in folds {sorted(chosen or range(1, 11))}.")
    reasons = {}
    if validated_by_human:
        seen = flags(table["validated_by_human"], database)
        reasons["not validated by a human"] = int((~seen).sum())
        table = table[seen]
    codes = [
        parse_codes(text, f"{database}: scp_codes of record {ecg_id}")
        for ecg_id, text in zip(table["ecg_id"], table["scp_codes"], strict=True)
    ]
    table = table.assign(
        scp_codes=pd.Series(codes, index=table.index, dtype=object),
        age=clean_ages(table["age"], str(database)) if "age" in table else np.nan,
        sex=clean_sexes(table["sex"]) if "sex" in table else np.nan,
    )
    known = set(map(str, statements.index))
    _warn_of_unknown(table, known, descriptions)
    superclasses = label_indicator(table["scp_codes"], superclass_of, ordered=True)
    y, unclear = normal_or_anomaly(normal, table["scp_codes"], superclasses, known)
    kept = y != 0
    if not kept.any():
        raise DatasetError(f"{folder}: no record has a label under normal={normal!r}.")
    table = table[kept]
    names = relative_paths(table[_FILE_COLUMN[fs]], database)
    records = RecordSet(
        RecordFiles(folder, names, fs=fs, n_samples=fs * _DURATION, database="PTB-XL"),
        fs=fs,
        leads=STANDARD_LEADS,
        record_ids=table["ecg_id"].to_numpy(),
        patient_ids=table["patient_id"].to_numpy(),
        table=table,
    )
    return ECGDataset(
        X=records,
        y=y[kept],
        groups=records.patient_ids,
        table=table,
        labels=label_indicator(
            table["scp_codes"],
            targets,
            ordered=label_set in ("superclass", "subclass"),
            min_likelihood=least,
        ),
        name=f"PTB-XL {fs} Hz",
        label_rule=LABEL_RULES[normal],
        excluded={reason: count for reason, count in (reasons | unclear).items() if count},
    )


def _checked_folds(folds: Iterable[int]) -> set[int]:
    try:
        chosen = {int(fold) for fold in folds}
    except (TypeError, ValueError):
        raise DatasetError(f"folds must be numbers from 1 to 10, got {folds!r}.") from None
    if not chosen <= set(range(1, 11)):
        raise DatasetError(f"PTB-XL has folds 1 to 10, got {sorted(chosen)}.")
    return chosen


def _checked_likelihood(value: float) -> float:
    try:
        least = float(value)
    except (TypeError, ValueError):
        least = np.nan
    if not 0 <= least <= 100:
        raise DatasetError(f"min_likelihood must be a number from 0 to 100, got {value!r}.")
    return least


def _warn_of_unknown(table, known: set[str], path: Path) -> None:
    unknown = [set(codes) - known for codes in table["scp_codes"]]
    n_records = sum(map(bool, unknown))
    if n_records:
        warnings.warn(
            f"{n_records} record(s) have statements that {path} does not know "
            f"({', '.join(sorted(set.union(*unknown)))[:200]}); these do not count. Take both "
            "tables from one version of PTB-XL.",
            ECGWarning,
            stacklevel=3,
        )
