"""The quality gate over the windows of a record, asked before anything is resampled."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..leads import sources
from ..quality import Assessment, Outcome, QualityGate
from ..records import Record
from ._model import ModelInput
from ._windows import Windows, make_windows

_WINDOWS_AT_ONCE = 64


class Gated(NamedTuple):
    """The windows of a record that can be scored, what was found, and what was refused."""

    windows: Windows
    findings: list[str]
    problem: str


def gate_windows(record: Record, wanted: ModelInput, gate: QualityGate) -> Gated:
    """Return the windows that can be scored; there may be none.

    The gate sees the raw signal of each window; what it finds unusable is blanked in the window,
    in leads that follow from it too.

    Raises
    ------
    SignalError
        As `make_windows`.
    """
    signal = record.signal
    record = replace(record, signal=np.where(np.isinf(signal), np.nan, signal))
    windows = make_windows(record, wanted)
    assessments = _assess(record, windows, wanted, gate)
    kept, blanks, reasons = [], [], []
    for number, assessment in enumerate(assessments):
        reason = assessment.reason
        if assessment.outcome is not Outcome.NOT_SCORABLE:
            blank = _blanks(assessment, record, wanted, windows.length)
            single = Windows(windows.signal, windows.starts[[number]], windows.length, [blank])
            if np.isfinite(single.cut(0)).any():
                kept.append(number)
                blanks.append(blank)
                continue
            reason = "no usable sample in the leads that the model takes"
        reasons.append(reason)
    problem = ""
    if reasons:
        problem = reasons[0]
        if len(assessments) > 1:
            problem = f"{len(reasons)} of {len(assessments)} windows not scorable: {problem}"
    return Gated(
        Windows(windows.signal, windows.starts[kept], windows.length, blanks),
        [str(finding) for finding in record.quality] + _summary(assessments),
        problem,
    )


def _assess(
    record: Record, windows: Windows, wanted: ModelInput, gate: QualityGate
) -> list[Assessment]:
    n_raw = record.signal.shape[1]
    length = min(round(windows.length / wanted.fs * record.fs), n_raw)
    starts = np.rint(windows.starts / wanted.fs * record.fs).astype(int)
    starts = np.minimum(starts, n_raw - length)
    assessments: list[Assessment] = []
    for first in range(0, len(starts), _WINDOWS_AT_ONCE):
        some = starts[first : first + _WINDOWS_AT_ONCE]
        raw = np.stack([record.signal[:, start : start + length] for start in some])
        assessments += gate.assess_batch(raw, record.fs, record.leads, [record.age] * len(some))
    return assessments


def _blanks(
    assessment: Assessment, record: Record, wanted: ModelInput, length: int
) -> list[tuple[int, int, int]]:
    end_of_time = length / wanted.fs
    spans = [(lead, 0.0, end_of_time) for lead in assessment.unusable_leads]
    return [
        (row, int(start * wanted.fs), int(np.ceil(end * wanted.fs)))
        for lead, start, end in (*spans, *assessment.unusable_spans)
        for row, name in enumerate(wanted.leads)
        if lead in sources(name, record.leads or ())
    ]


def _summary(assessments: list[Assessment]) -> list[str]:
    """Return findings with their times, or, of many windows, how often each was found."""
    if len(assessments) == 1:
        return [str(finding) for finding in assessments[0].findings]
    count = Counter(
        what
        for assessment in assessments
        for what in {(finding.kind, finding.lead) for finding in assessment.findings}
    )
    return [
        f"{kind}{', ' if lead else ''}{lead}: in {n} of {len(assessments)} windows"
        for (kind, lead), n in sorted(count.items())
    ]
