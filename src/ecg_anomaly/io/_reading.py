"""One function for every format."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from ..errors import RecordFileError
from ..folders import files_below
from ..records import Record
from ._formats import BY_CONTENT, BY_SUFFIX, reader_of
from ._header import read_header
from ._sidecar import sidecar_path
from .wfdb import header_path, read_wfdb

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
        Of a WFDB header, with or without ``.hea``; of a ``.npy`` or ``.csv`` file; of EDF, DICOM,
        HL7 aECG or Philips Sierra XML under any name, which need the extra ``formats``.
    fs : float, optional
        Sampling rate in Hz, for ``.npy`` and ``.csv`` files that do not tell it. Files of other
        formats tell everything: for them, this and the next two are left aside.
    leads : sequence of str, optional
        Names of the leads, in the order of the file.
    unit : {"mV", "uV", "nV", "V"}, optional
        Of the samples.

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
    find_records : the files that folders hold.
    write_record : writes WFDB.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from ecg_anomaly.io import read_record
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(f"{folder}/a.npy", np.array([[0.1, 0.2, 0.3]]))
    ...     record = read_record(f"{folder}/a.npy", fs=500, leads=["II"])
    >>> record.signal, record.fs, record.leads
    (array([[0.1, 0.2, 0.3]], dtype=float32), 500.0, ('II',))
    """
    path = Path(path)
    try:
        reader = reader_of(path)
        if reader is None and path.suffix.lower() in BY_CONTENT and path.exists():
            raise RecordFileError(
                f"{path}: holds no EDF, DICOM, HL7 aECG or Philips Sierra XML, whatever its name."
            )
        if reader is None and _is_foreign(path):
            raise RecordFileError(
                f"{path}: is of no format that is read (WFDB, whose header .hea is named, .npy, "
                ".csv, EDF, DICOM, HL7 aECG, Philips Sierra XML); convert it, or open zip archives "
                "by `ecg_anomaly.io.unzipped`."
            )
        return (reader or read_wfdb)(path, fs=fs, leads=leads, unit=unit)
    except OSError as error:
        raise RecordFileError(f"{path}: cannot be read ({error.strerror or error}).") from None
    except MemoryError:
        raise RecordFileError(f"{path}: does not fit into memory; read a part of it.") from None


def find_records(paths: Iterable[str | Path]) -> list[Path]:
    """Return the files that paths stand for, folders searched throughout, sorted within each.

    In a folder, a record of several segments stands for its segments, which are left out, and a
    ``.csv`` file is a record only with a side-car ``.json`` of the same name. EDF, DICOM, aECG and
    Sierra files are known by their content, if they are called ``.edf``, ``.dcm`` or ``.xml``, or
    have no suffix but a number. Links to folders are not followed.

    Parameters
    ----------
    paths : iterable of str or Path
        Folders, files, and WFDB records with or without ``.hea``.

    Returns
    -------
    list of Path
        Files for `read_record`, in the order of `paths`.

    Raises
    ------
    RecordFileError
        If a folder holds no record, or it or one in it cannot be searched.

    See Also
    --------
    read_record : reads one.

    Examples
    --------
    >>> import tempfile
    >>> from ecg_anomaly.io import find_records
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     (Path(folder) / "b.npy").touch()
    ...     [path.name for path in find_records([folder, "records/a"])]
    ['b.npy', 'a.hea']
    """
    found: list[Path] = []
    for path in map(Path, paths):
        try:
            is_folder = path.is_dir()
        except OSError as error:
            raise RecordFileError(f"{path}: cannot be read ({error.strerror}).") from None
        if is_folder:
            found += _without_segments(_records_below(path))
        else:
            known = path.suffix.lower() in (*BY_SUFFIX, *BY_CONTENT) or _is_known(path)
            found.append(path if known or _is_foreign(path) else header_path(path))
    return found


def _records_below(folder: Path) -> list[Path]:
    try:
        files = sorted(files_below(folder, _is_record))
    except OSError as error:
        raise RecordFileError(
            f"{error.filename or folder}: cannot be searched for records ({error.strerror}); allow "
            "it, or name the folders beside it."
        ) from None
    if not files:
        raise RecordFileError(
            f"{folder}: the folder holds no record: no .hea, no .npy, no .csv with a side-car "
            ".json, no EDF, DICOM, aECG or Sierra XML."
        )
    return files


def _is_record(file: Path) -> bool:
    suffix = file.suffix.lower()
    if file.name.startswith("._"):  # what macOS adds to a file
        return False
    if suffix in BY_SUFFIX:
        return suffix not in _NEEDS_SIDECAR or sidecar_path(file).is_file()
    # a UID, by which DICOM files are called, ends in a number
    return (suffix in ("", *BY_CONTENT) or suffix[1:].isdigit()) and _is_known(file)


def _is_known(path: Path) -> bool:
    try:
        return reader_of(path) is not None
    except OSError:  # reported when it is read
        return True


def _is_foreign(path: Path) -> bool:
    """Tell whether a file of no known format is no part of a WFDB record either."""
    return path.is_file() and not header_path(path).exists()


def _without_segments(files: list[Path]) -> list[Path]:
    """Leave out the headers that a multi-segment record among them stands for."""
    wholes, parts = set(), set()
    for path in files:
        if path.suffix.lower() != ".hea":
            continue
        try:
            header = read_header(path)
        except RecordFileError:  # reported when it is read
            continue
        if header.segments:
            wholes.add(path)
            parts |= {path.parent / f"{name}.hea" for name, _ in header.segments}
    return [path for path in files if path in wholes or path not in parts]
