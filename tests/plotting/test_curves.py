import io

import numpy as np
import pytest
from matplotlib.colors import to_hex
from sklearn.metrics import roc_auc_score

from ecg_anomaly.errors import LabelError, SignalError
from ecg_anomaly.metrics import anomaly_auprc, anomaly_auroc, sensitivity_at_specificity
from ecg_anomaly.plotting import plot_precision_recall, plot_roc, plot_score_histogram
from ecg_anomaly.plotting._axes import line_look


def scored(n=400, seed=0):
    rng = np.random.default_rng(seed)
    y = np.where(rng.random(n) < 0.3, -1, 1)
    return y, y + rng.normal(size=n)


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def render(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=50)
    return buffer.tell()


def shares(figure):
    """Height of every step of each class's histogram."""
    found = {}
    for patch in figure.axes[0].patches:
        steps = patch.get_path().vertices
        found[patch.get_label().split()[0]] = steps[:, 1].max()
    return found


def test_histogram():
    y, scores = scored()
    figure = plot_score_histogram(y, scores, -0.3, title="a $5$ title")
    axes = figure.axes[0]
    assert axes.get_xlabel() == "anomaly score"
    assert axes.get_ylabel() == "share of the class (%)"
    assert axes.get_title() == "a $5$ title"
    (line,) = [
        line for line in axes.lines if len(line.get_xdata()) and line.get_linestyle() == "-."
    ]
    assert line.get_xdata()[0] == pytest.approx(0.3)
    words = legend(figure)
    assert words[0] == f"normal (n = {(y == 1).sum()})"
    assert words[1] == f"anomaly (n = {(y == -1).sum()})"
    flagged = [f"{np.mean(scores[y == label] < -0.3):.1%}" for label in (1, -1)]
    assert words[2] == f"threshold 0.3: flags {flagged[0]} of normals and {flagged[1]} of anomalies"
    assert render(figure)


def test_classes_differ_by_more_than_colour():
    y, scores = scored()
    one, other = plot_score_histogram(y, scores).axes[0].patches
    assert to_hex(one.get_edgecolor()) != to_hex(other.get_edgecolor())
    assert one.get_linestyle() != other.get_linestyle()
    assert one.get_hatch() != other.get_hatch()


def test_histogram_is_of_anomaly_scores():
    figure = plot_score_histogram([1, 1, 1, -1, -1], [0.0, -0.1, -0.2, -5.0, -5.1])
    left, right = (patch.get_path().get_extents() for patch in figure.axes[0].patches)
    assert left.x0 == pytest.approx(0.0)
    assert right.x1 == pytest.approx(5.1)


def test_shares_are_of_the_whole_class():
    y = np.r_[np.ones(1000), -np.ones(10)]
    scores = np.r_[np.zeros(500), -np.ones(500), -np.ones(10)]
    found = shares(plot_score_histogram(y, scores, bins=2))
    assert found["normal"] == pytest.approx(50.0)
    assert found["anomaly"] == pytest.approx(100.0)


def test_heavy_tails_are_left_out_and_told():
    y, scores = scored(1000)
    far = np.flatnonzero(y == -1)[:3]
    scores[far] = -1e6
    scores[np.flatnonzero(y == 1)[:2]] = 1e9
    figure = plot_score_histogram(y, scores)
    low, high = figure.axes[0].get_xlim()
    assert -20 < low < high < 20
    text = "; ".join(legend(figure))
    assert "not shown: 3 anomalies above" in text
    assert "not shown: 2 normals below" in text


def test_nothing_left_out_nothing_told():
    y, scores = scored()
    assert not any("not shown" in text for text in legend(plot_score_histogram(y, scores)))


def test_threshold_far_away():
    y, scores = scored()
    figure = plot_score_histogram(y, scores, threshold=-1e7)
    assert figure.axes[0].get_xlim()[1] < 20
    assert any("not shown: the threshold, 1e+07" in text for text in legend(figure))
    near = plot_score_histogram(y, scores, threshold=scores.min() - 1)
    assert near.axes[0].get_xlim()[1] > -scores.min() + 1


def test_equal_scores():
    figure = plot_score_histogram([1, -1], [3.0, 3.0], threshold=3.0)
    assert render(figure)
    low, high = figure.axes[0].get_xlim()
    assert low < -3 < high


