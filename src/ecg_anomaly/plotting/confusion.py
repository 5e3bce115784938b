"""What a threshold does to normals and anomalies, counted."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from ..errors import SignalError
from ..metrics import check_labels
from ._axes import new_axes
from ._style import BLACK

# So light that black words keep a contrast of 7:1 on all of it.
_SHARES = LinearSegmentedColormap.from_list("shares", ["#ffffff", "#8fc7e8"])
_CLASSES = ("normal", "anomaly")
_VERDICTS = ("not flagged", "flagged", "not scorable")


def plot_confusion(y, scores, threshold, *, title: str | None = None) -> Figure:
    """Draw how many normals and anomalies a threshold flags.

    Parameters
    ----------
    y : array-like of shape (n_records,)
        +1 normal, -1 anomaly; one class alone will do.
    scores : array-like of shape (n_records,)
        Higher = more normal; NaN for records that are not scorable, which get a column of their own
        where there are any.
    threshold : float or array-like of shape (n_records,)
        Records with a lower score are flagged: a detector's `offset_`, or its ``thresholds(X)``.
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure
        With the count in each cell and its share of the row, by which the cell is coloured. Without
        records that are not scorable, the shares are the specificity, the false-alarm rate, the
        rate of missed anomalies, and the sensitivity.

    Raises
    ------
    LabelError
        If labels are other than +1 and -1.
    SignalError
        If scores or thresholds do not fit the labels, or are infinite.

    See Also
    --------
    ecg_anomaly.metrics.alarm_rates : the same as numbers.

    Examples
    --------
    >>> from ecg_anomaly.plotting import plot_confusion
    >>> figure = plot_confusion([1, 1, 1, 1, -1, -1], [3, 4, 5, 1, 1, 3], threshold=2)
    >>> [text.get_text().replace(chr(10), ": ") for text in figure.axes[0].texts]
    ['3: 75.0%', '1: 25.0%', '1: 50.0%', '1: 50.0%']
    """
    scores = np.asarray(scores, dtype=np.float64)
    scorable = ~np.isnan(scores)
    is_anomaly, _ = check_labels(y, np.where(scorable, scores, 0.0), both_classes=False)
    limits = np.asarray(threshold, dtype=np.float64)
    if limits.ndim and limits.shape != scores.shape:
        raise SignalError(
            f"thresholds of shape {limits.shape} for {len(scores)} records; pass one number, or "
            "one a record."
        )
    limits = np.broadcast_to(limits, scores.shape)
    if np.isnan(limits[scorable]).any():
        raise SignalError("a threshold is NaN; give the score below which a record is flagged.")
    verdict = np.where(scorable, np.where(scores < limits, 1, 0), 2)
    n_columns = 2 if scorable.all() else 3
    counts = np.zeros((2, n_columns), int)
    np.add.at(counts, (is_anomaly.astype(int), verdict), 1)
    of_class = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(of_class, 1)

    figure, axes = new_axes(title, (2.0 + 1.5 * n_columns, 3.6))
    axes.spines[:].set_visible(False)
    axes.imshow(shares, cmap=_SHARES, vmin=0, vmax=1, aspect="auto")
    for (row, column), count in np.ndenumerate(counts):
        share = f"{shares[row, column]:.1%}" if of_class[row, 0] else "none there"
        axes.text(
            column, row, f"{count:,}\n{share}", ha="center", va="center", color=BLACK, fontsize=12
        )
    for edge in np.arange(0.5, n_columns - 1):
        axes.axvline(edge, color="white", linewidth=3)
    axes.axhline(0.5, color="white", linewidth=3)
    names = [
        f"{name}\n(n = {n:,})" for name, n in zip(_CLASSES, of_class[:, 0].tolist(), strict=True)
    ]
    axes.set_xticks(range(n_columns), _VERDICTS[:n_columns])
    axes.set_yticks(range(2), names)
    axes.tick_params(length=0)
    axes.set(xlabel="what the threshold makes of it", ylabel="what it is")
    return figure
