"""PTB-XL's statements: label sets, and what is normal."""

from __future__ import annotations

import ast
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import DatasetError
from ._tables import as_numbers

if TYPE_CHECKING:
    import pandas as pd

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
    "all": (
        "normal: NORM is the only diagnostic superclass; anomaly: every other record, also with "
        "NORM beside another superclass and without any"
    ),
}

#: The column of scp_statements.csv that makes each label set: a flag, or a coarser class.
LABEL_SETS: dict[str, str | None] = {
    "all": None,
    "diagnostic": "diagnostic",
    "subclass": "diagnostic_subclass",
    "superclass": "diagnostic_class",
    "form": "form",
    "rhythm": "rhythm",
}
_FLAGS = ("diagnostic", "form", "rhythm")


def parse_codes(text: Any, where: str) -> dict[str, float]:
    """Return the statements of a record with their likelihoods.

    Raises
    ------
    DatasetError
        If `text` is no dictionary of likelihoods from 0 to 100.
    """
    try:
        codes = ast.literal_eval(text)
        codes = {str(code): float(likelihood) for code, likelihood in codes.items()}
        if not all(math.isfinite(value) and 0 <= value <= 100 for value in codes.values()):
            raise ValueError("a likelihood is out of range")
    except (ValueError, SyntaxError, TypeError, AttributeError, RecursionError, MemoryError):
        raise DatasetError(
            f"{where} are no dictionary of likelihoods from 0 to 100, but {str(text)[:40]!r}; "
            "download it again."
        ) from None
    return codes


def label_targets(statements: pd.DataFrame, label_set: str, path: Path) -> dict[str, str]:
    """Return the column of a label set that each statement counts for.

    Parameters
    ----------
    statements : DataFrame
        ``scp_statements.csv``, indexed by statement.
    label_set : str
        One of `LABEL_SETS`.
    path : Path
        For messages.

    Raises
    ------
    DatasetError
        If a flag is neither 1, 0 nor empty, or no statement belongs to the set.
    """
    import pandas as pd

    column = LABEL_SETS[label_set]
    if column is None:
        targets = {str(code): str(code) for code in statements.index}
    elif column in _FLAGS:
        values = pd.Series(as_numbers(statements[column]), index=statements.index)
        bad = ~(values.isin([0, 1]) | statements[column].isna())
        if bad.any():
            raise DatasetError(
                f"{path}: {column} of {statements.index[bad][0]!r} is "
                f"{str(statements[column][bad].iloc[0])[:40]!r}, not 1 or empty; download the "
                "file again."
            )
        targets = {str(code): str(code) for code in statements.index[values == 1]}
    else:
        targets = {str(c): str(name) for c, name in statements[column].dropna().items()}
    if not targets:
        raise DatasetError(f"{path}: no statement has a {label_set!r} label; download it again.")
    return targets


def label_indicator(
    codes: pd.Series, targets: dict[str, str], *, ordered: bool, min_likelihood: float = 0.0
) -> pd.DataFrame:
    """Return which labels each record has.

    Parameters
    ----------
    codes : Series of dict
        Statements and likelihoods of each record.
    targets : dict of str to str
        The column that each statement counts for.
    ordered : bool
        Whether columns come sorted by name, else in the order of `targets`.
    min_likelihood : float, default=0.0
        Statements with a lower likelihood do not count, unless it is 0, which means unstated.

    Returns
    -------
    DataFrame of bool
        One column for each label of the set, those that no record has included.
    """
    import pandas as pd

    columns = list(dict.fromkeys(targets.values()))
    if ordered:
        columns.sort()
    number = {name: k for k, name in enumerate(columns)}
    matrix = np.zeros((len(codes), len(columns)), bool)
    for row, record in enumerate(codes):
        for code, likelihood in record.items():
            if code in targets and (likelihood == 0 or likelihood >= min_likelihood):
                matrix[row, number[targets[code]]] = True
    return pd.DataFrame(matrix, index=codes.index, columns=columns)


def normal_or_anomaly(
    rule: str, codes: pd.Series, superclasses: pd.DataFrame, known: set[str]
) -> tuple[np.ndarray, dict[str, int]]:
    """Return +1 (normal), -1 (anomaly) or 0 (neither) for each record, and why it is neither.

    Parameters
    ----------
    rule : str
        One of `LABEL_RULES`.
    codes : Series of dict
        Statements and likelihoods of each record.
    superclasses : DataFrame of bool
        From `label_indicator`, with every likelihood.
    known : set of str
        All statements that there are.
    """
    normal = superclasses["NORM"].to_numpy()
    other = superclasses.drop(columns="NORM").any(axis=1).to_numpy()
    if rule == "superclass":
        y = np.where(normal & ~other, 1, np.where(other & ~normal, -1, 0))
        return y, {
            "without a diagnostic superclass": int((~normal & ~other).sum()),
            "NORM beside another superclass": int((normal & other).sum()),
        }
    if rule == "all":
        return np.where(normal & ~other, 1, -1), {}
    strict = np.array([_is_strict(record) for record in codes], bool)
    only_norm = np.array([not (set(record) & known) - {"NORM", "SR"} for record in codes], bool)
    y = np.where(strict, 1, np.where(only_norm, 0, -1))
    return y, {
        "NORM with a likelihood below 80, or without a stated rhythm": int((y == 0).sum()),
    }


def _is_strict(codes: dict[str, float]) -> bool:
    return set(codes) == {"NORM", "SR"} and codes["NORM"] >= _CERTAIN
