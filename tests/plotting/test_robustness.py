import numpy as np
import pandas as pd
import pytest

from ecg_anomaly.errors import SignalError
from ecg_anomaly.plotting import plot_robustness

LEVELS = {
    ("muscle noise", "dB"): [24, 18, 12, 6, 0, -6],
    ("50 Hz hum", "mV"): [0.02, 0.05, 0.1, 0.2],
    ("swapped or inverted leads", ""): ["LA/RA", "V1-V6 reversed"],
    ("missing leads", ""): [1, 6, 11],
    ("gain error", "x"): [0.5, 2],
}


def made_up(models=("CAE", "VA$E"), levels=LEVELS):
    rows = []
    for k, model in enumerate(models):
        rows.append((model, "clean", "", "", 0.9 - 0.05 * k, 0.05))
        for (name, unit), of_name in levels.items():
            rows += [
                (model, name, level, unit, 0.88 - 0.06 * j - 0.05 * k, 0.06 + 0.1 * j)
                for j, level in enumerate(of_name)
            ]
    columns = ["model", "perturbation", "level", "unit", "AUROC", "false alarms"]
    return pd.DataFrame(rows, columns=columns)


def panels(figure):
    """Return the pairs of axes by the perturbation."""
    pairs = zip(figure.axes[::2], figure.axes[1::2], strict=True)
    return {upper.get_title(): (upper, lower) for upper, lower in pairs}


def curve(axes, model):
    (line,) = [line for line in axes.lines if line.get_label() == model]
    return line


def test_panels(words, fits):
    table = made_up()
    figure = plot_robustness(table, title="a $5$ title")
    found = panels(figure)
    assert list(found) == [f"{name} ({unit})" if unit else name for name, unit in LEVELS]
    for (upper, lower), ((name, _), levels) in zip(found.values(), LEVELS.items(), strict=True):
        of_name = table[(table["perturbation"] == name) & (table["model"] == "CAE")]
        for axes, measure, clean in ((upper, "AUROC", 0.9), (lower, "false alarms", 0.05)):
            heights = curve(axes, "CAE").get_ydata()
            np.testing.assert_allclose(heights, [clean, *of_name[measure]])
        ticks = [label.get_text() for label in lower.get_xticklabels()]
        told = [level if isinstance(level, str) else f"{level:g}" for level in levels]
        assert ticks == ["clean", *told]
    assert len({axes.get_ylim() for axes, _ in found.values()}) == 1
    assert len({axes.get_ylim() for _, axes in found.values()}) == 1
    assert found["missing leads"][0].get_ylim()[0] < 0.5
    assert words(figure) == ["CAE", "VA$E"]
    assert figure.get_suptitle() == "a $5$ title"
    assert figure.axes[0].get_ylabel() == "AUROC"
    assert figure.axes[1].get_ylabel() == "false-alarm rate"
    assert fits(figure)


def test_models_differ_by_more_than_colour():
    upper = plot_robustness(made_up()).axes[0]
    looks = [
        (curve(upper, m).get_linestyle(), curve(upper, m).get_marker()) for m in ("CAE", "VA$E")
    ]
    assert looks[0][0] != looks[1][0]
    assert looks[0][1] != looks[1][1]


def test_the_clean_level_goes_on_as_a_line():
    upper, lower = plot_robustness(made_up()).axes[:2]
    for axes, height in ((upper, 0.85), (lower, 0.05)):
        colour = curve(axes, "VA$E").get_color()
        (line,) = [
            line for line in axes.lines if line.get_color() == colour and line.get_label() != "VA$E"
        ]
        np.testing.assert_allclose(line.get_ydata(), height)


def test_what_was_not_scorable_has_no_marker(fits):
    table = made_up()
    table.loc[table["perturbation"] == "missing leads", ["AUROC", "false alarms"]] = np.nan
    figure = plot_robustness(table)
    heights = curve(panels(figure)["missing leads"][0], "CAE").get_ydata()
    assert np.isnan(heights).tolist() == [False, True, True, True]
    assert fits(figure)


def test_few_scorable_records_have_open_markers(words):
    table = made_up()
    table["not scorable"] = 0.0
    table.loc[(table["level"] == -6) & (table["model"] == "CAE"), "not scorable"] = 0.6
    figure = plot_robustness(table)
    assert "less than half of the records scorable" in words(figure)
    upper, lower = panels(figure)["muscle noise (dB)"]
    for axes in (upper, lower):
        (shown,) = [
            line
            for line in axes.lines
            if line.get_markerfacecolor() == "white" and len(line.get_xdata())
        ]
        assert shown.get_xdata().tolist() == [6]
        assert shown.get_ydata()[0] == curve(axes, "CAE").get_ydata()[6]
    table["not scorable"] = 0.5
    assert words(plot_robustness(table)) == ["CAE", "VA$E"]


def test_levels_without_an_order_are_not_joined():
    found = panels(plot_robustness(made_up()))
    assert curve(found["swapped or inverted leads"][0], "CAE").get_linestyle() == "None"
    assert curve(found["missing leads"][0], "CAE").get_linestyle() == "-"


def test_a_model_that_lacks_a_level():
    table = made_up()
    gone = (table["model"] == "VA$E") & (table["level"] == 6) & (table["unit"] == "dB")
    figure = plot_robustness(table[~gone])
    heights = curve(panels(figure)["muscle noise (dB)"][0], "VA$E").get_ydata()
    assert np.isnan(heights).tolist() == [False] * 4 + [True] + [False] * 2


def test_one_perturbation(fits):
    assert fits(plot_robustness(made_up(levels={("gain error", "x"): [2]})))


def test_wrong_input():
    with pytest.raises(SignalError, match="has no column level"):
        plot_robustness(made_up().drop(columns="level"))
    with pytest.raises(SignalError, match="has no column model"):
        plot_robustness(None)
    with pytest.raises(SignalError, match="no perturbation"):
        plot_robustness(made_up(levels={}))
    table = made_up()
    with pytest.raises(SignalError, match="no row of clean records of CAE"):
        plot_robustness(table[(table["perturbation"] != "clean") | (table["model"] != "CAE")])
