"""The WFDB header of a single-segment record, checked before anything is read or allocated.

Format: the header(5) page of the WFDB Applications Guide (Moody et al., PhysioNet).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

from ..errors import RecordFileError

MAX_HEADER_BYTES = 1_000_000
MAX_SIGNALS = 256
_MV_PER_UNIT = {"mv": 1.0, "uv": 1e-3, "µv": 1e-3, "μv": 1e-3, "v": 1e3}
_DEFAULT_GAIN = 200.0
_GAIN = re.compile(r"^(?P<gain>[^(/]+)(\((?P<baseline>[^)]*)\))?(/(?P<unit>.*))?$")


@dataclass(frozen=True)
class SignalSpec:
    """One signal line of a header."""

    file_name: str
    format: str
    gain: float
    baseline: int
    mv_per_unit: float
    checksum: int | None
    name: str


@dataclass(frozen=True)
class Header:
    """What a header says, once it makes sense."""

    path: Path
    n_segments: int
    fs: float
    n_samples: int | None
    signals: tuple[SignalSpec, ...]
    comments: tuple[str, ...]


def read_header(path: Path) -> Header:
    """Read and check a header.

    Parameters
    ----------
    path : Path
        Of the ``.hea`` file.

    Returns
    -------
    Header

    Raises
    ------
    RecordFileError
        If the file is missing, no text, too large, or a field of it makes no sense; the message
        names the file and the field.
    """

    def refuse(message: str) -> RecordFileError:
        return RecordFileError(f"{path}: {message}")

    try:
        if path.stat().st_size > MAX_HEADER_BYTES:
            raise refuse(f"the header is larger than {MAX_HEADER_BYTES} bytes; is it a header?")
        raw = path.read_bytes()
    except OSError as error:
        raise refuse(f"cannot be read ({error.strerror}); check the path.") from None
    if b"\0" in raw:
        raise refuse("holds NUL bytes; the header is damaged.")
    lines = [line.strip() for line in raw.decode("utf-8", errors="replace").splitlines()]
    comments = tuple(line[1:].strip() for line in lines if line.startswith("#"))
    content = [line for line in lines if line and not line.startswith("#")]
    if not content:
        raise refuse("the header is empty.")
    record_line, signal_lines = content[0].split(), content[1:]
    segments = record_line[0].partition("/")[2]
    n_segments = _whole(segments or "1", "number of segments", refuse)
    n_signals = _whole(record_line[1] if len(record_line) > 1 else "", "signal count", refuse)
    rate = record_line[2] if len(record_line) > 2 else "250"
    fs = _number(rate.split("/")[0].split("(")[0], "sampling rate", refuse)
    if fs <= 0:
        raise refuse(f"sampling rate {fs:g} Hz is not positive; correct the header.")
    n_samples = (
        _whole(record_line[3], "sample count", refuse) or None if len(record_line) > 3 else None
    )
    if n_segments > 1 or segments:
        return Header(path, n_segments, fs, n_samples, (), comments)
    if not 1 <= n_signals <= MAX_SIGNALS:
        raise refuse(f"{n_signals} signals; between 1 and {MAX_SIGNALS} can be read.")
    if len(signal_lines) < n_signals:
        raise refuse(f"{n_signals} signals announced, but {len(signal_lines)} described.")
    signals = tuple(
        _signal(line.split(None, 8), k, refuse) for k, line in enumerate(signal_lines[:n_signals])
    )
    return Header(path, n_segments, fs, n_samples, signals, comments)


def _signal(fields: list[str], number: int, refuse) -> SignalSpec:
    if len(fields) < 2:
        raise refuse(f"signal {number} has neither file nor format.")
    name = fields[8].strip() if len(fields) > 8 else f"signal{number}"
    match = _GAIN.match(fields[2]) if len(fields) > 2 else None
    gain = _number(match["gain"] if match else "0", f"gain of {name}", refuse) or _DEFAULT_GAIN
    if gain < 0:
        raise refuse(f"gain {gain:g} of {name} is negative, which would invert it.")
    unit = (match["unit"] if match else None) or "mV"
    if unit.lower() not in _MV_PER_UNIT:
        raise refuse(f"unit {unit!r} of {name} is unknown; known are mV, uV and V.")
    zero = _whole(fields[4], f"ADC zero of {name}", refuse) if len(fields) > 4 else 0
    baseline = zero
    if match and match["baseline"] is not None:
        baseline = _whole(match["baseline"], f"baseline of {name}", refuse)
    checksum = _whole(fields[6], f"checksum of {name}", refuse) if len(fields) > 6 else None
    return SignalSpec(
        fields[0], fields[1], gain, baseline, _MV_PER_UNIT[unit.lower()], checksum, name
    )


def _number(text: str, what: str, refuse) -> float:
    try:
        value = float(text)
    except ValueError:
        raise refuse(f"{what} {text[:40]!r} is no number.") from None
    if not math.isfinite(value) or abs(value) > 1e12:
        raise refuse(f"{what} {text[:40]!r} is out of range.")
    return value


def _whole(text: str, what: str, refuse) -> int:
    if not re.fullmatch(r"[+-]?\d{1,15}", text):
        raise refuse(f"{what} {text[:40]!r} is no whole number.")
    return int(text)
