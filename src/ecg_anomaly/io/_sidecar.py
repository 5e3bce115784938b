"""What a file of bare numbers does not tell: given as arguments, or in a JSON file beside it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import RecordFileError, SignalError
from ..leads import canonical_leads
from ..records import Record
from ._comments import clean_patient
from ._header import MAX_NAME, MAX_SIGNALS, file_size
from ._rates import check_ecg_rate
from ._units import mv_per_unit

_MAX_BYTES = 1_000_000
_OWN_KEYS = ("fs", "leads", "unit", "record_id", "patient_id")


@dataclass
class Description:
    """What is known of the samples in a file; None where it is not. `scale` is in mV per unit."""

    fs: float | None = None
    leads: tuple[str, ...] | None = None
    scale: float | None = None
    record_id: str = ""
    patient_id: str = ""
    rest: dict[str, Any] = field(default_factory=dict)


def sidecar_path(path: Path) -> Path:
    """Return where the description of a file lies."""
    return path.with_suffix(".json")


def describe(
    path: Path, fs: float | None, leads: Sequence[str] | None, unit: str | None
) -> Description:
    """Return what the arguments and the side-car tell of a file.

    Raises
    ------
    RecordFileError
        If the side-car cannot be read, has a wrong value, or contradicts an argument.
    """
    side = sidecar_path(path)
    content = _load(side) if side.is_file() else {}
    names = leads if leads is None or isinstance(leads, str) else list(leads)
    given = {"fs": fs, "leads": names, "unit": unit}
    known: dict[str, Any] = {}
    for key, check in (("fs", _rate), ("leads", lead_names), ("unit", _scale)):
        argument = None if given[key] is None else check(path, given[key])
        told = None if content.get(key) is None else check(side, content[key])
        if None not in (argument, told) and argument != told:
            raise RecordFileError(
                f"{side}: {key} is {_shown(content[key])}, but {_shown(given[key])} was given; "
                "one is wrong."
            )
        known[key] = told if argument is None else argument
    return Description(
        fs=known["fs"],
        leads=known["leads"],
        scale=known["unit"],
        record_id=_name(side, "record_id", content) or path.stem,
        patient_id=_name(side, "patient_id", content),
        rest={key: content[key] for key in content if key not in _OWN_KEYS},
    )


def build_record(path: Path, signal: np.ndarray, about: Description) -> Record:
    """Return the record of an array of shape (n_leads, n_samples) whose description is complete.

    Raises
    ------
    RecordFileError
        If rate, names or unit are not known or do not fit; if a sample is infinite.
    """
    side = sidecar_path(path).name
    if about.fs is None:
        raise RecordFileError(f'{path}: tells no sampling rate; give fs=, or {side} with "fs".')
    if about.leads is None:
        raise RecordFileError(
            f'{path}: does not name its {len(signal)} leads; give leads=, or {side} with "leads".'
        )
    scale = about.scale
    if scale is None and not _are_whole(signal):
        scale = 1.0
    if scale is None:
        raise RecordFileError(
            f"{path}: tells no unit, and whole numbers are seldom mV; give unit=, or {side} with "
            '"unit".'
        )
    if len(about.leads) != len(signal):
        raise RecordFileError(
            f"{path}: holds {len(signal)} leads of {signal.shape[1]} samples, but "
            f"{len(about.leads)} are named: {', '.join(about.leads)[:200]}."
        )
    if not signal.size:
        raise RecordFileError(f"{path}: holds no sample.")
    findings = check_ecg_rate(path, about.fs)
    with np.errstate(over="ignore"):
        values = signal.astype(np.float32) if scale == 1 else (signal * scale).astype(np.float32)
    if np.isinf(values).any():
        lead, sample = (int(index[0]) for index in np.nonzero(np.isinf(values)))
        raise RecordFileError(
            f"{path}: lead {about.leads[lead]} is infinite at sample {sample}; mark missing "
            "samples by NaN."
        )
    rest = dict(about.rest)
    patient, more = clean_patient(rest.pop("age", None), rest.pop("sex", None))
    return Record(
        values,
        fs=about.fs,
        leads=about.leads,
        record_id=about.record_id,
        patient_id=about.patient_id,
        source=str(path),
        annotations={**rest, **patient},
        quality=(*findings, *more),
    )


def _are_whole(signal: np.ndarray) -> bool:
    """Tell whether samples are counts, and so of no unit that could be guessed; zeros need none."""
    known = signal[np.isfinite(signal)]
    return bool(known.any()) and not (known != np.trunc(known)).any()


def _load(side: Path) -> dict[str, Any]:
    if file_size(side) > _MAX_BYTES:
        raise RecordFileError(f"{side}: is larger than {_MAX_BYTES} bytes; is it a side-car?")
    try:
        content = json.loads(side.read_text("utf-8-sig"))
    except (ValueError, RecursionError):
        raise RecordFileError(f"{side}: is no JSON; correct it or remove it.") from None
    if not isinstance(content, dict):
        raise RecordFileError(f'{side}: must be an object such as {{"fs": 500}}.')
    return content


def _shown(value: Any) -> str:
    try:
        return repr(value)[:40]
    except ValueError:  # a number of more digits than Python writes
        return "a huge number"


def _name(side: Path, key: str, content: dict[str, Any]) -> str:
    value = content.get(key)
    if value is not None and (isinstance(value, bool) or not isinstance(value, str | int | float)):
        raise RecordFileError(
            f"{side}: {key} must be a text or a number, got {_shown(value)}; correct it."
        )
    return "" if value is None else str(value)


def _rate(where: Path, fs: Any) -> float:
    is_number = isinstance(fs, int | float | np.number) and not isinstance(fs, bool)
    try:
        value = float(fs) if is_number else math.nan
    except OverflowError:
        value = math.inf
    if not 0 < value < math.inf:
        raise RecordFileError(f"{where}: fs must be a positive number in Hz, got {_shown(fs)}.")
    return value


def lead_names(where: Path, leads: Any) -> tuple[str, ...]:
    """Return canonical names.

    Raises
    ------
    RecordFileError
        If they are no list of different names.
    """
    if not isinstance(leads, list) or not all(isinstance(name, str) for name in leads):
        raise RecordFileError(
            f"{where}: leads must be a list of names such as ['I', 'II'], got {_shown(leads)}."
        )
    if len(leads) > MAX_SIGNALS or any(len(name) > MAX_NAME for name in leads):
        raise RecordFileError(
            f"{where}: more than {MAX_SIGNALS} leads, or a name of more than {MAX_NAME} characters."
        )
    try:
        return canonical_leads(leads)
    except SignalError as error:
        raise RecordFileError(f"{where}: {error}") from None


def _scale(where: Path, unit: Any) -> float:
    scale = mv_per_unit(unit) if isinstance(unit, str) else None
    if scale is None:
        raise RecordFileError(f"{where}: unit must be mV, uV, nV or V, got {_shown(unit)}.")
    return scale
