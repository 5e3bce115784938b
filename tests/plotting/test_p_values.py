import numpy as np
import pytest
from matplotlib.colors import to_hex

from ecg_anomaly.errors import SignalError
from ecg_anomaly.metrics import p_value_calibration
from ecg_anomaly.plotting import plot_p_value_calibration


def uniform(n=2000, seed=0):
    return np.random.default_rng(seed).random(n)


def curves(figure):
    return {line.get_label().split(":")[0]: line for line in figure.axes[0].lines}


def test_curves_diagonal_and_band(words, fits):
    honest, bold = uniform(), uniform(seed=1) ** 1.5
    figure = plot_p_value_calibration(
        {"ho$nest": honest, "bold": bold}, n_calibration=800, title="t"
    )
    axes = figure.axes[0]
    assert axes.get_xscale() == axes.get_yscale() == "log"
    assert axes.get_xlabel() == "alpha"
    told = words(figure)
    for k, (name, values) in enumerate((("ho$nest", honest), ("bold", bold))):
        row = p_value_calibration(values, [0.05], n_calibration=800).iloc[0]
        assert told[k] == (
            f"{name}: {row['share']:.1%} of 2,000 at alpha = 5% "
            f"(expected {row['low']:.1%} to {row['high']:.1%})"
        )
        line = curves(figure)[name]
        alphas, shares = line.get_data()
        assert alphas.min() == pytest.approx(0.001)
        expected = [np.mean(values <= alpha) for alpha in alphas]
        np.testing.assert_allclose(shares, np.maximum(expected, axes.get_ylim()[0]), atol=1e-3)
    assert told[2] == "95% of shares, if normals are exchangeable"
    assert told[3] == "as promised"
    x, y = curves(figure)["as promised"].get_data()
    np.testing.assert_array_equal(x, y)
    (band,) = axes.collections
    edges = band.get_paths()[0].vertices
    row = p_value_calibration(honest, [0.999], n_calibration=800).iloc[0]
    at_end = edges[np.isclose(edges[:, 0], 0.999), 1]
    assert at_end.min() == pytest.approx(row["low"])
    assert at_end.max() == pytest.approx(row["high"])
    assert fits(figure)


def test_shares_of_zero_lie_at_the_lower_edge():
    figure = plot_p_value_calibration({"a": np.full(100, 0.4)})
    axes = figure.axes[0]
    bottom = axes.get_ylim()[0]
    assert 0 < bottom <= 0.005
    alphas, shares = curves(figure)["a"].get_data()
    assert (shares[alphas < 0.4] == bottom).all()
    assert (shares[alphas > 0.41] == 1).all()


def test_detectors_of_different_calibration_have_bands_of_their_own(words):
    figure = plot_p_value_calibration(
        {"a": uniform(), "b": uniform(seed=1)}, n_calibration={"a": 100, "b": 5000}
    )
    wide, narrow = figure.axes[0].collections
    lines = curves(figure)
    for band, name in ((wide, "a"), (narrow, "b")):
        assert to_hex(band.get_facecolor()[0]) == to_hex(lines[name].get_color())
    edges = [band.get_paths()[0].vertices for band in (wide, narrow)]
    heights = [np.ptp(edge[np.isclose(edge[:, 0], 0.999), 1]) for edge in edges]
    assert heights[0] > heights[1]
    assert len(words(figure)) == 3


def test_detectors_of_one_calibration_share_their_band(words):
    p_values = {"a": uniform(), "b": uniform(seed=1), "c": uniform(300)}
    figure = plot_p_value_calibration(p_values, n_calibration=500)
    lone, shared = figure.axes[0].collections
    assert to_hex(lone.get_facecolor()[0]) == to_hex(curves(figure)["c"].get_color())
    assert shared.get_label() == "95% of shares, if normals are exchangeable: a, b"
    assert shared.get_label() in words(figure)


def test_detectors_differ_by_more_than_colour():
    figure = plot_p_value_calibration({str(k): uniform(50, k) for k in range(12)})
    looks = {(line.get_color(), str(line._unscaled_dash_pattern)) for line in figure.axes[0].lines}
    assert len(looks) == 13


def test_wrong_input():
    for wrong in ({}, uniform(), None):
        with pytest.raises(SignalError, match="mapping from a detector's name"):
            plot_p_value_calibration(wrong)
    with pytest.raises(SignalError, match=r"p-values of 'a': p-value 1 is 2"):
        plot_p_value_calibration({"a": [0.5, 2.0]})
    with pytest.raises(SignalError, match="does not name 'a'"):
        plot_p_value_calibration({"a": [0.5]}, n_calibration={"b": 5})
