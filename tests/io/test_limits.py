"""What headers claim, against what their files can fill; and what is read beside the leads."""

import dataclasses
import warnings

import numpy as np
import pytest

from ecg_anomaly.errors import RecordFileError
from ecg_anomaly.findings import Finding, FindingKind
from ecg_anomaly.io import read_record
from ecg_anomaly.io._header import read_header
from ecg_anomaly.io._segments import read_segments

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import wfdb

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning")
ITEM_BYTES = {"80": 1, "16": 2, "24": 3, "32": 4}


def write(folder, lines, name="rec", n_values=0):
    """Write a header, and so many zeros in format 16."""
    path = folder / f"{name}.hea"
    path.write_text("\n".join(lines) + "\n")
    np.zeros(n_values, "<i2").tofile(folder / f"{name}.dat")
    return path


def refused(path, problem):
    with pytest.raises(RecordFileError, match=problem) as caught:
        read_record(path)
    assert str(path.parent) in str(caught.value)


# Numbers


@pytest.mark.parametrize(
    ("line", "signal", "problem"),
    [
        ("rec 1 5_00 100", "rec.dat 16 200/mV", "sampling rate '5_00' is no number"),
        ("rec 1 ٢٢٢ 100", "rec.dat 16 200/mV", "sampling rate '٢٢٢' is no number"),
        ("rec 1 500 1_00", "rec.dat 16 200/mV", "sample count '1_00' is no whole number"),
        ("rec 1 500 ٢٢٢", "rec.dat 16 200/mV", "sample count '٢٢٢' is no whole number"),
        ("rec ٢ 500 100", "rec.dat 16 200/mV", "signal count '٢' is no whole number"),
        ("rec 1 500 100", "rec.dat 16 1_0/mV", "gain of signal 0 '1_0' is no number"),
        ("rec 1 500 100", "rec.dat 16 ٢٢٢/mV", "gain of signal 0 '٢٢٢' is no number"),
        ("rec 1 500 100", "rec.dat 16 200(٢)/mV", "baseline of signal 0 '٢' is no whole number"),
        ("rec 1 500 100", "rec.dat ٢٢ 200/mV", "format '٢٢' of signal 0 is unknown"),
        ("rec 1 500 100", "rec.dat 16x٢ 200/mV", "format '16x٢' of signal 0 is unknown"),
    ],
)
def test_what_only_python_takes_for_a_number(tmp_path, line, signal, problem):
    refused(write(tmp_path, [line, signal], n_values=100), problem)


# Memory


def test_one_fast_lead_does_not_multiply_the_others(tmp_path):
    lines = ["rec 61 500 400", "rec.dat 16x1000 200/mV 12 0 0 0 0 I"]
    lines += [f"rec.dat 16 200/mV 12 0 0 0 0 x{k}" for k in range(60)]
    path = write(tmp_path, lines, n_values=400 * 1060)
    refused(path, "1060 samples a frame would become 61000")


@pytest.mark.parametrize(("n_slow", "is_read"), [(19, True), (20, True), (21, False)])
def test_how_much_may_become_of_a_sample(tmp_path, n_slow, is_read):
    # (1 + n) leads of 380 samples a frame, of which 380 + n are stored: 20 times as many at n = 20
    lines = [f"rec {n_slow + 1} 10 50", "rec.dat 16x380 200/mV 12 0 0 0 0 I"]
    lines += [f"rec.dat 16 200/mV 12 0 0 0 0 x{k}" for k in range(n_slow)]
    path = write(tmp_path, lines, n_values=50 * (380 + n_slow))
    if is_read:
        assert read_record(path).signal.shape == (n_slow + 1, 50 * 380)
    else:
        refused(path, "store that lead in a record of its own")


@pytest.mark.parametrize(("gap", "is_read"), [(1900, True), (1901, False)])
def test_how_much_of_a_record_may_be_gaps(tmp_path, gap, is_read):
    write(tmp_path, ["one 1 500 100", "one.dat 16 200/mV 16 0 0 0 0 II"], "one", 100)
    path = write(tmp_path, [f"rec/2 1 500 {100 + gap}", "one 100", f"~ {gap}"])
    if is_read:
        signal = read_record(path).signal
        assert np.isfinite(signal[0, :100]).all()
        assert np.isnan(signal[0, 100:]).all()
        assert signal.shape == (1, 2000)
    else:
        refused(path, "only 100 of 2001 samples were recorded")


def test_gaps_and_rates_are_counted_together(tmp_path):
    lines = [
        "one 2 500 100",
        "one.dat 16x19 200/mV 16 0 0 0 0 II",
        "one.dat 16 200/mV 16 0 0 0 0 I",
    ]
    write(tmp_path, lines, "one", 2000)
    path = write(tmp_path, ["rec/2 2 500 1100", "one 100", "~ 1000"])
    refused(path, "only 2000 of 41800 samples")


def test_a_ratio_that_cannot_be_resampled_names_the_file(tmp_path):
    lines = [
        "rec 2 10 100",
        "rec.dat 16x1500 200/mV 12 0 0 0 0 I",
        "rec.dat 16 200/mV 12 0 0 0 0 II",
    ]
    refused(write(tmp_path, lines, n_values=100 * 1501), "rec.hea: the ratio of fs_in=10 Hz")


