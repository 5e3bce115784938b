"""Reading of EDF and EDF+ files (Kemp and Olivan 2003), by edfio."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from ..errors import RecordFileError
from ..leads import STANDARD_LEADS, canonical_lead
from ..records import Record
from ._assemble import assemble
from ._channels import ChannelData
from ._comments import clean_patient
from ._rates import check_ecg_rate
from ._readers import lead_in_mv, reader_library, told_of
from ._times import told_at
from ._units import mv_per_unit

#: What a file begins with.
MAGIC = b"0       "
# "ECG II", "EKG V1", "ECG1", "ECG": the standard's kind of signal, perhaps with an electrode
_ECG = re.compile(r"(ECG|EKG)[ _-]*", re.IGNORECASE)
_WHAT = "EDF"


def read_edf(
    path: Path,
    *,
    fs: float | None = None,
    leads: Sequence[str] | None = None,
    unit: str | None = None,
) -> Record:
    """Read the ECG leads of an EDF or EDF+ file; other signals are kept apart.

    Leads are those called by a standard name, or, in volts, by a label that begins with ECG or EKG.
    The file tells everything; `fs`, `leads` and `unit` are left aside.

    Raises
    ------
    RecordFileError
        If the file is damaged or truncated, has gaps (EDF+D), or holds no ECG lead; if edfio is not
        installed.

    References
    ----------
    Kemp and Olivan, "European data format 'plus' (EDF+)", Clinical Neurophysiology 2003.
    """
    edfio = reader_library("edfio", path, _WHAT)
    with told_of(path, _WHAT) as told:
        edf = edfio.read_edf(path)
        continuous = edf.is_continuous or edf.num_data_records < 2
        channels = [_channel(path, signal) for signal in edf.signals] if continuous else []
    if any("truncated" in text or "data records" in text for text in told):
        raise RecordFileError(f"{path}: is truncated ({told[-1]}); copy the file again.")
    if not continuous:
        raise RecordFileError(
            f"{path}: has gaps between its parts (EDF+D); export it as a continuous file."
        )
    annotations, about_patient = clean_patient(*_patient(edf))
    annotations |= told_at(_start(edf))
    return assemble(
        path,
        channels,
        patient_id=_known(edf.patient.code) if edf.reserved.startswith("EDF+") else "",
        annotations=annotations,
        findings=[finding for channel in channels if channel.is_lead
                  for finding in check_ecg_rate(path, channel.fs)],
        about_patient=about_patient,
    )  # fmt: skip


def _channel(path: Path, signal: Any) -> ChannelData:
    label, unit, rate = signal.label.strip(), signal.physical_dimension, signal.sampling_frequency
    kind = _ECG.match(label)
    electrode = label[kind.end() :] if kind else label
    name = electrode or label
    if canonical_lead(name) in STANDARD_LEADS:
        return lead_in_mv(path, name, unit, rate, signal.data)
    # "ECG rate" is none, but an ECG in the wrong unit is an error
    if kind and (mv_per_unit(unit) is not None or not electrode[:1].isalpha()):
        return lead_in_mv(path, label, unit, rate, signal.data)
    return ChannelData(label or "unnamed", unit, rate, signal.data, False)


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
