"""All checks on a batch of pieces of equal length."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..findings import FindingKind
from ..signal.blocks import reduce_blocks
from ..signal.imputation import fill_short_gaps
from ..signal.runs import runs
from . import _lead_checks as lead_checks
from ._events import Event
from ._limb_leads import reversals, sums
from ._measures import Measures, measure
from ._pacing import paced

if TYPE_CHECKING:
    from .gate import QualityGate

# mV. No recorder gives a kilovolt: such samples are as good as missing.
_LIMIT = 1e6
# Gaps that are no further apart than this, in seconds, are told as one.
_NEAR = 0.1
# mV and ratio. Beats a thousand times too large or too small are in another unit.
_TOO_LARGE = 15.0
_LIKE_BEATS = 20.0


def missing_samples(x: np.ndarray) -> np.ndarray:
    """Tell samples that are NaN, infinite or beyond 1 kV."""
    with np.errstate(invalid="ignore"):
        valid: np.ndarray = np.abs(x) < _LIMIT
    return ~valid


def missing_events(missing: np.ndarray, fs: float) -> list[Event]:
    """Turn missing samples, of shape (n, n_leads, n_samples), into events."""
    n_leads, n = missing.shape[1:]
    row, start, stop = runs(missing.reshape(-1, n))
    if not len(row):
        return []
    new = np.ones(len(row), bool)
    new[1:] = (row[1:] != row[:-1]) | (start[1:] - stop[:-1] > _NEAR * fs)
    first = np.flatnonzero(new)
    last = np.append(first[1:] - 1, len(row) - 1)
    text = "no finite value"
    return [
        Event(
            int(row[i] // n_leads), FindingKind.MISSING, int(row[i] % n_leads),
            float(start[i] / fs), float(stop[j] / fs), 0.0, text,
        )
        for i, j in zip(first, last, strict=True)
    ]  # fmt: skip


def examine(
    x: np.ndarray, fs: float, leads: tuple[str, ...], gate: QualityGate
) -> tuple[list[Event], np.ndarray, Measures]:
    """Examine pieces of ECGs.

    Parameters
    ----------
    x : ndarray of float32, shape (n, n_leads, n_samples)
        In mV; changed in place where samples are missing.
    fs : float
        In Hz.
    leads : tuple of str
    gate : QualityGate

    Returns
    -------
    events : list of Event
    unusable : ndarray of bool, shape (n, n_leads, n_seconds)
    measures : Measures
    """
    missing = missing_samples(x)
    any_missing = bool(missing.any())
    events = missing_events(missing, fs) if any_missing else []
    if any_missing:
        x[missing] = np.nan
        fill_short_gaps(x, x.shape[-1])
        np.nan_to_num(x, copy=False)
    m = measure(x, fs, tuple(gate.mains), gate.max_mains)
    ignore = np.zeros(m.height.shape, bool)
    if any_missing:
        ignore = reduce_blocks(np.logical_or, missing, round(m.block * fs))
    unusable = lead_checks.seconds(ignore)

    def note(result):
        events.extend(result[0])
        np.logical_or(unusable, result[1], out=unusable)

    def dead():
        return unusable.mean(axis=-1) > gate.max_unusable

    hum = lead_checks.mains(m, gate)
    note(hum)
    note(lead_checks.flat(m, gate, ignore | hum[1].any(axis=-1)[..., None]))
    note(_scale(m, dead()))
    for check in (lead_checks.clipped, lead_checks.wander, lead_checks.noise):
        note(check(m, gate))
    note(lead_checks.amplitude(m, gate))
    note(lead_checks.disagreement(m, gate, leads, dead()))
    broken = dead()
    events += sums(m, gate, leads, broken)
    events += reversals(m, gate, leads, broken)
    events += paced(m)
    # what lies in a gap is interpolation, not signal
    gone: np.ndarray = np.all(ignore, axis=-1)
    events = [e for e in events if e.kind is FindingKind.MISSING or not gone[e.item, e.lead]]
    return events, unusable, m


def _scale(m, still):
    """Find records in another unit than mV."""
    swing = m.usual_swing
    unusable = np.zeros(m.swing.shape, bool)
    events = []
    large = ((swing > _TOO_LARGE) | still).all(axis=1) & ~still.all(axis=1)
    sharp = swing > _LIKE_BEATS * np.median(m.noise, axis=-1)
    small = still.all(axis=1) & (np.median(sharp, axis=1) > 0) & (np.median(swing, axis=1) > 0)
    for mask, text in (
        (large, "leads swing {:.0f} mV, as if microvolts were taken for millivolts"),
        (small, "leads swing {:.5f} mV, as if volts were taken for millivolts"),
    ):
        for item in np.flatnonzero(mask):
            value = float(np.median(swing[item]))
            events.append(Event(int(item), FindingKind.AMPLITUDE, -1, 0.0, m.duration, value, text))
            unusable[item] = True
    return events, unusable
