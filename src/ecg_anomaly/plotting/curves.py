"""How scores tell anomalies from normals: histograms, ROC and precision-recall curves."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..errors import SignalError
from ..metrics import anomaly_auprc, anomaly_auroc, check_labels, sensitivity_at_specificity
from ._axes import CLASSES, add_legend, line_look, new_axes
from ._style import BLACK, GREY

_PLURAL = {"normal": "normals", "anomaly": "anomalies"}
# How far, in widths of the range of the middle 90 %, a class is drawn beyond that range.
_REACH = 0.75


def plot_score_histogram(
    y, scores, threshold: float | None = None, *, bins: int = 40, title: str | None = None
) -> Figure:
    """Draw how anomaly scores are distributed among normals and anomalies.

    The x axis is the anomaly score, ``-score_samples``: higher is more unusual. Bars are shares
    of each class, so that classes of different sizes compare.

    Parameters
    ----------
    y : array-like of shape (n_records,)
        +1 normal, -1 anomaly.
    scores : array-like of shape (n_records,)
        Higher = more normal, as `score_samples` returns them.
    threshold : float, optional
        On the scale of `scores`, such as a detector's `offset_`: records below it are flagged.
        Drawn where it lies on the x axis, at ``-threshold``.
    bins : int, default=40
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    LabelError
        If labels are other than +1 and -1, or one class is absent.
    SignalError
        If scores do not fit the labels or are not finite.
    ValueError
        If the threshold is not finite or `bins` is no positive integer.

    Notes
    -----
    Scores have heavy tails. A class is drawn up to 0.75 times its range from the 5th to the 95th
    percentile beyond these; how many records lie further out stands in the legend.

    Examples
    --------
    >>> from ecg_anomaly.plotting import plot_score_histogram
    >>> figure = plot_score_histogram([1, 1, 1, -1, -1], [-1, -2, -1.5, -4, -3], threshold=-2.5)
    >>> figure.axes[0].get_xlabel()
    'anomaly score'
    """
    is_anomaly, anomaly_score = check_labels(y, scores)
    if not isinstance(bins, int | np.integer) or isinstance(bins, bool) or bins < 1:
        raise ValueError(f"bins must be a positive integer, got {bins!r}.")
    if threshold is not None and not np.isfinite(threshold):
        raise ValueError(f"threshold must be a finite score, got {threshold!r}.")
    classes = {"normal": anomaly_score[~is_anomaly], "anomaly": anomaly_score[is_anomaly]}
    low, high = _limits(classes.values())
    figure, axes = new_axes(title, (6.4, 4.2))
    edges = np.linspace(low, high, bins + 1).tolist()
    notes = []
    for name, values in classes.items():
        axes.hist(
            values,
            bins=edges,
            weights=np.full(len(values), 100.0 / len(values)),
            histtype="stepfilled",
            linewidth=1.4,
            label=f"{name} (n = {len(values):,})",
            **CLASSES[name],
        )
        for outside, where in (
            (values < low, f"below {low:.3g}"),
            (values > high, f"above {high:.3g}"),
        ):
            if outside.any():
                notes.append(f"{outside.sum():,} {_PLURAL[name]} {where} ({outside.mean():.1%})")
    if threshold is not None:
        notes += _draw_threshold(axes, -float(threshold), classes, (low, high))
    axes.set(xlabel="anomaly score", ylabel="share of the class (%)")
    axes.margins(x=0.02)
    axes.set_ylim(bottom=0)
    for note in notes:
        axes.plot([], [], linestyle="none", label=f"not shown: {note}")
    add_legend(figure, axes)
    return figure


def plot_roc(
    y, scores: Mapping[str, object], *, specificity: float = 0.95, title: str | None = None
) -> Figure:
    """Draw the ROC curve of each detector, anomalies against normals.

    Parameters
    ----------
    y : array-like of shape (n_records,)
        +1 normal, -1 anomaly.
    scores : mapping of str to array-like of shape (n_records,)
        Scores by the detector's name, higher = more normal.
    specificity : float in (0, 1), default=0.95
        A dot marks the operating point: the highest sensitivity at no less specificity.
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure
        With the AUROC and the sensitivity at the operating point in the legend.

    Raises
    ------
    LabelError
        If labels are other than +1 and -1, or one class is absent.
    SignalError
        If there are no scores, or they do not fit the labels or are not finite.
    ValueError
        If the specificity does not lie between 0 and 1.

    See Also
    --------
    ecg_anomaly.metrics.anomaly_auroc, ecg_anomaly.metrics.sensitivity_at_specificity

    Examples
    --------
    >>> from ecg_anomaly.plotting import plot_roc
    >>> figure = plot_roc([1, 1, -1, -1], {"a": [4, 3, 2, 1], "b": [4, 1, 3, 2]})
    >>> [text.get_text().split(":")[0] for text in figure.legends[0].get_texts()]
    ['a', 'b', 'chance', '95% specificity, where sensitivity is read (dots)']
    """
    from sklearn.metrics import roc_curve

    checked = _check_scores(y, scores)
    figure, axes = new_axes(title, (5.6, 6.1 + 0.2 * (len(checked) + 2)))
    for k, (name, (is_anomaly, anomaly_score)) in enumerate(checked.items()):
        sensitivity = sensitivity_at_specificity(y, -anomaly_score, specificity)
        area = anomaly_auroc(y, -anomaly_score)
        false_alarms, hits, _ = roc_curve(is_anomaly, anomaly_score)
        colour, style = line_look(k)
        label = f"{name}: AUROC {area:.3f}, sensitivity {sensitivity:.1%}"
        axes.plot(false_alarms, hits, color=colour, linestyle=style, linewidth=1.6, label=label)
        at = false_alarms[hits >= sensitivity - 1e-12].min()
        axes.plot(at, sensitivity, "o", color=colour, markeredgecolor="white", zorder=4)
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=(0, (1, 3)), label="chance")
    axes.axvline(
        1 - specificity, color=GREY, linewidth=0.8,
        label=f"{100 * specificity:g}% specificity, where sensitivity is read (dots)",
    )  # fmt: skip
    _unit_square(axes, "false-alarm rate (1 - specificity)", "sensitivity")
    add_legend(figure, axes)
    return figure


def plot_precision_recall(y, scores: Mapping[str, object], *, title: str | None = None) -> Figure:
    """Draw the precision-recall curve of each detector, anomalies being what is sought.

    Parameters
    ----------
    y : array-like of shape (n_records,)
        +1 normal, -1 anomaly.
    scores : mapping of str to array-like of shape (n_records,)
        Scores by the detector's name, higher = more normal.
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure
        With the AUPRC (average precision) in the legend and the chance level, the prevalence, as
        a line. Curves are steps, as average precision counts them.

    Raises
    ------
    LabelError
        If labels are other than +1 and -1, or one class is absent.
    SignalError
        If there are no scores, or they do not fit the labels or are not finite.

    See Also
    --------
    ecg_anomaly.metrics.anomaly_auprc

    Examples
    --------
    >>> from ecg_anomaly.plotting import plot_precision_recall
    >>> figure = plot_precision_recall([1, 1, -1, -1], {"a": [4, 3, 2, 1]})
    >>> [text.get_text() for text in figure.legends[0].get_texts()]
    ['a: AUPRC 1.000', 'prevalence: 50.0%']
    """
    from sklearn.metrics import precision_recall_curve

    checked = _check_scores(y, scores)
    figure, axes = new_axes(title, (5.6, 6.1 + 0.2 * (len(checked) + 1)))
    for k, (name, (is_anomaly, anomaly_score)) in enumerate(checked.items()):
        precision, recall, _ = precision_recall_curve(is_anomaly, anomaly_score)
        colour, style = line_look(k)
        area = anomaly_auprc(y, -anomaly_score)
        axes.plot(
            recall, precision, color=colour, linestyle=style, linewidth=1.6,
            drawstyle="steps-post", label=f"{name}: AUPRC {area:.3f}",
        )  # fmt: skip
    prevalence = float(np.mean(next(iter(checked.values()))[0]))
    axes.axhline(
        prevalence, color=GREY, linewidth=1, linestyle=(0, (1, 3)),
        label=f"prevalence: {prevalence:.1%}",
    )  # fmt: skip
    _unit_square(axes, "recall (sensitivity)", "precision (positive predictive value)")
    add_legend(figure, axes)
    return figure


def _check_scores(y, scores) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    if not isinstance(scores, Mapping) or not scores:
        raise SignalError(
            "scores must be a mapping from a detector's name to its scores, at least one, such "
            'as {"VAE": scores}.'
        )
    checked = {}
    for name, values in scores.items():
        try:
            checked[str(name)] = check_labels(y, values)
        except SignalError as error:
            raise SignalError(f"scores of {name!r}: {error}") from None
    return checked


def _limits(classes) -> tuple[float, float]:
    """Return the range of x that shows every class but its far tails."""
    lows, highs = [], []
    for values in classes:
        q05, q95 = np.quantile(values, [0.05, 0.95])
        reach = _REACH * (q95 - q05)
        lows.append(max(values.min(), q05 - reach))
        highs.append(min(values.max(), q95 + reach))
    low, high = float(min(lows)), float(max(highs))
    if high > low:
        return low, high
    half = 0.5 * max(abs(low), 1.0)
    return low - half, high + half


def _draw_threshold(axes: Axes, at: float, classes, limits) -> list[str]:
    low, high = limits
    flagged = [f"{np.mean(values > at):.1%} of {_PLURAL[name]}" for name, values in classes.items()]
    label = f"threshold {at:.3g}: flags {' and '.join(flagged)}"
    width = high - low
    if not low - width <= at <= high + width:
        axes.plot([], [], color=BLACK, linestyle="-.", label=label)
        return [f"the threshold, {at:.3g}"]
    axes.axvline(at, color=BLACK, linewidth=1.4, linestyle="-.", label=label)
    return []


def _unit_square(axes: Axes, xlabel: str, ylabel: str) -> None:
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal", xlabel=xlabel, ylabel=ylabel)
    axes.grid(color="#e0e0e0", linewidth=0.5)
    axes.set_axisbelow(True)
