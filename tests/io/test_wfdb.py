import os
import tracemalloc
import warnings

import numpy as np
import pytest

from ecg_anomaly.errors import ECGError, RecordFileError
from ecg_anomaly.findings import FindingKind
from ecg_anomaly.io import read_record, write_record

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import wfdb

# wfdb uses what pandas is about to drop
pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning")

NAMES = ["I", "II", "AVR"]
GAINS = [200.0, 1000.0, 333.5]
BASELINES = [0, -100, 512]
MV = {"mV": 1.0, "uV": 1e-3, "V": 1e3}
# digital values of 500 frames of 3 signals, small enough for every format
DIGITAL = np.random.default_rng(0).integers(-100, 100, (500, 3)).cumsum(0).clip(-120, 120)


def write(folder, name="rec", fmt="16", units=("mV", "mV", "mV"), fs=250, digital=None, **kwargs):
    digital = DIGITAL if digital is None else digital
    wfdb.wrsamp(
        name,
        fs=fs,
        units=list(units)[: digital.shape[1]],
        sig_name=NAMES[: digital.shape[1]],
        d_signal=digital.astype(np.int64),
        fmt=[fmt] * digital.shape[1],
        adc_gain=GAINS[: digital.shape[1]],
        baseline=BASELINES[: digital.shape[1]],
        write_dir=str(folder),
        **kwargs,
    )
    return folder / f"{name}.hea"


def damage(header, old, new, count=1):
    """Replace text in a header, which must hold it."""
    text = header.read_bytes()
    old, new = (part if isinstance(part, bytes) else part.encode() for part in (old, new))
    assert old in text
    header.write_bytes(text.replace(old, new, count))
    return header


def refused(path, problem):
    with pytest.raises(RecordFileError, match=problem) as caught:
        read_record(path)
    assert isinstance(caught.value, ECGError)
    assert str(caught.value).startswith(str(path.parent))
    return str(caught.value)


@pytest.fixture
def header(tmp_path):
    """The header of a sound record in format 16."""
    return write(tmp_path)


# Right results


@pytest.mark.parametrize("units", [("mV", "mV", "mV"), ("uV", "uV", "uV"), ("V", "mV", "uV")])
def test_format_16_equals_wfdb(tmp_path, units):
    path = write(tmp_path, units=units)
    expected = wfdb.rdrecord(str(tmp_path / "rec"))
    record = read_record(path)
    scale = np.array([MV[unit] for unit in units])
    np.testing.assert_allclose(record.signal, (expected.p_signal * scale).T, rtol=1e-6)
    if set(units) == {"mV"}:
        np.testing.assert_array_equal(record.signal, expected.p_signal.T.astype(np.float32))
    assert record.fs == 250
    assert record.leads == ("I", "II", "aVR")
    assert record.record_id == "rec"
    assert record.source == str(path)
    assert record.signal.dtype == np.float32


@pytest.mark.parametrize("fmt", ["80", "212", "24", "32", "516"])
def test_other_formats_equal_wfdb(tmp_path, fmt):
    path = write(tmp_path, fmt=fmt, units=("mV", "uV", "mV"))
    expected = wfdb.rdrecord(str(tmp_path / "rec")).p_signal * [1, 1e-3, 1]
    np.testing.assert_allclose(read_record(path).signal, expected.T.astype(np.float32), rtol=1e-6)


@pytest.mark.parametrize("fmt", ["16", "212"])
def test_values_by_hand(tmp_path, fmt):
    digital = np.array([[200, 0, 512], [-200, 900, -155]])
    signal = read_record(write(tmp_path, fmt=fmt, digital=digital)).signal
    np.testing.assert_allclose(signal, [[1, -1], [0.1, 1.0], [0, -2]], rtol=1e-6)


