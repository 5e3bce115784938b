"""Stimuli of a pacemaker, where rate and bandwidth let them through."""

from __future__ import annotations

import numpy as np

from ..findings import FindingKind
from ._events import Event
from ._measures import Measures

# Pulses a second that a pacemaker gives, to one chamber or to two, and the least number of them.
_RATES = (0.3, 7.0)
_LEAST = 3


def paced(m: Measures) -> list[Event]:
    """Find pieces with pacing pulses at a rate that pacemakers have."""
    events = []
    for item, times in enumerate(m.spikes):
        if len(times) >= _LEAST and _RATES[0] <= len(times) / m.duration <= _RATES[1]:
            text = "{:.1f} pulses a second"
            rate = len(times) / m.duration
            events.append(Event(item, FindingKind.PACED, -1, 0.0, m.duration, rate, text))
    return events


def passes_pulses(m: Measures, lowest: float) -> np.ndarray:
    """Tell the pieces whose recorder passed the frequencies that pulses have.

    Parameters
    ----------
    m : Measures
    lowest : float
        Least root mean square from 100 to 150 Hz, in mV.
    """
    return np.median(m.high, axis=1) > lowest
