"""From pieces to whole records: findings joined, unusable leads and time, the outcome."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ..findings import Finding, FindingKind
from ..leads import LIMB_LEADS
from ..signal.runs import runs
from ._assessment import Assessment, Outcome
from ._events import Event, findings, join
from ._examine import examine, missing_events, missing_samples
from ._pacing import passes_pulses

if TYPE_CHECKING:
    from .gate import QualityGate

# Seconds of the pieces that long records are examined in, and samples examined at once.
_PIECE = 10.0
_SAMPLES_AT_ONCE = 2**19
# Events of a record after which they are joined for the first time, to save memory.
_MANY_EVENTS = 2000
_REVERSALS = (FindingKind.REVERSAL_LA_RA, FindingKind.REVERSAL_RA_RL)


@dataclass
class _Whole:
    """What the pieces of one record gave."""

    events: list[Event] = field(default_factory=list)
    unusable: list[np.ndarray] = field(default_factory=list)
    times: list[np.ndarray] = field(default_factory=list)
    wide: list[bool] = field(default_factory=list)
    limit: int = _MANY_EVENTS


def assess_all(
    gate: QualityGate, signals: np.ndarray, fs: float, leads: tuple[str, ...], ages: np.ndarray
) -> list[Assessment]:
    """Assess records of one shape.

    The leads are examined in the order of their names, so that the order given cannot matter.
    """
    duration = signals.shape[2] / fs
    order = sorted(range(len(leads)), key=lambda k: leads[k])
    names = tuple(leads[k] for k in order)
    wholes = [_Whole() for _ in signals]
    if not leads or not signals.shape[2] or duration < gate.min_duration:
        return [
            _not_examined(gate, signal[order], fs, names, leads, age)
            for signal, age in zip(signals, ages, strict=True)
        ]
    n_samples = signals.shape[2]
    # up to one and a half pieces are examined as one
    length = n_samples if duration <= 1.5 * _PIECE else max(1, round(_PIECE * fs))
    for items in _batches(len(signals), n_samples, length, len(leads)):
        x = np.stack(
            [
                _as_float32(signals[record, :, start : start + length])[order]
                for record, start in items
            ]
        )
        events, unusable, m = examine(x, fs, names, gate)
        wide = passes_pulses(m, gate.min_bandwidth)
        for k, (record, start) in enumerate(items):
            wholes[record].unusable.append(unusable[k])
            wholes[record].times.append(m.second_times + start / fs)
            wholes[record].wide.append(bool(wide[k]))
        for event in events:
            record, start = items[event.item]
            wholes[record].events.append(
                event._replace(start=event.start + start / fs, end=event.end + start / fs)
            )
        for whole in {record: wholes[record] for record, _ in items}.values():
            if len(whole.events) > whole.limit:
                whole.events = join(whole.events)
                whole.limit = max(_MANY_EVENTS, 2 * len(whole.events))
    return [
        _decide(gate, whole, names, leads, duration, age)
        for whole, age in zip(wholes, ages, strict=True)
    ]


def _as_float32(x):
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(x, np.float32)


def _batches(n_records, n_samples, length, n_leads) -> Iterator[list[tuple[int, int]]]:
    """Yield (record, first sample) of pieces, as many at a time as memory should hold."""
    n_pieces = -(-n_samples // length)
    at_once = max(1, _SAMPLES_AT_ONCE // (n_leads * length))
    pieces = [
        (record, min(piece * length, n_samples - length))
        for record in range(n_records)
        for piece in range(n_pieces)
    ]
    for k in range(0, len(pieces), at_once):
        yield pieces[k : k + at_once]


def _not_examined(gate, signal, fs, names, leads, age):
    """Assess a record too short to hold a beat, or without leads."""
    duration = signal.shape[-1] / fs
    missing = missing_samples(_as_float32(signal))
    if not leads:
        reason = "no leads"
    else:
        reason = f"too short: {duration:.3g} s, at least {gate.min_duration:g} s are needed"
    events = missing_events(missing[None], fs) if missing.any() else []
    seen = findings(events, names, duration)
    seen.append(Finding(FindingKind.TOO_SHORT, "", 0.0, round(duration, 3), reason))
    seen += _population(gate, age, duration, seen)
    gone = {names[row] for row in np.flatnonzero(np.all(missing, axis=-1))}
    return Assessment(
        Outcome.NOT_SCORABLE,
        _in_order(seen, leads),
        tuple(lead for lead in leads if lead in gone) if signal.shape[-1] else (),
        reason=reason,
    )


def _decide(gate, whole, names, leads, duration, age):
    unusable = np.concatenate(whole.unusable, axis=-1)
    times = np.concatenate(whole.times)
    dead = unusable.mean(axis=-1) > gate.max_unusable
    usable = ~(unusable | dead[:, None])
    limb = np.array([name in LIMB_LEADS for name in names])
    # any two limb leads determine the others
    count = np.minimum(usable[limb].sum(axis=0), 2) + usable[~limb].sum(axis=0)
    total = min(limb.sum(), 2) + (~limb).sum()
    enough = count >= gate.min_usable * total
    seen = findings(_consistent(whole.events, duration), names, duration)
    seen += _population(gate, age, duration, seen)
    lost = {name for name, gone in zip(names, dead, strict=True) if gone}
    unusable_leads = tuple(lead for lead in leads if lead in lost)
    spans: tuple[tuple[str, float, float], ...] = ()
    reason = ""
    if enough.mean() < gate.min_scorable or not enough.any():
        outcome = Outcome.NOT_SCORABLE
        reason = f"too few usable leads for {1 - enough.mean():.0%} of the time"
        if lost:
            reason += f" ({_list(unusable_leads)} unusable)"
    else:
        spans = _spans(unusable & ~dead[:, None] & enough, times, names, leads, duration)
        outcome = Outcome.IMPUTED if lost or spans else Outcome.SCORABLE
        parts = []
        if lost:
            parts.append(f"{_list(unusable_leads)} unusable")
        if spans:
            partly = tuple(dict.fromkeys(lead for lead, _, _ in spans))
            parts.append(f"{_list(partly)} unusable at times")
        reason = "; ".join(parts)
    return Assessment(
        outcome,
        _in_order(seen, leads),
        unusable_leads,
        spans,
        reason,
        pacing_visible=float(np.mean(whole.wide)) > 0.5,
    )


def _consistent(events, duration):
    """Leave out reversals seen for less than half of the time: electrodes stay exchanged."""
    for kind in _REVERSALS:
        seen = sum(event.end - event.start for event in events if event.kind is kind)
        if seen < 0.5 * duration:
            events = [event for event in events if event.kind is not kind]
    return events


def _population(gate, age, duration, seen):
    kind, end = FindingKind.POPULATION, round(duration, 3)
    out = []
    if age < gate.min_age:
        out.append(Finding(kind, "", 0.0, end, f"{age:g} years old"))
    if any(finding.kind is FindingKind.PACED for finding in seen):
        out.append(Finding(kind, "", 0.0, end, "paced"))
    return out


def _spans(mask, times, names, leads, duration):
    """Return (lead, start, end) of what is unusable in leads that are usable otherwise."""
    found = []
    for row, start, stop in zip(*runs(mask), strict=True):
        first, last = float(times[start, 0]), min(float(times[stop - 1, 1]), duration)
        found.append((names[row], round(first, 3), round(last, 3)))
    joined: list[tuple[str, float, float]] = []
    for lead, start, end in sorted(found, key=lambda span: (leads.index(span[0]), span[1])):
        if joined and joined[-1][0] == lead and start <= joined[-1][2]:
            joined[-1] = (lead, joined[-1][1], max(end, joined[-1][2]))
        else:
            joined.append((lead, start, end))
    return tuple(joined)


def _in_order(seen, leads):
    """Sort findings: the record's first, then by lead as the record has them."""
    place = {"": -1} | {lead: k for k, lead in enumerate(leads)}
    kinds = list(FindingKind)
    return tuple(
        sorted(seen, key=lambda f: (place[f.lead], kinds.index(f.kind), f.start, f.detail))
    )


def _list(names):
    return ", ".join(names)
