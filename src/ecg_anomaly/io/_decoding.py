"""The stored samples of a WFDB record: the common formats by numpy, the rest by wfdb.

Formats: the signal(5) page of the WFDB Applications Guide (Moody et al., PhysioNet).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..errors import RecordFileError
from ..findings import Finding, FindingKind
from ._header import FORMATS, Header, SignalSpec, file_beside, file_size

# Some writers fill the last group of packed samples, of so many bytes.
_GROUP_BYTES = {"212": 3}
_COMPRESSED = ("508", "516", "524")
_MATLAB_INT16 = 30
_MATLAB_INT32 = 20


def read_digital(header: Header) -> tuple[list[np.ndarray], list[Finding]]:
    """Return the stored samples of each signal, all those of a frame one after the other.

    Parameters
    ----------
    header : Header
        Of a record without segments.

    Returns
    -------
    samples : list of ndarray of int
        One a signal, of ``samples_per_frame`` times the number of frames; a skewed signal is
        shifted back, and what is then not there has the format's code of a missing sample.
    findings : list of Finding

    Raises
    ------
    RecordFileError
        If a file is missing, outside the folder or too short, or the checksum of a signal is wrong.
    """
    files: dict[str, list[int]] = {}
    for k, spec in enumerate(header.signals):
        if spec.format not in FORMATS:
            raise RecordFileError(f"{header.path}: {_name(spec)} has no samples.")
        files.setdefault(spec.file_name, []).append(k)
    findings: list[Finding] = []
    paths = {name: file_beside(header.path, name) for name in files}
    lengths = [
        _frames(header, paths[name], [header.signals[k] for k in rows], findings)
        for name, rows in files.items()
    ]
    samples: list[np.ndarray] = [np.zeros(0, np.int16)] * len(header.signals)
    if not all(spec.format in _DECODERS for spec in header.signals):
        samples = _read_with_wfdb(header)
    elif len(set(lengths)) > 1:
        raise RecordFileError(
            f"{header.path}: announces no sample count, and its files hold {sorted(set(lengths))}; "
            "a file is truncated."
        )
    else:
        for name, rows in files.items():
            specs = [header.signals[k] for k in rows]
            signals = _decode(paths[name], specs, lengths[0])
            for k, values in zip(rows, signals, strict=True):
                samples[k] = values
    for spec, values in zip(header.signals, samples, strict=True):
        findings += _check_samples(header.path, spec, values)
    return samples, findings


def _name(spec: SignalSpec) -> str:
    return spec.name or "a signal"


def _frames(header: Header, file: Path, specs: list[SignalSpec], findings: list[Finding]) -> int:
    """Return how many frames to read from a file, before anything is allocated for them."""
    first, name = specs[0], file.name
    if any((spec.format, spec.byte_offset) != (first.format, first.byte_offset) for spec in specs):
        raise RecordFileError(f"{header.path}: {name} is given two formats.")
    bits = FORMATS[first.format][0] * sum(spec.samples_per_frame for spec in specs)
    size = file_size(file)
    room = size - first.byte_offset
    if room < 0:
        raise RecordFileError(
            f"{file}: {size} bytes, but the header lets the samples begin at byte "
            f"{first.byte_offset}; the file is truncated."
        )
    n_frames = header.n_samples
    if n_frames is None:
        n_frames = int(8 * room // bits)
        if first.format not in _COMPRESSED and room > -(-n_frames * bits // 8):
            raise RecordFileError(f"{file}: ends within a sample; the file is truncated.")
    elif n_frames * bits > 8 * room:
        raise RecordFileError(
            f"{file}: {size} bytes, but the header announces {n_frames} samples of {len(specs)} "
            "leads; the file is truncated."
        )
    skew = max(spec.skew for spec in specs)
    if skew > n_frames:
        raise RecordFileError(f"{header.path}: a skew in {name} is longer than the record.")
    if first.format in _DECODERS:  # the others' last samples may end in several places
        group = _GROUP_BYTES.get(first.format, 1)
        surplus = room - group * -(-(n_frames + skew) * bits // (8 * group))
        if surplus > 0:
            detail = f"{name} holds {surplus:g} bytes more than the header announces"
            findings.append(Finding(FindingKind.TRAILING_BYTES, detail=detail))
    if file.suffix == ".mat" and first.byte_offset:
        _check_matlab(file, specs, n_frames)
    if first.format in _COMPRESSED and header.n_samples is not None:
        _check_flac(file, first, n_frames)
    return n_frames


def _check_matlab(file: Path, specs: list[SignalSpec], n_frames: int) -> None:
    """Compare the header of a MATLAB v4 file: type, rows, columns, imaginary, length of name."""
    with file.open("rb") as stream:
        fields = np.frombuffer(stream.read(20), "<i4")
    rows = sum(spec.samples_per_frame for spec in specs)
    kind = {"16": _MATLAB_INT16, "32": _MATLAB_INT32}.get(specs[0].format, -1)
    if len(fields) < 5 or fields[0] != kind or 20 + fields[4] != specs[0].byte_offset:
        raise RecordFileError(
            f"{file}: is no MATLAB v4 matrix in format {specs[0].format} that begins at byte "
            f"{specs[0].byte_offset}; the file is damaged."
        )
    if fields[1] != rows or fields[2] < n_frames or fields[3]:
        raise RecordFileError(
            f"{file}: holds a matrix of {fields[1]} x {fields[2]}, but the header announces "
            f"{rows} x {n_frames}; the file belongs to another record."
        )


def _check_flac(file: Path, spec: SignalSpec, n_frames: int) -> None:
    """Compare the number of samples a channel in a FLAC file's first block, STREAMINFO (RFC 9639).

    wfdb allocates what the header announces before it reads.
    """
    with file.open("rb") as stream:
        start = stream.read(26)
    n_samples = int.from_bytes(start[18:], "big") % 2**36
    if len(start) < 26 or start[:4] != b"fLaC" or start[4] % 128:
        raise RecordFileError(f"{file}: is no FLAC file; the file is damaged.")
    announced = spec.byte_offset + n_frames * spec.samples_per_frame  # an offset in samples
    if n_samples < announced:
        raise RecordFileError(
            f"{file}: holds {n_samples} samples a channel, but the header announces {announced}; "
            "the file is truncated."
        )


def _decode(file: Path, specs: list[SignalSpec], n_frames: int) -> list[np.ndarray]:
    """Return the samples of the signals in one file."""
    first = specs[0]
    width = sum(spec.samples_per_frame for spec in specs)
    skew = max(spec.skew for spec in specs)
    available = int(8 * (file_size(file) - first.byte_offset) // FORMATS[first.format][0]) // width
    n_read = min(n_frames + skew, available) if skew else n_frames
    try:
        flat = _DECODERS[first.format](file, first.byte_offset, n_read * width)
    except OSError as error:
        raise RecordFileError(f"{file}: cannot be read ({error.strerror}).") from None
    frames = flat.reshape(n_read, width)
    if width == len(specs) and not skew:
        return list(np.ascontiguousarray(frames.T))
    signals, column = [], 0
    for spec in specs:
        part = frames[spec.skew : spec.skew + n_frames, column : column + spec.samples_per_frame]
        column += spec.samples_per_frame
        values = np.full(n_frames * spec.samples_per_frame, FORMATS[spec.format][1], flat.dtype)
        values[: part.size] = part.reshape(-1)
        signals.append(values)
    return signals


def _bytes(file: Path, offset: int, count: int) -> np.ndarray:
    return np.fromfile(file, np.uint8, count, offset=offset)


def _decode_16(file: Path, offset: int, n: int) -> np.ndarray:
    return np.fromfile(file, "<i2", n, offset=offset)


def _decode_24(file: Path, offset: int, n: int) -> np.ndarray:
    words = np.zeros((n, 4), np.uint8)
    words[:, 1:] = _bytes(file, offset, 3 * n).reshape(n, 3)
    values = words.view("<i4").reshape(n)
    values >>= 8  # arithmetic: carries the sign down
    return values


def _decode_32(file: Path, offset: int, n: int) -> np.ndarray:
    return np.fromfile(file, "<i4", n, offset=offset)


def _decode_80(file: Path, offset: int, n: int) -> np.ndarray:
    return (_bytes(file, offset, n) ^ 0x80).view(np.int8)  # offset binary


def _decode_212(file: Path, offset: int, n: int) -> np.ndarray:
    """Two samples of 12 bits in three bytes, the middle one shared."""
    raw = np.zeros(3 * -(-n // 2), np.uint8)
    stored = _bytes(file, offset, -(-3 * n // 2))
    raw[: len(stored)] = stored
    low, shared, high = (raw[k::3].astype(np.int16) for k in range(3))
    values = np.empty((len(low), 2), np.int16)
    # shifting up to the top and down again carries the sign
    values[:, 0] = ((shared << 12) >> 4) | low
    values[:, 1] = (((shared & 0xF0) << 8) >> 4) | high
    return values.reshape(-1)[:n]


_DECODERS: dict[str, Callable[[Path, int, int], np.ndarray]] = {
    "16": _decode_16,
    "24": _decode_24,
    "32": _decode_32,
    "80": _decode_80,
    "212": _decode_212,
}


def _read_with_wfdb(header: Header) -> list[np.ndarray]:
    if header.n_samples is None and header.signals[0].format in _COMPRESSED:
        raise RecordFileError(
            f"{header.path}: announces no sample count, which compressed formats need; add it."
        )
    # wfdb gives all samples of a frame only in a form in which format 61 fails
    one_each = all(spec.samples_per_frame == 1 for spec in header.signals)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # wfdb uses what pandas is about to drop
            import wfdb

            record = wfdb.rdrecord(
                str(header.path.absolute().with_suffix("")), physical=False, smooth_frames=one_each
            )
        names = record.file_name
        samples = list(record.d_signal.T) if one_each else record.e_d_signal
    except Exception as error:
        # wfdb raises seven kinds of exceptions on damaged files
        raise RecordFileError(
            f"{header.path}: wfdb cannot read it ({error or type(error).__name__})."
        ) from None
    lengths = {
        len(values) / spec.samples_per_frame
        for spec, values in zip(header.signals, samples, strict=False)
    }
    if (
        names != [spec.file_name for spec in header.signals]
        or len(lengths) != 1
        or header.n_samples not in (None, *lengths)
    ):
        raise RecordFileError(f"{header.path}: the signals do not have the announced length.")
    return samples


def _check_samples(path: Path, spec: SignalSpec, samples: np.ndarray) -> list[Finding]:
    if spec.skew:  # what was shifted in and out is in the checksum
        return []
    verified = False
    if spec.checksum is not None:
        if (int(samples.sum(dtype=np.int64)) - spec.checksum) % 65536:
            raise RecordFileError(
                f"{path}: the checksum of {_name(spec)} in {spec.file_name} is wrong; the file is "
                "damaged, fetch it again."
            )
        verified = True
    if spec.initial_value is None or not len(samples) or samples[0] == spec.initial_value:
        return []
    detail = f"begins with {samples[0]} instead of {spec.initial_value}"
    if not verified:
        raise RecordFileError(
            f"{path}: {_name(spec)} in {spec.file_name} {detail}; the file is damaged or belongs "
            "to another record."
        )
    return [Finding(FindingKind.INITIAL_VALUE, spec.name, detail=f"{detail}, by a right checksum")]
