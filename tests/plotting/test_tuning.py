import numpy as np
import pytest
from sklearn.base import BaseEstimator, OutlierMixin

from ecg_anomaly.errors import SignalError
from ecg_anomaly.model_selection import FalseAlarmRate, TunedThresholdDetector
from ecg_anomaly.plotting import plot_tuning_curve


class First(OutlierMixin, BaseEstimator):
    """Scores are the first feature."""

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def score_samples(self, X):
        return np.asarray(X, float)[:, 0]


def tuned(n_anomalies=150, n=1000, seed=0):
    rng = np.random.default_rng(seed)
    y = np.where(np.arange(n) < n_anomalies, -1, 1)
    X = rng.standard_t(3, size=(n, 2)) + 2 * y[:, None]
    return TunedThresholdDetector(First(), FalseAlarmRate(0.1), random_state=0).fit(X, y)


def lines(figure):
    return {line.get_label().split(":")[0]: line for line in figure.axes[0].lines}


def told(rate):
    return f"{rate.estimate:.1%} ({rate.low:.1%} to {rate.high:.1%})"


def test_rates_over_the_threshold(words, fits):
    model = tuned()
    figure = plot_tuning_curve(model, title="t")
    curve, found = model.tuning_curve_, lines(figure)
    for name in ("specificity", "sensitivity", "alert_rate"):
        line = found[name.replace("_", " ")]
        np.testing.assert_array_equal(line.get_xdata(), -curve["threshold"])
        np.testing.assert_array_equal(line.get_ydata(), curve[name])
    bands = figure.axes[0].collections
    assert len(bands) == 3
    for band, name in zip(bands, ("specificity", "sensitivity", "alert_rate"), strict=True):
        heights = band.get_paths()[0].vertices[:, 1]
        assert heights.max() == pytest.approx(curve[f"{name}_high"].max())
        assert heights.min() == pytest.approx(curve[f"{name}_low"].min())
    rates = model.predicted_rates(n_normals=model.n_normals_, n_anomalies=model.n_anomalies_)
    text = words(figure)
    assert text[0] == f"specificity: {told(rates['specificity'])}"
    assert text[1] == f"sensitivity: {told(rates['sensitivity'])}"
    assert text[2].startswith("alert rate: ")
    prevalence = 0.15  # of the data: the held-out records have another mix
    alerts = (
        prevalence * rates["sensitivity"].estimate
        + (1 - prevalence) * rates["false_alarm_rate"].estimate
    )
    assert float(text[2].split()[2].rstrip("%")) / 100 == pytest.approx(alerts, abs=0.01)
    mark = found[f"threshold {-model.offset_:.3g} on the anomaly score"]
    assert mark.get_xdata()[0] == -model.offset_
    assert figure.axes[0].get_ylim() == pytest.approx((-0.01, 1.01))
    assert fits(figure)


def test_rates_differ_by_more_than_colour():
    found = lines(plot_tuning_curve(tuned()))
    looks = {(line.get_color(), line.get_linestyle()) for line in found.values()}
    assert len(looks) == len({style for _, style in looks}) == 4


def test_another_threshold_is_read_from_the_curve(words):
    model = tuned()
    curve = model.tuning_curve_
    at = float(curve["threshold"][40])
    for given in (model, curve):
        text = words(plot_tuning_curve(given, at))
        rate = f"{curve['specificity'][40]:.1%} ({curve['specificity_low'][40]:.1%}"
        assert text[0].startswith(f"specificity: {rate}")
        assert text[-1] == f"threshold {-at:.3g} on the anomaly score"


def test_a_curve_alone_has_no_threshold(words):
    assert words(plot_tuning_curve(tuned().tuning_curve_)) == [
        "specificity", "sensitivity", "alert rate",
    ]  # fmt: skip


def test_without_anomalies(words, fits):
    figure = plot_tuning_curve(tuned(n_anomalies=0))
    assert [text.split(":")[0] for text in words(figure)][:1] == ["specificity"]
    assert len(words(figure)) == 2
    assert fits(figure)


def test_a_long_tail_is_left_out_but_not_the_threshold():
    model = tuned()
    curve = dict(model.tuning_curve_)
    curve["threshold"] = curve["threshold"].copy()
    curve["threshold"][0] = -1e6
    assert plot_tuning_curve(curve, 0.0).axes[0].get_xlim()[1] < 1000
    assert plot_tuning_curve(curve, -5000.0).axes[0].get_xlim()[1] > 5000


def test_wrong_input():
    for wrong in (None, {}, {"threshold": np.zeros(2)}, First(), TunedThresholdDetector(First())):
        with pytest.raises(SignalError, match="plot_tuning_curve draws a fitted"):
            plot_tuning_curve(wrong)
    with pytest.raises(SignalError, match="finite score"):
        plot_tuning_curve(tuned().tuning_curve_, np.inf)
