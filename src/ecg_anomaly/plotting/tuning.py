"""What every threshold would do, and which one was chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ..errors import SignalError
from ._axes import add_grid, add_legend, new_axes
from ._style import BLACK, BLUE, GREEN, VERMILLION

_RATES: dict[str, tuple[str, Any]] = {
    "specificity": (BLUE, "-"),
    "sensitivity": (VERMILLION, "--"),
    "alert_rate": (GREEN, "-."),
}
# Share of the points of the curve left out at the end of the lowest scores: tails are long.
_TAIL = 0.03


def plot_tuning_curve(
    tuned: Any, threshold: float | None = None, *, title: str | None = None
) -> Figure:
    """Draw specificity, sensitivity and alert rate over the threshold.

    Parameters
    ----------
    tuned : TunedThresholdDetector or dict
        Fitted, or its `tuning_curve_`.
    threshold : float, optional
        On the scale of `score_samples`; by default the `offset_` of a detector.
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure
        The x axis is the anomaly score, as in `plot_score_histogram`: a threshold is drawn at
        ``-threshold``, and records to the right of it are flagged. Each rate has its 95 %
        prediction interval for as many new records; the legend tells the rates at the threshold, of
        a detector exactly at its own, else as read from the curve. Without anomalies there is the
        specificity alone.

    Raises
    ------
    SignalError
        If `tuned` is neither, or the threshold is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from ecg_anomaly.plotting import plot_tuning_curve
    >>> curve = {"threshold": np.array([-3.0, -2.0, -1.0])}
    >>> curve |= {"specificity": np.array([1.0, 0.9, 0.0])}
    >>> curve |= {"specificity_low": np.array([0.9, 0.8, 0.0])}
    >>> curve |= {"specificity_high": np.array([1.0, 1.0, 0.2])}
    >>> figure = plot_tuning_curve(curve, threshold=-2.0)
    >>> [text.get_text() for text in figure.legends[0].get_texts()]
    ['specificity: 90.0% (80.0% to 100.0%)', 'threshold 2 on the anomaly score']
    """
    curve = tuned if isinstance(tuned, Mapping) else getattr(tuned, "tuning_curve_", None)
    if not isinstance(curve, Mapping) or not {"threshold", "specificity"} <= set(curve):
        raise SignalError(
            "plot_tuning_curve draws a fitted TunedThresholdDetector or its tuning_curve_, got "
            f"{type(tuned).__name__}."
        )
    if threshold is None and curve is not tuned:
        threshold = tuned.offset_
    if threshold is not None and not np.isfinite(threshold):
        raise SignalError(f"threshold must be a finite score, got {threshold!r}.")
    x = -np.asarray(curve["threshold"], dtype=np.float64)
    known = {} if threshold is None else _at(tuned, curve, float(threshold))

    figure, axes = new_axes(title, (6.4, 4.6))
    add_grid(axes)
    for name, (colour, style) in _RATES.items():
        if name not in curve:
            continue
        told = name.replace("_", " ")
        if name in known:
            rate, low, high = known[name]
            told += f": {rate:.1%} ({low:.1%} to {high:.1%})"
        axes.fill_between(
            x, curve[f"{name}_low"], curve[f"{name}_high"], color=colour, alpha=0.15, linewidth=0
        )
        axes.plot(x, curve[name], color=colour, linestyle=style, linewidth=1.6, label=told)
    low, high = float(x.min()), float(np.quantile(x, 1 - _TAIL))
    if threshold is not None:
        at = -float(threshold)
        label = f"threshold {at:.3g} on the anomaly score"
        axes.axvline(at, color=BLACK, linewidth=1.4, linestyle=":", label=label)
        low, high = min(low, at), max(high, at)
    room = 0.02 * (high - low) or 0.5
    axes.set(xlim=(low - room, high + room), ylim=(-0.01, 1.01))
    axes.set(xlabel="threshold on the anomaly score; above it, records are flagged", ylabel="rate")
    add_legend(figure, axes)
    return figure


def _at(tuned, curve, threshold: float) -> dict[str, tuple[float, float, float]]:
    """Return the rates at a threshold, each with its interval."""
    order = np.argsort(curve["threshold"])
    grid = np.asarray(curve["threshold"])[order]

    def read(key: str) -> float:
        return float(np.interp(threshold, grid, np.asarray(curve[key])[order]))

    rates = {
        name: (read(name), read(f"{name}_low"), read(f"{name}_high"))
        for name in _RATES
        if name in curve
    }
    if curve is not tuned and threshold == tuned.offset_:
        exact = tuned.predicted_rates(
            n_normals=tuned.n_normals_, n_anomalies=tuned.n_anomalies_ or None
        )
        rates |= {name: tuple(exact[name]) for name in rates if name in exact}
    return rates
