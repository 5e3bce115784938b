import numpy as np
import pytest

from ecg_anomaly.errors import LabelError, SignalError
from ecg_anomaly.metrics import alarm_rates
from ecg_anomaly.plotting import plot_confusion


def cells(figure):
    """Return the words of each cell by its row and column."""
    return {
        (round(text.get_position()[1]), round(text.get_position()[0])): text.get_text().split("\n")
        for text in figure.axes[0].texts
    }


def ticks(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def test_counts_and_shares(scored, fits):
    y, scores = scored(3000)
    figure = plot_confusion(y, scores, -0.3, title="a $5$ title")
    rates = alarm_rates(y, scores, -0.3)
    missed = rates.n_anomalies - rates.n_true_alarms
    assert cells(figure) == {
        (0, 0): [f"{rates.n_normals - rates.n_false_alarms:,}", f"{rates.specificity:.1%}"],
        (0, 1): [f"{rates.n_false_alarms:,}", f"{rates.false_alarm_rate:.1%}"],
        (1, 0): [f"{missed:,}", f"{1 - rates.sensitivity:.1%}"],
        (1, 1): [f"{rates.n_true_alarms:,}", f"{rates.sensitivity:.1%}"],
    }
    axes = figure.axes[0]
    assert ticks(axes.xaxis) == ["not flagged", "flagged"]
    assert ticks(axes.yaxis) == [
        f"normal\n(n = {rates.n_normals:,})", f"anomaly\n(n = {rates.n_anomalies:,})",
    ]  # fmt: skip
    assert axes.get_title() == "a $5$ title"
    shares = axes.images[0].get_array()
    assert shares[1, 1] == pytest.approx(rates.sensitivity)
    assert axes.images[0].get_clim() == (0, 1)
    # normals above, as the axis runs downwards
    assert axes.get_ylim()[0] > axes.get_ylim()[1]
    assert fits(figure)


def test_a_score_at_the_threshold_is_not_flagged():
    found = cells(plot_confusion([1, -1], [2.0, 1.999], 2.0))
    assert found[0, 0] == found[1, 1] == ["1", "100.0%"]


def test_thresholds_of_records():
    found = cells(plot_confusion([1, 1, -1, -1], [2.0, 2.0, 2.0, 2.0], [1, 3, 3, 3]))
    assert found[0, 1] == ["1", "50.0%"]
    assert found[1, 1] == ["2", "100.0%"]


def test_what_is_not_scorable_has_a_column():
    figure = plot_confusion([1, 1, 1, 1, -1], [2.0, 0.0, np.nan, np.nan, 0.0], 1.0)
    assert ticks(figure.axes[0].xaxis) == ["not flagged", "flagged", "not scorable"]
    found = cells(figure)
    assert found[0, 2] == ["2", "50.0%"]
    assert found[0, 0] == ["1", "25.0%"]
    assert found[1, 2] == ["0", "0.0%"]


def test_one_class_alone():
    found = cells(plot_confusion([1, 1], [2.0, 0.0], 1.0))
    assert found[0, 1] == ["1", "50.0%"]
    assert found[1, 1] == ["0", "none there"]


def test_words_can_be_read_on_every_cell():
    image = plot_confusion([1, -1], [2.0, 0.0], 1.0).axes[0].images[0]
    for share in (0.0, 0.5, 1.0):
        rgb = np.array(image.get_cmap()(share)[:3])
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        assert (linear @ [0.2126, 0.7152, 0.0722] + 0.05) / 0.05 > 7


def test_wrong_input():
    with pytest.raises(LabelError, match=r"\+1 for normal"):
        plot_confusion([0, 1], [1.0, 2.0], 0.0)
    with pytest.raises(SignalError, match="thresholds of shape"):
        plot_confusion([1, -1], [1.0, 2.0], [0.0, 1.0, 2.0])
    with pytest.raises(SignalError, match="threshold is NaN"):
        plot_confusion([1, -1], [1.0, 2.0], np.nan)
    with pytest.raises(SignalError, match="not finite"):
        plot_confusion([1, -1], [1.0, np.inf], 0.0)
