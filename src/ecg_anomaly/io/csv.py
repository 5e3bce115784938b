"""Reading of text files with a column for each lead."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import RecordFileError
from ..records import Record
from ._header import file_size
from ._sidecar import Description, build_record, describe, lead_names

_SECONDS = {"time": 1.0, "t": 1.0, "seconds": 1.0, "time_s": 1.0, "time (s)": 1.0, "time [s]": 1.0,
            "time_ms": 1e-3, "time (ms)": 1e-3, "time [ms]": 1e-3, "ms": 1e-3}  # fmt: skip
_MISSING = ["", "nan", "NaN", "NA", "null"]
_MAX_COLUMNS = 300
_MAX_LINE = 100_000
_ROWS_AT_ONCE = 100_000
# How far steps of time may differ from each other, in steps: clocks are rounded.
_JITTER = 0.5


def read_csv(
    path: Path,
    *,
    fs: float | None = None,
    leads: Sequence[str] | None = None,
    unit: str | None = None,
) -> Record:
    """Read one ECG from a table with a column for each lead and a row for each sample.

    Columns are separated by commas, semicolons or tabs. A first line that is no numbers names the
    leads. A column called ``time``, ``t``, ``time_s`` (in seconds) or ``time_ms`` gives the
    sampling rate. Numbers with a fraction and without a unit are mV; empty fields are missing.

    Raises
    ------
    RecordFileError
        If a field is no number, rows differ in length, times fall, repeat or leave gaps, or rate,
        names or unit are not known.
    """
    about = describe(path, fs, leads, unit)
    names, columns = _load(path)
    times = [k for k, name in enumerate(names or ()) if name.lower() in _SECONDS]
    if len(times) > 1:
        raise RecordFileError(f"{path}: has {len(times)} columns of time; keep one.")
    if names and times:
        seconds = columns.pop(times[0]) * _SECONDS[names.pop(times[0]).lower()]
        _take_rate(path, about, seconds)
    if names:
        own = lead_names(path, names)
        if about.leads not in (None, own):
            raise RecordFileError(
                f"{path}: its columns are {', '.join(own)[:200]}, but others "
                f"were given: {', '.join(about.leads or ())[:200]}."
            )
        about.leads = own
    signal = np.array(columns).reshape(len(columns), -1)
    if not signal.size:
        raise RecordFileError(f"{path}: holds no sample.")
    if about.unit is None and (signal != np.trunc(signal)).any():
        about.unit = "mV"
    return build_record(path, signal, about)


def _load(path: Path) -> tuple[list[str] | None, list[np.ndarray]]:
    """Return the names of the columns, None where there are none, and the columns."""
    file_size(path)
    with path.open("rb") as file:
        first = file.readline(_MAX_LINE)
    try:
        line = first.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise RecordFileError(f"{path}: is no text in UTF-8.") from None
    if not line or "\0" in line or len(first) == _MAX_LINE:
        raise RecordFileError(f"{path}: has no first line of numbers or names.")
    separator = max(",;\t", key=line.count)
    fields = [field.strip().strip('"') for field in line.split(separator)]
    if len(fields) > _MAX_COLUMNS:
        raise RecordFileError(f"{path}: has {len(fields)} columns; one for each lead is needed.")
    has_names = not all(_is_number(field) for field in fields)
    _check_rows(path, separator, len(fields))
    columns = _read_columns(path, separator, fields if has_names else None, len(fields))
    return (fields if has_names else None), columns


def _check_rows(path: Path, separator: str, n_columns: int) -> None:
    """Refuse rows that are empty, too long or of another number of fields, which pandas mends."""
    mark, empty, n_rows = separator.encode(), 0, 0
    with path.open("rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(_MAX_LINE), b""), 1):
            n_rows += 1
            if not line.strip():
                empty = empty or number
                continue
            n_fields = line.count(mark) + 1
            problem = ""
            if empty:
                number, problem = empty, "is empty"
            elif len(line) == _MAX_LINE or b"\0" in line:
                problem = "is no row of numbers"
            elif n_fields != n_columns:
                problem = f"has {n_fields} fields instead of {n_columns}"
            if problem:
                raise RecordFileError(f"{path}: line {number} {problem}; the file is damaged.")


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
        float(text)
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


def _take_rate(path: Path, about: Description, seconds: np.ndarray) -> None:
    """Set the sampling rate from the times of the samples, which must be evenly spaced."""
    if np.isnan(seconds).any():
        raise RecordFileError(f"{path}: sample {np.flatnonzero(np.isnan(seconds))[0]} has no time.")
    steps = np.diff(seconds)
    step = float(np.median(steps)) if len(steps) else math.nan
    if not (0 < step < math.inf):
        raise RecordFileError(f"{path}: its times do not rise; sort the samples.")
    wrong = np.flatnonzero(~(np.abs(steps - step) < _JITTER * step))
    if len(wrong):
        k = wrong[0] + 1
        raise RecordFileError(
            f"{path}: from {seconds[k - 1]:g} to {seconds[k]:g} s (sample {k}) time does not pass "
            f"by {step:g} s as elsewhere; fill gaps with empty fields, remove repeated samples."
        )
    rate = float(f"{(len(seconds) - 1) / float(seconds[-1] - seconds[0]):.6g}")
    if about.fs is None:
        about.fs = rate
    elif abs(about.fs / rate - 1) > 0.01:
        raise RecordFileError(
            f"{path}: its times tell {rate:g} Hz, but {about.fs:g} Hz were given."
        )
