"""PTB-XL (Wagner et al., Scientific Data 2020): 21,799 12-lead ECGs of 10 s."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import DatasetError
from ..io import read_record
from ..leads import STANDARD_LEADS
from ..records import RecordSet
from ._dataset import ECGDataset

if TYPE_CHECKING:
    import pandas as pd

_DURATION = 10
_FILE_COLUMN = {100: "filename_lr", 500: "filename_hr"}
_CERTAIN = 80.0

LABEL_RULES = {
    "superclass": (
        "normal: NORM is the only diagnostic superclass; anomaly: at least one superclass and "
        "not NORM; without a superclass, or NORM with others: left out"
    ),
    "strict": (
        "normal: NORM with a likelihood of at least 80, in sinus rhythm, with no other statement "
        "of diagnosis, form or rhythm; anomaly: any other superclass, form or rhythm than NORM and "
        "sinus rhythm; NORM with a lower or unstated likelihood or no rhythm: left out"
    ),
}


class _PTBXLFiles:
    """The records' files as the source of a RecordSet."""

    def __init__(self, folder: Path, names: np.ndarray, fs: int):
        self.folder = folder
        self.names = names
        self.fs = fs
        self.shape = (len(names), len(STANDARD_LEADS), fs * _DURATION)

    def read(self, rows: np.ndarray) -> np.ndarray:
        out = np.empty((len(rows), *self.shape[1:]), np.float32)
        for k, row in enumerate(rows):
            record = read_record(self.folder / self.names[row])
            if record.fs != self.fs or record.signal.shape[1] != self.shape[2]:
                raise DatasetError(
                    f"{record.source}: {record.signal.shape[1]} samples at {record.fs:g} Hz where "
                    f"PTB-XL has {self.shape[2]} at {self.fs}; download the file again."
                )
            out[k] = record.select_leads(STANDARD_LEADS)
        return out


