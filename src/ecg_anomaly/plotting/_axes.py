"""What figures of scores have in common: axes, legends, and how groups are told apart."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from ._style import BLACK, BLUE, GREEN, PURPLE, VERMILLION

COLOURS = (BLUE, VERMILLION, GREEN, BLACK, PURPLE)
MARKERS = ("o", "^", "s", "D", "v")
_STYLES = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)), (0, (9, 4)))
#: How areas of the two classes are drawn: by colour, and by hatch and edge.
CLASSES: dict[str, dict[str, Any]] = {
    "normal": {"facecolor": (*to_rgb(BLUE), 0.3), "edgecolor": BLUE},
    "anomaly": {
        "facecolor": "none", "edgecolor": VERMILLION, "hatch": "////", "linestyle": "--",
    },
}  # fmt: skip


def line_look(k: int):
    """Return a colour and line style, no pair twice among the first thirty detectors."""
    turn, colour = divmod(k, len(COLOURS))
    return COLOURS[colour], _STYLES[(colour + turn) % len(_STYLES)]


def new_axes(title: str | None, size: tuple[float, float]) -> tuple[Figure, Axes]:
    """Return a figure with one axes."""
    figure = new_figure(size)
    axes = figure.add_subplot()
    plain(axes)
    if title:
        axes.set_title(title, parse_math=False)
    return figure, axes


def new_figure(size: tuple[float, float]) -> Figure:
    """Return an empty white figure of a size in inches, laid out as it is drawn."""
    figure = Figure(figsize=size, facecolor="white")
    figure.set_layout_engine("constrained", h_pad=0.08)
    return figure


def plain(axes: Axes) -> None:
    """Leave off the frame's upper and right side."""
    axes.set_facecolor("white")
    axes.spines[["top", "right"]].set_visible(False)


def add_grid(axes: Axes) -> None:
    """Draw faint lines behind everything."""
    axes.grid(color="#e0e0e0", linewidth=0.5)
    axes.set_axisbelow(True)


def add_legend(figure: Figure, axes: Axes, columns: int = 1) -> None:
    """Put the legend below the axes, where it covers nothing."""
    legend = figure.legend(
        *axes.get_legend_handles_labels(), loc="outside lower center", ncols=columns,
        fontsize=8.5, frameon=False, handlelength=3.5,
    )  # fmt: skip
    for text in legend.get_texts():
        text.set_parse_math(False)
