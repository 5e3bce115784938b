"""Reading of WFDB records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import RecordFileError, SignalError
from ..findings import Finding, FindingKind
from ..leads import STANDARD_LEADS, canonical_lead, canonical_leads
from ..records import Channel, Record
from ._channels import ChannelData, read_channels, unite_rates
from ._comments import patient_of
from ._header import Header, read_header
from ._segments import read_segments


def header_path(path: Path) -> Path:
    """Return the path of a record's header, given with or without ``.hea``, or as a signal file."""
    if not path.name:
        raise RecordFileError(f"{path}: is a folder; name a record in it.")
    if path.suffix.lower() in (".dat", ".mat"):
        return path.with_suffix(".hea")
    return path if path.suffix.lower() == ".hea" else path.with_name(path.name + ".hea")


def read_wfdb(
    path: Path,
    *,
    fs: float | None = None,
    leads: Sequence[str] | None = None,
    unit: str | None = None,
) -> Record:
    """Read one ECG from its WFDB files.

    The header tells everything; `fs`, `leads` and `unit`, for files that do not, are left aside.

    Raises
    ------
    RecordFileError
        If a file is missing, damaged, outside the header's folder, or contradicts the header; if
        there is no ECG lead.
    """
    path = header_path(path)
    header = read_header(path)
    channels, findings = read_segments(header) if header.segments else read_channels(header)
    lead_data = [channel for channel in channels if channel.is_lead]
    if not lead_data:
        others = ", ".join(channel.name for channel in channels)
        raise RecordFileError(f"{path}: holds no ECG lead, only {others[:200]}.")
    if not len(lead_data[0].values):
        raise RecordFileError(f"{path}: holds no sample.")
    annotations, patient_id, about_patient = patient_of(header.comments)
    try:
        names, repeated = _lead_names(path, lead_data)
        rate, signal, mixed = unite_rates(lead_data)
        return Record(
            signal,
            fs=rate,
            leads=names,
            record_id=path.stem,
            patient_id=patient_id,
            source=str(path),
            annotations={"comments": header.comments, **annotations},
            quality=(
                *_about_header(header),
                *findings,
                *repeated,
                *mixed,
                *about_patient,
            ),
            extra=_extra(channels),
        )
    except SignalError as error:
        raise RecordFileError(f"{path}: {error}") from None


def _lead_names(path: Path, leads: list[ChannelData]) -> tuple[tuple[str, ...], list[Finding]]:
    """Return canonical names; channels that share one that is no lead's are numbered."""
    names = [canonical_lead(lead.name) for lead in leads]
    count = Counter(names)
    for name in STANDARD_LEADS:
        if count[name] > 1:
            raise RecordFileError(
                f"{path}: lead {name} is there more than once; correct the names in the header."
            )
    findings = []
    seen: Counter[str] = Counter()
    for k, name in enumerate(names):
        if count[name] > 1:
            seen[name] += 1
            names[k] = f"{name}#{seen[name]}"
            detail = f"{count[name]} leads are called {name}"
            findings.append(Finding(FindingKind.NAME_REPEATED, names[k], detail=detail))
    return canonical_leads(names), findings


def _about_header(header: Header) -> list[Finding]:
    findings = []
    if not header.has_fs:
        detail = f"{header.fs:g} Hz assumed, as the format prescribes"
        findings.append(Finding(FindingKind.RATE_MISSING, detail=detail))
    if header.n_samples is None:
        detail = "the header announces none, the file tells"
        findings.append(Finding(FindingKind.LENGTH_UNKNOWN, detail=detail))
    if not header.is_utf8:
        detail = "read as Latin-1"
        findings.append(Finding(FindingKind.ENCODING, detail=detail))
    return findings


def _extra(channels: list[ChannelData]) -> dict[str, Channel]:
    extra: dict[str, Channel] = {}
    for channel in channels:
        if not channel.is_lead:
            name, number = channel.name, 2
            while name in extra:
                name, number = f"{channel.name}#{number}", number + 1
            extra[name] = Channel(np.asarray(channel.values), channel.fs, channel.unit)
    return extra
