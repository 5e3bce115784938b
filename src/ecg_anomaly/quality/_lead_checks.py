"""Checks of single leads: what is found, and when a lead cannot be used.

Each check returns events and, where it makes a lead unusable, a mask of the seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..findings import FindingKind
from ..signal.agreement import lag_difference
from ..signal.blocks import groups
from ..signal.runs import keep_long_runs
from ._events import Event, span_events, whole_events
from ._measures import PER_SECOND, Measures, agreement, independent

if TYPE_CHECKING:
    from .gate import QualityGate

# Least swing in mV that noise and artefacts are compared with.
_LEAST_SWING = 0.1
# A second counts where at least this share of it is concerned.
_HALF = 0.5
# Clipped peaks of R waves take 2 to 5 % of the time; an amplifier at its limit takes more.
_CLIPPED_SHARE = 0.1
# Leads of which others are predicted, at least.
_LEAST_LIVE = 5
# Activity of a lead and the others, smoothed over so many seconds and shifted by up to so many,
# that correlates at least so well comes from the same heart.
_WIDTH, _LONGEST_LAG, _SAME_HEART = 0.06, 0.3, 0.6


def seconds(blocks: np.ndarray) -> np.ndarray:
    """Tell the seconds of which a mask of blocks covers at least half."""
    return groups(blocks, PER_SECOND).mean(axis=-1) >= _HALF


def flat(m: Measures, gate: QualityGate, ignore: np.ndarray):
    """Find leads that hold still, unless all do: that is a pause of the heart."""
    need = max(1, min(round(gate.flat_duration / m.block), m.height.shape[-1]))
    still = keep_long_runs((m.height < gate.flat_level) & ~ignore, need)
    if not still.any():
        return [], np.zeros(m.swing.shape, bool)
    constant = keep_long_runs(m.constant & ~ignore, need)
    dead = (still | ignore).all(axis=-1)
    pause = (still | dead[..., None]).all(axis=1) & ~dead.all(axis=1)[:, None]
    mask = keep_long_runs(still & ~pause[:, None], need) | (still & dead[..., None]) | constant
    text = "at most {:.3f} mV from lowest to highest in 0.1 s"
    return span_events(FindingKind.FLAT, mask, m.block_times, m.height, text), seconds(mask)


def clipped(m: Measures, gate: QualityGate):
    """Find leads cut off at the limit of an amplifier or converter."""
    if m.clipped is None:
        return [], np.zeros(m.swing.shape, bool)
    share = groups(m.clipped, PER_SECOND).mean(axis=-1)
    text = "up to {:.0%} of a second at the limit"
    events = span_events(FindingKind.CLIPPED, share > 0, m.second_times, share, text)
    return events, share > _CLIPPED_SHARE


def mains(m: Measures, gate: QualityGate):
    """Find hum of the mains, and leads that hold nothing else."""
    events: list[Event] = []
    for k, freq in enumerate(gate.mains):
        amplitude = m.tone[..., k]
        text = f"{{:.3f}} mV at {freq:g} Hz"
        events += whole_events(
            FindingKind.MAINS, amplitude > gate.max_mains, m.duration, amplitude, text
        )
    share = m.tone_share.sum(axis=-1)
    dead = (share > gate.dead_mains_share) & (m.tone.max(axis=-1, initial=0) > gate.max_mains)
    text = "{:.0%} of its power is hum of the mains"
    events += whole_events(FindingKind.DISCONNECTED, dead, m.duration, share, text)
    return events, np.repeat(dead[..., None], m.swing.shape[-1], axis=-1)


def wander(m: Measures, gate: QualityGate):
    """Find wander, jumps and an offset of the baseline."""
    span = np.ptp(m.baseline, axis=-1)
    text = "baseline moves over {:.2f} mV"
    events = whole_events(
        FindingKind.BASELINE_WANDER, span > gate.max_wander, m.duration, span, text
    )
    offset = np.median(m.baseline, axis=-1)
    far = np.abs(offset) > gate.max_offset
    text = "baseline {:.2f} mV away from zero"
    events += whole_events(FindingKind.OFFSET, far, m.duration, np.abs(offset), text)
    # waves without a pause between them move the baseline too, but less than they swing
    jumps = (m.drift > gate.max_drift) & (m.drift > m.usual_swing[..., None])
    text = "baseline moves {:.2f} mV in a second"
    events += span_events(FindingKind.BASELINE_WANDER, jumps, m.second_times, m.drift, text)
    return events, jumps


def noise(m: Measures, gate: QualityGate):
    """Find noise between the QRS complexes, and seconds that drown in it."""
    text = "noise of {:.3f} mV (standard deviation)"
    loud = m.noise > gate.max_noise
    events = span_events(FindingKind.NOISE, loud, m.second_times, m.noise, text)
    usual = np.maximum(m.usual_swing[..., None], _LEAST_SWING)
    return events, (m.noise > gate.unusable_noise) & (m.noise > gate.noise_to_swing * usual)


def amplitude(m: Measures, gate: QualityGate):
    """Find amplitudes that no heart has, or that one lead alone has for a moment."""
    usual = np.maximum(m.usual_swing[..., None], _LEAST_SWING)
    ratio = m.swing / usual
    # an ectopic beat is large in many leads, an artefact of a chest electrode in one or two
    ordered = np.sort(ratio, axis=1)
    elsewhere = np.maximum(ordered[:, [max(0, ratio.shape[1] - 3)]], 1)
    artefact = (m.swing > gate.artefact_swing) & (ratio > gate.artefact_ratio * elsewhere)
    high = m.peak > gate.max_amplitude
    text = "{:.1f} mV away from the baseline"
    both = artefact | high
    return span_events(FindingKind.AMPLITUDE, both, m.second_times, m.peak, text), both


def disagreement(m: Measures, gate: QualityGate, leads: tuple[str, ...], dead: np.ndarray):
    """Find chest leads that do not show the heart that the others show.

    Parameters
    ----------
    dead : ndarray of bool, shape (n, n_leads)
        Leads already known to be unusable, which predict nothing.
    """
    unusable = np.zeros(m.swing.shape, bool)
    free = independent(leads)
    if free.sum() <= _LEAST_LIVE:
        return [], unusable
    share = agreement(m.products, leads)
    enough = (free & ~dead).sum(axis=1) > _LEAST_LIVE - 1
    low = (share < gate.min_agreement) & ~dead & enough[:, None]
    events = []
    for item, lead in zip(*np.nonzero(low), strict=True):
        kind, text = FindingKind.DISCONNECTED, "the other leads predict {:.0%} of it"
        if _beats_with_others(m, item, lead):
            kind = FindingKind.OUT_OF_STEP
            text = "it beats like the other leads, which predict {:.0%} of it"
        elif np.median(m.noise[item, lead]) > gate.unusable_noise:
            kind, text = FindingKind.NOISE, "noise: the other leads predict {:.0%} of it"
        value = float(share[item, lead])
        events.append(Event(int(item), kind, int(lead), 0.0, m.duration, value, text))
        unusable[item, lead] = True
    return events, unusable


def _beats_with_others(m, item, lead):
    """Tell whether a lead is active when the others are, give or take `_LONGEST_LAG`.

    Then it shows the same heart, at a time of its own: another clock, or lost samples.
    """
    activity = np.abs(lag_difference(m.signals[item], m.fs)).astype(np.float64)
    width = max(1, round(_WIDTH * m.fs))
    n = activity.shape[-1]
    furthest = round(_LONGEST_LAG * m.fs)
    if n < 4 * max(width, furthest):
        return False
    cap = np.quantile(activity, 0.98, axis=-1, keepdims=True)
    activity = np.minimum(activity, cap) / np.maximum(cap, 1e-9)
    smooth = np.apply_along_axis(np.convolve, 1, activity, np.full(width, 1 / width), "same")
    smooth -= smooth.mean(axis=-1, keepdims=True)
    own, others = smooth[lead], np.median(np.delete(smooth, lead, axis=0), axis=0)
    size = np.linalg.norm(own) * np.linalg.norm(others)
    match = [
        own[max(0, lag) : n + min(0, lag)] @ others[max(0, -lag) : n - max(0, lag)]
        for lag in range(-furthest, furthest + 1)
    ]
    return bool(max(match) > _SAME_HEART * size > 0)
