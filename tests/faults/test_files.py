"""Faults of files and headers, numbered, times every reader that they can reach.

Each answers with a result, a result with the right finding, or one clear error; soon, without much
memory, and without a warning.
"""

import json
import os
import re
import time
import tracemalloc
import warnings
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
import scipy.signal  # noqa: F401  (its first import takes seconds)

from ecg_anomaly.errors import ECGError
from ecg_anomaly.findings import FindingKind as Kind
from ecg_anomaly.io import read_record

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import wfdb

FS, N_FRAMES = 250, 500
LEADS = ["I", "II", "V1"]
GAIN = 100.0
DIGITAL = np.random.default_rng(0).integers(-9, 10, (N_FRAMES, 3)).cumsum(0).clip(-120, 120)
SIGNAL = (DIGITAL.T / GAIN).astype(np.float32)

STORED = ["16", "24", "32", "80", "212", "516"]
SINGLE = [*STORED, "mat"]
WFDB = [*SINGLE, "segments"]
BARE = ["npy", "csv"]
EVERY = [*WFDB, *BARE]


# Sound records


def _write_wfdb(folder, name, fmt, digital=DIGITAL):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wfdb.wrsamp(
            name, fs=FS, units=["mV"] * 3, sig_name=LEADS, d_signal=digital.astype(np.int64),
            fmt=[fmt] * 3, adc_gain=[GAIN] * 3, baseline=[0] * 3, write_dir=str(folder),
        )  # fmt: skip


def write(folder, kind):
    """Write a sound record; return what to read and the file of its samples."""
    if kind == "npy":
        np.save(folder / "rec.npy", SIGNAL)
        sidecar(folder)
        return folder / "rec.npy", folder / "rec.npy"
    if kind == "csv":
        pd.DataFrame(SIGNAL.T, columns=LEADS).to_csv(folder / "rec.csv", index=False)
        sidecar(folder, leads=None)
        return folder / "rec.csv", folder / "rec.csv"
    if kind == "segments":
        for name, part in (("one", DIGITAL[:300]), ("two", DIGITAL[300:])):
            _write_wfdb(folder, name, "16", part)
        text = f"rec/2 3 {FS} {N_FRAMES}\none 300\ntwo 200\n"
        (folder / "rec.hea").write_text(text)
        return folder / "rec.hea", folder / "one.dat"
    _write_wfdb(folder, "rec", "16" if kind == "mat" else kind)
    data = next(path for path in folder.iterdir() if path.suffix != ".hea")
    if kind == "mat":
        start = np.array([30, 3, N_FRAMES, 0, 4], "<i4").tobytes() + b"val\0"
        (folder / "rec.mat").write_bytes(start + data.read_bytes())
        data.unlink()
        edit(folder / "rec.hea", "rec.dat 16 ", "rec.mat 16+24 ", 3)
        return folder / "rec.hea", folder / "rec.mat"
    return folder / "rec.hea", data


def sidecar(folder, **changes):
    about = {"fs": FS, "leads": LEADS, "unit": "mV"} | changes
    about = {key: value for key, value in about.items() if value is not None}
    (folder / "rec.json").write_text(json.dumps(about))


def edit(path, old, new, count=1):
    """Replace text in a file, which must hold it."""
    old, new = (part if isinstance(part, bytes) else part.encode() for part in (old, new))
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, count))


def signal_header(path):
    """Return the header that describes signals: of the first segment, where there are any."""
    return path.with_name("one.hea") if path.with_name("one.hea").exists() else path


# Faults: each damages a sound record


def content(data):
    def damage(path, _):
        path.write_bytes(data)

    return damage


def samples(change):
    def damage(_, data):
        data.write_bytes(change(data.read_bytes()))

    return damage


def line(pattern, new, count=1):
    """Change what matches in the header that describes signals."""

    def damage(path, _):
        header = signal_header(path)
        text, n = re.subn(pattern, new, header.read_text(), count=count, flags=re.MULTILINE)
        assert n
        header.write_text(text)

    return damage


