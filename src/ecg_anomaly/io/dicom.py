"""Reading of DICOM waveforms (PS3.3, C.10.9), by pydicom."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import RecordFileError
from ..findings import Finding, FindingKind
from ..records import Record
from ._assemble import assemble
from ._channels import ChannelData
from ._comments import clean_patient
from ._rates import check_ecg_rate
from ._readers import lead_in_mv, reader_library, told_of
from ._times import dicom_time, told_at

#: What stands at byte 128.
MAGIC = b"DICM"
# The last number of a channel's code, in SCP-ECG's and in ISO/IEEE 11073's schemes.
_LEADS = {
    "1": "I", "2": "II", "61": "III", "62": "aVR", "63": "aVL", "64": "aVF",
    **{str(k + 2): f"V{k}" for k in range(1, 7)},
}  # fmt: skip
_SCHEMES = ("SCPECG", "MDC")
_WHAT = "DICOM waveform"


def read_dicom(
    path: Path,
    *,
    fs: float | None = None,
    leads: Sequence[str] | None = None,
    unit: str | None = None,
) -> Record:
    """Read the original rhythm of a DICOM ECG; median beats and what else is derived is left out.

    Groups of leads that were recorded one after another, as on paper of 3 x 4 leads, stand where
    they were recorded, NaN before and behind. Of a lead that is there twice the longer one counts.
    The file tells everything; `fs`, `leads` and `unit` are left aside.

    Raises
    ------
    RecordFileError
        If the file is damaged, holds no waveform, has groups of different rates, or does not tell
        its calibration; if pydicom is not installed.

    References
    ----------
    DICOM PS3.3, sections A.34 and C.10.9.
    """
    pydicom = reader_library("pydicom", path, _WHAT)
    with told_of(path, _WHAT):
        dataset = pydicom.dcmread(path)
        groups = _rhythm(path, dataset)
        signals = [_samples(path, dataset, number) for number, _ in groups]
        channels, findings = _placed(path, [group for _, group in groups], signals)
        start = dicom_time(str(dataset.get("AcquisitionDateTime") or ""))
        age = str(dataset.get("PatientAge") or "") or _age(dataset, start)
        annotations, about_patient = clean_patient(age, str(dataset.get("PatientSex") or ""))
        patient_id = str(dataset.get("PatientID") or "").strip()
    return assemble(
        path,
        channels,
        patient_id=patient_id,
        annotations=annotations | told_at(start),
        findings=findings,
        about_patient=about_patient,
    )


def _rhythm(path: Path, dataset: Any) -> list[tuple[int, Any]]:
    """Return number and item of each group that was recorded, not derived."""
    groups = list(enumerate(dataset.get("WaveformSequence") or []))
    if not groups:
        kind = str(getattr(dataset.get("SOPClassUID"), "name", "of no kind"))[:60]
        raise RecordFileError(
            f"{path}: holds no waveform ({kind!r}); export the ECG as a waveform."
        )
    original = [
        (number, group)
        for number, group in groups
        if str(group.get("WaveformOriginality", "ORIGINAL")) == "ORIGINAL"
    ]
    if not original:
        raise RecordFileError(f"{path}: holds derived waveforms only, such as median beats.")
    rates = {float(group.SamplingFrequency) for _, group in original}
    if len(rates) > 1:
        told = ", ".join(f"{rate:g}" for rate in sorted(rates))
        raise RecordFileError(f"{path}: has groups of {told} Hz; export them apart.")
    return original


def _samples(path: Path, dataset: Any, number: int) -> np.ndarray:
    """Return the stored numbers of a group, of shape (n_channels, n_samples), NaN where padded."""
    from pydicom.waveforms.numpy_handler import multiplex_array

    group = dataset.WaveformSequence[number]
    stored = multiplex_array(dataset, number, as_raw=True).T
    n_bytes = stored.nbytes + stored.nbytes % 2
    if len(group.WaveformData) != n_bytes:
        raise RecordFileError(
            f"{path}: holds {len(group.WaveformData)} bytes of samples where {n_bytes} are "
            "announced; the file is damaged, export it again."
        )
    values = stored.astype(np.float64)
    padding = group.get("WaveformPaddingValue")
    if padding is not None:
        value = np.frombuffer(padding, stored.dtype)[0] if isinstance(padding, bytes) else padding
        values[stored == value] = np.nan
    if len(group.ChannelDefinitionSequence) != len(values):
        raise RecordFileError(
            f"{path}: describes {len(group.ChannelDefinitionSequence)} channels, but holds "
            f"{len(values)}; export it again."
        )
    return values


def _placed(
    path: Path, groups: Sequence[Any], signals: Sequence[np.ndarray]
) -> tuple[list[ChannelData], list[Finding]]:
    """Return the channels of all groups, each where it was recorded."""
    fs = float(groups[0].SamplingFrequency)
    findings = check_ecg_rate(path, fs)
    placed = [
        (_start(group, channel, fs), channel, values)
        for group, signal in zip(groups, signals, strict=True)
        for channel, values in zip(group.ChannelDefinitionSequence, signal, strict=True)
    ]
    first = min(start for start, _, _ in placed)
    n_samples = max(start - first + len(values) for start, _, values in placed)
    if n_samples > sum(signal.shape[1] for signal in signals) + fs:
        raise RecordFileError(f"{path}: has groups that lie far apart in time; export them apart.")
    found: dict[str, tuple[int, ChannelData]] = {}
    for start, channel, values in placed:
        name = _name(channel)
        if name in found:
            findings.append(
                Finding(FindingKind.NAME_REPEATED, name, detail="the longer one counts")
            )
            if found[name][0] >= len(values):
                continue
        whole = np.full(n_samples, np.nan)
        whole[start - first :][: len(values)] = _in_unit(path, name, channel, values)
        found[name] = (len(values), lead_in_mv(path, name, _unit(channel), fs, whole))
    return [channel for _, channel in found.values()], findings


def _start(group: Any, channel: Any, fs: float) -> int:
    """Return the sample at which a channel begins, from its group's offset and its own skew."""
    seconds = float(group.get("MultiplexGroupTimeOffset") or 0) / 1000
    seconds += float(channel.get("ChannelTimeSkew") or 0)
    return round(seconds * fs + float(channel.get("ChannelSampleSkew") or 0))


