"""How models bear perturbations, over their levels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from ..errors import SignalError
from ._axes import MARKERS, add_grid, add_legend, line_look, new_figure, plain
from ._style import GREY

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

CLEAN = "clean"
_COLUMNS = ("model", "perturbation", "level", "AUROC", "false alarms")
_ACROSS = 4
# Share of records without a score from which on a marker is open.
_MOST_LOST = 0.5


def plot_robustness(table: pd.DataFrame, *, title: str | None = None) -> Figure:
    """Draw AUROC and false-alarm rate of models under perturbations.

    Parameters
    ----------
    table : DataFrame
        Of `ecg_anomaly.evaluation.Robustness.to_frame`: one row a model, perturbation and level,
        and one a model whose perturbation is "clean".
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure
        Two panels a perturbation, AUROC above the false-alarm rate at the models' own thresholds,
        both with the same range everywhere. Each begins with the clean records; a dotted line goes
        on from there. Levels that are no numbers are not joined by lines. A level at which nothing
        was scorable has no marker, and one at which less than half was, an open one.

    Raises
    ------
    SignalError
        If the table has not these columns, no perturbation, or a model no row of clean records.

    Examples
    --------
    >>> import pandas as pd
    >>> from ecg_anomaly.plotting import plot_robustness
    >>> rows = [("CAE", "clean", "", 0.9, 0.05), ("CAE", "gain error", 2.0, 0.8, 0.6)]
    >>> columns = ["model", "perturbation", "level", "AUROC", "false alarms"]
    >>> figure = plot_robustness(pd.DataFrame(rows, columns=columns))
    >>> [axes.get_ylabel() for axes in figure.axes]
    ['AUROC', 'false-alarm rate']
    """
    absent = [column for column in _COLUMNS if column not in getattr(table, "columns", ())]
    if absent:
        raise SignalError(
            f"the table has no column {', '.join(absent)}; give Robustness.to_frame()."
        )
    models = list(dict.fromkeys(table["model"]))
    clean = table[table["perturbation"] == CLEAN].set_index("model")
    without = [model for model in models if model not in clean.index]
    changed = table[table["perturbation"] != CLEAN]
    names = list(dict.fromkeys(changed["perturbation"]))
    if without or not names:
        raise SignalError(
            f"there is no row of clean records of {', '.join(map(str, without))}."
            if without
            else "the table has no perturbation; there is nothing to draw."
        )
    n_columns = min(_ACROSS, len(names))
    n_bands = -(-len(names) // n_columns)
    size = (1.2 + 2.7 * n_columns, 3.9 * n_bands + 0.3 * len(models) + (0.4 if title else 0.0))
    figure = new_figure((max(size[0], 5.0), size[1]))
    if title:
        figure.suptitle(title, parse_math=False)
    grid = figure.add_gridspec(2 * n_bands, n_columns)
    # one range for all: what is small must look small
    lowest = float(np.nanmin([table["AUROC"].min(), 0.5]))
    limits = {"AUROC": (max(0.0, lowest - 0.03), 1.0), "false alarms": (-0.02, 1.02)}
    words = {"AUROC": "AUROC", "false alarms": "false-alarm rate"}
    for k, name in enumerate(names):
        band, column = divmod(k, n_columns)
        rows = changed[changed["perturbation"] == name]
        levels = list(dict.fromkeys(rows["level"]))
        unit = rows["unit"].iloc[0] if "unit" in rows else ""
        for part, measure in enumerate(words):
            axes = figure.add_subplot(grid[2 * band + part, column])
            _draw(axes, rows, clean, models, levels, measure)
            axes.set_ylim(*limits[measure])
            if column == 0:
                axes.set_ylabel(words[measure])
            if part == 0:
                axes.set_title(f"{name} ({unit})" if unit else name, fontsize=10, parse_math=False)
                axes.tick_params(labelbottom=False)
            if measure == "AUROC":
                axes.axhline(0.5, color=GREY, linewidth=0.8)
    if "not scorable" in table and (changed["not scorable"] > _MOST_LOST).any():
        figure.axes[0].plot(
            [], [], "o", color=GREY, markerfacecolor="white", markersize=4.5,
            label="less than half of the records scorable",
        )  # fmt: skip
    add_legend(figure, figure.axes[0])
    return figure


def _draw(axes: Axes, rows, clean, models, levels, measure: str) -> None:
    plain(axes)
    add_grid(axes)
    numbers = not any(isinstance(level, str) for level in levels)
    for k, model in enumerate(models):
        of_model = rows[rows["model"] == model].set_index("level").reindex(levels)
        colour, style = line_look(k)
        marker = MARKERS[k % len(MARKERS)]
        before = float(clean.loc[model, measure])
        heights = np.array([before, *of_model[measure].to_numpy(float)])
        axes.axhline(before, color=colour, linewidth=0.8, linestyle=(0, (1, 3)))
        axes.plot(
            heights, color=colour, linestyle=style if numbers else "none", marker=marker,
            markersize=4.5, linewidth=1.4, label=str(model),
        )  # fmt: skip
        if "not scorable" in of_model:
            few = 1 + np.flatnonzero(of_model["not scorable"].to_numpy(float) > _MOST_LOST)
            axes.plot(
                few, heights[few], color=colour, linestyle="none", marker=marker, markersize=4.5,
                markerfacecolor="white", zorder=3,
            )  # fmt: skip
    names = [level if isinstance(level, str) else f"{level:g}" for level in levels]
    turned = max(map(len, names)) > 5
    axes.set_xticks(
        np.arange(len(levels) + 1), [CLEAN, *names], fontsize=8, parse_math=False,
        rotation=45 if turned else 0, ha="right" if turned else "center",
    )  # fmt: skip
    axes.set_xlim(-0.3, len(levels) + 0.3)
