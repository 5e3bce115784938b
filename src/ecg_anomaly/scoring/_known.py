"""What is known of a record's patient, as the columns of a database's table have it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..records import Record


def known_of(record: Any, columns: Iterable[str]) -> dict[str, Any]:
    """Return the values of columns for a record, age in years.

    Nothing is known of what could not be read.
    """
    if not isinstance(record, Record):
        return {}
    return {column: _value(record, column) for column in columns}


def _value(record: Record, column: str) -> Any:
    return record.age if column == "age" else record.annotations.get(column)