def load_ptbxl(
    folder: str | Path,
    *,
    folds: Iterable[int] | None = None,
    fs: int = 100,
    labels: str = "superclass",
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
    labels : {"superclass", "strict"}, default="superclass"
        What is normal and what an anomaly:

        - ``"superclass"``: normal has NORM as its only diagnostic superclass; an anomaly has at
          least one and not NORM. The rest is left out. Such normals still hold premature beats,
          atrial fibrillation and paced rhythms, which are no diagnostic statements.
        - ``"strict"``: normal has NORM with a likelihood of at least 80, sinus rhythm and no
          other statement of diagnosis, form or rhythm. Everything with another statement is an
          anomaly; what only misses the likelihood or the rhythm is left out.

    Returns
    -------
    ECGDataset
        `X` reads the files when they are needed; `labels` has one column for each of the five
        superclasses; `table` the columns of the database with `scp_codes` as dictionaries;
        `excluded` counts what was left out.

    Raises
    ------
    DatasetError
        If a file or column is missing, a parameter is none of those above, or nothing is left.

    References
    ----------
    Wagner et al., "PTB-XL, a large publicly available electrocardiography dataset", Scientific
    Data 2020.
    """
    folder = Path(folder)
    if fs not in _FILE_COLUMN:
        raise DatasetError(f"PTB-XL has files at 100 and 500 Hz, not at fs={fs!r}.")
    if labels not in LABEL_RULES:
        raise DatasetError(f"labels must be one of {sorted(LABEL_RULES)}, got {labels!r}.")
    chosen = None if folds is None else _checked_folds(folds)
    database = folder / "ptbxl_database.csv"
    columns = ["ecg_id", "patient_id", "scp_codes", "strat_fold", _FILE_COLUMN[fs]]
    table = _read_table(database, columns)
    statements = _read_table(folder / "scp_statements.csv", ["diagnostic_class"], index_col=0)
    if chosen is not None:
        table = table[table["strat_fold"].isin(chosen)]
    if table.empty:
        raise DatasetError(f"{folder}: no record lies in folds {sorted(chosen or range(1, 11))}.")
    table = table.assign(
        patient_id=_whole_numbers(table["patient_id"], f"{database}: patient_id"),
        scp_codes=[
            _codes(text, f"{database}: scp_codes of record {ecg_id}")
            for ecg_id, text in zip(table["ecg_id"], table["scp_codes"], strict=True)
        ],
    )
    indicator = _superclasses(table["scp_codes"], statements)
    if "NORM" not in indicator:
        raise DatasetError(f"{folder / 'scp_statements.csv'} lacks NORM; download it again.")
    y, reasons = (_strict if labels == "strict" else _superclass)(table, indicator, statements)
    kept = y != 0
    if not kept.any():
        raise DatasetError(f"{folder}: no record has a label under labels={labels!r}.")
    table, indicator = table[kept], indicator[kept]
    records = RecordSet(
        _PTBXLFiles(folder, table[_FILE_COLUMN[fs]].to_numpy(str), fs),
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
        labels=indicator,
        name=f"PTB-XL {fs} Hz",
        label_rule=LABEL_RULES[labels],
        excluded={reason: int(count) for reason, count in reasons.items() if count},
    )


def _checked_folds(folds: Iterable[int]) -> set[int]:
    try:
        chosen = {int(fold) for fold in folds}
    except (TypeError, ValueError):
        raise DatasetError(f"folds must be numbers from 1 to 10, got {folds!r}.") from None
    if not chosen <= set(range(1, 11)):
        raise DatasetError(f"PTB-XL has folds 1 to 10, got {sorted(chosen)}.")
    return chosen


def _whole_numbers(values: pd.Series, what: str) -> pd.Series:
    """Return numbers that the file writes as floats as what they are."""
    import pandas as pd

    numbers = pd.to_numeric(values, errors="coerce")
    bad = values[~(numbers % 1 == 0)]
    if len(bad):
        raise DatasetError(f"{what} {bad.iloc[0]!r} is no whole number; download it again.")
    return numbers.astype(np.int64)


def _codes(text: Any, where: str) -> Any:
    """Return the statements of a record with their likelihoods."""
    try:
        codes = ast.literal_eval(text)
        return {str(code): float(likelihood) for code, likelihood in codes.items()}
    except (ValueError, SyntaxError, TypeError, AttributeError, RecursionError, MemoryError):
        raise DatasetError(
            f"{where} are no dictionary of likelihoods, but {str(text)[:40]!r}; download it again."
        ) from None


def _read_table(path: Path, columns: list[str], **kwargs) -> pd.DataFrame:
    import pandas as pd

    try:
        table = pd.read_csv(path, **kwargs)
    except FileNotFoundError:
        raise DatasetError(
            f"{path} is missing; the folder must hold PTB-XL as PhysioNet serves it."
        ) from None
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path} cannot be read: {error}") from None
    missing = [column for column in columns if column not in table]
    if missing:
        raise DatasetError(f"{path} lacks the column(s) {', '.join(missing)}.")
    return table


def _superclasses(codes: pd.Series, statements: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    class_of = statements["diagnostic_class"].dropna().to_dict()
    names = sorted(set(class_of.values()))
    rows = [{class_of[code] for code in record if code in class_of} for record in codes]
    return pd.DataFrame(
        [[name in row for name in names] for row in rows], index=codes.index, columns=names
    )


def _superclass(table, indicator, statements) -> tuple[np.ndarray, dict[str, int]]:
    normal = indicator["NORM"].to_numpy()
    other = indicator.drop(columns="NORM").any(axis=1).to_numpy()
    y = np.where(normal & ~other, 1, np.where(other & ~normal, -1, 0))
    return y, {
        "without a diagnostic superclass": (~normal & ~other).sum(),
        "NORM beside another superclass": (normal & other).sum(),
    }


def _strict(table, indicator, statements) -> tuple[np.ndarray, dict[str, int]]:
    def is_strict(codes):
        return set(codes) == {"NORM", "SR"} and codes["NORM"] >= _CERTAIN

    known = set(statements.index)
    strict = np.array([is_strict(codes) for codes in table["scp_codes"]], bool)
    only_norm = np.array(
        [not (set(codes) & known) - {"NORM", "SR"} for codes in table["scp_codes"]], bool
    )
    y = np.where(strict, 1, np.where(only_norm, 0, -1))
    return y, {"NORM with a likelihood below 80, or without a stated rhythm": (y == 0).sum()}