@pytest.mark.parametrize("fmt", ["16", "80", "212", "24", "32"])
def test_missing_samples_are_nan(tmp_path, fmt):
    digital = DIGITAL.copy()
    digital[[3, 499], 1] = {"80": -128, "212": -2048, "16": -(2**15)}.get(
        fmt, -(2 ** (int(fmt) - 1))
    )
    signal = read_record(write(tmp_path, fmt=fmt, digital=digital)).signal
    assert np.flatnonzero(np.isnan(signal[1])).tolist() == [3, 499]
    assert np.isfinite(signal[[0, 2]]).all()


def test_path_with_and_without_suffix(header):
    np.testing.assert_array_equal(
        read_record(str(header)[: -len(".hea")]).signal, read_record(header).signal
    )


def test_a_dot_in_the_name(tmp_path):
    header = write(tmp_path)
    header.rename(tmp_path / "rec.v2.hea")
    assert read_record(tmp_path / "rec.v2").record_id == "rec.v2"


def test_a_gain_of_zero_means_200(header):
    expected = read_record(header).signal[0]
    np.testing.assert_array_equal(
        read_record(damage(header, " 200.0(0)", " 0(0)")).signal[0], expected
    )


def test_a_missing_unit_means_millivolts(header):
    expected = read_record(header).signal
    np.testing.assert_array_equal(read_record(damage(header, "/mV", "", 3)).signal, expected)


def test_baseline_defaults_to_the_adc_zero(header):
    expected = read_record(header).signal
    damage(header, "1000.0(-100)/mV 16 0 ", "1000.0/mV 16 -100 ")
    np.testing.assert_array_equal(read_record(header).signal, expected)


@pytest.mark.parametrize("unit", ["µV", "uv", "UV"])
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_spellings_of_microvolts(header, unit, encoding):
    expected = read_record(header).signal
    damage(header, b"/mV", f"/{unit}".encode(encoding), 3)
    np.testing.assert_allclose(read_record(header).signal, expected * 1e-3, rtol=1e-6)


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_comments_in_either_encoding(header, encoding):
    header.write_bytes(header.read_bytes() + "# Jörg: <b>=1+1</b>\r\n".encode(encoding))
    assert read_record(header).annotations["comments"] == ("Jörg: <b>=1+1</b>",)


def test_comments_before_and_windows_line_ends(header):
    expected = read_record(header).signal
    text = header.read_bytes().replace(b"\n", b"\r\n")
    header.write_bytes(b"# first\r\n\r\n" + text)
    np.testing.assert_array_equal(read_record(header).signal, expected)


def test_without_a_sample_count_the_file_tells(header):
    expected = read_record(header).signal
    damage(header, "rec 3 250 500", "rec 3 250")
    np.testing.assert_array_equal(read_record(header).signal, expected)


def test_a_longer_file_is_read_as_far_as_announced(header):
    expected = read_record(header).signal
    with (header.parent / "rec.dat").open("ab") as file:
        file.write(b"\1" * 60)
    np.testing.assert_array_equal(read_record(header).signal, expected)


@pytest.mark.parametrize("offset", [24, 1])
def test_byte_offset(header, offset):
    expected = read_record(header).signal
    data = header.parent / "rec.dat"
    data.write_bytes(b"\7" * offset + data.read_bytes())
    damage(header, "rec.dat 16 ", f"rec.dat 16+{offset} ", 3)
    np.testing.assert_array_equal(read_record(header).signal, expected)


def test_rates_with_a_counter_frequency(header):
    assert read_record(damage(header, "rec 3 250", "rec 3 250/1000(5)")).fs == 250


@pytest.mark.parametrize(
    ("told", "time"),
    [
        ("10:11:12 01/05/2020", "2020-05-01T10:11:12"),
        ("10:11:12.250 1/5/2020", "2020-05-01T10:11:12.250000"),
        ("10:11:12", None),
        ("10:11:12 31/02/2020", None),
        ("yesterday noon", None),
    ],
)
def test_when_it_was_recorded(header, tmp_path, told, time):
    first, *rest = header.read_text().splitlines()
    header.write_text("\n".join([f"{first} {told}", *rest]))
    record = read_record(header)
    assert record.annotations.get("time") == time
    again = read_record(write_record(record, tmp_path / "again"))
    assert again.annotations.get("time") == time


