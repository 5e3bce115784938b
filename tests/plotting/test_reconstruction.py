import numpy as np
import pytest
from matplotlib.colors import to_hex

from ecg_anomaly.errors import LabelError, SignalError
from ecg_anomaly.leads import STANDARD_LEADS
from ecg_anomaly.metrics import anomaly_auroc
from ecg_anomaly.plotting import plot_reconstruction_error
from ecg_anomaly.plotting._style import BLUE, VERMILLION


def drawn(n=500, n_leads=None, sigma=0.2, seed=0):
    rng = np.random.default_rng(seed)
    y = np.where(rng.random(n) < 0.4, -1, 1)
    size = n if n_leads is None else (n, n_leads)
    errors = np.exp(rng.normal(scale=sigma, size=size))
    errors[y == -1] *= 1.5
    return y, errors


def test_one_error_a_record(words, fits):
    y, errors = drawn()
    figure = plot_reconstruction_error(y, errors, title="t")
    axes = figure.axes[0]
    assert axes.get_xlabel() == "reconstruction error (mV²)"
    assert axes.get_xscale() == "linear"
    normals, anomalies = errors[y == 1], errors[y == -1]
    assert words(figure) == [
        f"normal (n = {len(normals)}, median {np.median(normals):.3g})",
        f"anomaly (n = {len(anomalies)}, median {np.median(anomalies):.3g})",
        f"AUROC of the error {anomaly_auroc(y, -errors):.3f}",
    ]
    for patch, values in zip(axes.patches, (normals, anomalies), strict=True):
        steps = patch.get_path().vertices
        assert steps[:, 0].min() == pytest.approx(errors.min())
        assert steps[:, 0].max() == pytest.approx(errors.max())
        width = (errors.max() - errors.min()) / 40
        counts, _ = np.histogram(values, np.linspace(errors.min(), errors.max(), 41))
        assert steps[:, 1].max() == pytest.approx(100 * counts.max() / len(values))
        assert width > 0
    one, other = axes.patches
    assert to_hex(one.get_edgecolor()) != to_hex(other.get_edgecolor())
    assert one.get_hatch() != other.get_hatch()
    assert fits(figure)


def test_heavy_tails_are_drawn_on_a_logarithmic_axis():
    y, errors = drawn(sigma=1.5)
    errors[3] = 0.0
    axes = plot_reconstruction_error(y, errors).axes[0]
    assert axes.get_xscale() == "log"
    positive = errors[errors > 0]
    for patch in axes.patches:
        steps = patch.get_path().vertices
        assert steps[:, 0].min() == pytest.approx(positive.min())
        assert steps[:, 0].max() == pytest.approx(positive.max())
    # every record is there, that of no error in the first bin
    heights = {patch.get_label().split()[0]: patch.get_path().vertices for patch in axes.patches}
    shares = {name: np.unique(steps[:, 0]) for name, steps in heights.items()}
    assert all(len(edges) == 41 for edges in shares.values())


def test_equal_errors(fits):
    assert fits(plot_reconstruction_error([1, -1], [0.3, 0.3]))
    assert fits(plot_reconstruction_error([1, -1], [0.0, 0.0]))


def test_errors_of_leads(words, fits):
    y, errors = drawn(n_leads=12)
    figure = plot_reconstruction_error(y, errors, unit="")
    axes = figure.axes[0]
    assert axes.get_yscale() == "linear"
    told = [label.get_text().split("\n") for label in axes.get_xticklabels()]
    assert [name for name, _ in told] == list(STANDARD_LEADS)
    for k, (_, area) in enumerate(told):
        assert area == f"{anomaly_auroc(y, -errors[:, k]):.2f}"
    n_normals = int((y == 1).sum())
    assert words(figure) == [f"normal (n = {n_normals})", f"anomaly (n = {len(y) - n_normals})"]
    boxes = [patch for patch in axes.patches if patch.get_path().vertices.shape[0] >= 5]
    assert len(boxes) == 24
    for k, (label, colour) in enumerate(((1, BLUE), (-1, VERMILLION))):
        for lead in range(12):
            vertices = boxes[12 * k + lead].get_path().vertices[:4]
            low, high = np.quantile(errors[y == label, lead], [0.25, 0.75])
            assert vertices[:, 1].min() == pytest.approx(low)
            assert vertices[:, 1].max() == pytest.approx(high)
            assert abs(vertices[:, 0].mean() - lead) < 0.3
            assert to_hex(boxes[12 * k + lead].get_edgecolor()) == to_hex(colour)
    assert boxes[0].get_hatch() != boxes[12].get_hatch()
    ends = {height for line in axes.lines for height in line.get_ydata()}
    for share in (0.05, 0.95):  # of the nearest record within
        at = np.quantile(errors[y == 1, 3], share)
        assert min(abs(at - end) for end in ends) < 0.02 * at
    assert fits(figure)


def test_heavy_tails_and_names_of_leads(fits):
    y, errors = drawn(n_leads=2, sigma=1.5)
    figure = plot_reconstruction_error(y, errors, leads=["ML$II", "V5"])
    assert figure.axes[0].get_yscale() == "log"
    assert figure.axes[0].get_xticklabels()[0].get_text().startswith("ML$II\n")
    assert fits(figure)


def test_wrong_input():
    with pytest.raises(SignalError, match="not negative"):
        plot_reconstruction_error([1, -1], [0.1, -0.1])
    with pytest.raises(SignalError, match="finite"):
        plot_reconstruction_error([1, -1], [0.1, np.nan])
    with pytest.raises(SignalError, match="shape"):
        plot_reconstruction_error([1, -1], np.zeros((2, 3, 4)))
    with pytest.raises(SignalError, match="1 names for the errors of 2 leads"):
        plot_reconstruction_error([1, -1], np.ones((2, 2)), leads=["I"])
    with pytest.raises(SignalError, match="n_leads"):
        plot_reconstruction_error([1, -1], [0.1, 0.1], leads=["I"])
    with pytest.raises(LabelError, match="both classes"):
        plot_reconstruction_error([1, 1], [0.1, 0.1])
