"""Reading of XML files: HL7 aECG and Philips Sierra, by ecgdatakit."""

from __future__ import annotations

import math
import re
from base64 import b64decode
from collections.abc import Sequence
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
from ._readers import check_scale, lead_in_mv, reader_library, told_of
from ._units import mv_per_unit

_WHAT = "{} file"
#: What tells a format, the module and the class that read it.
ROOTS = {
    "AnnotatedECG": ("HL7 aECG", "hl7_aecg", "HL7aECGParser"),
    "restingecgdata": ("Philips Sierra XML", "sierra_xml", "SierraXMLParser"),
}
_ROOT = re.compile(rf"<(?:[\w.-]+:)?({'|'.join(ROOTS)})\b")
# In seconds; calibration pulses take 0.2 s and more.
_SHORTEST_PULSE = 0.2
# Bytes in which the root must begin.
_HEAD = 2**16


def root_of(path: Path) -> str | None:
    """Return which of `ROOTS` an XML file begins with, None if none of them."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    utf16 = head[:2] in (b"\xff\xfe", b"\xfe\xff")
    text = head.decode("utf-16" if utf16 else "utf-8", errors="ignore")
    if not text.lstrip("\ufeff \t\r\n").startswith("<"):
        return None
    match = _ROOT.search(text)
    return match[1] if match else None


def read_xml(
    path: Path,
    *,
    fs: float | None = None,
    leads: Sequence[str] | None = None,
    unit: str | None = None,
) -> Record:
    """Read the rhythm of an HL7 aECG or a Philips Sierra file.

    Which one it is, its root element tells. Entities and documents outside the file are refused.
    The file tells everything; `fs`, `leads` and `unit` are left aside.

    Raises
    ------
    RecordFileError
        If the file is damaged, another XML, tells no calibration, or holds several rhythms; if
        ecgdatakit is not installed.

    References
    ----------
    HL7 Version 3 Standard: Annotated ECG, Release 1 (2004); Philips, "Sierra ECG XML schema".
    """
    root = root_of(path)
    if root is None:
        raise RecordFileError(
            f"{path}: is XML of another kind; known are HL7 aECG and Philips Sierra."
        )
    name, module, parser = ROOTS[root]
    what = _WHAT.format(name)
    library = reader_library(f"ecgdatakit.parsing.parsers.{module}", path, name)
    xml = reader_library("ecgdatakit.parsing.helpers.xml", path, name)
    with told_of(path, what) as told:
        tree = xml.parse_xml_root(path.read_bytes())
        found = getattr(library, parser)().parse(path)
        _check_names(path, [lead.label for lead in found.leads])
        _check_scales(path, tree)
        _check_payload(path, tree, len(found.leads), len(found.leads[0].samples))
        rate = found.raw_metadata.get("rhythm_time", {}).get("sampling_rate_exact")
        channels = [_channel(path, lead, rate) for lead in found.leads]
        _check_lengths(path, channels)
        pulse = _without_pulse(channels)
        patient = found.patient
        annotations, about_patient = clean_patient(patient.age, str(patient.sex or ""))
        patient_id = str(patient.patient_id or "").strip()
        date = found.recording.date
    rest = "; only the first is read"
    several = [text for text in told if text.endswith(rest) and "rhythm" in text]
    if several:
        raise RecordFileError(f"{path}: {several[0].removesuffix(rest)}; export each by itself.")
    findings = check_ecg_rate(path, channels[0].fs) if channels else []
    findings += pulse
    findings += [
        Finding(FindingKind.EXTRA_CHANNEL, detail=text)
        for text in told
        if "sequences ignored in the rhythm" in text
    ]
    return assemble(
        path,
        channels,
        patient_id=patient_id,
        start=date,
        annotations=annotations,
        findings=findings,
        about_patient=about_patient,
    )


def _check_names(path: Path, names: Sequence[str]) -> None:
    """Refuse leads of one name, which ecgdatakit numbers."""
    for name in names:
        lead, _, number = name.rpartition("_")
        if lead in names and number.isdigit():
            raise RecordFileError(
                f"{path}: lead {lead} is there more than once; correct the names in the file."
            )


def _check_scales(path: Path, tree: Any) -> None:
    """Refuse leads of an aECG whose scale or origin ecgdatakit would pass over."""
    # median beats are not read
    rhythms = (s for s in tree.iterfind("component/series") if _code(s) != "REPRESENTATIVE_BEAT")
    sequences = (
        s for rhythm in rhythms for s in rhythm.iterfind("component/sequenceSet/component/sequence")
    )
    for sequence in sequences:
        name = _code(sequence)
        for kind in ("scale", "origin"):
            element = sequence.find(f"value/{kind}") if "_ECG_LEAD_" in name else None
            if element is None:
                continue
            value, unit = (element.get(key) or "" for key in ("value", "unit"))
            try:
                number = float(value)
            except ValueError:
                number = math.nan
            if kind == "scale":
                check_scale(path, name, number)
            elif not math.isfinite(number) or (number and mv_per_unit(unit) is None):
                raise RecordFileError(
                    f"{path}: origin {value[:40]!r} {unit[:40]} of lead {name[:40]} is no voltage; "
                    "export it again with its calibration."
                )


def _check_payload(path: Path, tree: Any, n_leads: int, n_samples: int) -> None:
    """Refuse a Sierra file that holds other samples than its duration and rate announce."""
    codecs = reader_library("ecgdatakit.parsing.codecs", path, "Philips Sierra XML")
    for element in tree.iter("parsedwaveforms"):
        text = element.text or ""
        raw = b"" if element.get("dataencoding") == "Plain" else b64decode("".join(text.split()))
        if _is_compressed(element):
            counts: set[float] = {len(chunk) for chunk in codecs.xli_decode(raw)[:n_leads]}
        else:
            counts = {(len(raw) // 2 or len(text.split())) / n_leads}
        if counts != {n_samples}:
            told = ", ".join(f"{count:g}" for count in sorted(counts))
            raise RecordFileError(
                f"{path}: holds {told} samples a lead, but announces {n_samples} by its duration "
                "and rate; export it again."
            )


def _is_compressed(element: Any) -> bool:
    method = element.get("compression") or element.get("compressmethod") or ""
    flag = element.get("compressflag", "").strip().lower()
    return flag not in ("false", "0", "no") and method.lower() not in ("", "uncompressed", "none")


def _code(element: Any) -> str:
    code = element.find("code")
    return "" if code is None else str(code.get("code")).upper()


def _check_lengths(path: Path, channels: list[ChannelData]) -> None:
    """Refuse leads of different lengths: a part of one is lost, and nobody knows which."""
    lengths = {len(channel.values): channel.name for channel in channels}
    if len(lengths) > 1:
        told = ", ".join(f"{count} in {name}" for count, name in sorted(lengths.items())[:4])
        raise RecordFileError(f"{path}: leads have different lengths ({told}); export it again.")


def _without_pulse(channels: list[ChannelData]) -> list[Finding]:
    """Cut off the calibration pulse that Philips carts record behind the ECG, and say so."""
    if len(channels) < 2:
        return []
    signal = np.stack([channel.values for channel in channels])
    # no heart gives all leads the same voltage
    differ = np.flatnonzero((signal != signal[0]).any(axis=0))
    end = int(differ[-1]) + 1 if len(differ) else 0
    levels = set(np.unique(np.round(signal[0, end:], 2)).tolist())
    fs = channels[0].fs
    if not end or len(signal[0]) - end < _SHORTEST_PULSE * fs or levels != {0.0, 1.0}:
        return []
    for channel in channels:
        channel.values = channel.values[:end]
    start, stop = end / fs, signal.shape[1] / fs
    detail = "1 mV in all leads, cut off"
    return [Finding(FindingKind.CALIBRATION, "", round(start, 3), round(stop, 3), detail)]


def _channel(path: Path, lead: Any, rate: float | None) -> ChannelData:
    values, unit = lead.samples, lead.units
    if lead.is_raw:
        # without a scale there is no unit either, which is refused
        values, unit = values * lead.resolution + lead.offset, lead.resolution_unit
    return lead_in_mv(path, lead.label, unit, float(rate or lead.sampling_rate), values)
