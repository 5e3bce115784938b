"""Which piece of which lead goes where on the paper."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..leads import STANDARD_LEADS

LAYOUTS = ("3x4+1", "6x2", "12x1")

# Height of a row in mm at 10 mm/mV.
_ROW_HEIGHT = {"3x4+1": 30, "6x2": 25}
_PAGE = 10.0
# A recording of 10 s may lack some samples at its end.
_SHORTEST_PAGE = 9.5


@dataclass(frozen=True)
class Piece:
    """Samples ``start:stop`` of one lead, drawn in one row."""

    lead: int
    row: int
    start: int
    stop: int


@dataclass(frozen=True)
class Layout:
    """All pieces of a figure.

    Attributes
    ----------
    pieces : tuple of Piece
    n_rows : int
    n_samples : int
        Samples that are shown, from the first.
    row_height : int
        In mm, a multiple of the large square.
    notes : tuple of str
        What the reader must know: leads or seconds not shown as asked.
    """

    pieces: tuple[Piece, ...]
    n_rows: int
    n_samples: int
    row_height: int
    notes: tuple[str, ...]


def arrange(
    leads: Sequence[str], n_samples: int, fs: float, layout: str, gain: float = 10.0
) -> Layout:
    """Return where each lead is drawn.

    Examples
    --------
    >>> arrange(["V1", "II"], 1000, 100.0, "12x1").pieces
    (Piece(lead=1, row=0, start=0, stop=1000), Piece(lead=0, row=1, start=0, stop=1000))
    """
    notes: list[str] = []
    if layout != "12x1":
        if len(leads) != 12 or set(leads) != set(STANDARD_LEADS):
            notes.append(f"One row a lead: {layout} takes the twelve standard leads")
            layout = "12x1"
        elif n_samples / fs < _SHORTEST_PAGE:
            notes.append(f"One row a lead: {layout} takes 10 s")
            layout = "12x1"
    if layout == "12x1":
        order = _display_order(leads)
        pieces = [Piece(lead, row, 0, n_samples) for row, lead in enumerate(order)]
        height = _row_height(15 if len(leads) > 6 else 25, gain)
        return Layout(tuple(pieces), len(order), n_samples, height, tuple(notes))
    shown = min(n_samples, round(_PAGE * fs))
    if shown < n_samples:
        notes.append(f"First {_PAGE:g} s of {n_samples / fs:g} s")
    n_rows, n_columns = (3, 4) if layout == "3x4+1" else (6, 2)
    edges = np.round(np.linspace(0.0, _PAGE * fs, n_columns + 1)).astype(int)
    edges[-1] = shown
    pieces = [
        Piece(leads.index(lead), k % n_rows, int(edges[k // n_rows]), int(edges[k // n_rows + 1]))
        for k, lead in enumerate(STANDARD_LEADS)
    ]
    if layout == "3x4+1":
        pieces.append(Piece(leads.index("II"), n_rows, 0, shown))
        n_rows += 1
    height = _row_height(_ROW_HEIGHT[layout], gain)
    return Layout(tuple(pieces), n_rows, shown, height, tuple(notes))


def _display_order(leads: Sequence[str]) -> list[int]:
    """Sort standard leads into their order, the others after them as they come."""
    rank = {lead: k for k, lead in enumerate(STANDARD_LEADS)}
    return sorted(range(len(leads)), key=lambda k: rank.get(leads[k], len(rank)))


def _row_height(height: float, gain: float) -> int:
    return max(10, 5 * round(height * gain / 10.0 / 5.0))


def pack(items: Sequence[str], width: int) -> list[str]:
    """Put items into lines of at most `width` characters.

    Examples
    --------
    >>> pack(["25 mm/s", "10 mm/mV", "500 Hz"], 26)
    ['25 mm/s   |   10 mm/mV', '500 Hz']
    """
    lines: list[str] = []
    for item in (part for whole in items for part in textwrap.wrap(whole, width)):
        joined = f"{lines[-1]}   |   {item}" if lines else item
        if lines and len(joined) <= width:
            lines[-1] = joined
        else:
            lines.append(item)
    return lines
