import io
import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from ecg_anomaly.datasets import make_ecg
from ecg_anomaly.errors import SignalError
from ecg_anomaly.leads import STANDARD_LEADS
from ecg_anomaly.plotting import plot_ecg
from ecg_anomaly.plotting._style import ANOMALY_COLOURS, BLACK, BLUE
from ecg_anomaly.records import Record, RecordSet

MM = 25.4


def ecg(fs=100.0, duration=10.0, n_leads=12, **kwargs):
    t = np.arange(round(fs * duration)) / fs
    signal = np.array([np.sin(2 * np.pi * (t + k / 12)) for k in range(n_leads)])
    return Record(signal, fs=fs, **kwargs)


def artists(figure, prefix):
    """Artists of the paper by what follows `prefix` in their ids."""
    found = {}
    for artist in figure.axes[0].get_children():
        gid = artist.get_gid() or ""
        if gid.startswith(prefix + "-"):
            found.setdefault(gid.removeprefix(prefix + "-"), []).append(artist)
    return found


def only(found, key):
    (artist,) = found[key]
    return artist


def footer(figure):
    return " | ".join(text.get_text() for text in figure.texts)


def pixels(figure, dpi):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="rgba", dpi=dpi)
    width, height = (int(inches * dpi + 1e-6) for inches in figure.get_size_inches())
    return np.frombuffer(buffer.getvalue(), np.uint8).reshape(height, width, 4)[..., :3]


def luminance(colour):
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def contrast(one, other):
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("dpi", [72, 254])
@pytest.mark.parametrize("fs", [100.0, 250.0, 500.0])
@pytest.mark.parametrize("layout", ["3x4+1", "12x1"])
def test_true_to_scale(layout, fs, dpi):
    record = ecg(fs)
    record.signal[:] = 0.0
    record.signal[1, round(3 * fs)] = 1.0
    figure = plot_ecg(record, layout=layout, anomaly_map=np.abs(record.signal))
    figure.set_dpi(dpi)
    axes = figure.axes[0]
    line = only(artists(figure, "trace"), "II-3" if layout == "3x4+1" else "II-1")
    points = axes.transData.transform(line.get_xydata()) / dpi * MM
    second = points[round(4 * fs)] - points[round(3 * fs)]
    np.testing.assert_allclose(np.abs(second), [25.0, 10.0], atol=0.1)
    # Squares are square, and the figure is as large as it says.
    grid = only({"1mm": artists(figure, "grid")["1mm"]}, "1mm")
    ends = [axes.transData.transform(segment) / dpi * MM for segment in grid.get_segments()]
    upright = sorted(end[0, 0] for end in ends if np.isclose(end[0, 0], end[1, 0]))
    level = sorted(end[0, 1] for end in ends if np.isclose(end[0, 1], end[1, 1]))
    for steps in (np.diff(upright), np.diff(level)):
        assert set(np.round(steps, 3)) == {1.0, 2.0}  # every fifth is a coarse line


@pytest.mark.parametrize("dpi", [100, 254])
def test_scale_in_rendered_image(dpi):
    record = Record(np.zeros((1, 1000)), fs=100, leads=["x"])
    figure = plot_ecg(record, title="")
    image = pixels(figure, dpi)
    dark = image.max(axis=-1) < 100
    # The calibration pulse of 1 mV by 200 ms, between the middles of its lines.
    corners = figure.axes[0].transData.transform([[-0.44, -0.5], [-0.16, 1.15]]) * dpi / figure.dpi
    (left, bottom), (right, top) = np.round(corners).astype(int)
    region = dark[len(dark) - top : len(dark) - bottom, left:right]
    level = np.flatnonzero(region.sum(axis=1) > 4.0 / MM * dpi)
    rows = np.flatnonzero(region.sum(axis=1) > 0)
    upright = np.flatnonzero(region.sum(axis=0) > 8.0 / MM * dpi)
    assert level.size
    assert upright.size
    thick = 1.0 / 72 * dpi
    assert (rows.max() - rows.min() + 1 - thick) / dpi * MM == pytest.approx(10, abs=1.5 * MM / dpi)
    assert (np.ptp(upright) + 1 - thick) / dpi * MM == pytest.approx(5, abs=1.5 * MM / dpi)


