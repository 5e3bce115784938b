"""A record from the channels of a file, whatever its format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import RecordFileError, SignalError
from ..findings import Finding, FindingKind
from ..leads import STANDARD_LEADS, canonical_lead, canonical_leads
from ..records import Channel, Record
from ._channels import ChannelData, unite_rates


def assemble(
    path: Path,
    channels: Sequence[ChannelData],
    *,
    patient_id: str = "",
    start: datetime | None = None,
    annotations: dict[str, Any] | None = None,
    findings: Iterable[Finding] = (),
    about_patient: Iterable[Finding] = (),
) -> Record:
    """Return the record of a file's channels: leads at one rate, the others apart.

    Raises
    ------
    RecordFileError
        If there is no lead, or no sample; if two leads bear one standard name.
    """
    leads = [channel for channel in channels if channel.is_lead]
    if not leads:
        others = ", ".join(channel.name for channel in channels)[:200]
        raise RecordFileError(
            f"{path}: holds no ECG lead, {f'only {others}' if others else 'nor any other channel'}."
        )
    if not len(leads[0].values):
        raise RecordFileError(f"{path}: holds no sample.")
    try:
        names, repeated = _lead_names(path, leads)
        rate, signal, mixed = unite_rates(leads)
        return Record(
            signal,
            fs=rate,
            leads=names,
            record_id=_record_id(path),
            patient_id=patient_id,
            source=str(path),
            annotations=({} if start is None else {"time": start.isoformat()})
            | (annotations or {}),
            quality=(*findings, *repeated, *mixed, *about_patient),
            extra=_extra(channels),
        )
    except SignalError as error:
        raise RecordFileError(f"{path}: {error}") from None


def _record_id(path: Path) -> str:
    # DICOM files are often called by their UID, which ends in a number
    return path.name if path.suffix[1:].isdigit() else path.stem


def _lead_names(path: Path, leads: Sequence[ChannelData]) -> tuple[tuple[str, ...], list[Finding]]:
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


def _extra(channels: Sequence[ChannelData]) -> dict[str, Channel]:
    extra: dict[str, Channel] = {}
    for channel in channels:
        if not channel.is_lead:
            name, number = channel.name, 2
            while name in extra:
                name, number = f"{channel.name}#{number}", number + 1
            extra[name] = Channel(np.asarray(channel.values), channel.fs, channel.unit)
    return extra
