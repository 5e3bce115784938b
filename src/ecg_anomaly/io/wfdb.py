"""Reading of WFDB records."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import RecordFileError
from ..findings import Finding, FindingKind
from ..records import Record
from ._assemble import assemble
from ._channels import read_channels
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
    annotations, patient_id, about_patient = patient_of(header.comments)
    return assemble(
        path,
        channels,
        patient_id=patient_id,
        start=header.start,
        annotations={"comments": header.comments, **annotations},
        findings=(*_about_header(header), *findings),
        about_patient=about_patient,
    )


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
