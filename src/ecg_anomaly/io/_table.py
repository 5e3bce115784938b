"""Text files of numbers in columns, read strictly: pandas alone mends too much."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import RecordFileError
from ._header import file_size
from ._numbers import parse_number

_MISSING = ["", "nan", "NaN", "NA", "null"]
_MAX_COLUMNS = 300
_MAX_LINE = 100_000
_ROWS_AT_ONCE = 100_000
_CARRIAGE_RETURN = "lines must end with LF or CR LF, not CR alone; convert the file (mac2unix)."


def read_table(path: Path) -> tuple[list[str] | None, list[np.ndarray]]:
    """Return the names of the columns, None where there are none, and the columns.

    Raises
    ------
    RecordFileError
        If the file is no table: a field is no number, a name is missing, rows differ in length or
        are not lines.
    """
    file_size(path)
    with path.open("rb") as file:
        first = file.readline(_MAX_LINE)
    try:
        line = first.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise RecordFileError(f"{path}: is no text in UTF-8.") from None
    if "\r" in line:
        raise RecordFileError(f"{path}: {_CARRIAGE_RETURN}")
    if not line or "\0" in line or len(first) == _MAX_LINE:
        raise RecordFileError(f"{path}: has no first line of numbers or names.")
    separator = max(",;\t", key=line.count)
    fields = [field.strip().strip('"') for field in line.split(separator)]
    if len(fields) > _MAX_COLUMNS:
        raise RecordFileError(f"{path}: has {len(fields)} columns; one for each lead is needed.")
    names = None if all(_is_number(field) for field in fields) else fields
    _check_names(path, fields, names is not None)
    n_rows = _check_rows(path, separator, len(fields)) - (names is not None)
    columns = _read_columns(path, separator, names, len(fields))
    if len(columns[0]) != n_rows:
        raise RecordFileError(
            f"{path}: {n_rows} lines of numbers make {len(columns[0])} rows; remove quotation "
            "marks."
        )
    return names, columns


def _check_names(path: Path, fields: list[str], are_names: bool) -> None:
    """Refuse a column without a name, and a first line that only counts, as pandas writes it."""
    if are_names and "" in fields:
        raise RecordFileError(
            f"{path}: column {fields.index('') + 1} of {len(fields)} has no name; name it, or "
            "leave it out: an index of pandas by index=False, the last by no separator at the end."
        )
    numbers = [field for field in fields if _is_number(field) and not field.isdigit()]
    if are_names and numbers:
        raise RecordFileError(
            f"{path}: its first line has names, but also {numbers[0][:40]!r}; correct it."
        )
    counts = [str(k) for k in range(len(fields) + 1)]
    if len(fields) > 2 and fields in (counts[:-1], counts[1:], ["", *counts[:-2]]):
        raise RecordFileError(
            f"{path}: its first line only counts the columns; name the leads there, or remove it."
        )


def _check_rows(path: Path, separator: str, n_columns: int) -> int:
    """Return how many lines there are that are not empty.

    Refused are lines that are too long, or empty before others, or of another number of fields.
    """
    mark, empty, n_rows = separator.encode(), 0, 0
    with path.open("rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(_MAX_LINE), b""), 1):
            if not line.strip():
                empty = empty or number
                continue
            n_rows += 1
            n_fields = line.count(mark) + 1
            problem = ""
            if empty:
                number, problem = empty, "is empty"
            elif b"\r" in line.rstrip():
                raise RecordFileError(f"{path}: line {number} holds a CR; {_CARRIAGE_RETURN}")
            elif len(line) == _MAX_LINE or b"\0" in line:
                problem = "is no row of numbers"
            elif n_fields != n_columns:
                problem = f"has {n_fields} fields instead of {n_columns}"
            if problem:
                raise RecordFileError(f"{path}: line {number} {problem}; the file is damaged.")
    return n_rows


def _read_columns(
    path: Path, separator: str, names: list[str] | None, n_columns: int
) -> list[np.ndarray]:
    import pandas as pd

    how: dict[str, Any] = {
        "sep": separator,
        "header": None,
        "skiprows": int(names is not None),
        "names": range(n_columns),
        "index_col": False,
        "keep_default_na": False,
        "encoding": "utf-8-sig",
    }
    try:
        table = pd.read_csv(path, dtype=np.float64, na_values=_MISSING, **how)
        return [table[k].to_numpy() for k in range(n_columns)]
    except ValueError:  # what is no number is looked for in parts
        pass
    parts: list[list[np.ndarray]] = []
    line = 1 + how["skiprows"]
    try:
        with pd.read_csv(path, dtype=str, chunksize=_ROWS_AT_ONCE, **how) as chunks:
            for chunk in chunks:
                titles = names or [f"{k + 1}" for k in range(n_columns)]
                parts.append([_numbers(path, chunk[k], titles[k], line) for k in range(n_columns)])
                line += len(chunk)
    except RecordFileError:
        raise
    except ValueError as error:
        raise RecordFileError(f"{path}: is no table ({str(error)[:100].strip()}).") from None
    return [np.concatenate(column) for column in zip(*parts, strict=True)]


def _is_number(text: str) -> bool:
    try:
        parse_number(text)
    except ValueError:
        return text in _MISSING
    return True


def _numbers(path: Path, texts: Any, name: str, first_line: int) -> np.ndarray:
    import pandas as pd

    texts = texts.str.strip()
    values = pd.to_numeric(texts.mask(texts.isin(_MISSING), "nan"), errors="coerce")
    values = values.to_numpy(np.float64)
    bad = np.flatnonzero(np.isnan(values) & ~texts.isin(_MISSING).to_numpy())
    if len(bad):
        raise RecordFileError(
            f"{path}: {texts.iloc[bad[0]][:40]!r} in column {name[:40]}, line "
            f"{first_line + bad[0]}, is no number."
        )
    return values
