"""Reading of EDF and EDF+ files (Kemp and Olivan 2003), by edfio."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from ..errors import RecordFileError
from ..findings import Finding, FindingKind
from ..leads import STANDARD_LEADS, canonical_lead
from ..records import Record
from ._assemble import assemble
from ._channels import ChannelData, kept_apart
from ._comments import clean_patient
from ._rates import check_ecg_rate
from ._readers import lead_in_mv, reader_library, told_of
from ._units import mv_per_unit

#: What a file begins with.
MAGIC = b"0       "
# "ECG II", "EKG V1", "ECG1", "ECG": the standard's kind of signal, and an electrode; as "EEG EKG1"
# and "POL ECG" in sleep laboratories, and as "II_ECG" elsewhere
_ECG = re.compile(
    r"(?:(?:EEG|POL) )?(?:ECG|EKG)[ _:-]*(?P<behind>.*)|(?P<before>.*?)[ _:-]+(?:ECG|EKG)",
    re.IGNORECASE,
)
# the leads of Holter recorders, which are called so nowhere else
_HOLTER = re.compile(r"ML(I{1,3}|5)|MV[1-6]|MCL[1-6]|C[CMS]5", re.IGNORECASE)
_WHAT = "EDF"


def read_edf(
    path: Path,
    *,
    fs: float | None = None,
    leads: Sequence[str] | None = None,
    unit: str | None = None,
) -> Record:
    """Read the ECG leads of an EDF or EDF+ file; other signals are kept apart.

    Leads are those called by a standard name or that of a Holter recorder, and, in volts, by a
    label that begins or ends with ECG or EKG. The file tells everything; `fs`, `leads` and `unit`
    are left aside.

    Raises
    ------
    RecordFileError
        If the file is damaged or truncated, has gaps (EDF+D), does not tell the calibration of a
        lead, or holds no ECG lead; if edfio is not installed.

    References
    ----------
    Kemp and Olivan, "European data format 'plus' (EDF+)", Clinical Neurophysiology 2003.
    """
    edfio = reader_library("edfio", path, _WHAT)
    with told_of(path, _WHAT) as told:
        # the standard has ASCII, recorders write the micro sign
        edf = edfio.read_edf(path, header_encoding="latin-1")
        n_records, announced = edf.num_data_records, _announced(path)
        continuous = edf.is_continuous or n_records < 2
        channels = [_channel(path, signal) for signal in edf.signals] if continuous else []
    if announced > n_records:
        raise RecordFileError(
            f"{path}: is truncated ({n_records} of {announced} data records are there); copy the "
            "file again."
        )
    if not continuous:
        raise RecordFileError(
            f"{path}: has gaps between its parts (EDF+D); export it as a continuous file."
        )
    findings = _about_length(announced, n_records, told)
    if 0 <= announced < n_records:
        for channel in channels:
            channel.values = channel.values[: len(channel.values) * announced // n_records]
    for channel in channels:
        findings += check_ecg_rate(path, channel.fs) if channel.is_lead else []
    annotations, about_patient = clean_patient(*_patient(edf))
    return assemble(
        path,
        channels,
        patient_id=_known(edf.patient.code) if edf.reserved.startswith("EDF+") else "",
        start=_start(edf),
        annotations=annotations,
        findings=[*findings, *kept_apart(channels)],
        about_patient=about_patient,
    )


def _announced(path: Path) -> int:
    """Return how many data records the header announces, -1 where it does not."""
    with path.open("rb") as file:
        file.seek(236)
        return int(file.read(8))


def _about_length(announced: int, n_records: int, told: Sequence[str]) -> list[Finding]:
    if announced < 0:
        detail = "the header announces none, the file tells"
        return [Finding(FindingKind.LENGTH_UNKNOWN, detail=detail)]
    if announced < n_records or any("Incomplete data record" in text for text in told):
        detail = f"behind the {announced} data records that the header announces"
        return [Finding(FindingKind.TRAILING_BYTES, detail=detail)]
    return []


def _channel(path: Path, signal: Any) -> ChannelData:
    label, unit, rate = signal.label.strip(), signal.physical_dimension, signal.sampling_frequency
    match = _ECG.fullmatch(label)
    electrode = (match["behind"] or match["before"] or "").strip() if match else label
    is_standard = canonical_lead(electrode) in STANDARD_LEADS or bool(_HOLTER.fullmatch(electrode))
    # "ECG rate" is no lead, but an ECG in the wrong unit is an error
    in_volts = mv_per_unit(unit) is not None
    if is_standard or (match and (in_volts or not electrode[:1].isalpha())):
        _check_calibration(path, label, signal)
        return lead_in_mv(path, electrode if is_standard else label, unit, rate, signal.data)
    return ChannelData(label or "unnamed", unit, rate, signal.data, False)


def _check_calibration(path: Path, label: str, signal: Any) -> None:
    """Refuse a lead of which edfio would give uncalibrated numbers."""
    try:
        low, high = float(signal.physical_min), float(signal.physical_max)
        steps = signal.digital_max - signal.digital_min
    except ValueError:
        low = high = steps = 0
    if not (math.isfinite(low) and math.isfinite(high) and low != high and steps):
        raise RecordFileError(
            f"{path}: tells no calibration of lead {label}; its limits must be two numbers in its "
            "unit and two of the converter. Export it again."
        )


def _start(edf: Any) -> datetime | None:
    try:
        return edf.startdatetime
    # "X" for what is not told raises, and so do impossible dates
    except Exception:
        return None


def _patient(edf: Any) -> tuple[float | None, str]:
    """Return age at the recording in years, and sex, of EDF+."""
    if not edf.reserved.startswith("EDF+"):
        return None, ""
    try:
        days = (edf.startdate - edf.patient.birthdate).days
    except Exception:  # as above
        days = -1
    return days / 365.25 if days >= 0 else None, _known(edf.patient.sex)


def _known(text: str) -> str:
    return "" if text == "X" else text
