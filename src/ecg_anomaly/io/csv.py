"""Reading of text files with a column for each lead."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import RecordFileError
from ..records import Record
from ._header import file_size
from ._sidecar import Description, build_record, describe, lead_names

_SECONDS = {"time": 1.0, "t": 1.0, "seconds": 1.0, "time_s": 1.0, "time (s)": 1.0, "time [s]": 1.0,
            "time_ms": 1e-3, "time (ms)": 1e-3, "time [ms]": 1e-3, "ms": 1e-3}  # fmt: skip
_MISSING = ["", "nan", "NaN", "NA", "null"]
_MAX_COLUMNS = 300
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
    if about.unit is None and (signal != np.trunc(signal)).any():
        about.unit = "mV"
    return build_record(path, signal, about)


def _load(path: Path) -> tuple[list[str] | None, list[np.ndarray]]:
    """Return the names of the columns, None where there are none, and the columns."""
    import pandas as pd

    file_size(path)
    with path.open("rb") as file:
        first = file.readline(100_000)
    try:
        line = first.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise RecordFileError(f"{path}: is no text in UTF-8.") from None
    if not line or "\0" in line or len(first) == 100_000:
        raise RecordFileError(f"{path}: has no first line of numbers or names.")
    separator = max(",;\t", key=line.count)
    fields = [field.strip().strip('"') for field in line.split(separator)]
    if len(fields) > _MAX_COLUMNS:
        raise RecordFileError(f"{path}: has {len(fields)} columns; one for each lead is needed.")
    has_names = not all(_is_number(field) for field in fields)
    try:
        table = pd.read_csv(
            path,
            sep=separator,
            header=None,
            skiprows=int(has_names),
            dtype=str,
            keep_default_na=False,
            on_bad_lines="error",
            encoding="utf-8-sig",
        )
    except ValueError as error:
        raise RecordFileError(f"{path}: is no table ({str(error)[:100].strip()}).") from None
    if table.shape[1] != len(fields) or not len(table):
        raise RecordFileError(
            f"{path}: has {len(fields)} columns in the first line, but {table.shape[1]} in "
            f"{len(table)} further lines."
        )
    _check_rows(path, separator, len(fields))
    columns = [
        _numbers(path, table[k], fields[k][:40] if has_names else f"{k + 1}", 1 + has_names)
        for k in range(len(fields))
    ]
    return (fields if has_names else None), columns


def _check_rows(path: Path, separator: str, n_columns: int) -> None:
    """Refuse rows that end early or are empty, which pandas fills up or skips."""
    mark, empty = separator.encode(), 0
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                empty = empty or number
            elif empty or line.count(mark) < n_columns - 1:
                problem = "is empty" if empty else f"has fewer than {n_columns} fields"
                raise RecordFileError(
                    f"{path}: line {empty or number} {problem}; the file is damaged."
                )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return text in _MISSING
    return True


def _numbers(path: Path, texts, name: str, first_line: int) -> np.ndarray:
    import pandas as pd

    texts = texts.str.strip()
    values = pd.to_numeric(texts.mask(texts.isin(_MISSING), "nan"), errors="coerce")
    values = values.to_numpy(np.float64)
    bad = np.flatnonzero(np.isnan(values) & ~texts.isin(_MISSING).to_numpy())
    if len(bad):
        raise RecordFileError(
            f"{path}: {texts.iloc[bad[0]][:40]!r} in column {name}, line {first_line + bad[0]}, is "
            "no number."
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
