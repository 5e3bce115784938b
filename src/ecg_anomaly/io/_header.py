"""The WFDB header of a record, checked before any of its files is opened or anything allocated.

Format: the header(5) page of the WFDB Applications Guide (Moody et al., PhysioNet).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..errors import RecordFileError
from ._numbers import parse_number
from ._times import wfdb_time

MAX_HEADER_BYTES = 1_000_000
MAX_SIGNALS = 256
#: Characters in the name of a file or lead.
MAX_NAME = 255
GAP = "~"
#: Per format: bits a sample takes at least, and the code of a missing sample.
FORMATS: dict[str, tuple[float, int | None]] = {
    "8": (8, None),
    "80": (8, -(2**7)),
    "16": (16, -(2**15)),
    "61": (16, -(2**15)),
    "160": (16, -(2**15)),
    "212": (12, -(2**11)),
    "310": (10, -(2**9)),
    "311": (10, -(2**9)),
    "24": (24, -(2**23)),
    "32": (32, -(2**31)),
    # FLAC: about what eight flat channels take
    "508": (0.005, -(2**7)),
    "516": (0.005, -(2**15)),
    "524": (0.005, -(2**23)),
}
#: Gain that the format prescribes where none is given, in units of the converter per mV.
DEFAULT_GAIN = 200.0
#: The format of a signal that only a layout segment names.
NO_SAMPLES = "0"
_FORMAT = re.compile(
    r"(?P<format>\d+)(x(?P<frame>\d+))?(:(?P<skew>\d+))?(\+(?P<offset>\d+))?", re.ASCII
)
_GAIN = re.compile(r"(?P<gain>[^(/]+)(\((?P<baseline>[^)]*)\))?(/(?P<unit>.*))?")


@dataclass(frozen=True)
class SignalSpec:
    """One signal line of a header.

    A `gain` of 0 and an empty `unit` or `name` were not given.
    """

    file_name: str
    format: str
    samples_per_frame: int
    skew: int
    byte_offset: int
    gain: float
    baseline: int
    unit: str
    initial_value: int | None
    checksum: int | None
    name: str


@dataclass(frozen=True)
class Header:
    """What a header says, once it makes sense.

    `fs` is the rate of frames in Hz. `segments` are the names and lengths of the records that this
    one consists of; where there are any, there are no `signals`. `start` is when it began to be
    recorded.
    """

    path: Path
    fs: float
    n_samples: int | None
    signals: tuple[SignalSpec, ...]
    segments: tuple[tuple[str, int], ...]
    start: datetime | None
    comments: tuple[str, ...]
    has_fs: bool
    is_utf8: bool


def file_beside(header: Path, name: str) -> Path:
    """Return the path of a file that a header names.

    Raises
    ------
    RecordFileError
        If the file does not lie in the header's folder or below, be it by a link.
    """
    outside = RecordFileError(
        f"{header}: names the file {name[:80]!r}, which is not in the record's folder; put the "
        "files of a record side by side."
    )
    # a network share, drive or address, or longer than file systems have it
    if "\\" in name or ":" in name or len(name) > MAX_NAME:
        raise outside
    try:
        folder = header.parent.resolve()
        file = (folder / name).resolve()
    except (OSError, RuntimeError):
        raise outside from None
    if not file.is_relative_to(folder):
        raise outside
    return header.parent / name


def file_size(path: Path) -> int:
    """Return the size of a file in bytes.

    Raises
    ------
    RecordFileError
        If there is no such file, or it is a folder, pipe or device.
    """
    try:
        size = path.stat().st_size
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or str(error)
        raise RecordFileError(f"{path}: cannot be read ({problem}); check the path.") from None
    if not path.is_file():
        raise RecordFileError(f"{path}: cannot be read (not a file); check the path.")
    return size


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

    if file_size(path) > MAX_HEADER_BYTES:
        raise refuse(f"the header is larger than {MAX_HEADER_BYTES} bytes; is it a header?")
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise refuse(f"cannot be read ({error.strerror}); check the path.") from None
    if b"\0" in raw:
        raise refuse("holds NUL bytes; the header is damaged.")
    text, is_utf8 = _text(raw)
    lines = [line.strip() for line in re.split(r"\r\n|\r|\n", text)]
    comments = tuple(line[1:].strip() for line in lines if line.startswith("#"))
    content = [line for line in lines if line and not line.startswith("#")]
    if not content:
        raise refuse("the header is empty.")
    record_line, body = content[0].split(), content[1:]
    segments = record_line[0].partition("/")[2]
    n_signals = _count(record_line[1] if len(record_line) > 1 else "", "signal count", refuse)
    has_fs = len(record_line) > 2
    rate = record_line[2] if has_fs else "250"  # as the format prescribes
    fs = _number(rate.split("/")[0].split("(")[0], "sampling rate", refuse)
    if fs <= 0:
        raise refuse(f"sampling rate {fs:g} Hz is not positive; correct the header.")
    n_samples = None
    if len(record_line) > 3:
        n_samples = _count(record_line[3], "sample count", refuse) or None
    start = wfdb_time(record_line[4:])
    if not 1 <= n_signals <= MAX_SIGNALS:
        raise refuse(f"{n_signals} signals; between 1 and {MAX_SIGNALS} can be read.")
    n_lines = _count(segments, "number of segments", refuse) if segments else n_signals
    if len(body) < n_lines or not n_lines:
        what = "segments" if segments else "signals"
        raise refuse(f"{n_lines} {what} announced, but {len(body)} described.")
    described = [line.split(None, 8) for line in body[:n_lines]]
    if segments:
        parts = tuple(_segment(fields, refuse) for fields in described)
        return Header(path, fs, n_samples, (), parts, start, comments, has_fs, is_utf8)
    signals = tuple(_signal(fields, k, refuse) for k, fields in enumerate(described))
    return Header(path, fs, n_samples, signals, (), start, comments, has_fs, is_utf8)


def _text(raw: bytes) -> tuple[str, bool]:
    try:
        return raw.decode("utf-8"), True
    except UnicodeDecodeError:
        return raw.decode("latin-1"), False


def _segment(fields: list[str], refuse) -> tuple[str, int]:
    if len(fields) != 2:
        raise refuse("a segment needs a name and a sample count.")
    name, n_samples = fields[0], _count(fields[1], f"sample count of {fields[0][:40]}", refuse)
    return name, n_samples


def _signal(fields: list[str], number: int, refuse) -> SignalSpec:
    if len(fields) < 2:
        raise refuse(f"signal {number} has neither file nor format.")
    given = fields[8].strip() if len(fields) > 8 else ""
    if len(given) > MAX_NAME:
        raise refuse(f"the name of signal {number} has {len(given)} characters; shorten it.")
    name = given or f"signal {number}"
    storage = _FORMAT.fullmatch(fields[1])
    if storage is None or storage["format"] not in (*FORMATS, NO_SAMPLES):
        raise refuse(
            f"format {fields[1][:40]!r} of {name} is unknown; known are {', '.join(FORMATS)}."
        )
    match = _GAIN.fullmatch(fields[2] if len(fields) > 2 else "0")
    if match is None:
        raise refuse(f"gain {fields[2][:40]!r} of {name} is no number.")

    def whole(field: int, what: str) -> int | None:
        return _whole(fields[field], f"{what} of {name}", refuse) if len(fields) > field else None

    baseline = whole(4, "ADC zero") or 0
    if match["baseline"] is not None:
        baseline = _whole(match["baseline"], f"baseline of {name}", refuse)
    return SignalSpec(
        file_name=fields[0],
        format=storage["format"],
        samples_per_frame=_count(storage["frame"] or "1", "samples in a frame", refuse) or 1,
        skew=_count(storage["skew"] or "0", f"skew of {name}", refuse),
        byte_offset=_count(storage["offset"] or "0", f"byte offset of {name}", refuse),
        gain=_number(match["gain"], f"gain of {name}", refuse, least=1e-15),
        baseline=baseline,
        unit=match["unit"] or "",
        initial_value=whole(5, "initial value"),
        checksum=whole(6, "checksum"),
        name=given,
    )


def _number(text: str, what: str, refuse, least: float = 1e-12) -> float:
    try:
        value = parse_number(text)
    except ValueError:
        raise refuse(f"{what} {text[:40]!r} is no number.") from None
    if not math.isfinite(value) or abs(value) > 1e12 or 0 < abs(value) < least:
        raise refuse(f"{what} {text[:40]!r} is out of range.")
    return value


def _whole(text: str, what: str, refuse) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,15}", text):
        raise refuse(f"{what} {text[:40]!r} is no whole number.")
    return int(text)


def _count(text: str, what: str, refuse) -> int:
    value = _whole(text, what, refuse)
    if value < 0:
        raise refuse(f"{what} {value} is negative; correct the header.")
    return value
