"""Reading of DICOM waveforms (PS3.3, C.10.9), by pydicom."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import RecordFileError
from ..findings import Finding, FindingKind
from ..leads import STANDARD_LEADS, canonical_lead
from ..records import Record
from ._assemble import assemble
from ._channels import MAX_GROWTH, ChannelData, is_other, kept_apart
from ._comments import clean_patient
from ._rates import check_ecg_rate
from ._readers import check_scale, lead_in_mv, reader_library, told_of
from ._times import dicom_time
from ._units import mv_per_unit

#: What stands at byte 128.
MAGIC = b"DICM"
# A channel's code in the schemes of SCP-ECG and of ISO/IEEE 11073, whose number may also be whole.
_CODES = {"SCPECG": re.compile(r"5\.6\.3-9-(\d+)()"), "MDC": re.compile(r"2:(\d+)|131(\d{3})")}
_LEADS = {
    1: "I", 2: "II", 61: "III", 62: "aVR", 63: "aVL", 64: "aVF",
    **{k + 2: f"V{k}" for k in range(1, 7)}, 9: "V7", 66: "V8", 67: "V9",
}  # fmt: skip
# Storage classes in which a voltage without a lead's name is an ECG all the same.
_ECG_CLASSES = "1.2.840.10008.5.1.4.1.1.9.1."
_LINEAR = ("SB", "UB", "SS", "US", "SL", "UL")
# How many times its size a deflated file may have; ECGs have ten times.
_MOST_GROWTH, _SMALL, _PIECE = 100, 2**20, 2**16
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
    they were recorded, NaN before and behind. Where a lead is there twice at a time, the longer one
    counts. In objects that are no ECGs, such as catheter reports, leads are those of standard name;
    everything else is kept apart. The file tells everything; `fs`, `leads` and `unit` are left
    aside.

    Raises
    ------
    RecordFileError
        If the file is damaged, holds no waveform, has leads of different rates, or does not tell
        their calibration; if pydicom is not installed.

    References
    ----------
    DICOM PS3.3, sections A.34 and C.10.9; PS3.16, context group 3001.
    """
    pydicom = reader_library("pydicom", path, _WHAT)
    with told_of(path, _WHAT):
        _check_inflated(path, pydicom)
        dataset = pydicom.dcmread(path)
        parts = [part for group in _rhythm(path, dataset) for part in _parts(path, dataset, group)]
        channels, findings = _placed(path, parts)
        start = dicom_time(str(dataset.get("AcquisitionDateTime") or ""))
        age = str(dataset.get("PatientAge") or "") or _age(dataset, start)
        annotations, about_patient = clean_patient(age, str(dataset.get("PatientSex") or ""))
        patient_id = str(dataset.get("PatientID") or "").strip()
    return assemble(
        path,
        channels,
        patient_id=patient_id,
        start=start,
        annotations=annotations,
        findings=[*findings, *kept_apart(channels)],
        about_patient=about_patient,
    )


def _check_inflated(path: Path, pydicom: Any) -> None:
    """Refuse a deflated file that would fill the memory: pydicom inflates it whole."""
    meta = pydicom.filereader.read_file_meta_info(path)
    if meta.get("TransferSyntaxUID") != pydicom.uid.DeflatedExplicitVRLittleEndian:
        return
    with path.open("rb") as file:
        # preamble, magic, and the element that tells how long the rest of the header is
        file.seek(128 + 4 + 12 + meta.FileMetaInformationGroupLength)
        most = max(_SMALL, _MOST_GROWTH * path.stat().st_size)
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        while (piece := inflater.unconsumed_tail or file.read(_PIECE)) and not inflater.eof:
            most -= len(inflater.decompress(piece, _SMALL))
            if most < 0:
                raise RecordFileError(
                    f"{path}: would inflate to {_MOST_GROWTH} times its size; do not trust it."
                )


