"""What was seen where, piece by piece, and how it becomes the findings of a record."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from ..findings import Finding, FindingKind
from ..signal.runs import runs

# Spans of one kind in one lead that are no further apart, in seconds, are one finding.
_JOIN = 0.15


class Event(NamedTuple):
    """One thing seen in one piece of a record.

    Parameters
    ----------
    item : int
        Which piece of the batch.
    kind : FindingKind
    lead : int
        Row of the lead, -1 for the record.
    start, end : float
        In seconds from the start of the piece.
    value : float
        How much, for the text; of joined events the largest counts.
    text : str
        Detail with a place for `value`.
    """

    item: int
    kind: FindingKind
    lead: int
    start: float
    end: float
    value: float
    text: str


def span_events(
    kind: FindingKind, mask: np.ndarray, times: np.ndarray, values: np.ndarray, text: str
) -> list[Event]:
    """Turn runs of True into events.

    Parameters
    ----------
    kind : FindingKind
    mask : ndarray of bool, shape (n, n_leads, n_spans)
    times : ndarray of shape (n_spans, 2)
        Start and end of each span in seconds.
    values : ndarray broadcastable to the shape of `mask`
    text : str
    """
    if not mask.any():
        return []
    n_leads, n = mask.shape[1:]
    values = np.broadcast_to(values, mask.shape).reshape(-1, n)
    events = []
    for row, start, stop in zip(*runs(mask.reshape(-1, n)), strict=True):
        begin, end = float(times[start, 0]), float(times[stop - 1, 1])
        value = float(values[row, start:stop].max())
        events.append(Event(int(row // n_leads), kind, int(row % n_leads), begin, end, value, text))
    return events


def whole_events(
    kind: FindingKind, mask: np.ndarray, duration: float, values: np.ndarray, text: str
) -> list[Event]:
    """Turn entries of a mask (n, n_leads) into events that last as long as the piece."""
    return [
        Event(int(item), kind, int(lead), 0.0, duration, float(values[item, lead]), text)
        for item, lead in zip(*np.nonzero(mask), strict=True)
    ]


def join(events: Iterable[Event]) -> list[Event]:
    """Join events of one record that touch in time; of each, `item` is the first's.

    Parameters
    ----------
    events : iterable of Event
        Their times counted from the start of the record.

    Returns
    -------
    list of Event
        By lead, kind and time.
    """
    kinds = list(FindingKind)
    joined: list[Event] = []
    for event in sorted(events, key=lambda e: (e.lead, kinds.index(e.kind), e.text, e.start)):
        last = joined[-1] if joined else None
        if (
            last is not None
            and (last.lead, last.kind, last.text) == (event.lead, event.kind, event.text)
            and event.start <= last.end + _JOIN
        ):
            joined[-1] = last._replace(
                end=max(last.end, event.end), value=max(last.value, event.value)
            )
        else:
            joined.append(event)
    return joined


def findings(events: Iterable[Event], leads: tuple[str, ...], duration: float) -> list[Finding]:
    """Turn the events of one record into findings, joined.

    Parameters
    ----------
    events : iterable of Event
    leads : tuple of str
    duration : float
        Of the record in seconds.
    """
    return [
        Finding(
            event.kind,
            "" if event.lead < 0 else leads[event.lead],
            round(event.start, 3),
            round(min(event.end, duration), 3),
            event.text.format(event.value),
        )
        for event in join(events)
    ]
