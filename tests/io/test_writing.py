import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecg_anomaly import Record
from ecg_anomaly.errors import RecordFileError
from ecg_anomaly.findings import FindingKind
from ecg_anomaly.io import read_record, write_record
from ecg_anomaly.records import Channel


def digital(shape=(2, 500), seed=0, largest=3000):
    return np.random.default_rng(seed).integers(-largest, largest, shape)


def assert_equal(written, read):
    np.testing.assert_array_equal(read.signal, written.signal)
    assert (read.fs, read.leads) == (written.fs, written.leads)
    # other channels in units of voltage are noted
    assert {finding.kind for finding in read.quality} <= {FindingKind.EXTRA_CHANNEL}
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
        annotations={"age": 47.0, "sex": 1, "comments": ("Dx: 1, 2\nsecond line",)},
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
    assert (again.annotations["age"], again.annotations["sex"]) == (47.0, 1)
    assert again.annotations["comments"][-1] == "Dx: 1, 2 second line"
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


def test_the_header_is_replaced_last(tmp_path, monkeypatch):
    """An old header beside new samples is noticed by its checksums; a new one might fit."""
    first, second = (
        Record((digital(seed=k) / 1000).astype(np.float32), fs=100, leads=["I", "II"])
        for k in (1, 2)
    )
    write_record(first, tmp_path / "rec")
    replaced, replace = [], os.replace

    def interrupted(source, target):
        if replaced:
            raise OSError(28, "no space")
        replaced.append(Path(target).suffix)
        replace(source, target)

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(RecordFileError, match="cannot be written"):
        write_record(second, tmp_path / "rec")
    assert replaced == [".dat"]
    with pytest.raises(RecordFileError, match="checksum"):
        read_record(tmp_path / "rec")


@pytest.mark.parametrize("bits", [16, 24])
@pytest.mark.parametrize("beyond", [-2, -1, 0, 1, 2])
@pytest.mark.parametrize("sign", [-1, 1])
def test_the_ends_of_the_formats(tmp_path, bits, beyond, sign):
    """The least number stands for a missing sample, and one more overflows."""
    largest = 2 ** (bits - 1) - 1 + beyond
    values = (sign * np.array([[0, 1, largest]]) / 1000).astype(np.float32)
    path = write_record(Record(values, fs=100, leads=["II"]), tmp_path / "rec")
    np.testing.assert_array_equal(read_record(path).signal, values)
    if beyond:  # the largest itself may go either way
        is_small = path.read_text().splitlines()[1].split()[1].startswith(str(bits))
        assert is_small == (beyond < 0)


# What is told of the patient


@pytest.mark.parametrize(
    ("comments", "annotations", "patient", "expected"),
    [
        (("dosage: 3 mg",), {"age": 47.0}, "", ("age: 47.0", "dosage: 3 mg")),
        (("stage: 3",), {"sex": 0}, "p 7", ("sex: M", "patient id: p 7", "stage: 3")),
        (("Age: 47", "<sex>: F"), {"age": 47.0, "sex": 1}, "", ("Age: 47", "<sex>: F")),
        (("Age: 50",), {"age": 47.0}, "", ("age: 47.0", "Age: 50")),
        ((), {"age": np.nan, "sex": np.nan}, "", ()),
        ((), {"age": 300, "sex": "?"}, "", ()),
        ((), {"age": np.float32(5), "sex": np.float64(1)}, "", ("age: 5.0", "sex: F")),
        (None, {"age": 0.5, "sex": "M"}, "", ("age: 0.5", "sex: M")),
        ("one: line", {}, "", ("one: line",)),
        ("a  b", {}, "", ("a  b",)),
    ],
)
def test_patients_read_back(tmp_path, comments, annotations, patient, expected):
    record = Record(
        np.zeros((1, 5)),
        fs=100,
        leads=["II"],
        patient_id=patient,
        annotations={**annotations, "comments": comments},
    )
    again = read_record(write_record(record, tmp_path / "rec"))
    assert again.annotations["comments"] == expected
    assert again.patient_id == patient
    for key in ("age", "sex"):
        value = {"M": 0}.get(annotations.get(key), annotations.get(key))
        if value in (None, 300, "?") or np.isnan(value):
            assert key not in again.annotations
        else:
            assert again.annotations[key] == value
    third = read_record(write_record(again, tmp_path / "copy"))
    assert third.annotations == again.annotations


def test_a_database_s_record(tmp_path):
    """Tables have sexes as numbers that are no integers, and NaN where nothing is known."""
    record = Record(np.zeros((1, 5)), fs=100, leads=["II"], annotations={"age": np.nan, "sex": 1.0})
    path = write_record(record, tmp_path / "rec")
    assert "nan" not in path.read_text()
    assert read_record(path).annotations["sex"] == 1


# What would read back otherwise


def change(**given):
    return {"signal": np.ones((2, 9)), "fs": 100, "leads": ["II", "V1"]} | given


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (change(signal=np.full((2, 9), 1e30)), "would be refused: gain of II"),
        (change(fs=5), "would be refused: 5 Hz is no sampling rate"),
        (change(signal=np.ones((300, 9)), leads=[f"x{k}" for k in range(300)]), "300 signals"),
        (change(leads=["II", "resp"]), "II, resp with nothing .* back as II with resp"),
        (change(extra={"foo": Channel(np.ones(9), 100.0, "V")}), "read back as II, V1, foo"),
        (change(extra={"foo": Channel(np.ones(9), 100.0, "")}), "read back as II, V1, foo"),
        (change(extra={"I": Channel(np.ones(9), 100.0, "mmHg")}), "would be refused: unit 'mmHg'"),
        (change(extra={"I": Channel(np.ones(9), 100.0, "mV")}), "read back as II, V1, I with"),
        (change(extra={"T": Channel(np.ones(9), 100.0, "deg C")}), "'deg C' of T .* 'deg_C'"),
        (change(extra={"P": Channel(np.full(9, 1e-30), 100.0, "F")}), "samples of P are too"),
        (change(leads=["II", "a\nb"]), "record 'r': "),
        (change(leads=["II", ""]), "record 'r': "),
        (change(leads=["II", "a\udcff"]), "record 'r': "),
        (change(patient_id="7 sex: F"), "patient '7 sex: F' would read back otherwise"),
        (change(patient_id="7\n8"), "record 'r': "),
    ],
    ids=lambda given: "" if isinstance(given, dict) else given[:40],
)
def test_what_reads_back_otherwise_is_refused(tmp_path, given, problem):
    good = Record((digital() / 1000).astype(np.float32), fs=100, leads=["I", "II"])
    path = write_record(good, tmp_path / "rec")
    with pytest.raises(RecordFileError, match=problem) as caught:
        write_record(Record(**given, record_id="r"), path)
    assert str(tmp_path) not in str(caught.value)  # of a file that is not there any more
    assert_equal(good, read_record(path))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["rec.dat", "rec.hea"]


def test_amplitudes_of_nothing_become_zero(tmp_path):
    record = Record(np.full((1, 9), 1e-42), fs=100, leads=["II"])
    assert not read_record(write_record(record, tmp_path / "rec")).signal.any()


def test_a_header_in_capitals(tmp_path):
    record = Record(np.ones((1, 9)), fs=100, leads=["II"])
    assert write_record(record, tmp_path / "REC.HEA") == tmp_path / "REC.hea"


@pytest.mark.parametrize(
    ("change", "path", "problem"),
    [
        ({}, "a b", "letters, digits"),
        ({}, "x" * 300, "at most 251"),
        ({}, "x" * 252, "at most 251"),
        ({}, "x" * 300 + "/rec", "cannot be written"),
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