def _rhythm(path: Path, dataset: Any) -> list[int]:
    """Return the number of each group that was recorded, not derived."""
    groups = list(enumerate(dataset.get("WaveformSequence") or []))
    if not groups:
        kind = str(getattr(dataset.get("SOPClassUID"), "name", "of no kind"))[:60]
        raise RecordFileError(
            f"{path}: holds no waveform ({kind!r}); export the ECG as a waveform."
        )
    original = [
        number
        for number, group in groups
        if str(group.get("WaveformOriginality", "ORIGINAL")) == "ORIGINAL"
    ]
    if not original:
        raise RecordFileError(f"{path}: holds derived waveforms only, such as median beats.")
    return original


@dataclass(eq=False)
class _Part:
    """A channel, when it begins, in seconds, and the number of its group.

    `twin` counts the channels of this name that stand before it in the group.
    """

    channel: ChannelData
    start: float
    twin: int
    group: int

    @property
    def key(self) -> tuple:
        """Tell which parts are of one channel."""
        channel = self.channel
        # what is not called by a standard name may be another channel in another group
        of_group = None if channel.name in STANDARD_LEADS else self.group
        return channel.name, channel.is_lead, self.twin, of_group


def _parts(path: Path, dataset: Any, number: int) -> Iterator[_Part]:
    """Yield the channels of a group."""
    group = dataset.WaveformSequence[number]
    fs = float(group.SamplingFrequency)
    offset = float(group.get("MultiplexGroupTimeOffset") or 0) / 1000
    is_ecg = str(dataset.get("SOPClassUID")).startswith(_ECG_CLASSES)
    stored = _stored(path, dataset, number)
    if len(group.ChannelDefinitionSequence) != len(stored):
        raise RecordFileError(
            f"{path}: describes {len(group.ChannelDefinitionSequence)} channels, but holds "
            f"{len(stored)}; export it again."
        )
    names: list[str] = []
    for about, values in zip(group.ChannelDefinitionSequence, stored, strict=True):
        name, unit = _name(about), _unit(about)
        seconds, samples = (
            float(about.get(f"Channel{kind}Skew") or 0) for kind in ("Time", "Sample")
        )
        may_be_lead = is_ecg and mv_per_unit(unit) is not None and not is_other(name)
        if name in STANDARD_LEADS or may_be_lead:
            _check_calibration(path, name, about)
            channel = lead_in_mv(path, name, unit, fs, _physical(about, values))
        else:
            channel = ChannelData(name, unit, fs, _physical(about, values), False)
        start = offset + seconds + (samples / fs if samples else 0)
        yield _Part(channel, start, names.count(name), number)
        names.append(name)


def _stored(path: Path, dataset: Any, number: int) -> np.ndarray:
    """Return the stored numbers of a group, of shape (n_channels, n_samples), NaN where padded."""
    from pydicom.waveforms.numpy_handler import multiplex_array

    group = dataset.WaveformSequence[number]
    if group.WaveformSampleInterpretation not in _LINEAR:
        raise RecordFileError(
            f"{path}: has samples of the kind {str(group.WaveformSampleInterpretation)[:10]!r}, "
            f"known are {', '.join(_LINEAR)}; export it again."
        )
    stored = multiplex_array(dataset, number, as_raw=True).T
    n_bytes = stored.nbytes + stored.nbytes % 2
    if len(group.WaveformData) != n_bytes:
        raise RecordFileError(
            f"{path}: holds {len(group.WaveformData)} bytes of samples where {n_bytes} are "
            "announced; the file is damaged, export it again."
        )
    padding = group.get("WaveformPaddingValue")
    if isinstance(padding, bytes):
        padding = np.frombuffer(padding, stored.dtype)[:1]
    # pydicom gives bytes as they are in the file, and takes them for this machine's
    if not dataset.original_encoding[1]:
        stored = stored.byteswap()
        padding = padding.byteswap() if isinstance(padding, np.ndarray) else padding
    values = stored.astype(np.float64)
    if padding is not None:
        values[stored == padding] = np.nan
    return values