def top(pattern, new):
    """Change what matches in the header that is read."""

    def damage(path, _):
        text, n = re.subn(pattern, new, path.read_text(), count=1, flags=re.MULTILINE)
        assert n
        path.write_text(text)

    return damage


def field(number, value):
    """Change a field of the first signal line: file, format, gain, resolution, zero, initial..."""

    def damage(path, _):
        header = signal_header(path)
        lines = header.read_text().splitlines()
        fields = lines[1].split(None, 8)
        fields[number] = value(fields[number]) if callable(value) else value
        lines[1] = " ".join(fields)
        header.write_text("\n".join(lines) + "\n")

    return damage


def fields(number, value):
    """Change a field of every signal line."""

    def damage(path, _):
        header = signal_header(path)
        lines = header.read_text().splitlines()
        for k in (1, 2, 3):
            words = lines[k].split(None, 8)
            words[number] = value(words[number]) if callable(value) else value
            lines[k] = " ".join(words)
        header.write_text("\n".join(lines) + "\n")

    return damage


def outside(name):
    def damage(path, data):
        header = signal_header(path)
        inside = path.parent / "inside"
        inside.mkdir()
        target = name.format(folder=path.parent, file=data.name)
        text = header.read_text().replace(data.name, target)
        header.write_text(text)

    return damage


def link(path, data):
    """Let the signal file be a link that leaves the folder."""
    away = path.parent.parent / "away"
    away.mkdir()
    data.rename(away / data.name)
    data.symlink_to(away / data.name)


def device(path, _):
    path.unlink()
    path.symlink_to("/dev/zero")


def missing(_, data):
    data.unlink()


def huge(path, _):
    os.truncate(path, 100_000_000)  # sparse


def about(**changes):
    def damage(path, _):
        changed = changes if path.suffix == ".npy" or "leads" in changes else {"leads": None}
        sidecar(path.parent, **(changed | changes))

    return damage


def npy_header(**changes):
    def damage(path, _):
        text = {"descr": "'<f4'", "fortran_order": "False", "shape": "(3, 500)"} | changes
        header = "{" + "".join(f"'{key}': {value}, " for key, value in text.items()) + "}"
        size = len(header).to_bytes(2, "little")
        path.write_bytes(b"\x93NUMPY\x01\x00" + size + header.encode() + SIGNAL.tobytes())

    return damage


def csv_text(change):
    def damage(path, _):
        path.write_text(change(path.read_text()))

    return damage


def checksum(path, _):
    edit_field = field(6, lambda value: str((int(value) + 7) % 65536))
    edit_field(path, _)


def comment(text):
    def damage(path, _):
        path.write_bytes(path.read_bytes() + text)

    return damage


def loop(path, _):
    path.write_text(f"rec/2 3 {FS} {N_FRAMES}\nrec 300\nrec 200\n")


class Fault(NamedTuple):
    """A fault and its answer: an error that matches, findings of these kinds, or None."""

    number: int
    name: str
    kinds: list[str]
    damage: object
    answer: object