def test_names_like_those_we_give(tmp_path):
    lines = ["rec 3 500 100"] + [f"rec.dat 16 200/mV 12 0 0 0 0 {n}" for n in ("E", "E", "E#1")]
    refused(write(tmp_path, lines, n_values=300), "rec.hea: lead 'E#1' is named more than once")


@pytest.mark.parametrize("fmt", ["508", "516", "524"])
@pytest.mark.parametrize("n_samples", [501, 10**10])
def test_flac_tells_its_length(tmp_path, fmt, n_samples, monkeypatch):
    """A valid header of 20 MB could let wfdb ask for 60 GiB."""
    rng = np.random.default_rng(0)
    wfdb.wrsamp(
        "rec", fs=250, units=["mV"], sig_name=["II"], fmt=[fmt], adc_gain=[200.0], baseline=[0],
        d_signal=rng.integers(-100, 100, (500, 1)), write_dir=str(tmp_path),
    )  # fmt: skip
    path = tmp_path / "rec.hea"
    assert read_record(path).signal.shape == (1, 500)
    data = tmp_path / path.read_text().split()[4]
    with data.open("ab") as file:
        file.truncate(20_000_000)
    text = path.read_text()
    assert " 250 500\n" in text
    path.write_text(text.replace(" 250 500\n", f" 250 {n_samples}\n"))
    monkeypatch.setattr(wfdb, "rdrecord", lambda *_, **__: pytest.fail("was called"))
    refused(path, f"holds 500 samples a channel, but the header announces {n_samples}")
    data.write_bytes(b"RIFF" + bytes(20_000_000))
    refused(path, "is no FLAC file")


# Segments


def test_the_time_of_many_segments_is_linear(tmp_path, monkeypatch):
    n = 300
    for k in range(n):
        lines = [f"s{k} 1 500 10", f"s{k}.dat 16 200/mV 12 0 0 0 0 II"]
        write(tmp_path, lines, f"s{k}", 12)
    path = write(tmp_path, [f"rec/{n} 1 500 {10 * n}", *(f"s{k} 10" for k in range(n))])

    class Segments(tuple):
        def count(self, _):
            pytest.fail("each count walks through all")

    compared = []
    monkeypatch.setattr(Finding, "__eq__", lambda *_: bool(compared.append(1)))
    header = read_header(path)
    channels, findings = read_segments(
        dataclasses.replace(header, segments=Segments(header.segments))
    )
    assert len(channels[0].values) == 10 * n
    assert len(findings) == n
    assert len(compared) < n


def test_a_finding_of_a_repeated_segment_is_told_once(tmp_path):
    write(tmp_path, ["one 1 500 100", "one.dat 16 200/mV 16 0 0 0 0 II"], "one", 102)
    path = write(tmp_path, ["rec/3 1 500 250", "one 100", "~ 50", "one 100"])
    record = read_record(path)
    assert [finding.kind for finding in record.quality] == [FindingKind.TRAILING_BYTES]
    assert np.isfinite(record.signal).sum() == 200


# Lengths


@pytest.mark.parametrize("fmt", ITEM_BYTES)
@pytest.mark.parametrize("surplus", [1, 2, 3])
def test_a_few_bytes_too_many(tmp_path, fmt, surplus):
    (tmp_path / "rec.hea").write_text(f"rec 1 500 8\nrec.dat {fmt} 200/mV 16 0 0 0 0 II\n")
    stored = b"\x80" * 8 if fmt == "80" else bytes(8 * ITEM_BYTES[fmt])
    (tmp_path / "rec.dat").write_bytes(stored + b"\1" * surplus)
    (finding,) = read_record(tmp_path / "rec").quality
    assert finding.kind == FindingKind.TRAILING_BYTES
    assert f"holds {surplus} bytes more" in finding.detail


@pytest.mark.parametrize(("columns", "is_read"), [(99, False), (100, True), (101, True)])
def test_columns_of_a_matlab_file(tmp_path, columns, is_read):
    (tmp_path / "rec.hea").write_text("rec 1 500 100\nrec.mat 16+24 200/mV 16 0 0 0 0 II\n")
    start = np.array([30, 1, columns, 0, 4], "<i4").tobytes() + b"val\0"
    (tmp_path / "rec.mat").write_bytes(start + bytes(2 * 101))
    if is_read:
        assert read_record(tmp_path / "rec").signal.shape == (1, 100)
    else:
        refused(tmp_path / "rec.hea", "a matrix of 1 x 99, but the header announces 1 x 100")


# Beside the leads


@pytest.mark.parametrize(("unit", "lead_mv"), [("V", 1000.0), ("uV", 1e-3), ("mV", 1.0)])
def test_other_channels_keep_their_unit(tmp_path, unit, lead_mv):
    lines = ["rec 2 500 3"] + [f"rec.dat 16 2/{unit} 16 0 4 12 0 {name}" for name in ("II", "RESP")]
    path = write(tmp_path, lines)
    np.full(6, 4, "<i2").tofile(tmp_path / "rec.dat")
    record = read_record(path)
    np.testing.assert_allclose(record.signal, 2 * lead_mv)
    np.testing.assert_array_equal(record.extra["RESP"].signal, 2)
    assert record.extra["RESP"].unit == unit


def test_what_is_given_is_for_files_that_do_not_tell(tmp_path):
    path = write(tmp_path, ["rec 1 500 100", "rec.dat 16 200/mV 16 0 0 0 0 II"], n_values=100)
    record = read_record(path, fs=100, leads=["V1", "V2"], unit="uV")
    assert (record.fs, record.leads) == (500, ("II",))