@pytest.mark.parametrize(("speed", "gain"), [(50.0, 5.0), (12.5, 20.0), (5.0, 2.5)])
def test_speed_and_gain(speed, gain):
    figure = plot_ecg(ecg(), paper_speed=speed, gain=gain)
    zero, one = figure.axes[0].transData.transform([[0, 0], [1, 1]]) / figure.dpi * MM
    np.testing.assert_allclose(one - zero, [speed, gain], atol=1e-6)
    assert f"{speed:g} mm/s" in footer(figure)
    assert f"{gain:g} mm/mV" in footer(figure)


@pytest.mark.parametrize("layout", ["3x4+1", "6x2"])
def test_fits_a4_across(layout):
    width, height = plot_ecg(ecg(), layout=layout, title="t").get_size_inches() * MM
    assert width <= 297
    assert height <= 210


def test_global_settings_do_not_move_the_scale():
    with mpl.rc_context({"figure.autolayout": True, "figure.dpi": 33, "axes.xmargin": 0.4}):
        figure = plot_ecg(ecg(), reconstruction=ecg().signal, anomaly_map=np.ones((12, 1000)))
        pixels(figure, 60)
    axes = figure.axes[0]
    zero, one = axes.transData.transform([[0, 0], [1, 1]]) / figure.dpi * MM
    np.testing.assert_allclose(one - zero, [25.0, 10.0], atol=1e-6)


def test_pyplot_is_not_imported():
    code = (
        "import sys, ecg_anomaly.plotting as p, numpy as np;"
        "from ecg_anomaly.records import Record;"
        "p.plot_ecg(Record(np.zeros((12, 1000))));"
        "assert 'matplotlib.pyplot' not in sys.modules; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(("layout", "n_rows", "n_columns"), [("3x4+1", 3, 4), ("6x2", 6, 2)])
@pytest.mark.parametrize("fs", [100.0, 128.0, 257.0])
def test_columns_are_consecutive_pieces(layout, n_rows, n_columns, fs):
    record = ecg(fs)
    traces = artists(plot_ecg(record, layout=layout), "trace")
    for k, lead in enumerate(STANDARD_LEADS):
        row, column = k % n_rows, k // n_rows
        line = only(traces, f"{lead}-{row}")
        x = line.get_xdata()
        seconds = 10 / n_columns
        assert x[0] == pytest.approx(seconds * column, abs=1 / fs)
        assert x[-1] == pytest.approx(seconds * (column + 1), abs=1.6 / fs)
        samples = np.round(x * fs).astype(int)
        shift = line.get_ydata() - record.signal[k, samples]
        np.testing.assert_allclose(shift, shift[0], atol=1e-6)
    for row in range(n_rows):
        leads = STANDARD_LEADS[row::n_rows]
        x = np.concatenate([only(traces, f"{lead}-{row}").get_xdata() for lead in leads])
        np.testing.assert_allclose(x, np.arange(round(10 * fs)) / fs, atol=1e-9)
    if layout == "3x4+1":
        rhythm = only(traces, "II-3")
        assert len(rhythm.get_xdata()) == round(10 * fs)


@pytest.mark.parametrize(("layout", "n_rows"), [("3x4+1", 4), ("6x2", 6), ("12x1", 12)])
def test_labels_and_calibration(layout, n_rows):
    figure = plot_ecg(ecg(), layout=layout)
    labels = [text.get_text() for text in figure.axes[0].texts]
    assert labels == [*STANDARD_LEADS, *(["II"] if layout == "3x4+1" else [])]
    pulses = artists(figure, "calibration")
    assert sorted(map(int, pulses)) == list(range(n_rows))
    for (pulse,) in pulses.values():
        x, y = pulse.get_data()
        assert np.ptp(y) == pytest.approx(1.0)
        high = x[y > y.min() + 0.5]
        assert np.ptp(high) == pytest.approx(0.2)
        assert x.max() < 0  # before the trace
    baselines = [
        pulse[0].get_ydata()[0] for _, pulse in sorted(pulses.items(), key=lambda p: int(p[0]))
    ]
    assert (np.diff(baselines) < 0).all()


def test_order_is_by_name():
    shuffled = np.random.default_rng(0).permutation(12)
    record = ecg()
    mixed = Record(record.signal[shuffled], leads=[STANDARD_LEADS[k] for k in shuffled])
    one, other = (artists(plot_ecg(r), "trace") for r in (record, mixed))
    assert one.keys() == other.keys()
    for key in one:
        np.testing.assert_array_equal(only(one, key).get_xydata(), only(other, key).get_xydata())


@pytest.mark.parametrize(
    ("band", "words"),
    [
        ((0.05, 150), "filter 0.05-150 Hz"),
        ((None, 40), "filter up to 40 Hz"),
        ((0.5, None), "filter from 0.5 Hz"),
        ((None, None), "unfiltered"),
    ],
)
def test_footer(band, words):
    text = footer(plot_ecg(ecg(500.0), band=band))
    for part in ("25 mm/s", "10 mm/mV", "sampled at 500 Hz", words, "Research use only"):
        assert part in text
    assert ("not reliable" in text) == (band[1] == 40)


def test_low_rate_is_noted():
    assert "not reliable" in footer(plot_ecg(ecg(100.0)))
    assert "not reliable" not in footer(plot_ecg(ecg(250.0)))
    assert "filter" not in footer(plot_ecg(ecg(250.0)))


def test_words_stay_on_the_page():
    leads = [f"channel {k}" for k in range(15)]
    record = Record(np.full((15, 100), 1e6), leads=leads, record_id="long name " * 12)
    figure = plot_ecg(record, anomaly_map=np.ones((15, 100)), band=(0.05, 40))
    pixels(figure, 50)
    width, height = figure.bbox.size
    boxes = [text.get_window_extent() for text in figure.texts]
    for box in boxes:
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= width
        assert box.y1 <= height
    for k, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[k + 1 :])