def test_one_file_a_signal(tmp_path):
    first, second = (
        write(tmp_path, name, digital=DIGITAL[:, :1] + k) for k, name in enumerate("ab")
    )
    line = second.read_text().splitlines()[1].rsplit(" ", 1)[0] + " V1"
    both = tmp_path / "both.hea"
    lines = first.read_text().splitlines()
    both.write_text("\n".join([lines[0].replace("a 1", "both 2"), lines[1], line]))
    record = read_record(both)
    assert record.leads == ("I", "V1")
    np.testing.assert_allclose(record.signal[1] - record.signal[0], 1 / 200, atol=1e-6)


def write_frames(folder, names=("I", "II"), units=("mV", "mV")):
    """Write a signal of two samples a frame beside one of one."""
    fast, slow = np.arange(100), 2 * np.arange(50)
    wfdb.wrsamp(
        "rec", fs=50, units=list(units), sig_name=list(names), fmt=["16", "16"],
        e_d_signal=[fast, slow], adc_gain=[1.0, 1.0], baseline=[0, 0],
        samps_per_frame=[2, 1], write_dir=str(folder),
    )  # fmt: skip
    return folder / "rec.hea", fast, slow


def test_leads_of_different_rates_are_brought_to_the_highest(tmp_path):
    path, fast, _ = write_frames(tmp_path)
    record = read_record(path)
    assert record.fs == 100
    np.testing.assert_array_equal(record.signal[0], fast)
    # the slow lead is the same ramp; the filter rings at its ends
    np.testing.assert_allclose(record.signal[1][20:-20], fast[20:-20], atol=0.5)
    (finding,) = record.quality
    assert (finding.kind, finding.lead) == (FindingKind.MIXED_RATES, "II")


def test_channels_that_are_no_leads_are_kept_apart_at_their_own_rate(tmp_path):
    path, fast, slow = write_frames(tmp_path, names=("II", "ABP"), units=("mV", "mmHg"))
    record = read_record(path)
    assert (record.leads, record.fs, record.quality) == (("II",), 100, ())
    np.testing.assert_array_equal(record.signal, fast[None])
    assert list(record.extra) == ["ABP"]
    assert (record.extra["ABP"].fs, record.extra["ABP"].unit) == (50, "mmHg")
    np.testing.assert_array_equal(record.extra["ABP"].signal, slow)


@pytest.mark.parametrize(
    ("name", "unit", "is_lead"),
    [
        ("RESP", "mV", False),
        ("Resp. Imp.", "", False),
        ("PLETH", "NU", False),
        ("X", "bananas", False),
        ("art", "mV", False),
        ("EEG Fpz", "uV", False),
        ("Art. II", "mV", False),
        ("II/Resp", "mV", False),
        ("hr V1", "mV", False),
        ("MLII", "mV", True),
        ("ECG 1", "", True),
        ("V", "uV", True),
        ("Aorta lead", "mV", True),
    ],
)
def test_what_is_a_lead(tmp_path, name, unit, is_lead):
    path = write(tmp_path)
    damage(path, " 0 AVR", f" 0 {name}")
    damage(path, "333.5(512)/mV", f"333.5(512)/{unit}" if unit else "333.5(512)")
    record = read_record(path)
    assert (name in record.leads) == is_lead
    assert (name in record.extra) == (not is_lead)
    kinds = {finding.kind for finding in record.quality}
    # under a known name it is no surprise, unless it is a voltage and so might be a lead
    noted = not is_lead and unit != "NU"
    assert (FindingKind.EXTRA_CHANNEL in kinds) == noted


def test_a_record_without_a_lead(tmp_path):
    path = write(tmp_path, digital=DIGITAL[:, :1], units=["mmHg"])
    damage(path, " 0 I", " 0 ABP")
    refused(path, "holds no ECG lead, only ABP")


