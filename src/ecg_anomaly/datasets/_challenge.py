"""Folders of 12-lead records whose diagnoses stand in the comments of their headers."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DatasetError, SignalError
from ..leads import STANDARD_LEADS, can_derive
from ..records import RecordSet
from ..signal.resampling import rate_ratio
from ._dataset import ECGDataset, counted
from ._files import RecordFiles
from ._folders import files_ending
from ._headers import ScannedHeader, scan_header
from ._people import clean_ages, clean_sexes

_NO_DIAGNOSIS, _NO_LEADS = "without a diagnosis", "without all twelve leads"
# Against having no record left; a record that is left out for another reason is too short.
_REMEDIES = {
    _NO_DIAGNOSIS: 'take a folder whose headers name diagnoses, as in "#Dx: 426783006"',
    _NO_LEADS: "take a folder of 12-lead ECGs, or read records of other leads with read_record",
}
_UNKNOWN = ("", "unknown", "nan")
# By the letters of a record's name; Chapman-Shaoxing and Ningbo share theirs.
_SOURCES = {
    "A": "CPSC 2018", "Q": "CPSC 2018 extra", "I": "St Petersburg INCART", "S": "PTB",
    "HR": "PTB-XL", "E": "Georgia", "JS": "Chapman-Shaoxing",
}  # fmt: skip
_LAST_OF_CHAPMAN = 10646


def load_challenge(
    folder: Path,
    *,
    duration: float,
    fs: float,
    database: str,
    classes: tuple[str, ...],
    class_of: dict[str, str],
    check: Callable[[str, Path], str],
    normal: str,
    label_rule: str,
) -> ECGDataset:
    """Load every record below a folder.

    Parameters
    ----------
    folder : Path
    duration : float
        In seconds; shorter records are left out, longer ones cut from their start.
    fs : float
        In Hz; records of other rates are resampled.
    database : str
        Its name.
    classes : tuple of str
        Columns of `labels`.
    class_of : dict of str to str
        The column that a diagnosis counts for.
    check : callable
        From a diagnosis as it is written and the header's path to its code; raises DatasetError.
    normal : str
        The code that makes a record normal where it stands alone.
    label_rule : str
        What normal means.
    """
    import pandas as pd

    n_samples = _n_samples(duration, fs)
    excluded: Counter[str] = Counter()
    headers, diagnoses = [], []
    for path in _find_headers(folder, database):
        header = scan_header(path)
        codes = _diagnoses(header, check)
        reason = _reason_to_leave_out(header, codes, duration, fs)
        if reason:
            excluded[reason] += 1
        else:
            headers.append(header)
            diagnoses.append(codes)
    if not headers:
        remedies = "; ".join(
            _REMEDIES.get(reason, "choose a shorter duration") for reason in excluded
        )
        raise DatasetError(f"{folder}: no record is left ({counted(excluded)}); {remedies}.")
    ids: Any = np.array([header.path.stem for header in headers])
    table = pd.DataFrame(
        {
            "record": ids,
            "source": [_source(name) for name in ids.tolist()],
            "dx": pd.Series(diagnoses, dtype=object),
            "age": clean_ages([header.comment("Age") for header in headers], str(folder)),
            "sex": clean_sexes([header.comment("Sex") for header in headers]),
            "file_fs": [header.fs for header in headers],
            "file_duration": [header.n_samples / header.fs for header in headers],
        }
    )
    number = {name: k for k, name in enumerate(classes)}
    matrix = np.zeros((len(headers), len(classes)), bool)
    for row, codes in enumerate(diagnoses):
        matrix[row, [number[class_of[code]] for code in codes if code in class_of]] = True
    names = [header.path.relative_to(folder).with_suffix("").as_posix() for header in headers]
    files = RecordFiles(
        folder,
        np.array([name.encode("utf-8", "surrogateescape") for name in names]),
        fs=fs,
        n_samples=n_samples,
        database=database,
        crop=True,
    )
    return ECGDataset(
        X=RecordSet(files, fs=fs, leads=STANDARD_LEADS, record_ids=ids, table=table),
        y=np.array([1 if set(codes) == {normal} else -1 for codes in diagnoses]),
        groups=ids,
        table=table,
        labels=pd.DataFrame(matrix, columns=list(classes)),
        name=f"{database} {fs:g} Hz, {duration:g} s",
        label_rule=label_rule,
        excluded=dict(excluded),
    )


def _n_samples(duration: float, fs: float) -> int:
    for name, value in (("duration", duration), ("fs", fs)):
        try:
            good = 0 < float(value) < math.inf
        except (TypeError, ValueError):
            good = False
        if not good:
            raise DatasetError(f"{name} must be a positive number, got {value!r}.")
    n_samples = round(float(duration) * float(fs))
    if n_samples < 1:
        raise DatasetError(f"duration={duration!r} is less than a sample at {fs:g} Hz.")
    return n_samples


def _find_headers(folder: Path, database: str) -> list[Path]:
    """Return all headers below a folder by their names, of which none may stand there twice."""
    found: dict[str, Path] = {}
    for path in files_ending(folder, ".hea"):
        if path.stem in found:
            raise DatasetError(
                f"record {path.stem} lies in {found[path.stem].parent} and in {path.parent}; keep "
                "one of them, a copy would leak across splits."
            )
        found[path.stem] = path
    if not found:
        raise DatasetError(
            f"{folder} holds no header (*.hea); the folder must hold {database} in WFDB format, as "
            "PhysioNet serves it."
        )
    return [found[name] for name in sorted(found)]


def _diagnoses(header: ScannedHeader, check: Callable[[str, Path], str]) -> tuple[str, ...]:
    texts = [text.strip() for text in header.comment("Dx").split(",")]
    known = [check(text, header.path) for text in texts if text.lower() not in _UNKNOWN]
    return tuple(dict.fromkeys(known))


def _reason_to_leave_out(
    header: ScannedHeader, codes: tuple[str, ...], duration: float, fs: float
) -> str:
    if not codes:
        return _NO_DIAGNOSIS
    if not all(can_derive(lead, header.leads) for lead in STANDARD_LEADS):
        return _NO_LEADS
    if header.n_samples < duration * header.fs:
        return f"shorter than {duration:g} s"
    try:
        rate_ratio(header.fs, fs)
    except SignalError:
        raise DatasetError(
            f"{header.path}: its rate of {header.fs:g} Hz cannot be brought to {fs:g} Hz; correct "
            "the header or choose another fs."
        ) from None
    return ""


def _source(name: str) -> str:
    """Return the database that a record of the Challenge comes from, "" where unknown."""
    match = re.fullmatch(r"([A-Z]{1,2})(\d{3,6})", name)
    if match is None:
        return ""
    if match[1] == "JS" and int(match[2]) > _LAST_OF_CHAPMAN:
        return "Ningbo"
    return _SOURCES.get(match[1], "")
