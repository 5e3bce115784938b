"""Groups of records by columns of a table, none too small for a promise of its own."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ..errors import ECGError, ECGWarning, SignalError
from ..patients import sex_code

MERGED = "other groups"


def group_names(
    table: Any, n_records: int, columns: Sequence[str], bands: Mapping[str, Sequence[float]]
) -> list[str]:
    """Return the group of each row, ``""`` where a column has no value or none is asked for.

    Sex is 0 (male) or 1 (female) however it is written.

    Parameters
    ----------
    table : DataFrame or None
    n_records : int
    columns : sequence of str
    bands : mapping of str to sequence of float
        Edges of bands, which include their lower edge, for columns of numbers.

    Raises
    ------
    SignalError
        If the table or a column is missing, or a column with bands is not of numbers.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"sex": [0, 1, None], "age": [39, 40, 50]})
    >>> group_names(table, 3, ["sex", "age"], {"age": [40]})
    ['sex=0, age<40', 'sex=1, age>=40', '']
    """
    if len(set(columns)) < len(columns) or not all(isinstance(c, str) for c in columns):
        raise SignalError(f"group_by must be different names of columns, got {list(columns)}.")
    unknown = set(bands) - set(columns)
    if unknown:
        raise SignalError(f"bands of {min(unknown)!r}, which is no column of group_by.")
    if not columns:
        return [""] * n_records
    missing = list(columns) if table is None else [c for c in columns if c not in table.columns]
    if missing:
        raise SignalError(
            f"group_by={', '.join(columns)} needs a RecordSet whose table has these columns; "
            f"{', '.join(missing)} is missing. Give RecordSet(..., table=...)."
        )
    parts = [_column_names(column, table[column], bands.get(column)) for column in columns]
    return [", ".join(row) if all(row) else "" for row in zip(*parts, strict=True)]


def _column_names(column: str, values: Any, edges: Sequence[float] | None) -> list[str]:
    import pandas as pd

    if edges is None:
        if column == "sex":
            values = [sex_code(value) for value in values]
        return [_value_name(column, value) for value in values]
    edges = sorted(float(edge) for edge in edges)
    if not edges or not np.isfinite(edges).all() or (np.diff(edges) <= 0).any():
        raise SignalError(
            f"bands of {column!r} must be one or more different numbers, got {edges}."
        )
    try:
        numbers = pd.to_numeric(values).to_numpy(float)
    except (TypeError, ValueError):
        raise SignalError(f"column {column!r} has bands, but holds no numbers.") from None
    names = [
        f"{column}<{edges[0]:g}",
        *(f"{low:g}<={column}<{high:g}" for low, high in pairwise(edges)),
        f"{column}>={edges[-1]:g}",
    ]
    return [
        "" if np.isnan(number) else names[np.searchsorted(edges, number, side="right")]
        for number in numbers
    ]


def _value_name(column: str, value: Any) -> str:
    """Return column and value, whole numbers alike whatever their type: 1, 1.0, True."""
    import pandas as pd

    if pd.isna(value):
        return ""
    if isinstance(value, bool | np.bool_ | int | float | np.number):
        number = float(value)
        return f"{column}={int(number) if number.is_integer() else repr(number)}"
    return f"{column}={str(value).strip()}" if str(value).strip() else ""


def parse_groups(texts: Sequence[str]) -> tuple[list[str], dict[str, list[float]]]:
    """Return columns and bands from texts such as "sex" and "age:40,60,75".

    Raises
    ------
    ECGError
        If what follows a colon is no list of rising numbers.

    Examples
    --------
    >>> parse_groups(["sex", "age:40,60"])
    (['sex', 'age'], {'age': [40.0, 60.0]})
    """
    columns, bands = [], {}
    for text in texts:
        column, colon, edges = text.partition(":")
        columns.append(column.strip())
        if colon:
            try:
                bands[columns[-1]] = [float(edge) for edge in edges.split(",")]
            except ValueError:
                raise ECGError(f"{text!r}: give edges as numbers, as in age:40,60,75.") from None
    return columns, bands


@dataclass(frozen=True)
class Groups:
    """Rows of each group, and which small groups were merged into which."""

    rows: dict[str, np.ndarray]
    merged: dict[str, str]

    @classmethod
    def of(cls, names: Sequence[str], fewest: int) -> Groups:
        """Group rows by name; groups of fewer than `fewest` rows are merged, with a warning.

        Small groups become one. Where that is too small too, their records keep the promise of all,
        as do rows without a name.
        """
        array = np.array(names, dtype=object)
        rows = {name: np.flatnonzero(array == name) for name in sorted(set(names) - {""})}
        small = [name for name, members in rows.items() if len(members) < fewest]
        if not small:
            return cls(rows, {})
        together = np.sort(np.concatenate([rows.pop(name) for name in small]))
        into = MERGED if len(together) >= fewest and len(small) > 1 else ""
        warnings.warn(
            f"groups with fewer than {fewest} normals for calibration have no promise of their "
            f"own: {', '.join(small)} " + ("share one." if into else "have the promise of all."),
            ECGWarning,
            stacklevel=4,
        )
        if into:
            rows[into] = together
        return cls(rows, dict.fromkeys(small, into))
