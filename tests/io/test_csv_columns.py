"""What the columns of a table are: leads, their unit, times, an index."""

import numpy as np
import pandas as pd
import pytest

from ecg_anomaly.errors import RecordFileError
from ecg_anomaly.io import read_record

SIGNAL = np.round(np.random.default_rng(0).normal(size=(2, 400)), 3).astype(np.float32)


def csv(folder, titles=("I", "II"), signal=SIGNAL, **columns):
    frame = pd.DataFrame(signal.T, columns=list(titles))
    for k, (title, values) in enumerate(columns.items()):
        frame.insert(k, title, values)
    path = folder / "a.csv"
    frame.to_csv(path, index=False)
    return path


def refused(path, problem, **given):
    with pytest.raises(RecordFileError, match=problem) as caught:
        read_record(path, **given)
    assert str(path) in str(caught.value)


def text(folder, content):
    path = folder / "a.csv"
    path.write_bytes(content.encode())
    return path


# Units


@pytest.mark.parametrize("rows", ["1,2\n,3\n5,6\n", "1,\n3,4\n", "nan,2\n3,4\n"])
def test_whole_numbers_with_an_empty_field_are_whole(tmp_path, rows):
    path = text(tmp_path, "I,II\n" + rows)
    refused(path, "tells no unit", fs=500)
    assert np.isfinite(read_record(path, fs=500, unit="uV").signal).any()


@pytest.mark.parametrize(
    ("titles", "scale"),
    [
        (("I [uV]", "II [uV]"), 1e-3),
        (("I (µV)", "II(uV)"), 1e-3),
        (("I_uV", "II_uv"), 1e-3),
        (("I uV", "II/uV"), 1e-3),
        (("I [mV]", "II (millivolt)"), 1.0),
        (("I [V]", "II [V]"), 1e3),
    ],
)
def test_units_in_titles(tmp_path, titles, scale):
    record = read_record(csv(tmp_path, titles), fs=500)
    assert record.leads == ("I", "II")
    np.testing.assert_allclose(record.signal, SIGNAL * scale, rtol=1e-6)


@pytest.mark.parametrize(
    ("titles", "given", "problem"),
    [
        (("I [uV]", "II [mV]"), {}, "have different units"),
        (("I [uV]", "II"), {}, "have different units, or some have none"),
        (("I [uV]", "II [uV]"), {"unit": "mV"}, "are in uV, but another unit was given"),
        (("I [mV]", "ABP [mmHg]"), {}, "'mmHg' in column 'ABP .mmHg.' is no unit of voltage"),
        (("I (left)", "II"), {}, "'left' in column .* is no unit"),
    ],
)
def test_units_in_titles_that_make_no_sense(tmp_path, titles, given, problem):
    refused(csv(tmp_path, titles), problem, fs=500, **given)


def test_a_unit_in_titles_and_given(tmp_path):
    record = read_record(csv(tmp_path, ("I [uV]", "II [uV]")), fs=500, unit="µV")
    np.testing.assert_allclose(record.signal, SIGNAL * 1e-3, rtol=1e-6)


# Names


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (",I,II\n0,1.5,2.5\n1,1.5,2.5\n", "column 1 of 3 has no name; .* index=False"),
        ("I,II,\n1.5,2.5,\n", "column 3 of 3 has no name"),
        ("0,1,2\n1.5,2.5,3.5\n", "first line only counts the columns"),
        ("1,2,3\n1.5,2.5,3.5\n", "first line only counts the columns"),
        (",0,1,2\n0,1.5,2.5,3.5\n", "first line only counts the columns"),
        ('I,II\n"1.5,2\n3.5,4"\n5.5,6\n', "a.csv: "),
        ("I,II\n1_0,0.5\n", "'1_0' in column I, line 2, is no number"),
        ('II\n"1.5\n"\n2.5\n', "3 lines of numbers make 2 rows; remove quotation marks"),
        ("1_0,0.5\n1,2\n", "first line has names, but also '0.5'"),
        ("nan,II\n1.5,2\n", "first line has names, but also 'nan'"),
        ("I,II\n٢,0.5\n", "'٢' in column I, line 2, is no number"),
    ],
)
def test_names_and_numbers_that_are_none(tmp_path, content, problem):
    refused(text(tmp_path, content), problem, fs=500, leads=None)


