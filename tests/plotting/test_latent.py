import subprocess
import sys

import numpy as np
import pytest
from matplotlib.colors import to_hex
from sklearn.decomposition import PCA

from ecg_anomaly.errors import LabelError, SignalError
from ecg_anomaly.plotting import plot_latent


def cloud(n=200, n_dimensions=8, seed=0):
    rng = np.random.default_rng(seed)
    y = np.where(np.arange(n) % 4 == 0, -1, 1)
    points = rng.normal(size=(n, n_dimensions)) * np.arange(1, n_dimensions + 1)
    points[y == -1] += 9
    return points, y


def test_principal_components(words, fits):
    points, y = cloud()
    figure = plot_latent(points, y, title="t")
    model = PCA(2).fit(points)
    axes = figure.axes[0]
    for label, k in ((axes.get_xlabel(), 0), (axes.get_ylabel(), 1)):
        share = model.explained_variance_ratio_[k]
        assert label == f"component {k + 1} ({share:.1%} of the variance)"
    assert words(figure) == ["normal (n = 150)", "anomaly (n = 50)"]
    normals, anomalies = axes.collections
    placed = model.transform(points)
    np.testing.assert_allclose(np.abs(normals.get_offsets()), np.abs(placed[y == 1]))
    np.testing.assert_allclose(np.abs(anomalies.get_offsets()), np.abs(placed[y == -1]))
    assert to_hex(normals.get_facecolor()[0]) != to_hex(anomalies.get_facecolor()[0])
    paths = [len(one.get_paths()[0].vertices) for one in (normals, anomalies)]
    assert paths[0] != paths[1]  # another marker
    assert "mean nothing" not in axes.get_xlabel()
    assert fits(figure)


def test_tsne_says_that_distances_mean_nothing(fits):
    points, y = cloud()
    figure = plot_latent(points, y, method="tsne")
    axes = figure.axes[0]
    assert "distances and sizes of clusters mean nothing" in axes.get_xlabel()
    assert len(axes.get_xticks()) == len(axes.get_yticks()) == 0
    again = plot_latent(points, y, method="tsne").axes[0]
    for one, other in zip(axes.collections, again.collections, strict=True):
        np.testing.assert_array_equal(one.get_offsets(), other.get_offsets())
    # neighbours stay neighbours: the two clouds can be told apart
    normals, anomalies = (one.get_offsets() for one in axes.collections)
    to_own = np.linalg.norm(anomalies - anomalies.mean(0), axis=1)
    to_others = np.linalg.norm(anomalies - normals.mean(0), axis=1)
    assert np.mean(to_own < to_others) > 0.9
    assert fits(figure)


def test_few_points():
    for method in ("pca", "tsne"):
        figure = plot_latent([[0, 0], [1, 1], [5, 4]], method=method)
        assert len(figure.axes[0].collections[0].get_offsets()) == 3


def test_groups_of_ones_own(words):
    points, _ = cloud()
    labels = np.array(["MI", "NORM", "STTC", "$HYP$", "CD"], object)[np.arange(200) % 7 % 5]
    figure = plot_latent(points, labels=labels)
    assert sorted(words(figure)) == sorted(
        f"{name} (n = {np.sum(labels == name)})" for name in set(labels)
    )
    looks = {
        (to_hex(one.get_facecolor()[0]), one.get_paths()[0].vertices.tobytes())
        for one in figure.axes[0].collections
    }
    assert len({colour for colour, _ in looks}) == len({path for _, path in looks}) == 5
    # in the order of their first record, and rare ones on top
    assert words(figure)[0].startswith(labels[0])
    by_size = sorted(figure.axes[0].collections, key=lambda one: -len(one.get_offsets()))
    zorders = [one.get_zorder() for one in by_size]
    assert zorders == sorted(zorders)
    assert len(set(zorders)) > 1


def test_without_labels(words):
    assert words(plot_latent(cloud()[0])) == ["n = 200"]
    assert words(plot_latent(cloud()[0], np.ones(200))) == ["normal (n = 200)"]


def test_wrong_input():
    points, y = cloud(20)
    with pytest.raises(ValueError, match="method must be one of pca, tsne, got 'umap'"):
        plot_latent(points, method="umap")
    for wrong in (points[:, :1], points[:2], points[0], points.astype(str)):
        with pytest.raises(SignalError, match="points must be real numbers"):
            plot_latent(wrong)
    with pytest.raises(SignalError, match="all points are the same"):
        plot_latent(np.ones((5, 3)))
    broken = points.copy()
    broken[2, 1] = np.nan
    with pytest.raises(SignalError, match="finite"):
        plot_latent(broken)
    with pytest.raises(LabelError, match="6 groups cannot be told apart"):
        plot_latent(points, labels=np.arange(20) % 6)
    with pytest.raises(LabelError, match="not both"):
        plot_latent(points, y, labels=y)
    with pytest.raises(SignalError, match="19 labels for 20 points"):
        plot_latent(points, labels=y[1:])
    with pytest.raises(LabelError, match="labels"):
        plot_latent(points, np.zeros(20))


def test_scikit_learn_is_loaded_when_it_is_needed():
    code = (
        "import sys, ecg_anomaly.plotting.latent; "
        "assert not {'sklearn.manifold', 'sklearn.decomposition'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
