"""WFDB records that consist of segments: joined by the names of their channels."""

from __future__ import annotations

from collections import Counter

import numpy as np

from ..errors import RecordFileError
from ..findings import Finding
from ._channels import (
    MAX_GROWTH,
    ChannelData,
    is_lead,
    make_channel,
    name_of,
    read_channels,
    values_a_frame,
)
from ._header import GAP, NO_SAMPLES, Header, SignalSpec, file_beside, read_header


def read_segments(header: Header) -> tuple[list[ChannelData], list[Finding]]:
    """Return the channels of all segments, joined; what a segment lacks is NaN.

    Raises
    ------
    RecordFileError
        If segments contradict the header or each other, consist of segments themselves, or
        announce much more than their files hold.
    """
    total = sum(n_samples for _, n_samples in header.segments)
    if header.n_samples not in (None, total):
        raise RecordFileError(
            f"{header.path}: announces {header.n_samples} samples, but its segments {total}."
        )
    parts: dict[str, Header] = {}
    for name, n_samples in header.segments:
        if name != GAP and name not in parts:
            parts[name] = _part(header, name, n_samples)
    specs = _specs(header, parts)
    _check_size(header, parts, specs, total)
    values = {
        name: np.full(total * spec.samples_per_frame, np.nan, np.float32)
        for name, spec in specs.items()
    }
    findings: dict[Finding, None] = {}  # each once, in order
    left = Counter(name for name, n_samples in header.segments if n_samples)
    read: dict[str, list[ChannelData]] = {}
    start = 0
    for name, n_samples in header.segments:
        if name != GAP and n_samples:
            if name not in read:
                read[name], found = read_channels(parts[name])
                findings.update(dict.fromkeys(found))
            for channel in read[name]:
                begin = start * specs[channel.name].samples_per_frame
                values[channel.name][begin : begin + len(channel.values)] = channel.values
            left[name] -= 1
            if not left[name]:
                del read[name]
        start += n_samples
    channels = [make_channel(name, spec, header.fs, values[name]) for name, spec in specs.items()]
    return channels, list(findings)


def _part(header: Header, name: str, n_samples: int) -> Header:
    part = read_header(file_beside(header.path, f"{name}.hea"))
    if part.segments:
        raise RecordFileError(f"{part.path}: a segment cannot consist of segments.")
    if part.fs != header.fs or n_samples not in (0, part.n_samples):
        raise RecordFileError(
            f"{part.path}: {part.n_samples} samples at {part.fs:g} Hz, but {header.path} "
            f"announces {n_samples} at {header.fs:g} Hz."
        )
    return part


def _specs(header: Header, parts: dict[str, Header]) -> dict[str, SignalSpec]:
    """Return one signal line for each channel, from the first segment that has it."""
    specs: dict[str, SignalSpec] = {}
    for part in parts.values():
        names = [name_of(spec, k) for k, spec in enumerate(part.signals)]
        for name, spec in zip(names, part.signals, strict=True):
            if names.count(name) > 1:
                raise RecordFileError(f"{part.path}: two signals are called {name}.")
            first = specs.setdefault(name, spec)
            if first.format == NO_SAMPLES:  # a layout names the channels, and not always more
                first = specs[name] = spec
            unit_fits = is_lead(spec) or first.unit == spec.unit or spec.format == NO_SAMPLES
            rate_fits = first.samples_per_frame == spec.samples_per_frame
            if is_lead(first) != is_lead(spec) or not unit_fits:
                raise RecordFileError(
                    f"{part.path}: {name} is in {spec.unit}, but in {first.unit} in another "
                    f"segment of {header.path}."
                )
            if not rate_fits and spec.format != NO_SAMPLES:
                raise RecordFileError(
                    f"{part.path}: {name} has another rate than in another segment of "
                    f"{header.path}."
                )
    return specs


def _check_size(header: Header, parts: dict[str, Header], specs, total: int) -> None:
    wanted = total * values_a_frame(specs.values())
    stored = sum(
        (part.n_samples or 0) * sum(spec.samples_per_frame for spec in part.signals)
        for part in parts.values()
        if all(spec.format != NO_SAMPLES for spec in part.signals)
    )
    if wanted > MAX_GROWTH * stored:
        raise RecordFileError(
            f"{header.path}: only {stored} of {wanted} samples were recorded; read its segments "
            "one by one."
        )
