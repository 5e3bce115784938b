"""ECGs on millimetre paper, true to scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from ..errors import SignalError
from ..records import Record
from ._checks import (
    check_band,
    check_like,
    check_map_range,
    check_positive,
    check_record,
    moving_mean,
    with_gaps,
)
from ._layout import LAYOUTS, Layout, Piece, arrange, pack
from ._style import BLACK, BLUE, GREY, MM_PER_INCH, anomaly_colormap

# Width in seconds of the moving mean over an anomaly map.
_SMOOTHING = 0.08

# Lengths in mm.
_LARGE = 5
_BEFORE_PULSE = 5.0
_AFTER_PULSE = 5.0
_NARROWEST = 150.0
_SIDE, _HEADER, _TITLE_ONLY, _BARE = 5.0, 13.0, 8.5, 4.0
_AXIS, _LINE, _BELOW = 4.5, 3.5, 1.5
_BAR = 45.0
_WIDEST = 7500.0
# Beyond its row a trace gets this much paper before it is cut at the edge, and the footer says so.
_MOST_EXTRA = 60.0

_FINE, _COARSE = "#f7dcd8", "#e9b3ab"


def plot_ecg(
    record: Record,
    *,
    layout: str = "3x4+1",
    reconstruction=None,
    anomaly_map=None,
    title: str | None = None,
    paper_speed: float = 25.0,
    gain: float = 10.0,
    band: Sequence[float | None] | None = None,
    map_range: tuple[float, float] | None = None,
) -> Figure:
    """Draw an ECG on millimetre paper, true to scale when printed or saved.

    The paper has squares of 1 mm and 5 mm. At the default speed and gain 1 s is 25 mm and 1 mV is
    10 mm, whatever the resolution. A pulse of 1 mV and 200 ms opens each row. The footer prints
    the speed, the gain, the sampling rate and whatever is not shown as asked.

    Parameters
    ----------
    record : Record
        Signal in mV. NaN and infinite samples leave gaps.
    layout : {"3x4+1", "6x2", "12x1"}, default="3x4+1"
        "3x4+1" shows the first 10 s as four consecutive columns of 2.5 s, with lead II in full
        below; "6x2" shows them as two columns of 5 s; "12x1" shows one row a lead, the whole
        record. A record without exactly the twelve standard leads, or shorter than 9.5 s, gets
        one row a lead. Leads that are not standard come last, in the record's order.
    reconstruction : array-like of shape (n_leads, n_samples), optional
        In mV, leads as in `record`: a second, thinner trace.
    anomaly_map : array-like of shape (n_leads, n_samples), optional
        Non-negative, leads as in `record`: the background behind each trace, as a moving mean
        over 80 ms, or one sample more for an odd count. NaN is unknown, stays white and is left
        out of the mean.
    title : str, optional
        By default the record's name. A long one is set smaller.
    paper_speed : float, default=25.0
        In mm/s.
    gain : float, default=10.0
        In mm/mV.
    band : (float or None, float or None), optional
        Pass band in Hz of the filter that `record` went through, for the footer.
    map_range : (float, float), optional
        Values of `anomaly_map` that get the first colour, white, and the last. By default from 0
        to the largest value shown, so that the worst spot of every record is saturated: give one
        range to compare records.

    Returns
    -------
    matplotlib.figure.Figure
        With the paper as its first axes. Its x axis is the time in the record in s, its y axis in
        mV, with 0 mV of the first row at 0. Traces and background have the ids
        ``trace-<lead>-<row>``, ``reconstruction-<lead>-<row>`` and ``map-<lead>-<row>``.

    Raises
    ------
    SignalError
        If the record is empty or too long for one sheet (300 s at 25 mm/s), or the
        reconstruction or map does not fit it.
    ValueError
        If another parameter is not one of its values.

    Notes
    -----
    A trace that leaves its row crosses into the next one, as on paper; the sheet grows by up to
    60 mm above and below the rows. What lies beyond is cut, and the footer names the lead.

    At the default speed and gain, "3x4+1" and "6x2" fit on A4 across unless traces leave their
    rows. Print at 100 %, not "fit to page". ``savefig(bbox_inches="tight")`` keeps the scale.

    Examples
    --------
    >>> from ecg_anomaly.datasets import make_ecg
    >>> from ecg_anomaly.plotting import plot_ecg
    >>> from ecg_anomaly.records import Record
    >>> data = make_ecg(1, anomalies="pvc", anomaly_fraction=1.0, random_state=0)
    >>> record = Record(data.X[0], fs=100, record_id="pvc")
    >>> figure = plot_ecg(record, anomaly_map=data.masks[0], band=(0.05, 40))
    >>> width, height = figure.get_size_inches() * 25.4
    >>> round(float(width))
    280
    """
    signal, leads = check_record(record)
    speed, gain = check_positive(paper_speed, "paper_speed"), check_positive(gain, "gain")
    if layout not in LAYOUTS:
        raise ValueError(f"layout must be one of {', '.join(LAYOUTS)}, got {layout!r}.")
    traces = [("trace", signal, BLACK, 1.0)]
    if reconstruction is not None:
        other = with_gaps(check_like(reconstruction, signal, "reconstruction"))
        traces.append(("reconstruction", other, BLUE, 0.5))
    placed = arrange(leads, signal.shape[1], record.fs, layout, gain)
    sheet = _Sheet(placed, record.fs, speed, gain, [values for _, values, _, _ in traces], leads)

    parts = [f"{speed:g} mm/s", f"{gain:g} mm/mV", f"sampled at {record.fs:g} Hz"]
    words, high = check_band(band)
    parts += [words] if words else []
    notes = [*placed.notes, *sheet.notes]
    if record.fs <= 100 or high <= 40:
        notes.append("Q-wave width and QRS notching are not reliable at this rate or band")
    footer = [*sheet.pack([*parts, "Research use only"]), *sheet.pack(notes)]
    name = record.record_id if title is None else str(title)
    with_key = len(traces) > 1 or anomaly_map is not None
    header = _HEADER if with_key else _TITLE_ONLY if name else _BARE

    figure, axes = sheet.figure(header, _AXIS + _LINE * len(footer) + _BELOW)
    if anomaly_map is not None:
        _draw_map(figure, axes, sheet, anomaly_map, signal, map_range, leads)
    sheet.draw_grid(axes)
    for kind, values, colour, width in traces:
        for piece in placed.pieces:
            line = sheet.draw(axes, piece, values, color=colour, linewidth=width)
            line.set_gid(f"{kind}-{leads[piece.lead]}-{piece.row}")
    sheet.draw_marks(axes, leads)
    room = sheet.width - (_BAR + 12.0 if anomaly_map is not None else 0.0)
    _draw_words(figure, sheet, name, room, footer)
    if len(traces) > 1:
        _draw_key(figure, sheet, traces)
    return figure


class _Sheet:
    """The paper: where rows lie, how large it is, and what is drawn on it."""

    def __init__(self, placed: Layout, fs, speed, gain, signals, leads):
        self.placed, self.fs, self.speed, self.gain = placed, fs, speed, gain
        self.before = _BEFORE_PULSE + 0.2 * speed + _AFTER_PULSE
        traces = placed.n_samples / fs * speed
        if traces > _WIDEST:
            raise SignalError(
                f"the record lasts {placed.n_samples / fs:g} s, which is {traces / 1000:.3g} m of "
                f"paper; plot at most {_WIDEST / speed:g} s at a time."
            )
        after = _LARGE + -(self.before + traces) % _LARGE
        self.width = max(self.before + traces + after, _NARROWEST)
        half = _LARGE * np.ceil(placed.row_height / 2 / _LARGE)
        self.top, self.bottom = max(half, gain + 2.0), half + self._offset(placed.n_rows - 1)
        self.notes: list[str] = []
        self._fit(signals, leads)

    def _offset(self, row: int) -> float:
        """Return how far a row's 0 mV lies below that of the first row, in mm."""
        return float(row * self.placed.row_height)

    def baseline(self, row: int) -> float:
        """Return where a row's 0 mV lies, in mV of the paper."""
        return -self._offset(row) / self.gain

    def _fit(self, signals, leads) -> None:
        """Make room for traces that leave the first or last row."""
        highest, lowest, cut = self.top, -self.bottom, []
        ceiling, floor = self.top + _MOST_EXTRA, -self.bottom - _MOST_EXTRA
        for values in signals:
            for piece in self.placed.pieces:
                shown = values[piece.lead, piece.start : piece.stop]
                shown = shown[np.isfinite(shown)]
                if not shown.size:
                    continue
                high = float(shown.max()) * self.gain - self._offset(piece.row) + 1.0
                low = float(shown.min()) * self.gain - self._offset(piece.row) - 1.0
                if high > ceiling or low < floor:
                    cut.append(leads[piece.lead])
                highest, lowest = max(highest, min(high, ceiling)), min(lowest, max(low, floor))
        self.top = _LARGE * np.ceil(highest / _LARGE)
        self.bottom = _LARGE * np.ceil(-lowest / _LARGE)
        if cut:
            self.notes.append(f"Cut at the paper's edge: {', '.join(dict.fromkeys(cut))}")

    def pack(self, items) -> list[str]:
        """Return lines of text that fit below the paper."""
        # A character of 7.5 points is 1.5 mm wide at most, on average.
        return pack(items, int(self.width / 1.5))

    def figure(self, header: float, footer: float) -> tuple[Figure, Axes]:
        """Return the figure and the axes of the paper, 1 mm in the figure for 1 mm of paper."""
        paper = self.top + self.bottom
        self.page = (self.width + 2 * _SIDE, paper + header + footer)
        size = (self.page[0] / MM_PER_INCH, self.page[1] / MM_PER_INCH)
        figure = Figure(figsize=size, facecolor="white")
        # A layout engine set globally would move the axes, and with them the scale.
        figure.set_layout_engine("none")
        axes = figure.add_axes(self.box(_SIDE, footer, self.width, paper), label="paper")
        axes.set(facecolor="white", aspect="auto", yticks=[])
        self.set_limits(axes)
        step = 1 if self.speed >= 10 else round(np.ceil(10 / self.speed))
        seconds = np.arange(0, self.placed.n_samples / self.fs + 1e-6, step)
        axes.set_xticks(seconds, [f"{second:g} s" for second in seconds])
        axes.tick_params(axis="x", length=2, width=0.5, pad=1.5, labelsize=6, colors=GREY)
        for spine in axes.spines.values():
            spine.set(color=_COARSE, linewidth=0.6)
        return figure, axes

    def set_limits(self, axes: Axes) -> None:
        """Set the limits on which the scale hangs."""
        left = -self.before / self.speed
        axes.set_xlim(left, left + self.width / self.speed)
        axes.set_ylim(-self.bottom / self.gain, self.top / self.gain)

    def box(self, left, bottom, width, height) -> tuple[float, float, float, float]:
        """Return a rectangle in mm as fractions of the figure."""
        across, up = self.page
        return left / across, bottom / up, width / across, height / up

    def draw_grid(self, axes: Axes) -> None:
        """Draw the squares, large ones through 0 mV of the first row and the paper's left edge."""
        left, low, high = -self.before / self.speed, -self.bottom / self.gain, self.top / self.gain
        right = left + self.width / self.speed
        across = np.arange(np.floor(self.width + 1e-6) + 1)
        up = np.arange(-self.bottom, self.top + 1)
        for large, colour, width in ((False, _FINE, 0.3), (True, _COARSE, 0.5)):
            x = [left + mm / self.speed for mm in across if (mm % _LARGE == 0) == large]
            y = [mm / self.gain for mm in up if (mm % _LARGE == 0) == large]
            lines = [((v, low), (v, high)) for v in x] + [((left, v), (right, v)) for v in y]
            grid = LineCollection(lines, colors=colour, linewidths=width, zorder=1)
            grid.set_gid("grid-5mm" if large else "grid-1mm")
            axes.add_collection(grid, autolim=False)

    def draw(self, axes: Axes, piece: Piece, values, **style) -> Line2D:
        """Draw one piece of a trace and return its line."""
        samples = np.arange(piece.start, piece.stop)
        line = Line2D(
            samples / self.fs,
            values[piece.lead, samples] + self.baseline(piece.row),
            solid_joinstyle="round",
            zorder=3,
            **style,
        )
        return axes.add_line(line)

    def draw_marks(self, axes: Axes, leads) -> None:
        """Draw the calibration pulses, the leads' names and the joints of columns."""
        edge = _BEFORE_PULSE / self.speed - self.before / self.speed
        step = 1.0 / self.speed
        for row in range(self.placed.n_rows):
            x = np.array([edge - step, edge, edge, edge + 0.2, edge + 0.2, edge + 0.2 + step])
            y = self.baseline(row) + np.array([0.0, 0.0, 1.0, 1.0, 0.0, 0.0])
            pulse = axes.add_line(Line2D(x, y, color=BLACK, linewidth=0.9, zorder=3))
            pulse.set_gid(f"calibration-{row}")
        for piece in self.placed.pieces:
            start, zero = piece.start / self.fs, self.baseline(piece.row)
            text = axes.text(
                start + step,
                zero + (self.placed.row_height / 2 - 3.0) / self.gain,
                leads[piece.lead],
                fontsize=9,
                fontweight="bold",
                parse_math=False,
                zorder=2,
            )
            text.set_path_effects([withStroke(linewidth=2, foreground="white")])
            if piece.start:
                for sign in (-1, 1):
                    ends = [zero + sign * mm / self.gain for mm in (3, 6)]
                    axes.add_line(Line2D([start, start], ends, color=GREY, linewidth=0.6, zorder=2))


