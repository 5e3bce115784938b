"""From stored samples to ECG leads in mV, and what is beside them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import RecordFileError, SignalError
from ..findings import Finding, FindingKind
from ..leads import STANDARD_LEADS, canonical_lead
from ..signal.resampling import resample_gaps
from ._decoding import read_digital
from ._header import DEFAULT_GAIN, FORMATS, Header, SignalSpec
from ._rates import check_ecg_rate
from ._units import mv_per_unit

# What monitors and polysomnographs record beside the ECG, some of it in volts too.
_OTHER = re.compile(
    r"\b(resp|respiration|pleth|ppg|spo2|abp|art|bp|nibp|pap|cvp|icp|rap|lap|co2|etco2|gsr|eda|hr|"
    r"emg|eog|eeg|marker|event|trigger|accelerometer|temperature|temp|flow|airflow|pressure|pcg|"
    r"uc|uterine|angle)(?![a-z])",
    re.IGNORECASE,
)

#: How many values may be made of each that is stored: gaps, absent channels and leads of a lower
#: rate than others take memory, but no space in a file.
MAX_GROWTH = 20


@dataclass(eq=False)
class ChannelData:
    """One channel with its samples: in mV for a lead, else in the unit of the file."""

    name: str
    unit: str
    fs: float
    values: np.ndarray
    is_lead: bool


def read_channels(header: Header) -> tuple[list[ChannelData], list[Finding]]:
    """Return the channels of a record without segments, and what is noteworthy about them.

    Raises
    ------
    RecordFileError
        If a lead has a negative gain or a unit that is none of voltage; if a file is missing or
        damaged.
    """
    leads = [(k, spec) for k, spec in enumerate(header.signals) if is_lead(spec)]
    findings: list[Finding] = []
    for rate in sorted({header.fs * spec.samples_per_frame for _, spec in leads}):
        findings += check_ecg_rate(header.path, rate)
    for k, spec in leads:
        findings += _check_lead(header, spec, k)
    _check_growth(header)
    samples, more = read_digital(header)
    channels = [
        make_channel(name_of(spec, k), spec, header.fs, _physical(spec, digital))
        for k, (spec, digital) in enumerate(zip(header.signals, samples, strict=True))
    ]
    return channels, findings + kept_apart(channels) + more


def is_other(name: str) -> bool:
    """Tell whether a channel is, by its name, something else than an ECG."""
    return bool(_OTHER.search(name.replace("_", " ")))


def kept_apart(channels: Iterable[ChannelData]) -> list[Finding]:
    """Tell of channels that may be ECGs, but are no leads by their names."""
    return [
        Finding(FindingKind.EXTRA_CHANNEL, channel.name, detail=f"in {channel.unit}, kept apart")
        for channel in channels
        if not channel.is_lead
        and (mv_per_unit(channel.unit) is not None or not is_other(channel.name))
    ]


def name_of(spec: SignalSpec, number: int) -> str:
    """Return the name of a channel, made of its number where the header gives none."""
    return spec.name or f"signal{number}"


def make_channel(name: str, spec: SignalSpec, fs_frame: float, values: np.ndarray) -> ChannelData:
    """Return the channel of a signal line, given the rate of frames in Hz and its samples."""
    rate = fs_frame * spec.samples_per_frame
    return ChannelData(name, spec.unit or "mV", rate, values, is_lead(spec))


def is_lead(spec: SignalSpec) -> bool:
    """Tell whether a signal is an ECG lead: by its name, else by its unit, a voltage."""
    if canonical_lead(spec.name) in STANDARD_LEADS:
        return True
    is_voltage = not spec.unit or mv_per_unit(spec.unit) is not None
    return is_voltage and not is_other(spec.name)


def values_a_frame(specs: Iterable[SignalSpec]) -> int:
    """Return how many values become of a frame once all leads are brought to one rate."""
    specs = list(specs)
    leads = [spec.samples_per_frame for spec in specs if is_lead(spec)]
    others = [spec.samples_per_frame for spec in specs if not is_lead(spec)]
    return len(leads) * max(leads, default=0) + sum(others)


def _check_growth(header: Header) -> None:
    stored = sum(spec.samples_per_frame for spec in header.signals)
    wanted = values_a_frame(header.signals)
    if wanted > MAX_GROWTH * stored:
        raise RecordFileError(
            f"{header.path}: brought to the rate of the fastest lead, {stored} samples a frame "
            f"would become {wanted}; store that lead in a record of its own."
        )


def _check_lead(header: Header, spec: SignalSpec, number: int) -> list[Finding]:
    name = name_of(spec, number)
    if spec.gain < 0:
        raise RecordFileError(
            f"{header.path}: gain {spec.gain:g} of {name} is negative, which would invert it; "
            "correct the header."
        )
    if spec.unit and mv_per_unit(spec.unit) is None:
        raise RecordFileError(
            f"{header.path}: unit {spec.unit[:40]!r} of {name} is unknown; known are mV, uV, nV "
            "and V. Correct the header."
        )
    findings = []
    if not spec.gain:
        detail = f"{DEFAULT_GAIN:g} per mV assumed, as the format prescribes"
        findings.append(Finding(FindingKind.GAIN_MISSING, name, detail=detail))
    if not spec.unit:
        detail = "mV assumed, as the format prescribes"
        findings.append(Finding(FindingKind.UNIT_ASSUMED, name, detail=detail))
    if not spec.name:
        detail = "an ECG lead that the header does not name"
        findings.append(Finding(FindingKind.NAME_MISSING, name, detail=detail))
    return findings


def _physical(spec: SignalSpec, digital: np.ndarray) -> np.ndarray:
    scale = (mv_per_unit(spec.unit) or 1.0) if is_lead(spec) else 1.0
    gain = (spec.gain or DEFAULT_GAIN) / scale
    # float32 gives the same result where the operands fit into its 24 bits
    exact = digital.itemsize <= 2 and abs(spec.baseline) < 2**23 and float(np.float32(gain)) == gain
    values: Any = digital.astype(np.float32 if exact else np.float64)
    values -= spec.baseline
    values /= gain
    missing = FORMATS[spec.format][1]
    if missing is not None:
        gone = digital == missing
        if gone.any():
            values[gone] = np.nan
    return values.astype(np.float32, copy=False)


def unite_rates(leads: list[ChannelData]) -> tuple[float, np.ndarray, list[Finding]]:
    """Bring leads to the highest rate among them.

    Returns
    -------
    fs : float
        In Hz.
    signal : ndarray of shape (n_leads, n_samples)
    findings : list of Finding
        The leads that were recorded at a lower rate.

    Raises
    ------
    SignalError
        If that would make more than `MAX_GROWTH` values of each.
    """
    fs = max(lead.fs for lead in leads)
    n_samples = max(len(lead.values) for lead in leads)
    stored = sum(len(lead.values) for lead in leads)
    if len(leads) * n_samples > MAX_GROWTH * stored:
        raise SignalError(
            f"brought to {fs:g} Hz, {stored} samples of the leads would become "
            f"{len(leads) * n_samples}; store the fastest lead in a file of its own."
        )
    signal = np.empty((len(leads), n_samples), np.float32)
    findings = []
    for row, lead in zip(signal, leads, strict=True):
        if lead.fs == fs:
            row[:] = lead.values
            continue
        if len(lead.values) > 1:
            row[:] = resample_gaps(lead.values, fs_in=lead.fs, fs_out=fs)[:n_samples]
        else:
            row[:] = lead.values
        detail = f"recorded at {lead.fs:g} Hz, brought to {fs:g} Hz"
        findings.append(Finding(FindingKind.MIXED_RATES, lead.name, detail=detail))
    return fs, signal, findings
