"""One function for every format: the end of a file's name tells which."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from ..errors import RecordFileError
from ..records import Record
from ._header import read_header
from ._sidecar import sidecar_path
from .csv import read_csv
from .npy import read_npy
from .wfdb import header_path, read_wfdb

#: A new format is one file with a function like these, and one line here.
READERS: dict[str, Callable[..., Record]] = {
    ".hea": read_wfdb,
    ".npy": read_npy,
    ".csv": read_csv,
}
# Tables are CSV files too: in a folder, only those described by a side-car are records.
_NEEDS_SIDECAR = (".csv",)


def read_record(
    path: str | Path,
    *,
    fs: float | None = None,
    leads: Sequence[str] | None = None,
    unit: str | None = None,
) -> Record:
    """Read one ECG.

    Parameters
    ----------
    path : str or Path
        Of a WFDB header, with or without ``.hea``; of a ``.npy`` or ``.csv`` file.
    fs : float, optional
        Sampling rate in Hz, where the file does not tell it.
    leads : sequence of str, optional
        Names of the leads, in the order of the file, where it does not tell them.
    unit : {"mV", "uV", "nV", "V"}, optional
        Of the samples, where the file does not tell it.

    Returns
    -------
    Record
        In mV, missing samples NaN, leads by canonical name; what was noteworthy is in `quality`,
        channels that are no ECG leads are in `extra`. WFDB: leads of several samples a frame keep
        their rate, and slower ones are brought to the fastest; segments are joined, the gaps
        between them NaN.

    Raises
    ------
    RecordFileError
        If a file is missing, damaged, outside the folder, contradicts itself or what was given, or
        does not tell what was not given.

    See Also
    --------
    ecg_anomaly.io.write_record : writes WFDB.
    """
    path = Path(path)
    reader = READERS.get(path.suffix.lower(), read_wfdb)
    try:
        return reader(path, fs=fs, leads=leads, unit=unit)
    except OSError as error:
        raise RecordFileError(f"{path}: cannot be read ({error.strerror or error}).") from None
    except MemoryError:
        raise RecordFileError(f"{path}: does not fit into memory; read a part of it.") from None


def find_records(paths: Iterable[str | Path]) -> list[Path]:
    """Return the files that paths stand for, folders searched throughout, sorted within each.

    In a folder, a record of several segments stands for its segments, which are left out, and a
    ``.csv`` file is a record only with a side-car ``.json`` of the same name.

    Raises
    ------
    RecordFileError
        If a folder holds no record.
    """
    found: list[Path] = []
    for path in map(Path, paths):
        if not path.is_dir():
            found.append(path if path.suffix.lower() in READERS else header_path(path))
            continue
        files = sorted(
            file
            for file in path.rglob("*")
            if file.suffix.lower() in READERS
            and (file.suffix.lower() not in _NEEDS_SIDECAR or sidecar_path(file).is_file())
        )
        if not files:
            raise RecordFileError(
                f"{path}: the folder holds no record: no .hea, no .npy and no .csv with a side-car "
                ".json."
            )
        found += _without_segments(files)
    return found


def _without_segments(files: list[Path]) -> list[Path]:
    """Leave out the headers that a multi-segment record among them stands for."""
    wholes, parts = set(), set()
    for path in files:
        if path.suffix != ".hea":
            continue
        try:
            header = read_header(path)
        except RecordFileError:  # reported when it is read
            continue
        if header.segments:
            wholes.add(path)
            parts |= {path.parent / f"{name}.hea" for name, _ in header.segments}
    return [path for path in files if path in wholes or path not in parts]