def test_title():
    assert "a $1$ record" in footer(plot_ecg(ecg(record_id="a $1$ record")))
    text = footer(plot_ecg(ecg(record_id="name"), title="title"))
    assert "title" in text
    assert "name" not in text


@pytest.mark.parametrize(
    ("duration", "n_rows", "note"),
    [
        (1.0, 12, "takes 10 s"),
        (9.4, 12, "takes 10 s"),
        (9.9, 4, ""),
        (60.0, 4, "First 10 s of 60 s"),
    ],
)
def test_short_and_long(duration, n_rows, note):
    figure = plot_ecg(ecg(duration=duration))
    assert len(artists(figure, "calibration")) == n_rows
    assert note in footer(figure)
    assert (
        max(line.get_xdata()[-1] for lines in artists(figure, "trace").values() for line in lines)
        < 10
    )


def test_one_row_a_lead_shows_all():
    figure = plot_ecg(ecg(duration=60.0), layout="12x1")
    for lines in artists(figure, "trace").values():
        assert len(lines[0].get_xdata()) == 6000
    assert figure.get_size_inches()[0] * MM > 1500


@pytest.mark.parametrize("layout", ["3x4+1", "6x2", "12x1"])
def test_other_leads(layout):
    for record, names in (
        (ecg(n_leads=1, leads=["MLII"]), ["MLII"]),
        (ecg(n_leads=15), [f"lead{k}" for k in range(1, 16)]),
        (ecg(n_leads=3, leads=["ECG1", "V2", "II"]), ["II", "V2", "ECG1"]),
        (ecg(n_leads=13, leads=["V7", *STANDARD_LEADS]), [*STANDARD_LEADS, "V7"]),
    ):
        figure = plot_ecg(record, layout=layout)
        assert [text.get_text() for text in figure.axes[0].texts] == names
        assert ("standard leads" in footer(figure)) == (layout != "12x1")
        pixels(figure, 40)


def test_one_sample():
    assert pixels(plot_ecg(Record(np.zeros((12, 1)))), 40).size


def test_gaps():
    record = ecg()
    record.signal[1, 100:200] = np.nan
    record.signal[1, 500] = np.inf
    record.signal[2] = np.nan
    line = only(artists(plot_ecg(record, layout="12x1"), "trace"), "II-1")
    gap = np.isnan(line.get_ydata())
    assert gap.sum() == 101
    assert gap[100:200].all()
    assert gap[500]
    record.signal[:] = np.nan
    pixels(plot_ecg(record, reconstruction=record.signal, anomaly_map=record.signal), 40)