def test_roc():
    y, scores = scored()
    other = np.random.default_rng(1).normal(size=len(y))
    figure = plot_roc(y, {"VAE": scores, "ch$nce": other}, title="title")
    words = legend(figure)
    for k, values in enumerate((scores, other)):
        assert f"AUROC {anomaly_auroc(y, values):.3f}" in words[k]
        sensitivity = sensitivity_at_specificity(y, values)
        assert f"sensitivity {sensitivity:.1%}" in words[k]
    assert words[0].startswith("VAE:")
    assert words[1].startswith("ch$nce:")
    assert "chance" in words
    curves = [line for line in figure.axes[0].lines if line.get_label().startswith("VAE")]
    area = np.trapezoid(curves[0].get_ydata(), curves[0].get_xdata())
    assert area == pytest.approx(roc_auc_score(y == -1, -scores))
    assert render(figure)


@pytest.mark.parametrize("specificity", [0.95, 0.5, 0.995])
def test_operating_point(specificity):
    y, scores = scored()
    figure = plot_roc(y, {"a": scores}, specificity=specificity)
    (dot,) = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    (x,), (sensitivity,) = dot.get_data()
    assert x <= 1 - specificity + 1e-9
    assert sensitivity == pytest.approx(sensitivity_at_specificity(y, scores, specificity))
    # The point belongs to a threshold: the largest score flagged so many of both.
    order = np.sort(-scores[y == -1])[::-1]
    threshold = order[round(sensitivity * len(order)) - 1]
    assert np.mean(-scores[y == 1] >= threshold) == pytest.approx(x)
    assert f"{100 * specificity:g}% specificity" in legend(figure)[-1]


def test_precision_recall():
    y, scores = scored()
    figure = plot_precision_recall(y, {"VAE": scores})
    words = legend(figure)
    assert words[0] == f"VAE: AUPRC {anomaly_auprc(y, scores):.3f}"
    assert words[1] == f"prevalence: {np.mean(y == -1):.1%}"
    curve, line = figure.axes[0].lines
    assert line.get_ydata()[0] == pytest.approx(np.mean(y == -1))
    recall, precision = curve.get_data()
    assert -np.sum(np.diff(recall) * precision[:-1]) == pytest.approx(anomaly_auprc(y, scores))
    assert curve.get_drawstyle() == "steps-post"
    assert render(figure)


def test_many_detectors_look_different():
    looks = [line_look(k) for k in range(30)]
    assert len(set(looks)) == 30
    y, scores = scored(50)
    for plot in (plot_roc, plot_precision_recall):
        figure = plot(y, {f"detector {k}": scores for k in range(12)})
        figure.draw_without_rendering()
        box, axes = figure.legends[0].get_window_extent(), figure.axes[0]
        assert not box.overlaps(axes.get_window_extent())
        assert box.y0 >= 0


def test_title_stays_on_the_page():
    y, scores = scored(50)
    for n in (1, 4, 12):
        figure = plot_roc(y, {f"detector {k}": scores for k in range(n)}, title="title")
        figure.draw_without_rendering()
        assert figure.axes[0].title.get_window_extent().y1 <= figure.bbox.height


@pytest.mark.parametrize("plot", [plot_roc, plot_precision_recall])
def test_wrong_scores(plot):
    y, scores = scored()
    for wrong in ({}, scores, None, [scores]):
        with pytest.raises(SignalError, match="mapping from a detector's name"):
            plot(y, wrong)
    with pytest.raises(SignalError, match=r"scores of 'b': .*399"):
        plot(y, {"a": scores, "b": scores[1:]})
    scores[3] = np.nan
    with pytest.raises(SignalError, match=r"scores of 'a': score 3 is not finite"):
        plot(y, {"a": scores})
    with pytest.raises(LabelError, match="is_anomaly"):
        plot((y < 0).astype(int), {"a": np.zeros(400)})


def test_wrong_histograms():
    y, scores = scored()
    with pytest.raises(LabelError, match="both classes"):
        plot_score_histogram(-np.ones(400), scores)
    with pytest.raises(SignalError, match="399"):
        plot_score_histogram(y, scores[1:])
    for bins in (0, 2.5, True):
        with pytest.raises(ValueError, match="bins"):
            plot_score_histogram(y, scores, bins=bins)
    with pytest.raises(ValueError, match="threshold"):
        plot_score_histogram(y, scores, threshold=np.inf)
    with pytest.raises(ValueError, match="specificity"):
        plot_roc(y, {"a": scores}, specificity=1.0)