def _draw_map(figure, axes, sheet: _Sheet, values, signal, map_range, leads) -> None:
    values = check_like(values, signal, "anomaly_map")
    if np.isinf(values).any() or (values < 0).any():
        raise SignalError(
            "anomaly_map must be finite and non-negative: 0 where nothing is unusual; "
            "NaN marks what is not known."
        )
    # Odd, so that the mean lies in the middle.
    width = round(_SMOOTHING * sheet.fs)
    width += width % 2 == 0
    values = moving_mean(values, width)
    shown = values[:, : sheet.placed.n_samples]
    largest = float(np.nanmax(shown)) if np.isfinite(shown).any() else 0.0
    low, high = check_map_range(map_range, largest)
    colours = ScalarMappable(Normalize(low, high), anomaly_colormap())
    half = sheet.placed.row_height / 2 / sheet.gain
    for piece in sheet.placed.pieces:
        zero = sheet.baseline(piece.row)
        # Sample k stands for the time from k - 1/2 to k + 1/2.
        left, right = (piece.start - 0.5) / sheet.fs, (piece.stop - 0.5) / sheet.fs
        image = axes.imshow(
            values[piece.lead : piece.lead + 1, piece.start : piece.stop],
            cmap=colours.cmap,
            norm=colours.norm,
            extent=(left, right, zero - half, zero + half),
            aspect="auto",
            interpolation="nearest",
            origin="lower",
            zorder=0.5,
        )
        image.set_gid(f"map-{leads[piece.lead]}-{piece.row}")
    sheet.set_limits(axes)  # imshow moves them
    box = sheet.box(sheet.page[0] - _SIDE - _BAR - 4, sheet.page[1] - 7.5, _BAR, 2.5)
    bar_axes = figure.add_axes(box, label="colour bar")
    extend = "max" if largest > high else "neither"
    bar = figure.colorbar(colours, cax=bar_axes, orientation="horizontal", extend=extend)
    bar.set_ticks(np.linspace(low, high, 3), labels=[f"{v:.3g}" for v in np.linspace(low, high, 3)])
    bar.ax.tick_params(labelsize=6.5, length=1.5, width=0.5, pad=1)
    bar.outline.set(linewidth=0.5)
    bar_axes.set_title(
        f"anomaly map, mean over {1000 * width / sheet.fs:.0f} ms", fontsize=7, pad=2
    )


def _draw_words(figure: Figure, sheet: _Sheet, title: str, room: float, footer) -> None:
    across, up = sheet.page
    # A bold character of 11 points is 2.7 mm wide at most, on average.
    size = max(5.0, 11 * min(1.0, room / (2.7 * max(len(title), 1))))
    lines: list[tuple[float, str, dict[str, Any]]] = [
        (_BELOW + (k + 0.5) * _LINE, line, {"fontsize": 7.5})
        for k, line in enumerate(reversed(footer))
    ]
    if title:
        lines.append((up - 4.5, title, {"fontsize": size, "fontweight": "bold"}))
    for height, text, style in lines:
        figure.text(
            _SIDE / across, height / up, text, va="center", color=BLACK, parse_math=False, **style
        )


def _draw_key(figure: Figure, sheet: _Sheet, traces) -> None:
    across, up = sheet.page
    figure.legend(
        [Line2D([], [], color=colour, linewidth=2 * width) for _, _, colour, width in traces],
        ["ECG", "reconstruction"],
        loc="center left",
        bbox_to_anchor=(_SIDE / across, 1 - 10 / up),
        ncols=2,
        fontsize=8,
        frameon=False,
        borderaxespad=0,
        borderpad=0,
    )
