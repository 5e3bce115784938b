"""WFDB records: headers checked strictly, format 16 straight from the file, the rest by wfdb."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from ..errors import RecordFileError, SignalError
from ..records import Record
from ._header import FORMATS, GAP, Header, SignalSpec, file_beside, file_size, read_header

# Gaps between segments take memory, but no space in a file.
_MAX_GAPS = 20


def read_record(path: str | Path) -> Record:
    """Read one ECG from its WFDB files.

    Parameters
    ----------
    path : str or Path
        Of the header, with or without ``.hea``.

    Returns
    -------
    Record
        In mV, missing samples NaN, leads by canonical name. Signals of several samples a frame
        are averaged in each; segments are joined, the gaps between them NaN.

    Raises
    ------
    RecordFileError
        If a file is missing, damaged, outside the header's folder, or contradicts the header.
    """
    path = _header_path(Path(path))
    header = read_header(path)
    names, signal = _read_segments(header) if header.segments else _read_signals(header)
    try:
        return Record(
            signal,
            fs=header.fs,
            leads=names,
            record_id=path.stem,
            source=str(path),
            annotations={"comments": header.comments},
        )
    except SignalError as error:
        raise RecordFileError(f"{path}: {error}") from None


def find_records(paths: Iterable[str | Path]) -> list[Path]:
    """Return the headers that paths stand for, folders searched throughout, sorted within each.

    A record of several segments found in a folder stands for its segments, which are left out.

    Raises
    ------
    RecordFileError
        If a folder holds no header.
    """
    found = []
    for path in map(Path, paths):
        if path.is_dir():
            headers = sorted(path.rglob("*.hea"))
            if not headers:
                raise RecordFileError(f"{path}: the folder holds no WFDB header (*.hea).")
            found += _without_segments(headers)
        else:
            found.append(_header_path(path))
    return found


def _header_path(path: Path) -> Path:
    if not path.name:
        raise RecordFileError(f"{path}: is a folder; name a record in it.")
    return path if path.suffix == ".hea" else path.with_name(path.name + ".hea")


def _without_segments(headers: list[Path]) -> list[Path]:
    """Leave out the headers that a multi-segment record among them stands for."""
    wholes, parts = set(), set()
    for path in headers:
        try:
            header = read_header(path)
        except RecordFileError:  # reported when it is read
            continue
        if header.segments:
            wholes.add(path)
            parts |= {path.parent / f"{name}.hea" for name, _ in header.segments}
    return [path for path in headers if path in wholes or path not in parts]


def _read_segments(header: Header) -> tuple[list[str], np.ndarray]:
    """Join the segments of a record, by the names of their signals."""
    total = sum(n_samples for _, n_samples in header.segments)
    if header.n_samples not in (None, total):
        raise RecordFileError(
            f"{header.path}: announces {header.n_samples} samples, but its segments {total}."
        )
    recorded = sum(n_samples for name, n_samples in header.segments if name != GAP)
    if total > (1 + _MAX_GAPS) * recorded:
        raise RecordFileError(
            f"{header.path}: only {recorded} of {total} samples were recorded; read its segments "
            "one by one."
        )
    parts = {}
    names: list[str] = []
    for name, n_samples in header.segments:
        if name == GAP or name in parts:
            continue
        part = read_header(file_beside(header.path, f"{name}.hea"))
        if part.segments:
            raise RecordFileError(f"{part.path}: a segment cannot consist of segments.")
        if part.fs != header.fs or n_samples not in (0, part.n_samples):
            raise RecordFileError(
                f"{part.path}: {part.n_samples} samples at {part.fs:g} Hz, but {header.path} "
                f"announces {n_samples} at {header.fs:g} Hz."
            )
        names += [spec.name for spec in part.signals if spec.name not in names]
        parts[name] = part
    signal = np.full((len(names), total), np.nan, np.float32)
    start = 0
    for name, n_samples in header.segments:
        # a segment without samples is the layout: it names the signals
        if name != GAP and n_samples:
            rows, values = _read_signals(parts[name])
            signal[[names.index(row) for row in rows], start : start + n_samples] = values
        start += n_samples
    return names, signal


def _read_signals(header: Header) -> tuple[list[str], np.ndarray]:
    """Return the names and the signals in mV of a record without segments."""
    _check_files(header)
    if _is_plain_16(header):
        digital = _read_plain_16(header)
        for spec, samples in zip(header.signals, digital, strict=True):
            _check_samples(header.path, spec, samples)
        signal = _to_mv(digital, header.signals)
    else:
        parts = _read_with_wfdb(header)
        for spec, samples in zip(header.signals, parts, strict=True):
            _check_samples(header.path, spec, samples)
        signal = np.stack(
            [
                _to_mv(samples[None], [spec]).reshape(-1, spec.samples_per_frame).mean(axis=1)
                for spec, samples in zip(header.signals, parts, strict=True)
            ]
        )
    return [spec.name for spec in header.signals], signal


def _check_files(header: Header) -> None:
    """Refuse files outside the folder, and those that cannot hold what the header announces."""
    files: dict[str, list[SignalSpec]] = {}
    for spec in header.signals:
        if spec.format not in FORMATS:
            raise RecordFileError(f"{header.path}: {spec.name} has no samples.")
        files.setdefault(spec.file_name, []).append(spec)
    for name, specs in files.items():
        file = file_beside(header.path, name)
        if len({(spec.format, spec.byte_offset) for spec in specs}) > 1:
            raise RecordFileError(f"{header.path}: {name} is given two formats.")
        bits = sum(FORMATS[spec.format][0] * spec.samples_per_frame for spec in specs)
        size = file_size(file)
        if specs[0].byte_offset > size:
            raise RecordFileError(
                f"{file}: {size} bytes, but the header lets the samples begin at byte "
                f"{specs[0].byte_offset}; the file is truncated."
            )
        room = int(8 * (size - specs[0].byte_offset) // bits)
        if header.n_samples is not None and header.n_samples > room:
            raise RecordFileError(
                f"{file}: {size} bytes, but the header announces {header.n_samples} samples of "
                f"{len(specs)} leads; the file is truncated."
            )
        longest = header.n_samples or room
        if any(spec.skew > longest for spec in specs):
            raise RecordFileError(f"{header.path}: a skew in {name} is longer than the record.")


def _check_samples(path: Path, spec: SignalSpec, samples: np.ndarray) -> None:
    if spec.skew:  # what was shifted in and out is in the checksum
        return
    total = int(samples.sum(dtype=np.int64))
    if spec.checksum is not None and (total - spec.checksum) % 65536:
        raise RecordFileError(
            f"{path}: the checksum of lead {spec.name} in {spec.file_name} is wrong; the file is "
            "damaged."
        )
    if spec.initial_value is not None and len(samples) and samples[0] != spec.initial_value:
        raise RecordFileError(
            f"{path}: lead {spec.name} in {spec.file_name} begins with {samples[0]} instead of "
            f"{spec.initial_value}; the file is damaged or belongs to another record."
        )


def _to_mv(digital: np.ndarray, specs: Sequence[SignalSpec]) -> np.ndarray:
    gain = np.array([spec.gain / spec.mv_per_unit for spec in specs])
    baseline = np.array([spec.baseline for spec in specs])
    signal = ((digital - baseline[:, None]) / gain[:, None]).astype(np.float32)
    missing = FORMATS[specs[0].format][1]
    if missing is not None:
        signal[digital == missing] = np.nan
    return signal


def _is_plain_16(header: Header) -> bool:
    first = header.signals[0]
    return all(
        spec.format == "16"
        and spec.file_name == first.file_name
        and spec.samples_per_frame == 1
        and not spec.skew
        for spec in header.signals
    )


def _read_plain_16(header: Header) -> np.ndarray:
    """Return the samples of one file, written frame by frame, shape (n_leads, n_samples)."""
    n_signals, offset = len(header.signals), header.signals[0].byte_offset
    file = header.path.parent / header.signals[0].file_name
    n_samples = header.n_samples
    if n_samples is None:
        n_samples, rest = divmod(file_size(file) - offset, 2 * n_signals)
        if rest:
            raise RecordFileError(f"{file}: ends within a sample; the file is truncated.")
    try:
        values = np.fromfile(file, "<i2", n_signals * n_samples, offset=offset)
    except OSError as error:
        raise RecordFileError(f"{file}: cannot be read ({error.strerror}).") from None
    return values.reshape(n_samples, n_signals).T


def _read_with_wfdb(header: Header) -> list[np.ndarray]:
    """Return the samples of each signal."""
    # wfdb gives all samples of a frame only in a form in which format 61 fails
    one_each = all(spec.samples_per_frame == 1 for spec in header.signals)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # wfdb uses what pandas is about to drop
            import wfdb

            record = wfdb.rdrecord(
                str(header.path.with_suffix("")), physical=False, smooth_frames=one_each
            )
        names = record.file_name
        samples = list(record.d_signal.T) if one_each else record.e_d_signal
    except Exception as error:
        # wfdb raises seven kinds of exceptions on damaged files
        raise RecordFileError(f"{header.path}: wfdb cannot read it ({error}).") from None
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