def test_a_skewed_signal_is_shifted(header):
    expected = read_record(header).signal
    damage(header, "rec.dat 16 1000", "rec.dat 16:2 1000")
    signal = read_record(header).signal
    np.testing.assert_array_equal(signal[1, :-2], expected[1, 2:])
    assert np.isnan(signal[1, -2:]).all()
    np.testing.assert_array_equal(signal[[0, 2]], expected[[0, 2]])


# Segments


def write_segments(folder, lines, count=None, signals=3, n_samples=1000):
    write(folder, "one")
    write(folder, "two", digital=DIGITAL[:, :2])
    path = folder / "all.hea"
    count = len(lines) if count is None else count
    path.write_text(f"all/{count} {signals} 250 {n_samples}\n" + "\n".join(lines) + "\n")
    return path


def test_segments_are_joined_by_name(tmp_path):
    path = write_segments(tmp_path, ["one 500", "~ 30", "two 500", "one 500"], n_samples=1530)
    record = read_record(path)
    one, two = (read_record(tmp_path / name).signal for name in ("one", "two"))
    assert record.leads == ("I", "II", "aVR")
    np.testing.assert_array_equal(record.signal[:, :500], one)
    assert np.isnan(record.signal[:, 500:530]).all()
    np.testing.assert_array_equal(record.signal[:2, 530:1030], two)
    assert np.isnan(record.signal[2, 530:1030]).all()
    np.testing.assert_array_equal(record.signal[:, 1030:], one)


def test_segments_with_a_layout(tmp_path):
    path = write_segments(tmp_path, ["layout 0", "two 500", "one 500"])
    lines = [f"~ 0 200/mV 16 0 0 0 0 {name}" for name in ("AVR", "I", "II")]
    (tmp_path / "layout.hea").write_text("\n".join(["layout 3 250 0", *lines]))
    record = read_record(path)
    assert record.leads == ("aVR", "I", "II")
    assert np.isnan(record.signal[0, :500]).all()
    np.testing.assert_array_equal(record.signal[1:, :500], read_record(tmp_path / "two").signal)
    with pytest.raises(RecordFileError, match=r"layout.hea: AVR has no samples"):
        read_record(tmp_path / "layout")


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (["all 500", "one 500"], "cannot consist of segments"),
        (["one 500", "other 500"], "cannot be read"),
        (["one 500", "two 499"], "announces 1000 samples, but its segments 999"),
        (["one 400", "two 600"], "one.hea: 500 samples .* announces 400"),
        (["one 500", "../two 500"], "not in the record's folder"),
        (["one 500", "/etc/two 500"], "not in the record's folder"),
        (["one 500", "two -500"], "negative"),
        (["one 500", "two"], "needs a name and a sample count"),
        (["one 500", "~ 1000000000000"], "announces 1000 samples"),
    ],
)
def test_wrong_segments(tmp_path, lines, problem):
    refused(write_segments(tmp_path, lines), problem)


def test_segments_that_name_each_other(tmp_path):
    for name, other in ("ab", "ba"):
        (tmp_path / f"{name}.hea").write_text(f"{name}/1 1 250 500\n{other} 500\n")
    refused(tmp_path / "a.hea", "b.hea: a segment cannot consist of segments")


def test_segments_of_another_rate(tmp_path):
    path = write_segments(tmp_path, ["one 500", "two 500"])
    damage(tmp_path / "two.hea", "two 2 250", "two 2 500")
    refused(path, r"two.hea: 500 samples at 500 Hz, .* announces 500 at 250 Hz")


@pytest.mark.parametrize("count", [3, 10_000_000, 0, -1])
def test_wrong_number_of_segments(tmp_path, count):
    refused(write_segments(tmp_path, ["one 500", "two 500"], count), "segments")


