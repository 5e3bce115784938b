"""Checks of the limb leads against each other and against the chest leads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..findings import FindingKind
from ..leads import LIMB_LEADS
from ..signal.agreement import lag_difference
from ..signal.blocks import groups, reduce_blocks
from ._events import Event
from ._measures import PER_SECOND, Measures

if TYPE_CHECKING:
    from .gate import QualityGate

CHEST = ("V1", "V2", "V3", "V4", "V5", "V6")
#: Leads I and II from V1 to V6: least squares on the normals of PTB-XL, folds 1 to 8, over
#: differences of 40 ms (`benchmarks/quality.py` prints them).
LIMBS_FROM_CHEST = np.array(
    [[-0.56, 0.27, 0.06, -0.11, 0.13, 0.34], [-0.06, -0.09, 0.11, 0.10, -0.05, 0.55]]
)
_EINTHOVEN = ("I", "II", "III")
_AUGMENTED = ("aVR", "aVL", "aVF")
# mV; sums smaller than this are rounding.
_LEAST_SUM = 0.01
_LEAST_SWING = 0.15


def sums(m: Measures, gate: QualityGate, leads: tuple[str, ...], dead: np.ndarray) -> list[Event]:
    """Find limb leads that contradict Einthoven's and Goldberger's sums."""
    events = []
    for kind, names, signs in (
        (FindingKind.EINTHOVEN, _EINTHOVEN, (1, -1, 1)),
        (FindingKind.GOLDBERGER, _AUGMENTED, (1, 1, 1)),
    ):
        if not set(names) <= set(leads):
            continue
        rows = [leads.index(name) for name in names]
        parts = lag_difference(m.signals[:, rows], m.fs)
        total = sum(sign * parts[:, k] for k, sign in enumerate(signs))
        rms, largest = _rms(total), _rms(parts).max(axis=1)
        found = (rms > gate.max_sum * largest) & (rms > _LEAST_SUM) & ~dead[:, rows].any(axis=1)
        text = "the sum is {:.0%} of the largest lead"
        events += [
            Event(int(item), kind, -1, 0.0, m.duration, float(rms[item] / largest[item]), text)
            for item in np.flatnonzero(found)
        ]
    return events


def _rms(x):
    return np.sqrt(np.mean(np.square(x, dtype=np.float64), axis=-1)) if x.shape[-1] else x.sum(-1)


def arms_swapped(m: Measures, leads: tuple[str, ...]) -> np.ndarray:
    """Compare the limb leads with what the chest leads predict, as recorded and with arms swapped.

    Returns
    -------
    ndarray of shape (n,)
        Logarithm of the ratio of the residuals' powers, above 0 where the swapped arms fit
        better; NaN where leads are missing.
    """
    limbs = [lead for lead in leads if lead in LIMB_LEADS][:2]
    if len(limbs) < 2 or not set(CHEST) <= set(leads):
        return np.full(len(m.products), np.nan)
    # I and II from the limb leads that are there
    both = np.zeros((2, len(leads)))
    both[:, [leads.index(lead) for lead in limbs]] = np.linalg.inv(
        np.array([LIMB_LEADS[lead] for lead in limbs])
    )
    predicted = np.zeros((2, len(leads)))
    predicted[:, [leads.index(lead) for lead in CHEST]] = LIMBS_FROM_CHEST
    one, two = both
    as_is, swapped = both - predicted, np.stack([-one, two - one]) - predicted
    powers = [
        np.einsum("ki,nij,kj->n", weights, m.products, weights) for weights in (as_is, swapped)
    ]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log(powers[0] / powers[1])
    return np.where(np.isfinite(ratio), ratio, np.nan)


def swing_of_lead_ii(m: Measures, leads: tuple[str, ...]) -> np.ndarray:
    """Return the swing of I + III as a share of that of the larger of I and III.

    Returns
    -------
    ndarray of shape (n,)
        NaN where a lead is missing or both are too small to tell.
    """
    if not set(_EINTHOVEN) <= set(leads):
        return np.full(len(m.signals), np.nan)
    one, three = (m.signals[:, leads.index(lead)] for lead in ("I", "III"))
    swings = []
    for x in (one + three, one, three):
        size = max(1, min(round(m.block * m.fs), x.shape[-1]))
        top, bottom = (
            groups(reduce_blocks(extreme, x, size), PER_SECOND)
            for extreme in (np.maximum, np.minimum)
        )
        swings.append(np.median(top.max(axis=-1) - bottom.min(axis=-1), axis=-1))
    largest = np.maximum(swings[1], swings[2])
    return np.where(largest > _LEAST_SWING, swings[0] / np.maximum(largest, _LEAST_SWING), np.nan)


def reversals(
    m: Measures, gate: QualityGate, leads: tuple[str, ...], dead: np.ndarray
) -> list[Event]:
    """Find limb electrodes that are likely to be exchanged.

    Parameters
    ----------
    dead : ndarray of bool, shape (n, n_leads)
        Leads that cannot be used.
    """
    events = []
    share = swing_of_lead_ii(m, leads)
    rows = [leads.index(lead) for lead in ("I", "III") if lead in leads]
    legs = (share < gate.leg_share) & ~dead[:, rows].any(axis=1)
    text = "lead II swings {:.0%} of I and III"
    events += [
        Event(int(item), FindingKind.REVERSAL_RA_RL, -1, 0.0, m.duration, float(share[item]), text)
        for item in np.flatnonzero(legs)
    ]
    ratio = arms_swapped(m, leads)
    needed = [k for k, lead in enumerate(leads) if lead in CHEST or lead in ("I", "II")]
    arms = (ratio > gate.arm_ratio) & ~dead[:, needed].any(axis=1) & ~legs
    text = "swapped arms fit the chest leads {:.1f} times as well"
    events += [
        Event(
            int(item), FindingKind.REVERSAL_LA_RA, -1, 0.0, m.duration,
            float(np.exp(ratio[item])), text,
        )
        for item in np.flatnonzero(arms)
    ]  # fmt: skip
    return events