def _placed(path: Path, parts: Sequence[_Part]) -> tuple[list[ChannelData], list[Finding]]:
    """Return the channels of all groups, each where it was recorded."""
    leads = [part.channel for part in parts if part.channel.is_lead]
    rates = sorted({lead.fs for lead in leads})
    if len(rates) > 1:
        told = ", ".join(f"{rate:g}" for rate in rates)
        raise RecordFileError(f"{path}: has leads of {told} Hz; export them apart.")
    findings = [finding for fs in rates for finding in check_ecg_rate(path, fs)]
    first = min(part.start for part in parts)
    spans = [part.start - first + len(part.channel.values) / part.channel.fs for part in parts]
    n_stored = sum(len(part.channel.values) for part in parts)
    rows = {part.key: part.channel.fs for part in parts}
    if max(spans) * sum(rows.values()) > MAX_GROWTH * n_stored:
        raise RecordFileError(f"{path}: has groups that lie far apart in time; export them apart.")
    found: dict[tuple, ChannelData] = {}
    # the longest first: a rhythm strip counts, not the part of it that is among the others
    for part in sorted(parts, key=lambda part: -len(part.channel.values)):
        channel, key = part.channel, part.key
        begin = round((part.start - first) * channel.fs)
        if key not in found:
            whole = np.full(round(max(spans) * channel.fs), np.nan, channel.values.dtype)
            found[key] = replace(channel, values=whole)
        whole = found[key].values[begin:][: len(channel.values)]
        free = np.isnan(whole)
        whole[free] = channel.values[: len(whole)][free]
        if not free.all():
            detail = "the longer one counts"
            findings.append(Finding(FindingKind.NAME_REPEATED, channel.name, detail=detail))
    return [found[key] for key in rows], findings


def _age(dataset: Any, start: datetime | None) -> float | None:
    """Return the age at the recording in years, where the birth date tells it."""
    birth = dicom_time(f"{dataset.get('PatientBirthDate') or ''}000000")
    if birth is None or start is None:
        return None
    return (start.date() - birth.date()).days / 365.25


def _name(about: Any) -> str:
    """Return the lead that code, meaning or label tell, else the label, else the meaning."""
    source = about.ChannelSourceSequence[0]
    pattern = _CODES.get(str(source.get("CodingSchemeDesignator", "")))
    code = pattern.fullmatch(str(source.get("CodeValue", ""))) if pattern else None
    if code and _term(code) in _LEADS:
        return _LEADS[_term(code)]
    texts = [str(about.get("ChannelLabel") or ""), str(source.get("CodeMeaning") or "")]
    names = [canonical_lead(re.sub(r"\s*\(.*\)$", "", text)) for text in texts]
    if code and _term(code):  # another lead, such as -aVR or V3R, whatever a text says
        names = [name for name in names if name not in STANDARD_LEADS]
    standard = [name for name in names if name in STANDARD_LEADS]
    return next(filter(None, [*standard[-1:], *names]), "unnamed")


def _term(code: re.Match) -> int:
    # 2:1 is 2 * 65536 + 1 as one number
    return int(code[1]) if code[1] else int(f"131{code[2]}") - 2 * 65536


def _check_calibration(path: Path, name: str, about: Any) -> None:
    if about.get("ChannelSensitivity") is None:
        raise RecordFileError(
            f"{path}: tells no calibration of lead {name}; export it with its sensitivity."
        )
    check_scale(path, name, _factor(about))


def _physical(about: Any, values: np.ndarray) -> np.ndarray:
    """Return samples in their unit, in which the baseline is, too."""
    return values * _factor(about) + float(about.get("ChannelBaseline") or 0)


def _factor(about: Any) -> float:
    sensitivity, correction = (
        1.0 if about.get(key) is None else float(about.get(key))
        for key in ("ChannelSensitivity", "ChannelSensitivityCorrectionFactor")
    )
    return sensitivity * correction


def _unit(about: Any) -> str:
    units = about.get("ChannelSensitivityUnitsSequence") or [{}]
    return str(units[0].get("CodeValue", ""))