def test_a_gap_that_would_fill_the_memory(tmp_path):
    lines = ["one 500", "~ 1000000000000"]
    path = write_segments(tmp_path, lines, n_samples=1_000_000_000_500)
    refused(path, "only 1500 of 3000000001500 samples were recorded")


# Faults of the files


def test_no_header(tmp_path):
    refused(tmp_path / "none.hea", "cannot be read .*check the path")


def test_a_folder_in_place_of_the_header(tmp_path):
    (tmp_path / "rec.hea").mkdir()
    refused(tmp_path / "rec.hea", "not a file")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.parametrize("name", ["rec.hea", "rec.dat"])
def test_a_pipe_is_not_waited_for(header, name):
    (header.parent / name).unlink()
    os.mkfifo(header.parent / name)
    refused(header, "not a file")


@pytest.mark.parametrize("fmt", ["16", "212"])
def test_signal_file_missing(tmp_path, fmt):
    path = write(tmp_path, fmt=fmt)
    (tmp_path / "rec.dat").unlink()
    assert "rec.dat" in refused(path, "cannot be read")


@pytest.mark.parametrize("fmt", ["16", "80", "212", "24", "32"])
@pytest.mark.parametrize("kept", [0, 1, 0.5, -1])
def test_signal_file_truncated(tmp_path, fmt, kept):
    path = write(tmp_path, fmt=fmt)
    data = tmp_path / "rec.dat"
    content = data.read_bytes()
    data.write_bytes(content[: int(kept * len(content)) if kept == 0.5 else kept])
    refused(path, r"rec.dat: \d+ bytes, but the header announces 500 samples .* truncated")


@pytest.mark.parametrize("fmt", ["16", "24"])
def test_samples_that_begin_beyond_the_file(tmp_path, fmt):
    (tmp_path / "off.dat").write_bytes(bytes(48))
    lines = ["off 2 100"] + [f"off.dat {fmt}+1000 200/mV 16 0"] * 2
    (tmp_path / "off.hea").write_text("\n".join(lines) + "\n")
    refused(tmp_path / "off.hea", "48 bytes, .* begin at byte 1000")


@pytest.mark.parametrize("path", ["", ".", "/"])
def test_a_path_without_a_name(path):
    with pytest.raises(RecordFileError, match="is a folder; name a record in it"):
        read_record(path)


def test_signal_file_that_ends_within_a_sample(header):
    damage(header, "rec 3 250 500", "rec 3 250")
    data = header.parent / "rec.dat"
    data.write_bytes(data.read_bytes()[:-1])
    refused(header, "ends within a sample")


@pytest.mark.parametrize("fmt", ["516"])
@pytest.mark.parametrize("place", [0, 40, 100])
def test_damaged_flac(tmp_path, fmt, place):
    path = write(tmp_path, fmt=fmt)
    data = next(file for file in tmp_path.iterdir() if file != path)
    content = bytearray(data.read_bytes())
    content[place : place + 40] = b"\xff" * 40
    data.write_bytes(content)
    refused(path, r"rec.hea: wfdb cannot read|is no FLAC file")


@pytest.mark.parametrize("fmt", ["16", "80", "212", "24", "32"])
def test_a_changed_sample_breaks_the_checksum(tmp_path, fmt):
    path = write(tmp_path, fmt=fmt)
    data = tmp_path / "rec.dat"
    content = bytearray(data.read_bytes())
    content[600] ^= 1
    data.write_bytes(content)
    refused(path, r"checksum of \w+ in rec.dat is wrong")


@pytest.mark.parametrize("fmt", ["16", "212"])
def test_wrong_initial_value(tmp_path, fmt):
    path = write(tmp_path, fmt=fmt)
    expected = read_record(path).signal
    fields = path.read_text().splitlines()[2].split()
    wrong = " ".join([*fields[:5], str(int(fields[5]) + 1), *fields[6:]])
    damage(path, " ".join(fields), wrong)
    record = read_record(path)
    np.testing.assert_array_equal(record.signal, expected)
    (finding,) = record.quality
    assert (finding.kind, finding.lead) == (FindingKind.INITIAL_VALUE, "II")
    # without a checksum that vouches for the samples, and so without the fields behind it
    damage(path, wrong, " ".join([*fields[:5], str(int(fields[5]) + 1)]))
    path.write_text("\n".join(path.read_text().replace(" II", "").splitlines()))
    refused(path, "rec.dat begins with")