T = "truncated"
FAULTS = [
    Fault(1, "empty", [*WFDB, *BARE], content(b""), r"empty|no \.npy|no first line"),
    Fault(2, "NUL bytes", WFDB, content(b"rec 3 250\0 500\n"), "NUL bytes"),
    Fault(2, "nothing but NUL", EVERY, content(bytes(3000)), r"NUL|no \.npy|no first line"),
    Fault(2, "NUL among numbers", ["csv"], csv_text(lambda t: t.replace("0.0", "0.\0", 1)), "no"),
    Fault(3, "Latin-1 comment", WFDB, comment(b"# J\xf6rg\n"), Kind.ENCODING),
    Fault(3, "Latin-1", ["csv"], content(b"I,J\xf6rg\n1.5,2.5\n"), "no text in UTF-8"),
    Fault(4, "signal file missing", WFDB, missing, "cannot be read"),
    Fault(4, "missing", BARE, missing, "cannot be read"),
    Fault(5, "signal file empty", WFDB, samples(lambda _: b""), T),
    Fault(6, "cut in a sample", WFDB, samples(lambda b: b[:-1]), f"{T}|wfdb cannot|length|damaged"),
    Fault(6, "cut in half", WFDB, samples(lambda b: b[: len(b) // 2]), f"{T}|wfdb|length|damaged"),
    Fault(6, "cut in a sample", ["npy"], samples(lambda b: b[:-1]), T),
    Fault(6, "cut in a row", ["csv"], csv_text(lambda t: t[: t.rindex(",")]), "2 fields instead"),
    Fault(7, "longer than announced", [*STORED[:5], "mat"], samples(lambda b: b + b"\1" * 60),
          Kind.TRAILING_BYTES),
    Fault(7, "longer than announced", ["npy"], samples(lambda b: b + b"\1"), "truncated or"),
    Fault(7, "longer rows", ["csv"], csv_text(lambda t: t + "1,2,3,4\n"), "4 fields instead"),
    Fault(8, "no sample count", [*STORED[:5], "mat"], line(r"^(rec 3 250) \d+", r"\1 0"),
          Kind.LENGTH_UNKNOWN),
    Fault(8, "no sample count", ["516"], line(r"^(rec 3 250) \d+", r"\1 0"), "compressed formats"),
    Fault(8, "no samples", ["npy"], npy_header(shape="(3, 0)"), f"{T}|no sample"),
    Fault(8, "no samples", ["csv"], csv_text(lambda t: "I,II,V1\n"), "holds no sample"),
    Fault(9, "negative sample count", WFDB, top(r" 500$", " -500"), "negative"),
    Fault(9, "negative shape", ["npy"], npy_header(shape="(-3, -500)"), "shape"),
    Fault(10, "1e12 samples", WFDB, top(r" 500$", " 1000000000000"), f"{T}|its segments 500"),
    Fault(10, "1e12 samples", ["npy"], npy_header(shape="(3, 1000000000000)"), T),
    Fault(11, "1e6 signals", WFDB, line(r"^(\w+) 3 ", r"\1 1000000 "), "1000000 signals"),
    Fault(11, "1e6 leads", ["npy"], about(leads=["I"] * 10**6), "larger than"),
    Fault(11, "1e4 leads", ["npy"], about(leads=["I"] * 10**4), "more than 256 leads"),
    Fault(11, "1e4 columns", ["csv"], content(b"1," * 10_000 + b"1\n"), "10001 columns"),
    Fault(12, "1e6 samples a frame", WFDB, field(1, lambda f: f"{f.split('+')[0]}x1000000"
          + ("+24" if "+" in f else "")), "no sampling rate|I has another rate"),
    Fault(13, "skew of 1e9", WFDB, field(1, lambda f: f.replace("+24", "") + ":1000000000"
          + ("+24" if "+" in f else "")), "skew"),
    Fault(13, "byte offset of 1e9", WFDB, fields(1, lambda f: f.split("+")[0] + "+1000000000"),
          "begin at byte 1000000000"),
    Fault(14, "unknown format", WFDB, field(1, "17"), "format '17' of I is unknown"),
    Fault(14, "unknown type", ["npy"], npy_header(descr="'<f17'"), "no .npy|real numbers"),
    Fault(15, "corrupt FLAC", ["516"], samples(lambda b: b[:60] + b"\xff" * 80 + b[140:]), "wfdb"),
    Fault(16, "wrong checksum", WFDB, checksum, "checksum of I in .* is wrong"),
    Fault(16, "a changed sample", [*STORED[:5], "mat", "segments"],
          samples(lambda b: b[:96] + bytes([b[96] ^ 1]) + b[97:]), "checksum of .* is wrong"),
    Fault(17, "wrong initial value", WFDB, field(5, lambda v: str(int(v) + 1)), Kind.INITIAL_VALUE),
    Fault(18, "a segment that names itself", ["segments"], loop, "cannot consist of segments"),
    Fault(18, "a loop over two", ["segments"], lambda path, _: path.with_name("one.hea").write_text(
          f"one/1 3 {FS} 300\nrec 300\n"), "cannot consist of segments"),
    Fault(19, "1e7 segments", ["segments"], top(r"rec/2", "rec/10000000"), "segments announced"),
    *[
        Fault(20, f"path {name}", [kind for kind in WFDB if kind != "segments"],
              outside(name), "not in the record's folder")
        for name in ("../{file}", "inside/../../{file}", "/etc/{file}", "/dev/zero",
                     "C:\\{file}", "\\\\host\\share\\{file}", "http://example.org/{file}")
    ],
    Fault(20, "a link that leaves", WFDB, link, "not in the record's folder"),
    Fault(20, "a segment elsewhere", ["segments"], top(r"^one", "../one"), "record's folder"),
    Fault(20, "a device", [*WFDB, *BARE], device, "not a file"),
    Fault(21, "a line of 100 MB", [*WFDB, *BARE], huge, r"larger|truncated or|no row"),
    Fault(21, "a line of 200 kB", ["csv"], content(b"I" * 200_000), "no first line"),
    Fault(21, "side-car of 100 MB", BARE, lambda path, _: os.truncate(
          path.with_suffix(".json"), 100_000_000), "larger than"),
    Fault(22, "200,000 digits", WFDB, top(r" 500$", " " + "9" * 200_000), "no whole number"),
    Fault(22, "200,000 digits", ["npy"], npy_header(shape=f"(3, {'9' * 60_000})"),
          r"no \.npy|damaged"),
    Fault(22, "200,000 digits", ["csv"], csv_text(lambda t: t + "9" * 200_000 + ",1,1\n"),
          "line 502 is no row of numbers"),
    Fault(22, "2,000 digits", ["csv"], csv_text(lambda t: t + "9" * 2000 + ",1,1\n"), "infinite"),
    Fault(22, "200,000 digits in a side-car", BARE, lambda path, _: path.with_suffix(
          ".json").write_text('{"fs": ' + "9" * 200_000 + "}"), "no JSON|positive number"),
    Fault(23, "a formula as a name", SINGLE, line(r" II$", " =HYPERLINK(1)"), None),
    Fault(23, "HTML as a name", SINGLE, line(r" II$", " <script>x</script>"), None),
    Fault(23, "HTML as a name", ["npy"], about(leads=["I", "<b>II</b>", "V1"]), None),
    Fault(23, "HTML as a name", ["csv"], csv_text(lambda t: t.replace("II", "<b>II</b>")), None),
    # the metadata
    *[
        Fault(24, f"fs {fs}", WFDB, top(r"^(rec\S* 3) 250", rf"\1 {fs}"), problem)
        for fs, problem in {
            "0": "not positive", "-500": "not positive", "nan": "out of range",
            "inf": "out of range", "1e308": "out of range", "1e9": "no sampling rate|Hz",
            "0.1": "no sampling rate|Hz", "2_50": "no number", "\u0662\u0665\u0660": "no number",
            "": "signal count|no number|sample count|Hz|samples",
        }.items() if fs
    ],
    *[
        Fault(24, f"fs {fs}", BARE, about(fs=fs), "positive number|no JSON|no sampling rate")
        for fs in (0, -500, float("nan"), float("inf"), 1e9, 0.1, "fast", True, [500])
    ],
    Fault(24, "no fs", [*STORED[:5], "mat"], line(r"^rec 3 250 500", "rec 3"),
          {Kind.RATE_MISSING, Kind.LENGTH_UNKNOWN}),
    Fault(24, "fs of 40 Hz", SINGLE, line(r"^rec 3 250", "rec 3 40"), Kind.UNCOMMON_RATE),
    Fault(25, "gain 0", WFDB, field(2, "0(0)/mV"), Kind.GAIN_MISSING),
    Fault(25, "gain -1000", WFDB, field(2, "-1000(0)/mV"), "gain -1000 of I is negative"),
    Fault(25, "gain nan", WFDB, field(2, "nan(0)/mV"), "gain of I 'nan' is out of range"),
    Fault(25, "gain inf", WFDB, field(2, "inf(0)/mV"), "gain of I 'inf' is out of range"),
    Fault(25, "gain 1e-300", WFDB, field(2, "1e-300(0)/mV"), "out of range"),
    Fault(26, "unit bananas", WFDB, field(2, "100(0)/bananas"), "unit 'bananas' of I is unknown"),
    Fault(26, "unit bananas", BARE, about(unit="bananas"), "unit must be mV"),
    Fault(26, "no unit", WFDB, field(2, "100(0)"), Kind.UNIT_ASSUMED),
    Fault(27, "names missing", SINGLE, line(r" (I|II|V1)$", "", 3), Kind.NAME_MISSING),
    Fault(27, "names missing", ["npy"], about(leads=None), "does not name its 3 leads"),
    Fault(27, "names missing", ["csv"], csv_text(lambda t: t.split("\n", 1)[1]), "does not name"),
    Fault(28, "two leads II", WFDB, line(r" I$", " II"), "lead II is there more|two signals are"),
    Fault(28, "two leads II", ["npy"], about(leads=["II", "ii", "V1"]), "more than once"),
    Fault(28, "two leads II", ["csv"], csv_text(lambda t: t.replace("I,II", "II,ii")), "more than"),
    Fault(28, "two leads ECG", SINGLE, line(r" (I|II)$", " ECG", 2), Kind.NAME_REPEATED),
    Fault(32, "age 300", WFDB, comment(b"# Age: 300\n"), Kind.IMPLAUSIBLE_AGE),
    Fault(32, "age 300", BARE, about(age=300), Kind.IMPLAUSIBLE_AGE),
    Fault(23, "lines that end with CR", ["csv"], csv_text(lambda t: t.replace("\n", "\r")),
          "mac2unix"),
    Fault(26, "a unit in the titles", ["csv"], csv_text(lambda t: t.replace("II,V1", "II [uV],V1")),
          "different units"),
    Fault(27, "a column without a name", ["csv"], csv_text(lambda t: t.replace("II", "")),
          "column 2 of 3 has no name"),
    Fault(32, "age in another unit", WFDB, comment(b"# Age: 6m\n"), Kind.IMPLAUSIBLE_AGE),
    Fault(32, "age unknown", WFDB, comment(b"# Age: Unknown  Sex: -\n"), None),
    Fault(32, "age unknown", BARE, about(age="?", sex=None), None),
]  # fmt: skip
CASES = [
    pytest.param(kind, fault.damage, fault.answer, id=f"{fault.number}-{fault.name}-{kind}"[:60])
    for fault in FAULTS
    for kind in fault.kinds
]


def read(path):
    """Read, soon, in little memory, without a warning."""
    tracemalloc.start()
    started = time.perf_counter()
    try:
        return read_record(path)
    finally:
        spent, (_, peak) = time.perf_counter() - started, tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert spent < 2
        assert peak < 30e6


@pytest.mark.parametrize("kind", EVERY)
def test_sound_records_are_clean(tmp_path, kind):
    path, _ = write(tmp_path, kind)
    record = read(path)
    np.testing.assert_array_equal(record.signal, SIGNAL)
    assert (record.fs, record.leads, record.quality) == (FS, tuple(LEADS), ())


@pytest.mark.parametrize(("kind", "damage", "answer"), CASES)
def test_fault(tmp_path, kind, damage, answer):
    folder = tmp_path / "records"
    folder.mkdir()
    path, data = write(folder, kind)
    damage(path, data)
    if isinstance(answer, str) and not isinstance(answer, Kind):
        with pytest.raises(ECGError, match=answer) as caught:
            read(path)
        message = str(caught.value)
        assert str(folder) in message
        assert 20 < len(message) < 600
        return
    record = read(path)
    assert record.signal.shape == SIGNAL.shape
    kinds = {finding.kind for finding in record.quality}
    assert kinds == (answer if isinstance(answer, set) else {answer} - {None})
    if answer not in (Kind.GAIN_MISSING,):
        np.testing.assert_allclose(record.signal, SIGNAL, rtol=1e-6)


# Those that change the result, and rightly so


@pytest.mark.parametrize(("unit", "scale"), [("uV", 1e-3), ("mV", 1), ("V", 1e3), ("nV", 1e-6)])
@pytest.mark.parametrize("kind", EVERY)
def test_26_units(tmp_path, kind, unit, scale):
    path, data = write(tmp_path, kind)
    if kind in BARE:
        about(unit=unit)(path, data)
    else:
        fields(2, lambda gain: gain.replace("mV", unit))(path, data)
        if kind == "segments":
            edit(path.with_name("two.hea"), "/mV", f"/{unit}", 3)
    np.testing.assert_allclose(read(path).signal, SIGNAL * scale, rtol=1e-6)


@pytest.mark.parametrize(
    "names", [["MDC_ECG_LEAD_I", "ii", "Lead V1"], ["lead i", "LEAD_II", "v1"]]
)
@pytest.mark.parametrize("kind", [*SINGLE, *BARE])
def test_29_aliases(tmp_path, kind, names):
    path, data = write(tmp_path, kind)
    if kind == "npy":
        about(leads=names)(path, data)
    elif kind == "csv":
        edit(path, "I,II,V1", ",".join(names))
    else:
        for old, new in zip(LEADS, names, strict=True):
            line(rf" {old}$", f" {new}")(path, data)
    record = read(path)
    assert record.leads == ("I", "II", "V1")
    np.testing.assert_array_equal(record.signal, SIGNAL)


@pytest.mark.parametrize("kind", SINGLE)
def test_30_other_channels(tmp_path, kind):
    path, data = write(tmp_path, kind)
    line(r" V1$", " RESP")(path, data)
    record = read(path)
    assert (record.leads, list(record.extra)) == (("I", "II"), ["RESP"])
    assert [finding.kind for finding in record.quality] == [Kind.EXTRA_CHANNEL]  # in mV
    np.testing.assert_array_equal(record.extra["RESP"].signal, SIGNAL[2])


@pytest.mark.parametrize("fmt", ["16", "24", "32", "80", "212"])
def test_31_mixed_rates(tmp_path, fmt):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wfdb.wrsamp(
            "rec", fs=FS, units=["mV"] * 2, sig_name=["I", "II"], fmt=[fmt] * 2,
            e_d_signal=[DIGITAL[:, 0], DIGITAL[::2, 1]], adc_gain=[GAIN] * 2, baseline=[0] * 2,
            samps_per_frame=[2, 1], write_dir=str(tmp_path),
        )  # fmt: skip
    record = read(tmp_path / "rec")
    assert record.fs == 2 * FS
    assert [finding.kind for finding in record.quality] == [Kind.MIXED_RATES]
    np.testing.assert_array_equal(record.signal[0], SIGNAL[0])
    np.testing.assert_allclose(record.signal[1, ::2][5:-5], SIGNAL[1, ::2][5:-5], atol=0.02)


# The signal, as far as a file can say it


@pytest.mark.parametrize("what", [np.s_[1, 7], np.s_[1], np.s_[:]], ids=["sample", "lead", "all"])
@pytest.mark.parametrize("kind", ["16", "24", "32", "80", "212", "npy", "csv"])
def test_33_missing_samples(tmp_path, kind, what):
    expected = SIGNAL.copy()
    expected[what] = np.nan
    if kind in BARE:
        path, _ = write(tmp_path, kind)
        np.save(tmp_path / "rec.npy", expected)
        pd.DataFrame(expected.T, columns=LEADS).to_csv(tmp_path / "rec.csv", index=False)
    else:
        bits = {"80": 8, "212": 12}.get(kind, int(kind))
        digital = DIGITAL.copy()
        digital.T[what] = -(2 ** (bits - 1))
        _write_wfdb(tmp_path, "rec", kind, digital)
        path = tmp_path / "rec.hea"
    np.testing.assert_array_equal(read(path).signal, expected)


@pytest.mark.parametrize("value", [np.inf, -np.inf])
@pytest.mark.parametrize("kind", BARE)
def test_34_infinite_samples(tmp_path, kind, value):
    path, _ = write(tmp_path, kind)
    broken = SIGNAL.copy()
    broken[2, 7] = value
    np.save(tmp_path / "rec.npy", broken)
    pd.DataFrame(broken.T, columns=LEADS).to_csv(tmp_path / "rec.csv", index=False)
    with pytest.raises(ECGError, match="lead V1 is infinite at sample 7"):
        read(path)


@pytest.mark.parametrize(("seconds", "fs"), [(1, 500), (2.5, 500), (60, 500), (3600 * 24, 100)])
@pytest.mark.parametrize("kind", ["16", "212", "npy"])
def test_42_lengths(tmp_path, kind, seconds, fs):
    n_samples = int(seconds * fs)
    digital = np.resize(DIGITAL[:, 0], n_samples)
    if kind == "npy":
        np.save(tmp_path / "rec.npy", (digital / GAIN).astype(np.float32))
        sidecar(tmp_path, fs=fs, leads=["II"])
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            wfdb.wrsamp(
                "rec", fs=fs, units=["mV"], sig_name=["II"], d_signal=digital[:, None],
                fmt=[kind], adc_gain=[GAIN], baseline=[0], write_dir=str(tmp_path),
            )  # fmt: skip
    started = time.perf_counter()
    record = read_record(tmp_path / ("rec.npy" if kind == "npy" else "rec"))
    assert time.perf_counter() - started < 2
    assert record.duration == seconds
    np.testing.assert_array_equal(record.signal[0], (digital / GAIN).astype(np.float32))


@pytest.mark.parametrize(
    ("times", "problem"),
    [
        ([0, 1, 2, 3, 9, 10], "time does not pass by"),
        ([0, 1, 2, 2, 3, 4], "time does not pass by"),
        ([0, 1, 3, 2, 4, 5], "time does not pass by"),
        ([5, 4, 3, 2, 1, 0], "do not rise"),
    ],
    ids=["gap", "repeated", "falling once", "falling"],
)
def test_45_times(tmp_path, times, problem):
    rows = "\n".join(f"{time / FS},0.{k}" for k, time in enumerate(times))
    (tmp_path / "rec.csv").write_text(f"time,II\n{rows}\n")
    with pytest.raises(ECGError, match=problem):
        read(tmp_path / "rec.csv")


def test_45_gaps_between_segments(tmp_path):
    path, _ = write(tmp_path, "segments")
    path.write_text(f"rec/3 3 {FS} 600\none 300\n~ 100\ntwo 200\n")
    gap = np.full((3, 100), np.nan)
    expected = np.concatenate([SIGNAL[:, :300], gap, SIGNAL[:, 300:]], axis=1)
    np.testing.assert_array_equal(read(path).signal, expected)


@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize(
    ("dtype", "is_read"),
    [("<f2", True), (">f4", True), ("<f8", True), ("<i2", True), ("<c8", False), ("O", False),
     ("U4", False), ("?", False), ("M8[s]", False)],
)  # fmt: skip
def test_46_types(tmp_path, dtype, is_read, order):
    array = np.asarray(DIGITAL.T, order=order)
    array = array.astype("i8").astype(dtype) if dtype == "M8[s]" else array.astype(dtype)
    np.save(tmp_path / "rec.npy", array, allow_pickle=dtype == "O")
    sidecar(tmp_path)
    if is_read:
        np.testing.assert_array_equal(read(tmp_path / "rec.npy").signal, DIGITAL.T)
        return
    with pytest.raises(ECGError, match="real numbers are needed"):
        read(tmp_path / "rec.npy")


def test_every_class_is_here():
    own = {26, 29, 30, 31, 33, 34, 42, 45, 46}
    assert {fault.number for fault in FAULTS} | own >= set(range(1, 33))
    assert len(CASES) >= 200