def test_large_voltages_get_paper():
    usual = plot_ecg(ecg())
    record = ecg()
    record.signal[3, 300] = 5.0  # aVR, first row
    record.signal[1, 900] = -5.0  # II, last row
    figure = plot_ecg(record)
    axes = figure.axes[0]
    assert axes.get_ylim()[1] > 5.0
    low = only(artists(figure, "trace"), "II-3").get_ydata().min()
    assert axes.get_ylim()[0] < low
    assert figure.get_size_inches()[1] > usual.get_size_inches()[1]
    assert "Cut" not in footer(figure)
    record.signal[3, 300] = 5000.0
    figure = plot_ecg(record)
    assert "Cut at the paper's edge: aVR" in footer(figure)
    assert figure.get_size_inches()[1] * MM < 300


def test_reconstruction():
    record = ecg()
    other = record.signal + 0.25
    figure = plot_ecg(record, reconstruction=other)
    traces, others = artists(figure, "trace"), artists(figure, "reconstruction")
    assert traces.keys() == others.keys()
    for key in traces:
        one, two = only(traces, key), only(others, key)
        np.testing.assert_allclose(two.get_ydata() - one.get_ydata(), 0.25, atol=1e-6)
        np.testing.assert_array_equal(two.get_xdata(), one.get_xdata())
        assert two.get_linewidth() < one.get_linewidth()
        assert two.get_color() != one.get_color()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["ECG", "reconstruction"]
    assert not plot_ecg(record).legends


def test_map_lies_behind_its_lead():
    record = ecg(500.0)
    values = np.zeros(record.signal.shape)
    values[STANDARD_LEADS.index("V2"), 3000:3250] = 2.0  # 6 to 6.5 s, third column
    figure = plot_ecg(record, anomaly_map=values)
    maps = artists(figure, "map")
    assert len(maps) == 13
    for key, (image,) in maps.items():
        assert (image.get_array().max() > 0) == (key == "V2-1")
    image = only(maps, "V2-1")
    left, right, bottom, top = image.get_extent()
    assert left == pytest.approx(5.0, abs=0.002)
    assert right == pytest.approx(7.5, abs=0.002)
    zero = only(artists(figure, "calibration"), "1").get_ydata()[0]
    assert (top + bottom) / 2 == pytest.approx(zero)
    # In the picture: yellow in the middle of the span, white before it.
    picture = pixels(figure, 100).astype(int)
    for second, yellow in ((6.25, True), (5.75, False)):
        x, y = figure.axes[0].transData.transform([second, zero - 1.35]) * 100 / figure.dpi
        around = picture[
            round(len(picture) - y) - 3 : round(len(picture) - y) + 4, round(x) - 3 : round(x) + 4
        ]
        assert (np.median(around[..., 2]) < 120) == yellow


def test_map_is_smoothed():
    record = ecg(500.0)
    values = np.zeros(record.signal.shape)
    values[0, 1000] = 41.0
    image = only(artists(plot_ecg(record, layout="12x1", anomaly_map=values), "map"), "I-0")
    row = image.get_array()[0]
    np.testing.assert_allclose(row[980:1021], 1.0)  # 41 samples are 82 ms
    np.testing.assert_allclose(np.delete(row, np.arange(980, 1021)), 0.0, atol=1e-9)
    values[0] = 3.0
    values[0, 500:600] = np.nan
    image = only(artists(plot_ecg(record, layout="12x1", anomaly_map=values), "map"), "I-0")
    row = np.ma.filled(image.get_array(), np.nan)[0]
    assert np.isnan(row[500:600]).all()
    np.testing.assert_allclose(np.delete(row, np.arange(500, 600)), 3.0)


def test_colour_bar():
    record = ecg()
    values = np.full(record.signal.shape, 4.0)
    for map_range, limits in ((None, (0.0, 4.0)), ((1.0, 2.0), (1.0, 2.0))):
        figure = plot_ecg(record, anomaly_map=values, map_range=map_range)
        (bar,) = [axes for axes in figure.axes if axes.get_label() == "colour bar"]
        assert bar.get_xlim() == pytest.approx(limits)
        ticks = [text.get_text() for text in bar.get_xticklabels()]
        assert [float(text) for text in ticks] == pytest.approx(np.linspace(*limits, 3))
        image = only(artists(figure, "map"), "I-0")
        assert (image.norm.vmin, image.norm.vmax) == limits
    pixels(plot_ecg(record, anomaly_map=np.zeros(record.signal.shape)), 40)


