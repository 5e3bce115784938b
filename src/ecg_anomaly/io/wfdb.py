"""WFDB records: headers checked strictly, format 16 straight from the file, the rest by wfdb."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..errors import RecordFileError, SignalError
from ..records import Record
from ._header import Header, read_header

_INVALID_16 = -32768  # the format's code for a missing sample


def read_record(path: str | Path) -> Record:
    """Read one ECG from its WFDB files.

    Parameters
    ----------
    path : str or Path
        Of the header, with or without ``.hea``.

    Returns
    -------
    Record
        In mV, missing samples NaN, leads by canonical name.

    Raises
    ------
    RecordFileError
        If a file is missing, damaged or contradicts the header.
    """
    path = Path(path)
    if path.suffix != ".hea":
        path = path.with_name(path.name + ".hea")
    header = read_header(path)
    if _is_plain_16(header):
        signal = read_plain_16(header)
        names = [spec.name for spec in header.signals]
    else:
        signal, names = _read_with_wfdb(header)
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
            found += headers
        else:
            found.append(path if path.suffix == ".hea" else path.with_name(path.name + ".hea"))
    return found


def read_plain_16(header: Header) -> np.ndarray:
    """Decode 16-bit samples of one signal file, frame by frame, into mV.

    Returns
    -------
    ndarray of float32 of shape (n_leads, n_samples)

    Raises
    ------
    RecordFileError
        If the file is missing, shorter than announced, or a checksum is wrong.
    """
    file = header.path.parent / header.signals[0].file_name
    n_signals = len(header.signals)
    try:
        size = file.stat().st_size
        if header.n_samples is not None and size < 2 * n_signals * header.n_samples:
            raise RecordFileError(
                f"{file}: {size} bytes, but the header announces {header.n_samples} samples of "
                f"{n_signals} leads; the file is truncated."
            )
        n_samples = header.n_samples or size // (2 * n_signals)
        digital = np.fromfile(file, "<i2", n_signals * n_samples).reshape(n_samples, n_signals).T
    except OSError as error:
        raise RecordFileError(f"{file}: cannot be read ({error.strerror}).") from None
    sums = digital.sum(axis=1, dtype=np.int64)
    for spec, total in zip(header.signals, sums, strict=True):
        if spec.checksum is not None and (int(total) - spec.checksum) % 65536:
            raise RecordFileError(
                f"{file}: the checksum of lead {spec.name} is wrong; the file is damaged."
            )
    gain = np.array([spec.gain / spec.mv_per_unit for spec in header.signals])
    baseline = np.array([spec.baseline for spec in header.signals])
    signal = ((digital - baseline[:, None]) / gain[:, None]).astype(np.float32)
    signal[digital == _INVALID_16] = np.nan
    return signal


def _is_plain_16(header: Header) -> bool:
    return bool(header.signals) and all(
        spec.format == "16" and spec.file_name == header.signals[0].file_name
        for spec in header.signals
    )


def _read_with_wfdb(header: Header) -> tuple[np.ndarray, list[str]]:
    import wfdb

    try:
        record = wfdb.rdrecord(str(header.path.with_suffix("")))
        signal, names, units = record.p_signal.T, record.sig_name, record.units
    except Exception as error:
        # wfdb raises seven kinds of exceptions on damaged files
        raise RecordFileError(f"{header.path}: wfdb cannot read it ({error}).") from None
    if [spec.name for spec in header.signals] not in ([], list(names)):
        raise RecordFileError(f"{header.path}: signal names could not be read.")
    scale = {"mV": 1.0, "uV": 1e-3, "V": 1e3}
    for name, unit in zip(names, units, strict=True):
        if unit not in scale:
            raise RecordFileError(
                f"{header.path}: unit {unit!r} of {name} is unknown; known are mV, uV and V."
            )
    return signal * np.array([[scale[unit]] for unit in units]), list(names)
