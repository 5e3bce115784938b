"""Whether p-values of normals keep their promise, drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..errors import SignalError
from ..metrics import p_value_calibration
from ._axes import add_grid, add_legend, line_look, new_axes
from ._style import GREY

if TYPE_CHECKING:
    import pandas as pd

_ALPHAS = np.geomspace(0.001, 0.999, 121)
# Where the legend reads the shares.
_READ = 0.05


def plot_p_value_calibration(
    p_values: Mapping[str, object],
    *,
    n_calibration: int | Mapping[str, int] | None = None,
    title: str | None = None,
) -> Figure:
    """Draw which share of test normals has a p-value of at most alpha.

    Both axes are logarithmic, since small alphas are those that are used. A curve above the band
    has broken the promise of few false alarms; one below it is conservative.

    Parameters
    ----------
    p_values : mapping of str to array-like of shape (n_records,)
        Of test normals by the detector's name, best one a patient.
    n_calibration : int or mapping of str to int, optional
        Number of normals that the p-values were calibrated with, of all detectors or each. Without
        it the band is that of endless calibration data, and too narrow for few.
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure
        With the diagonal and the band in which 95 % of the shares lie if test and calibration
        normals are exchangeable: grey where several detectors, or all, have the same; else in the
        detector's colour. The legend tells the share at alpha = 5 %. What is 0 lies at the lower
        edge.

    Raises
    ------
    SignalError
        If there are no p-values, they are not between 0 and 1, or a detector has no
        `n_calibration`.

    See Also
    --------
    ecg_anomaly.metrics.p_value_calibration : the same as numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from ecg_anomaly.plotting import plot_p_value_calibration
    >>> figure = plot_p_value_calibration({"VAE": np.arange(1, 1001) / 1000}, n_calibration=500)
    >>> figure.legends[0].get_texts()[0].get_text()
    'VAE: 5.0% of 1,000 at alpha = 5% (expected 2.9% to 7.5%)'
    """
    if not isinstance(p_values, Mapping) or not p_values:
        raise SignalError(
            "p_values must be a mapping from a detector's name to the p-values of test normals, at "
            'least one, such as {"VAE": p_values}.'
        )
    tables: dict[str, pd.DataFrame] = {}
    bands: dict[tuple, list[str]] = {}
    for name, values in p_values.items():
        known = _of(n_calibration, name)
        try:
            tables[str(name)] = p_value_calibration(values, [*_ALPHAS, _READ], n_calibration=known)
        except SignalError as error:
            raise SignalError(f"p-values of {name!r}: {error}") from None
        bands.setdefault((len(np.asarray(values)), known), []).append(str(name))

    figure, axes = new_axes(title, (5.6, 6.1 + 0.2 * (len(tables) + 2)))
    fewest = min(int(table["n"].iloc[0]) for table in tables.values())
    bottom = min(_ALPHAS[0], 0.5 / fewest)
    add_grid(axes)
    axes.set(xscale="log", yscale="log", xlim=(_ALPHAS[0], 1), ylim=(bottom, 1.05))
    for k, (name, table) in enumerate(tables.items()):
        colour, style = line_look(k)
        at = table.iloc[-1]
        table = table.iloc[:-1]
        if len(bands) > 1 and [name] in bands.values():
            _fill(axes, table, bottom, colour, 0.12)
        told = (
            f"{name}: {at['share']:.1%} of {at['n']:,} at alpha = {_READ:.0%} "
            f"(expected {at['low']:.1%} to {at['high']:.1%})"
        )
        axes.plot(
            table.index, np.maximum(table["share"], bottom), color=colour, linestyle=style,
            linewidth=1.6, label=told,
        )  # fmt: skip
    for names in bands.values():
        if len(names) > 1 or len(bands) == 1:
            label = "95% of shares, if normals are exchangeable"
            of_whom = "" if len(bands) == 1 else f": {', '.join(names)}"
            _fill(axes, tables[names[0]].iloc[:-1], bottom, GREY, 0.25, label + of_whom)
    axes.plot(
        [_ALPHAS[0], 1], [_ALPHAS[0], 1], color=GREY, linewidth=1, linestyle=(0, (1, 3)),
        label="as promised",
    )  # fmt: skip
    axes.set(xlabel="alpha", ylabel="share of test normals with p <= alpha")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value:g}")
    add_legend(figure, axes)
    return figure


def _of(n_calibration: int | Mapping[str, int] | None, name: str) -> int | None:
    if not isinstance(n_calibration, Mapping):
        return n_calibration
    if name not in n_calibration:
        raise SignalError(f"n_calibration does not name {name!r}; give one a detector.")
    return n_calibration[name]


def _fill(axes: Axes, table, bottom: float, colour: str, alpha: float, label=None) -> None:
    axes.fill_between(
        table.index, np.maximum(table["low"], bottom), np.maximum(table["high"], bottom),
        color=colour, alpha=alpha, linewidth=0, label=label, zorder=1,
    )  # fmt: skip