def test_mask_and_twin_of_synthetic_ecg():
    data = make_ecg(1, anomalies="pvc", anomaly_fraction=1.0, return_twins=True, random_state=0)
    record = Record(data.X[0])
    figure = plot_ecg(record, reconstruction=data.twins[0], anomaly_map=data.masks[0])
    assert len(artists(figure, "map")) == len(artists(figure, "reconstruction")) == 13


def test_colours_are_even_light_and_start_white():
    assert to_rgb(ANOMALY_COLOURS[0]) == (1.0, 1.0, 1.0)
    lightness = [luminance(colour) for colour in ANOMALY_COLOURS]
    assert (np.diff(lightness) < 0).all()
    for colour in ANOMALY_COLOURS:
        assert contrast(colour, BLACK) >= 3.0
        assert contrast(colour, BLUE) >= 3.0
    rgb = np.array([to_rgb(colour) for colour in ANOMALY_COLOURS])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    # OKLab, Ottosson 2020
    cone = np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    lab = np.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    )
    steps = np.linalg.norm(np.diff(np.cbrt(linear @ cone.T) @ lab.T, axis=0), axis=1)
    np.testing.assert_allclose(steps, steps.mean(), rtol=0.1)


@pytest.mark.parametrize("name", ["reconstruction", "anomaly_map"])
@pytest.mark.parametrize("shape", [(12, 999), (11, 1000), (1000, 12), (1, 12, 1000), ()])
def test_wrong_shapes(name, shape):
    with pytest.raises(SignalError, match=rf"{name} has shape .*one row a lead"):
        plot_ecg(ecg(), **{name: np.zeros(shape)})


@pytest.mark.parametrize("value", [-1.0, np.inf])
def test_wrong_map_values(value):
    values = np.zeros((12, 1000))
    values[3, 5] = value
    with pytest.raises(SignalError, match="non-negative"):
        plot_ecg(ecg(), anomaly_map=values)


def test_wrong_records():
    with pytest.raises(SignalError, match="is empty"):
        plot_ecg(Record(np.zeros((12, 0))))
    with pytest.raises(SignalError, match="is empty"):
        plot_ecg(Record())
    with pytest.raises(SignalError, match=r"got ndarray; wrap an array"):
        plot_ecg(np.zeros((12, 1000)))
    with pytest.raises(SignalError, match="one record out of a RecordSet"):
        plot_ecg(RecordSet(np.zeros((2, 12, 1000))))
    with pytest.raises(SignalError, match="at most 300 s"):
        plot_ecg(ecg(duration=301.0, n_leads=1))
    with pytest.raises(SignalError, match="real numbers"):
        plot_ecg(ecg(), reconstruction=np.zeros((12, 1000), complex))


@pytest.mark.parametrize(
    ("parameter", "match"),
    [
        ({"layout": "4x3"}, "layout must be one of"),
        ({"gain": 0}, "gain must be a positive number"),
        ({"gain": None}, "gain must be a positive number"),
        ({"paper_speed": np.nan}, "paper_speed must be"),
        ({"band": (40, 1)}, "band must be"),
        ({"band": 40}, "band must be"),
        ({"band": (np.nan, 40)}, "band must be"),
        ({"map_range": (1, 1), "anomaly_map": np.ones((12, 1000))}, "map_range must be"),
        ({"map_range": 3, "anomaly_map": np.ones((12, 1000))}, "map_range must be"),
    ],
)
def test_wrong_parameters(parameter, match):
    with pytest.raises(ValueError, match=match):
        plot_ecg(ecg(), **parameter)


@pytest.mark.parametrize("kind", ["pdf", "svg"])
def test_vector_files(kind):
    record = ecg(n_leads=2, leads=["a<b&c", "$"])
    buffer = io.BytesIO()
    plot_ecg(record, anomaly_map=np.ones((2, 1000))).savefig(buffer, format=kind)
    assert buffer.tell() > 1000


def test_inputs_are_left_alone():
    record = ecg()
    values, other = np.ones((12, 1000)), np.zeros((12, 1000))
    before = record.signal.copy()
    plot_ecg(record, reconstruction=other, anomaly_map=values)
    np.testing.assert_array_equal(record.signal, before)
    assert (values == 1).all()
    assert (other == 0).all()
