"""Reading of text files with a column for each lead."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import RecordFileError
from ..leads import STANDARD_LEADS
from ..records import Record
from ._sidecar import Description, build_record, describe, lead_names
from ._table import read_table
from ._units import mv_per_unit

# A unit stands in brackets, or behind a name: "I [uV]", "II (mV)", "V1_uV", "time_ms"
_WITH_UNIT = (
    re.compile(r"(?P<name>.*?)\s*[\[(]\s*(?P<unit>[^\[\]()]*?)\s*[\])]"),
    re.compile(r"(?P<name>.+?)[\s_/](?P<unit>[mun\u00b5\u03bc]v)", re.IGNORECASE),
    re.compile(r"(?P<name>(elapsed[ _])?time|t)[\s_](?P<unit>s|ms|us)", re.IGNORECASE),
)
_TIMES = ("time", "t", "elapsed time", "elapsed_time")
_SECONDS = {"": 1.0, "s": 1.0, "sec": 1.0, "seconds": 1.0, "ms": 1e-3, "us": 1e-6}
# These say in which unit a time is, or do not
_TIME_BY_UNIT = {"seconds": "s", "ms": "ms"}
_CLOCKS = ("timestamp", "datetime", "date", "clock")
_INDICES = ("sample", "samples", "index", "n", "sample number", "sample_number")
# How far steps of time may differ from each other, in steps: clocks are rounded.
_JITTER = 0.5
# How far a time may be from where even steps put it, in steps: a change of the rate adds up.
_DRIFT = 1.0


def read_csv(
    path: Path,
    *,
    fs: float | None = None,
    leads: Sequence[str] | None = None,
    unit: str | None = None,
) -> Record:
    """Read one ECG from a table with a column for each lead and a row for each sample.

    Columns are separated by commas, semicolons or tabs. A first line that is no numbers names the
    leads, maybe with their unit ("I [uV]", "II_mV"); names that were given replace those that are
    none of the standard leads. A column called ``time`` or ``t`` (in seconds, or in the unit that
    it names: ``time_ms``) gives the sampling rate; one called ``sample``, ``index`` or ``n`` must
    count the samples. Numbers with a fraction and without a unit are mV; empty fields are missing.

    Raises
    ------
    RecordFileError
        If a field is no number, a column has no name, rows differ in length, times fall, repeat,
        leave gaps or change their rate, or rate, names or unit are not known or contradict what
        was given.
    """
    about = describe(path, fs, leads, unit)
    titles, columns = read_table(path)
    if not len(columns[0]):
        raise RecordFileError(f"{path}: holds no sample.")
    if titles:
        columns = _take_leads(path, about, titles, columns)
    return build_record(path, np.array(columns), about)


def _take_leads(
    path: Path, about: Description, titles: list[str], columns: list[np.ndarray]
) -> list[np.ndarray]:
    """Return the columns of leads; complete the description from the titles and the others."""
    times, leads = [], []
    for title, column in zip(titles, columns, strict=True):
        name, unit = _split(title)
        lowered = name.lower()
        if lowered in _TIMES and unit.lower() in _SECONDS:
            times.append(column * _SECONDS[unit.lower()])
        elif lowered in (*_TIMES, *_CLOCKS):
            raise RecordFileError(
                f"{path}: column {title[:40]!r} has times in an unknown unit; call it time (in "
                "seconds), time_ms or time_us, or leave it out."
            )
        elif lowered in _INDICES:
            _check_index(path, title, column)
        else:
            leads.append((title, name, unit, column))
    if len(times) > 1:
        raise RecordFileError(f"{path}: has {len(times)} columns of time; keep one.")
    if times:
        _take_rate(path, about, times[0])
    if not leads:
        raise RecordFileError(f"{path}: has no column of a lead, only {', '.join(titles)[:200]}.")
    own, names, units, kept = zip(*leads, strict=True)
    _take_unit(path, about, own, units)
    _take_names(path, about, list(names))
    return list(kept)


def _split(title: str) -> tuple[str, str]:
    """Return the name and the unit in a column's title, "" where there is none."""
    if title.lower() in _TIME_BY_UNIT:
        return "time", _TIME_BY_UNIT[title.lower()]
    for pattern in _WITH_UNIT:
        match = pattern.fullmatch(title)
        if match:
            return match["name"], match["unit"]
    return title, ""


def _check_index(path: Path, title: str, column: np.ndarray) -> None:
    steps = np.diff(column)
    if not (steps == 1).all() or column[0] != np.trunc(column[0]):
        raise RecordFileError(
            f"{path}: column {title[:40]!r} does not count the samples one by one; if it is a "
            "lead, give it a lead's name, else sort the samples and fill gaps with empty fields."
        )


def _take_unit(path: Path, about: Description, titles: Sequence[str], units: Sequence[str]) -> None:
    scales = [mv_per_unit(unit) for unit in units]
    for title, unit, scale in zip(titles, units, scales, strict=True):
        if unit and scale is None:
            raise RecordFileError(
                f"{path}: {unit[:40]!r} in column {title[:40]!r} is no unit of voltage (mV, uV, nV "
                "or V); correct it, or leave out a column that is no ECG lead."
            )
    if len(set(scales)) > 1:
        raise RecordFileError(
            f"{path}: its columns {', '.join(titles)[:200]} have different units, or some have "
            "none; bring all to one."
        )
    if scales[0] is None:
        return
    if about.scale not in (None, scales[0]):
        raise RecordFileError(
            f"{path}: its columns are in {units[0]}, but another unit was given; one is wrong."
        )
    about.scale = scales[0]


def _take_names(path: Path, about: Description, names: list[str]) -> None:
    own = lead_names(path, names)
    if about.leads in (None, own):
        about.leads = own
    elif set(own) & set(STANDARD_LEADS) or len(own) != len(about.leads or ()):
        raise RecordFileError(
            f"{path}: its columns are {', '.join(own)[:200]}, but others were given: "
            f"{', '.join(about.leads or ())[:200]}. Give as many names as there are leads, and "
            "none where columns have leads' names."
        )


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
    even = np.linspace(seconds[0], seconds[-1], len(seconds))
    drift = np.abs(seconds - even)
    k = int(drift.argmax())
    if drift[k] > _DRIFT * (even[1] - even[0]):
        raise RecordFileError(
            f"{path}: its rate changes: sample {k} is at {seconds[k]:g} s, where even steps would "
            f"put it at {even[k]:g} s; cut the file where the rate changes."
        )
    rate = float(f"{(len(seconds) - 1) / float(seconds[-1] - seconds[0]):.6g}")
    if about.fs is None:
        about.fs = rate
    elif abs(about.fs / rate - 1) > 0.01:
        raise RecordFileError(
            f"{path}: its times tell {rate:g} Hz, but {about.fs:g} Hz were given."
        )
