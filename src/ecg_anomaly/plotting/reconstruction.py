"""How far reconstructions are from normals and from anomalies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..errors import SignalError
from ..metrics import anomaly_auroc, check_labels
from ..records import default_leads
from ._axes import CLASSES, add_grid, add_legend, new_axes
from ._style import BLACK

# A class whose 99th percentile is so many times its median is drawn on a logarithmic axis.
_HEAVY = 5.0
_BINS = 40
_WHISKERS = (5, 95)


def plot_reconstruction_error(
    y,
    errors,
    *,
    leads: Sequence[str] | None = None,
    unit: str = "mV²",
    title: str | None = None,
) -> Figure:
    """Draw how reconstruction errors are distributed among normals and anomalies.

    Parameters
    ----------
    y : array-like of shape (n_records,)
        +1 normal, -1 anomaly.
    errors : array-like of shape (n_records,) or (n_records, n_leads)
        Non-negative, such as the mean squared difference between a record and its reconstruction.
        One a record gives histograms; one a record and lead gives boxes from the 25th to the 75th
        percentile, with whiskers to the 5th and 95th.
    leads : sequence of str, optional
        Names of the leads; by default the standard names for twelve, numbered ones for any other
        count.
    unit : str, default="mV²"
        Of the errors, for the axis.
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure
        With the AUROC of the error in the legend, or below each lead. The axis of errors is
        logarithmic where these have heavy tails: the 99th percentile of a class is more than five
        times its median. Errors of 0 are then at its lower end.

    Raises
    ------
    LabelError
        If labels are other than +1 and -1, or one class is absent.
    SignalError
        If errors do not fit the labels, are negative or not finite, or names do not fit.

    Examples
    --------
    >>> from ecg_anomaly.plotting import plot_reconstruction_error
    >>> figure = plot_reconstruction_error([1, 1, -1, -1], [0.1, 0.2, 0.15, 0.4])
    >>> [text.get_text() for text in figure.legends[0].get_texts()]
    ['normal (n = 2, median 0.15)', 'anomaly (n = 2, median 0.275)', 'AUROC of the error 0.750']
    """
    errors = np.asarray(errors)
    if errors.dtype.kind not in "fiu" or errors.ndim not in (1, 2) or not errors.size:
        raise SignalError(
            f"errors must be real numbers of shape (n_records,) or (n_records, n_leads), got "
            f"{errors.dtype} of shape {errors.shape}."
        )
    errors = errors.astype(np.float64)
    is_anomaly, _ = check_labels(y, errors if errors.ndim == 1 else errors[:, 0])
    if not np.isfinite(errors).all() or (errors < 0).any():
        raise SignalError("errors must be finite and not negative; leave out what has none.")
    if errors.ndim == 1:
        if leads is not None:
            raise SignalError("leads are for errors of shape (n_records, n_leads).")
        return _histogram(y, is_anomaly, errors, unit, title)
    names = default_leads(errors.shape[1]) if leads is None else tuple(leads)
    if len(names) != errors.shape[1]:
        raise SignalError(f"{len(names)} names for the errors of {errors.shape[1]} leads.")
    return _boxes(y, is_anomaly, errors, names, unit, title)


def _histogram(y, is_anomaly, errors, unit, title) -> Figure:
    figure, axes = new_axes(title, (6.4, 4.2))
    floor = _log_floor(errors[:, None], is_anomaly)
    shown = errors if floor is None else np.maximum(errors, floor)
    low, high = float(shown.min()), float(shown.max())
    if high <= low:
        low, high = 0.5 * low, 1.5 * low or 1.0
    if floor is None:
        edges = np.linspace(low, high, _BINS + 1)
    else:
        edges = np.geomspace(low, high, _BINS + 1)
        edges[[0, -1]] = low, high  # free of rounding, which would lose the ends
        axes.set_xscale("log")
    for name, rows in (("normal", ~is_anomaly), ("anomaly", is_anomaly)):
        axes.hist(
            shown[rows],
            bins=edges.tolist(),
            weights=np.full(rows.sum(), 100.0 / rows.sum()),
            histtype="stepfilled",
            linewidth=1.4,
            label=f"{name} (n = {rows.sum():,}, median {np.median(errors[rows]):.3g})",
            **CLASSES[name],
        )
    axes.plot([], [], " ", label=f"AUROC of the error {anomaly_auroc(y, -errors):.3f}")
    axes.set(xlabel=f"reconstruction error ({unit})", ylabel="share of the class (%)")
    axes.set_ylim(bottom=0)
    add_legend(figure, axes)
    return figure


def _boxes(y, is_anomaly, errors, names, unit, title) -> Figure:
    figure, axes = new_axes(title, (max(5.0, 1.6 + 0.62 * len(names)), 4.4))
    floor = _log_floor(errors, is_anomaly)
    if floor is not None:
        errors = np.maximum(errors, floor)
        axes.set_yscale("log")
    add_grid(axes)
    axes.grid(visible=False, axis="x")
    for name, rows, side in (("normal", ~is_anomaly, -1), ("anomaly", is_anomaly, 1)):
        _draw_boxes(axes, errors[rows], side, f"{name} (n = {rows.sum():,})", CLASSES[name])
    ticks = [f"{name}\n{anomaly_auroc(y, -errors[:, k]):.2f}" for k, name in enumerate(names)]
    axes.set_xticks(range(len(names)), ticks, parse_math=False)
    axes.tick_params(axis="x", length=0)
    axes.set_xlim(-0.6, len(names) - 0.4)
    axes.set(xlabel="lead, and AUROC of its error", ylabel=f"reconstruction error ({unit})")
    add_legend(figure, axes, columns=2)
    return figure


def _draw_boxes(axes: Axes, errors: np.ndarray, side: int, label: str, look: dict[str, Any]):
    drawn = axes.boxplot(
        errors,
        positions=np.arange(errors.shape[1]) + 0.2 * side,
        widths=0.32,
        whis=_WHISKERS,
        showfliers=False,
        patch_artist=True,
        manage_ticks=False,
        medianprops={"color": BLACK, "linewidth": 1.6},
        whiskerprops={"color": look["edgecolor"]},
        capprops={"color": look["edgecolor"]},
        boxprops=look,
    )
    drawn["boxes"][0].set_label(label)


def _log_floor(errors: np.ndarray, is_anomaly: np.ndarray) -> float | None:
    """Return the lowest error to draw on a logarithmic axis, None where none is needed."""
    for rows in (is_anomaly, ~is_anomaly):
        middle, far = np.quantile(errors[rows], [0.5, 0.99], axis=0)
        if (far > _HEAVY * middle).any() and (errors > 0).any():
            return float(errors[errors > 0].min())
    return None