@pytest.mark.parametrize("content", [b"", b"\n\n", b"# only a comment\n", b"   \t \n"])
def test_an_empty_header(tmp_path, content):
    (tmp_path / "rec.hea").write_bytes(content)
    refused(tmp_path / "rec.hea", "header is empty")


def test_nul_bytes(header):
    refused(damage(header, "250", b"25\x00"), "NUL bytes")


def test_random_bytes_are_refused(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "rec.hea"
    for _ in range(50):
        path.write_bytes(rng.integers(1, 256, 300, dtype=np.uint8).tobytes())
        refused(path, "rec.hea: ")


def test_a_header_of_megabytes(tmp_path):
    path = tmp_path / "rec.hea"
    path.write_bytes(b"rec 1 250 500 " + b"9" * 2_000_000)
    refused(path, "larger than")


# Faults in the header


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("rec 3 250 500", "rec", "signal count '' is no whole number"),
        ("rec 3 250", "rec three 250", "signal count 'three'"),
        ("rec 3 250", "rec 0 250", "0 signals"),
        ("rec 3 250", "rec -3 250", "signal count -3 is negative"),
        ("rec 3 250", "rec 4 250", "4 signals announced, but 3 described"),
        ("rec 3 250", "rec 1000000 250", "1000000 signals"),
        ("rec 3 250", "rec 3 0", "0 Hz is not positive"),
        ("rec 3 250", "rec 3 -250", "-250 Hz is not positive"),
        ("rec 3 250", "rec 3 nan", "sampling rate 'nan' is out of range"),
        ("rec 3 250", "rec 3 inf", "sampling rate 'inf' is out of range"),
        ("rec 3 250", "rec 3 1e308", "sampling rate '1e308' is out of range"),
        ("rec 3 250", "rec 3 abc", "sampling rate 'abc' is no number"),
        ("rec 3 250", "rec 3 " + "9" * 200_000, "sampling rate '9+' is out of range"),
        ("250 500", "250 -500", "sample count -500 is negative"),
        ("250 500", "250 5e2", "sample count '5e2' is no whole number"),
        ("250 500", "250 1000000000000", "truncated"),
        ("250 500", "250 " + "9" * 200_000, "sample count '9+' is no whole number"),
        ("rec.dat 16 ", "rec.dat 17 ", "format '17' of I is unknown"),
        ("rec.dat 16 ", "rec.dat 16x1000000 ", "2.5e.08 Hz is no sampling rate"),
        ("rec.dat 16 ", "rec.dat 16x1000 ", "truncated"),
        ("rec.dat 16 ", "rec.dat 16:1000000000 ", "skew in rec.dat is longer"),
        ("rec.dat 16 ", "rec.dat 16+1000000000 ", "given two formats"),
        ("rec.dat 16 ", "rec.dat 212 ", "given two formats"),
        ("rec.dat 16 ", "rec.dat sixteen ", "format 'sixteen'"),
        ("200.0(0)/mV", "nan(0)/mV", "gain of I 'nan' is out of range"),
        ("200.0(0)/mV", "inf(0)/mV", "gain of I 'inf' is out of range"),
        ("200.0(0)/mV", "1e-300(0)/mV", "gain of I '1e-300' is out of range"),
        ("200.0(0)/mV", "-200(0)/mV", "gain -200 of I is negative"),
        ("200.0(0)/mV", "high/mV", "gain of I 'high' is no number"),
        ("200.0(0)/mV", "/mV", "gain '/mV' of I is no number"),
        ("200.0(0)/mV", "200(zero)/mV", "baseline of I 'zero'"),
        ("200.0(0)/mV", "200(0)/bananas", "unit 'bananas' of I is unknown"),
        ("200.0(0)/mV", "200(0)/mmHg", "unit 'mmHg' of I is unknown"),
        ("rec.dat", "9" * 5000, "not in the record's folder"),
        (" 0 II", " 0 " + "9" * 5000, "name of signal 1 has 5000 characters"),
        (" 0 II", " 0 i", "lead I is there more than once"),
    ],
    ids=lambda text: text[:30],
)
def test_wrong_fields(header, old, new, problem):
    message = refused(damage(header, old, new), problem)
    assert "rec.hea" in message or "rec.dat" in message
    assert len(message) < 500


