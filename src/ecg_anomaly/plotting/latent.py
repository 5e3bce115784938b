"""Where a model puts records in its latent space, seen in two dimensions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from ..errors import LabelError, SignalError
from ..metrics import check_labels
from ._axes import COLOURS, MARKERS, add_legend, new_axes

METHODS = ("pca", "tsne")
_MOST_GROUPS = len(COLOURS)
# Neighbours that t-SNE looks at, scikit-learn's default; fewer for few records.
_PERPLEXITY = 30.0


def plot_latent(
    points,
    y=None,
    *,
    method: str = "pca",
    random_state: int | None = 0,
    labels: Sequence[str] | None = None,
    title: str | None = None,
) -> Figure:
    """Draw points of a latent space in two dimensions.

    Parameters
    ----------
    points : array-like of shape (n_records, n_dimensions)
        At least three records and two dimensions.
    y : array-like of shape (n_records,), optional
        +1 normal, -1 anomaly; one class alone will do.
    method : {"pca", "tsne"}, default="pca"
        Principal components keep distances as well as a plane can; t-SNE [1]_ shows who is next to
        whom, and nothing else.
    random_state : int or None, default=0
        For t-SNE.
    labels : sequence of str of length n_records, optional
        Group of each record, such as its diagnosis, in the place of `y`: five groups at most.
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure
        Groups differ in colour and marker; smaller ones lie on top. The axes of principal
        components tell their shares of the variance; those of t-SNE have no scale, and the figure
        says that distances mean nothing.

    Raises
    ------
    LabelError
        If labels are other than +1 and -1, there are more than five groups, or `y` and `labels`
        are given both.
    SignalError
        If points are no finite numbers of two or more dimensions, too few, or do not fit labels.
    ValueError
        If there is no such method.

    References
    ----------
    .. [1] L. van der Maaten, G. Hinton, "Visualizing data using t-SNE", Journal of Machine Learning
       Research 9, 2579-2605, 2008.

    Examples
    --------
    >>> from ecg_anomaly.plotting import plot_latent
    >>> figure = plot_latent([[0, 0, 0], [3, 0, 0], [6, 1, 0], [9, 0, 0]], [1, 1, -1, 1])
    >>> figure.axes[0].get_xlabel()
    'component 1 (98.5% of the variance)'
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, got {method!r}.")
    points = np.asarray(points)
    if points.dtype.kind not in "fiu" or points.ndim != 2 or points.shape[1] < 2 or len(points) < 3:
        raise SignalError(
            "points must be real numbers of shape (n_records, n_dimensions), three records and two "
            f"dimensions at least, got {points.dtype} of shape {points.shape}."
        )
    points = points.astype(np.float64)
    if not np.isfinite(points).all():
        raise SignalError("points must be finite; leave out records that cannot be encoded.")
    groups = _groups(y, labels, len(points))
    placed, axis_labels = _pca(points) if method == "pca" else _tsne(points, random_state)

    figure, axes = new_axes(title, (5.8, 5.6))
    for (name, rows), colour, marker in zip(groups.items(), COLOURS, MARKERS, strict=False):
        axes.scatter(
            placed[rows, 0],
            placed[rows, 1],
            s=18 if len(points) < 2000 else 8,
            marker=marker,
            color=colour,
            alpha=0.6,
            linewidths=0,
            zorder=2 + sum(other.sum() > rows.sum() for other in groups.values()),
            label=f"{name} (n = {rows.sum():,})" if name else f"n = {rows.sum():,}",
        )
    axes.set(xlabel=axis_labels[0], ylabel=axis_labels[1])
    if method == "tsne":
        axes.set(xticks=[], yticks=[])
    add_legend(figure, axes)
    for handle in figure.legends[0].legend_handles:
        if handle is not None:
            handle.set_alpha(1)
    return figure


def _groups(y, labels, n_records: int) -> dict[str, np.ndarray]:
    """Return which records are in each group."""
    if labels is None:
        if y is None:
            return {"": np.ones(n_records, bool)}
        is_anomaly, _ = check_labels(y, np.zeros(n_records), both_classes=False)
        named = {"normal": ~is_anomaly, "anomaly": is_anomaly}
        return {name: rows for name, rows in named.items() if rows.any()}
    if y is not None:
        raise LabelError("give y or labels, not both; labels may tell the normals by a name.")
    names = np.array([str(label) for label in labels], object)
    if len(names) != n_records:
        raise SignalError(f"{len(names)} labels for {n_records} points; pass one a record.")
    known = list(dict.fromkeys(names.tolist()))
    if len(known) > _MOST_GROUPS:
        raise LabelError(
            f"{len(known)} groups cannot be told apart, {_MOST_GROUPS} can; join the rare ones."
        )
    return {name: names == name for name in known}


def _pca(points: np.ndarray) -> tuple[np.ndarray, list[str]]:
    from sklearn.decomposition import PCA

    if np.ptp(points, axis=0).max() == 0:
        raise SignalError("all points are the same; there is nothing to tell apart.")
    model = PCA(2).fit(points)
    shares = model.explained_variance_ratio_
    return model.transform(points), [
        f"component {k + 1} ({share:.1%} of the variance)" for k, share in enumerate(shares)
    ]


def _tsne(points: np.ndarray, random_state) -> tuple[np.ndarray, list[str]]:
    from sklearn.manifold import TSNE

    perplexity = min(_PERPLEXITY, (len(points) - 1) / 3)
    # random rather than by components: these are no scale for points that are all alike
    start = "pca" if np.ptp(points, axis=0).max() > 0 else "random"
    model = TSNE(perplexity=perplexity, random_state=random_state, init=start)
    warning = "distances and sizes of clusters mean nothing"
    return model.fit_transform(points), [f"t-SNE 1 ({warning})", "t-SNE 2"]
