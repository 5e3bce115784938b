"""Reading the tables of databases, and checking their columns."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import DatasetError

if TYPE_CHECKING:
    import pandas as pd

# Above it, floating-point numbers no longer tell neighbouring whole numbers apart.
_LARGEST_WHOLE = 2.0**53
# Leads out of a folder: a drive or address, "..", an absolute path, a network share.
OUTSIDE = r"[:\\\0]|(?:^|/)\.\.(?:/|$)|^[/~]|^\s*$"


def read_table(path: Path, columns: Iterable[str], database: str, **kwargs: Any) -> pd.DataFrame:
    """Read a table of a database.

    Parameters
    ----------
    path : Path
        Of the CSV file.
    columns : iterable of str
        Those that must be there.
    database : str
        Name of the database, for messages.
    **kwargs
        For `pandas.read_csv`.

    Returns
    -------
    DataFrame

    Raises
    ------
    DatasetError
        If the file is missing, cannot be read or lacks a column.
    """
    import pandas as pd

    try:
        options: dict[str, Any] = {"low_memory": False} | kwargs
        table: pd.DataFrame = pd.read_csv(path, **options)
    except FileNotFoundError:
        raise DatasetError(
            f"{path} is missing; the folder must hold {database} as its site serves it."
        ) from None
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path} cannot be read: {error}") from None
    missing = [column for column in columns if column not in table]
    if missing:
        raise DatasetError(
            f"{path} lacks the column(s) {', '.join(missing)}; download the file again."
        )
    return table


def refuse_rows(values: pd.Series, bad: np.ndarray, path: Path, problem: str) -> None:
    """Raise an error that names the first bad value of a column, if there is one.

    Parameters
    ----------
    values : Series
        The column, or a part of it, indexed by the row of the file from 0.
    bad : ndarray of bool of shape (n_rows,)
    path : Path
        Of the table.
    problem : str
        Completes "<column> of row <k> is <value>, ".
    """
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        row = int(values.index[first]) + 1  # in the file, whichever rows were chosen
        raise DatasetError(
            f"{path}: {values.name} of row {row} is {str(values.iloc[first])[:60]!r}, {problem}; "
            f"correct the table or download it again ({int(bad.sum())} such row(s))."
        )


def as_numbers(values: pd.Series) -> np.ndarray:
    """Return a column as float64, NaN where a value is no number.

    Examples
    --------
    >>> import pandas as pd
    >>> as_numbers(pd.Series(["1.5", "none", 10**400], dtype=object)).tolist()
    [1.5, nan, inf]
    """
    import pandas as pd

    if values.dtype.kind not in "iufb":
        # pandas fails on Python's integers that no float can hold; their text it reads
        values = values.where(values.isna(), values.map(lambda value: str(value)[:400]))
    return pd.to_numeric(values, errors="coerce").to_numpy(float, na_value=np.nan)


def whole_numbers(values: pd.Series, path: Path, *, low=None, high=None) -> pd.Series:
    """Return a column of whole numbers, which the file may write as floats, as integers.

    Raises
    ------
    DatasetError
        If a value is none, or lies outside `low` to `high`.
    """
    import pandas as pd

    numbers = as_numbers(values)
    with np.errstate(invalid="ignore"):
        whole = (numbers % 1 == 0) & (np.abs(numbers) < _LARGEST_WHOLE)
    refuse_rows(values, ~whole, path, "which is no whole number")
    outside = np.zeros(len(numbers), bool)
    if low is not None:
        outside |= numbers < low
    if high is not None:
        outside |= numbers > high
    refuse_rows(values, outside, path, f"which is not within {low} to {high}")
    return pd.Series(numbers.astype(np.int64), index=values.index, name=values.name)


def unique(values: pd.Series, path: Path) -> pd.Series:
    """Return a column without repetitions as it is.

    Raises
    ------
    DatasetError
        If a value stands there twice.
    """
    refuse_rows(values, values.duplicated().to_numpy(), path, "which stands in an earlier row too")
    return values


def relative_paths(values: pd.Series, path: Path) -> np.ndarray:
    """Return a column of paths below the database's folder, as UTF-8 bytes to be small.

    Raises
    ------
    DatasetError
        If one is empty, absolute, an address, or leads out of the folder.
    """
    given = values.map(lambda value: isinstance(value, str)).to_numpy(bool)
    texts = values.where(given, "").astype(str)
    bad = ~given | texts.str.contains(OUTSIDE, regex=True).to_numpy(bool)
    refuse_rows(values, bad, path, "which is no path within the folder of the database")
    return np.asarray(texts.str.encode("utf-8").tolist(), dtype=np.bytes_)


def flags(values: pd.Series, path: Path) -> np.ndarray:
    """Return a column of true and false, which the file may write as words or numbers.

    Raises
    ------
    DatasetError
        If a value is neither.
    """
    words = values.astype(str).str.strip().str.lower()
    true = words.isin(["true", "1", "1.0"]).to_numpy(bool)
    false = words.isin(["false", "0", "0.0"]).to_numpy(bool)
    refuse_rows(values, ~(true | false), path, "which is neither True nor False")
    return true