@pytest.mark.parametrize("fmt", ["16", "212", "516"])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("250 500", "250 1000000000000"),
        ("250 500", "250 999999999999999"),
        (".dat {} ", ".dat {}x1000000 "),
        (".dat {} ", ".dat {}:1000000000 "),
    ],
)
def test_nothing_is_allocated_for_what_a_header_claims(tmp_path, fmt, old, new):
    path = write(tmp_path, fmt=fmt)
    damage(path, old.format(fmt), new.format(fmt))
    tracemalloc.start()
    try:
        refused(path, "truncated|longer than the record|announced length|no sampling rate")
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("fmt", ["16", "212"])
@pytest.mark.parametrize(
    ("old", "new"), [("250 500", "nan 500"), ("250 500", "-250 500"), ("333.5(", "nan(")]
)
def test_our_header_comes_before_wfdb(tmp_path, fmt, old, new):
    refused(damage(write(tmp_path, fmt=fmt), old, new), "out of range|not positive")


# Files outside the record's folder


@pytest.mark.parametrize("fmt", ["16", "212"])
@pytest.mark.parametrize(
    "name",
    [
        "../rec.dat",
        "sub/../../rec.dat",
        "{folder}/rec.dat",
        "/dev/zero",
        "\\\\server\\share\\rec.dat",
        "C:\\rec.dat",
        "http://example.org/rec.dat",
    ],
)
def test_a_file_outside_is_not_opened(tmp_path, fmt, name, monkeypatch):
    outside = write(tmp_path, fmt=fmt)
    folder = tmp_path / "inside"
    folder.mkdir()
    path = folder / "rec.hea"
    path.write_bytes(outside.read_bytes())
    damage(path, "rec.dat", name.format(folder=tmp_path), 3)
    for opener in (np, "fromfile"), (wfdb, "rdrecord"):
        monkeypatch.setattr(*opener, lambda *args, **kwargs: pytest.fail("opened a file"))
    refused(path, "not in the record's folder")


@pytest.mark.parametrize("fmt", ["16", "212"])
def test_a_link_that_leaves_the_folder(tmp_path, fmt):
    outside = write(tmp_path, fmt=fmt)
    folder = tmp_path / "inside"
    folder.mkdir()
    path = folder / "rec.hea"
    path.write_bytes(outside.read_bytes())
    (folder / "rec.dat").symlink_to(tmp_path / "rec.dat")
    refused(path, "not in the record's folder")


def test_a_link_within_the_folder(header):
    expected = read_record(header).signal
    data = header.parent / "rec.dat"
    data.rename(header.parent / "other.dat")
    data.symlink_to("other.dat")
    np.testing.assert_array_equal(read_record(header).signal, expected)


def test_a_link_to_itself(header):
    data = header.parent / "rec.dat"
    data.unlink()
    data.symlink_to("rec.dat")
    refused(header, "not in the record's folder|cannot be read")


def test_a_linked_folder_is_the_record_s_folder(header, tmp_path):
    expected = read_record(header).signal
    link = tmp_path / "link"
    link.symlink_to(tmp_path, target_is_directory=True)
    np.testing.assert_array_equal(read_record(link / "rec").signal, expected)