def _age(dataset: Any, start: datetime | None) -> float | None:
    """Return the age at the recording in years, where the birth date tells it."""
    birth = dicom_time(f"{dataset.get('PatientBirthDate') or ''}000000")
    if birth is None or start is None:
        return None
    return (start.date() - birth.date()).days / 365.25


def _name(channel: Any) -> str:
    source = channel.ChannelSourceSequence[0]
    code = re.search(r"(\d+)$", str(source.get("CodeValue", "")))
    if code and str(source.get("CodingSchemeDesignator", "")) in _SCHEMES and code[1] in _LEADS:
        return _LEADS[code[1]]
    meaning = str(source.get("CodeMeaning", "")) or str(channel.get("ChannelLabel", ""))
    return re.sub(r"\s*\(.*\)$", "", meaning).strip() or "unnamed"


def _in_unit(path: Path, name: str, channel: Any, values: np.ndarray) -> np.ndarray:
    sensitivity = channel.get("ChannelSensitivity")
    if sensitivity is None:
        raise RecordFileError(
            f"{path}: tells no calibration of lead {name}; export it with its sensitivity."
        )
    factor = float(sensitivity) * float(channel.get("ChannelSensitivityCorrectionFactor") or 1)
    # the baseline is in the unit of the sensitivity
    return values * factor + float(channel.get("ChannelBaseline") or 0)


def _unit(channel: Any) -> str:
    units = channel.get("ChannelSensitivityUnitsSequence") or [{}]
    return str(units[0].get("CodeValue", ""))
