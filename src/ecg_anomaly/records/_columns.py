"""What is known of each of many ECGs beside its signal: patients and annotations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ._record import Record

if TYPE_CHECKING:
    import pandas as pd


def with_own_patients(patient_ids: Any, record_ids: np.ndarray) -> np.ndarray:
    """Return patient ids, each missing one (NaN, None, "") replaced by one of the record's own.

    That is the record's id or, where this is missing, repeated or a patient's too, its row: records
    of unknown patients must not pass for one patient's.
    """
    ids = np.asarray(patient_ids)
    if ids.dtype.kind in "iu":
        return ids
    import pandas as pd

    given = np.asarray(patient_ids, object)  # beside strings, NaN would become "nan"
    missing = pd.isna(given)
    missing[~missing] = given[~missing] == ""
    if not missing.any():
        return ids
    names = ["" if gone else str(name) for name, gone in zip(given, missing, strict=True)]
    records = ["" if pd.isna(name) else str(name) for name in record_ids]
    count = Counter(records) + Counter(set(names))
    for row in np.flatnonzero(missing):
        own = records[row]
        names[row] = own if own and count[own] == 1 else f"row {row}"
    return np.array(names)


def table_of(records: Sequence[Record]) -> pd.DataFrame | None:
    """Return the annotations that are single values as a table, one row a record.

    Lists, arrays and dictionaries are left out: a table holds one value a record.

    Returns
    -------
    DataFrame or None
        NaN or None where a record has no such annotation; None if no record has any.

    Examples
    --------
    >>> signal = np.zeros((1, 5))
    >>> beats = Record(signal, annotations={"age": 5, "beats": [1, 4]})
    >>> table_of([beats, Record(signal, annotations={"sex": "f"})]).columns.tolist()
    ['age', 'sex']
    """
    if not any(record.annotations for record in records):
        return None
    import pandas as pd

    columns: dict[str, list[Any]] = {}
    for row, record in enumerate(records):
        for name, value in record.annotations.items():
            if pd.api.types.is_scalar(value):
                columns.setdefault(str(name), [None] * len(records))[row] = value
    return pd.DataFrame(columns) if columns else None
