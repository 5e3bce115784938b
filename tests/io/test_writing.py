import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecg_anomaly import Record
from ecg_anomaly.errors import RecordFileError
from ecg_anomaly.io import read_record, write_record
from ecg_anomaly.records import Channel


def digital(shape=(2, 500), seed=0, largest=3000):
    return np.random.default_rng(seed).integers(-largest, largest, shape)


def assert_equal(written, read):
    np.testing.assert_array_equal(read.signal, written.signal)
    assert (read.fs, read.leads, read.quality) == (written.fs, written.leads, ())
    assert list(read.extra) == list(written.extra)
    for name, channel in written.extra.items():
        np.testing.assert_array_equal(read.extra[name].signal, channel.signal)
        assert (read.extra[name].fs, read.extra[name].unit) == (channel.fs, channel.unit)


@settings(max_examples=30, deadline=None)
@given(
    gain=st.sampled_from([1000, 200, 7247, 2963.77, 204.8, 12.5, 1e5]) | st.integers(1, 65535),
    baseline=st.integers(-20_000, 20_000),
    fs=st.sampled_from([100, 250, 360, 500, 999.56, 257.3]),
    seed=st.integers(0, 100),
)
def test_what_a_converter_gave_reads_back_bit_for_bit(tmp_path_factory, gain, baseline, fs, seed):
    signal = ((digital(seed=seed) - baseline) / gain).astype(np.float32)
    signal[0, 7] = np.nan
    record = Record(signal, fs=fs, leads=["II", "V1"])
    path = write_record(record, tmp_path_factory.mktemp("w") / "rec")
    assert_equal(record, read_record(path))


@settings(max_examples=30, deadline=None)
@given(scale=st.floats(1e-15, 1e15), seed=st.integers(0, 100))
def test_anything_reads_back_within_half_a_step(tmp_path_factory, scale, seed):
    signal = (scale * np.random.default_rng(seed).normal(size=(1, 300))).astype(np.float32)
    record = Record(signal, fs=500, leads=["II"])
    again = read_record(write_record(record, tmp_path_factory.mktemp("w") / "rec"))
    bound = 2.0**-31 + 2.0**-24  # a step, and the rounding to float32
    atol = max(abs(signal).max() * bound, 1e-12)
    np.testing.assert_allclose(again.signal, signal, rtol=0, atol=atol)


@pytest.mark.parametrize("value", [0.0, np.nan, 0.25])
def test_constant_leads(tmp_path, value):
    record = Record(np.full((2, 50), value, np.float32), fs=100, leads=["I", "II"])
    assert_equal(record, read_record(write_record(record, tmp_path / "flat")))


def test_everything_about_the_record(tmp_path):
    record = Record(
        (digital() / 1000).astype(np.float32),
        fs=500,
        leads=["II", "ECG 1"],
        patient_id="p7",
        annotations={"age": 47.0, "sex": "F", "comments": ("Dx: 1, 2\nsecond line",)},
        extra={
            "ABP": Channel((digital((125,), 1) / 16).astype(np.float32), 125.0, "mmHg"),
            "RESP": Channel((digital((2000,), 2) / 100).astype(np.float32), 2000.0, "mV"),
        },
    )
    path = write_record(record, tmp_path / "a-1.hea")
    assert path == tmp_path / "a-1.hea"
    again = read_record(path)
    assert_equal(record, again)
    assert (again.record_id, again.patient_id) == ("a-1", "p7")
    assert (again.annotations["age"], again.annotations["sex"]) == (47.0, "F")
    assert again.annotations["comments"][0] == "Dx: 1, 2 second line"
    # once more, nothing is told twice
    third = read_record(write_record(again, tmp_path / "b"))
    assert third.annotations == again.annotations


def test_files_are_replaced_whole(tmp_path, monkeypatch):
    first, second = (
        Record((digital(seed=k) / 1000).astype(np.float32), fs=100, leads=["I", "II"])
        for k in (1, 2)
    )
    write_record(first, tmp_path / "rec")
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "no space")))
        with pytest.raises(RecordFileError, match=r"rec: cannot be written \(no space\)"):
            write_record(second, tmp_path / "rec")
    assert_equal(first, read_record(tmp_path / "rec"))
    write_record(second, tmp_path / "rec")
    assert_equal(second, read_record(tmp_path / "rec"))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["rec.dat", "rec.hea"]


@pytest.mark.parametrize(
    ("change", "path", "problem"),
    [
        ({}, "a b", "letters, digits"),
        ({}, "", "is a folder"),
        ({}, "none/rec", "no such folder"),
        ({"signal": np.zeros((2, 0))}, "rec", "no sample to write"),
        ({"signal": np.full((2, 9), np.inf)}, "rec", "II has an infinite sample"),
        ({"extra": {"P": Channel(np.zeros(8), 100.0, "mmHg")}}, "rec", "P does not last as long"),
        ({"extra": {"P": Channel(np.zeros(9), 99.37, "mmHg")}}, "rec", "no multiples of a common"),
    ],
)
def test_what_cannot_be_written(tmp_path, change, path, problem):
    given = {"signal": np.zeros((2, 9)), "fs": 100, "leads": ["II", "V1"]} | change
    with pytest.raises(RecordFileError, match=problem):
        write_record(Record(**given), Path(tmp_path) / path)
    assert not list(tmp_path.iterdir())
