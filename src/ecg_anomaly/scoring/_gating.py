"""Windows behind a quality gate, which sees the raw signal before anything is resampled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import numpy as np

from ..errors import SignalError
from ..leads import LIMB_LEADS, limb_plane, reorder, sources
from ..quality import Assessment, QualityGate
from ..quality.gate import Piece
from ..records import Record
from ..signal.imputation import fill_from_plane
from ..signal.resampling import resample_gaps, resampled_length
from ._model import ModelInput
from ._windows import window_starts


@dataclass(frozen=True, eq=False)
class GatedWindows:
    """The windows of a record that a gate lets through.

    What is unusable in a window is blanked before it is resampled; limb leads follow from any two
    that are left.

    Parameters
    ----------
    signal : ndarray of shape (n_leads, n_samples)
        At the record's rate, of the leads that the gate judged.
    leads : tuple of str
    fs : float
        The record's rate in Hz.
    wanted : ModelInput
    starts : ndarray of int
        First samples of the windows, at the record's rate.
    raw_length : int
        Samples of a window at the record's rate.
    assessments : sequence of Assessment
        One a window.
    """

    signal: np.ndarray
    leads: tuple[str, ...]
    fs: float
    wanted: ModelInput
    starts: np.ndarray
    raw_length: int
    assessments: Sequence[Assessment]

    @property
    def length(self) -> int:
        """Samples of a window as the model takes it."""
        return self.wanted.n_samples

    def __len__(self) -> int:
        return len(self.starts)

    def cut(self, number: int) -> np.ndarray:
        """Return a window as the model takes it, NaN where it is unusable."""
        start = self.starts[number]
        part = self.signal[:, start : start + self.raw_length].copy()
        self.assessments[number].blank_signal(part, self.fs, self.leads)
        if self.fs != self.wanted.fs:
            part = resample_gaps(part, fs_in=self.fs, fs_out=self.wanted.fs)
        if self.leads != self.wanted.leads:
            fill_from_plane(part[None], limb_plane(self.leads))
            part = reorder(part, self.leads, self.wanted.leads, missing="nan")
        return part[:, : self.length]


@dataclass(frozen=True, eq=False)
class RawWindows:
    """The windows of a record before the gate has seen them.

    Parameters
    ----------
    record : Record
    signal, leads, wanted, starts, raw_length
        As in `GatedWindows`, of all windows.
    """

    record: Record
    signal: np.ndarray
    leads: tuple[str, ...]
    wanted: ModelInput
    starts: np.ndarray
    raw_length: int

    @property
    def length(self) -> int:
        """Samples of a window as the model takes it."""
        return self.wanted.n_samples

    def __len__(self) -> int:
        return len(self.starts)

    def pieces(self) -> list[Piece]:
        """Return what the gate sees."""
        return [
            (
                self.signal[:, start : start + self.raw_length],
                self.record.fs,
                self.leads,
                self.record.age,
            )
            for start in self.starts
        ]


class Gated(NamedTuple):
    """The windows of a record that can be scored, what was found, and what was refused."""

    windows: GatedWindows
    n_refused: int
    findings: list[str]
    problem: str


def raw_windows(record: Record, wanted: ModelInput) -> RawWindows:
    """Return the windows that cover a record, of the leads that the model takes.

    Those that the record lacks are missing samples throughout.

    Raises
    ------
    SignalError
        If the record is too short, or its rate cannot be brought to the model's; the message names
        the record.
    """
    where = f"record {record.record_id!r}"
    signal, leads = _judged(record, wanted)
    n_raw = signal.shape[1]
    try:
        n_samples = resampled_length(n_raw, record.fs, wanted.fs)
    except SignalError as error:
        raise SignalError(f"{where}: {error}") from None
    if n_samples < wanted.n_samples or n_raw < 2:
        raise SignalError(
            f"{where}: {record.duration:g} s is shorter than the "
            f"{wanted.n_samples / wanted.fs:g} s that the model takes; record longer."
        )
    step = record.fs / wanted.fs
    raw_length = min(n_raw, int(np.ceil(wanted.n_samples * step - 1e-6)))
    starts = np.rint(window_starts(n_samples, wanted.n_samples) * step).astype(int)
    return RawWindows(
        record, signal, leads, wanted, np.minimum(starts, n_raw - raw_length), raw_length
    )


def gate_windows(raw: Sequence[RawWindows], gate: QualityGate) -> list[Gated]:
    """Ask the gate about each window of some records; there may be none that it lets through."""
    assessments = iter(gate.assess_each([piece for windows in raw for piece in windows.pieces()]))
    return [_gated(windows, list(islice(assessments, len(windows)))) for windows in raw]


def _gated(raw: RawWindows, assessments: list[Assessment]) -> Gated:
    record, leads = raw.record, raw.leads
    kept = [k for k, item in enumerate(assessments) if item.is_scorable]
    refused = [item for item in assessments if not item.is_scorable]
    problem = refused[0].reason if refused else ""
    absent = [lead for lead in leads if lead not in (record.leads or ())]
    if refused and absent:
        problem += f"; the record has no {', '.join(absent)}, which the model takes"
    if refused and len(assessments) > 1:
        problem = f"{len(refused)} of {len(assessments)} windows not scorable: {problem}"
    passed = [assessments[k] for k in kept]
    return Gated(
        GatedWindows(
            raw.signal, leads, record.fs, raw.wanted, raw.starts[kept], raw.raw_length, passed
        ),
        len(refused),
        [str(finding) for finding in record.quality] + _summary(assessments),
        problem,
    )


def _judged(record: Record, wanted: ModelInput) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the leads that the model's are made of, and NaN for those that cannot be made."""
    present = tuple(record.leads or ())
    derives = any(name in LIMB_LEADS and name not in present for name in wanted.leads)
    used = [lead for lead in present if lead in wanted.leads or (derives and lead in LIMB_LEADS)]
    absent = [name for name in wanted.leads if not sources(name, present)]
    signal = np.full((len(used) + len(absent), record.signal.shape[1]), np.nan, np.float32)
    signal[: len(used)] = record.signal[[present.index(lead) for lead in used]]
    signal[np.isinf(signal)] = np.nan
    return signal, (*used, *absent)


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