@pytest.mark.parametrize("length", [20, 20_000])
def test_lines_that_end_with_cr_alone(tmp_path, length):
    rows = "\r".join(f"{k / 10},{-k / 10}" for k in range(length))
    refused(text(tmp_path, "I,II\r" + rows), "not CR alone; convert the file", fs=500)
    refused(text(tmp_path, "I,II\n" + rows), "not CR alone; convert the file", fs=500)
    assert read_record(text(tmp_path, "I,II\r\n1.5,2\r\n"), fs=500).signal.tolist() == [[1.5], [2]]


def test_given_names_replace_names_that_are_no_leads(tmp_path):
    path = csv(tmp_path, ("ch1", "ch2"))
    assert read_record(path, fs=500).leads == ("ch1", "ch2")
    record = read_record(path, fs=500, leads=["II", "V1"])
    assert record.leads == ("II", "V1")
    np.testing.assert_array_equal(record.signal, SIGNAL)
    refused(path, "Give as many names as there are leads", fs=500, leads=["I"])
    refused(csv(tmp_path), "none where columns have leads' names", fs=500, leads=["II", "I"])


# Index


@pytest.mark.parametrize("title", ["sample", "Index", "n", "sample number"])
@pytest.mark.parametrize("start", [0, 1, 77])
def test_an_index_is_left_out(tmp_path, title, start):
    record = read_record(csv(tmp_path, **{title: np.arange(400) + start}), fs=500)
    assert record.leads == ("I", "II")
    np.testing.assert_array_equal(record.signal, SIGNAL)


@pytest.mark.parametrize(
    "values",
    [np.arange(400) * 2, np.delete(np.arange(401), 7), np.arange(400)[::-1], np.arange(400) + 0.5,
     np.where(np.arange(400) == 9, np.nan, np.arange(400))],
    ids=["by two", "gap", "falling", "halves", "missing"],
)  # fmt: skip
def test_an_index_that_does_not_count(tmp_path, values):
    refused(csv(tmp_path, sample=values), "'sample' does not count the samples", fs=500)


def test_nothing_but_an_index(tmp_path):
    refused(text(tmp_path, "sample\n0\n1\n"), "no column of a lead, only sample", fs=500)


# Times


@pytest.mark.parametrize(
    ("title", "scale"),
    [("time", 1), ("T", 1), ("seconds", 1), ("time_s", 1), ("Time [ms]", 1e3), ("ms", 1e3),
     ("t_us", 1e6), ("Elapsed time (sec)", 1)],
)  # fmt: skip
def test_columns_of_time(tmp_path, title, scale):
    record = read_record(csv(tmp_path, **{title: np.arange(400) / 500 * scale}))
    assert (record.fs, record.leads) == (500, ("I", "II"))


@pytest.mark.parametrize("title", ["time (min)", "timestamp", "Date", "time [h]"])
def test_times_in_an_unknown_unit(tmp_path, title):
    refused(csv(tmp_path, **{title: np.arange(400)}), "times in an unknown unit", fs=500)


@pytest.mark.parametrize("second", [350, 400, 480, 620])
def test_a_change_of_the_rate(tmp_path, second):
    steps = np.repeat([1 / 500, 1 / second], 200)
    times = np.round(steps.cumsum(), 5)
    refused(csv(tmp_path, time=times), "its rate changes: sample")


@pytest.mark.parametrize(
    "times",
    [
        np.round(np.arange(400) / 360, 3),  # a clock in ms
        1.7e9 + np.round(np.arange(400) / 500, 3),  # since 1970
        np.arange(400) / 500 + np.random.default_rng(0).uniform(-4e-4, 4e-4, 400),
        np.arange(400) / 500 * 1.0003,
    ],
    ids=["rounded", "absolute", "jitter", "a slow clock"],
)
def test_even_times_of_real_clocks(tmp_path, times):
    record = read_record(csv(tmp_path, time=times))
    assert record.fs == pytest.approx(399 / (times[-1] - times[0]), rel=1e-4)
    np.testing.assert_array_equal(record.signal, SIGNAL)
