import os
import pickle
import time

import numpy as np
import pytest

from ecg_anomaly.datasets import load_cinc, load_cpsc2018
from ecg_anomaly.datasets._snomed import CPSC_2018, CPSC_2018_NAMES, SCORED, SCORED_NAMES
from ecg_anomaly.errors import DatasetError, ECGError, ECGWarning, RecordFileError
from ecg_anomaly.leads import STANDARD_LEADS

NSR, AF, RBBB, CRBBB = "426783006", "164889003", "59118001", "713427006"
# name: (Dx, label, rate, seconds, Age, Sex)
RECORDS = {
    "A0001": (NSR, 1, 500, 10, "74", "Male"),
    "A0002": (f"{NSR},{NSR}", 1, 500, 15, "53", "F"),
    "E00001": (f"{NSR},{AF}", -1, 500, 10, "NaN", "Unknown"),
    "HR00001": (RBBB, -1, 500, 10, "300", "Female"),
    "I0001": (f" {CRBBB} , 164873001 ", -1, 257, 30, "-", "M"),
    "S0001": ("164865005", -1, 1000, 38, "81", "female"),
    "JS00001": ("Unknown", 0, 500, 10, "81", "Male"),
    "JS10647": (NSR, 0, 500, 9.998, "20", "Male"),
}
KEPT = sorted(name for name, record in RECORDS.items() if record[1])


def digital(name, fs, seconds):
    """Return slow waves, so that they survive resampling, in microvolts."""
    time = np.arange(round(fs * seconds)) / fs
    phase = np.random.default_rng(len(name) + ord(name[-1])).uniform(0, 6, (12, 1))
    return np.rint(1000 * np.sin(2 * np.pi * (time + phase) + np.arange(12)[:, None])).astype(int)


def write(folder, write_record, records, leads=STANDARD_LEADS):
    for k, (name, (dx, _, fs, seconds, age, sex)) in enumerate(records.items()):
        comments = [f"Age: {age}", f"Sex: {sex}", f"Dx: {dx}", "Rx: Unknown"]
        path = folder / f"part{k % 2}" / name
        write_record(path, digital(name, fs, seconds)[: len(leads)], fs, leads, comments)


@pytest.fixture
def folder(tmp_path, write_record):
    write(tmp_path, write_record, RECORDS)
    return tmp_path


def header(folder, name):
    return next(folder.rglob(f"{name}.hea"))


def replace(folder, name, old, new):
    path = header(folder, name)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_labels_record_by_record(folder):
    dataset = load_cinc(folder)
    assert dataset.table["record"].tolist() == KEPT
    assert dataset.y.tolist() == [RECORDS[name][1] for name in KEPT]
    assert dataset.groups.tolist() == KEPT
    assert dataset.excluded == {"without a diagnosis": 1, "shorter than 10 s": 1}
    assert dataset.table["dx"].iloc[KEPT.index("I0001")] == (CRBBB, "164873001")
    assert dataset.labels.columns.tolist() == list(SCORED_NAMES)
    rows = dataset.labels.set_index(np.array(KEPT))
    scored = {name: rows.columns[rows.loc[name]].tolist() for name in KEPT}
    assert scored == {
        "A0001": ["NSR"],
        "A0002": ["NSR"],
        "E00001": ["AF", "NSR"],
        "HR00001": ["RBBB"],
        "I0001": ["RBBB"],
        "S0001": [],
    }


def test_the_scored_codes():
    assert len(SCORED) == 30
    assert len(SCORED_NAMES) == 26
    for pair in (("733534002", "164909002"), (CRBBB, RBBB), ("284470004", "63593006"),
                 ("427172004", "17338001")):  # fmt: skip
        assert SCORED[pair[0]] == SCORED[pair[1]]
    assert SCORED[NSR] == "NSR"


def test_people_and_sources(folder):
    table = load_cinc(folder).table.set_index("record")
    assert table["age"].fillna(-1).to_dict() == {
        "A0001": 74, "A0002": 53, "E00001": -1, "HR00001": 90, "I0001": -1, "S0001": 81,
    }  # fmt: skip
    assert table["sex"].fillna(-1).to_dict() == {
        "A0001": 0, "A0002": 1, "E00001": -1, "HR00001": 1, "I0001": 0, "S0001": 1,
    }  # fmt: skip
    assert table["source"].tolist() == [
        "CPSC 2018", "CPSC 2018", "Georgia", "PTB-XL", "St Petersburg INCART", "PTB",
    ]  # fmt: skip
    assert table.loc["I0001", ["file_fs", "file_duration"]].tolist() == [257, 30]
    short = load_cinc(folder, duration=5).table.set_index("record")
    assert short.loc["JS10647", "source"] == "Ningbo"


def test_signals_are_cut_and_resampled(folder):
    dataset = load_cinc(str(folder))
    assert dataset.X.shape == (6, 12, 5000)
    assert dataset.fs == 500
    assert dataset.X.leads == STANDARD_LEADS
    signals = dataset.X.load()
    for name, signal in zip(KEPT, signals, strict=True):
        _, _, fs, seconds, *_ = RECORDS[name]
        if fs == 500:
            expected = digital(name, fs, seconds)[:, :5000] / 1000
            np.testing.assert_allclose(signal, expected, atol=1e-6)
        else:
            expected = digital(name, 500, 10) / 1000
            np.testing.assert_allclose(signal, expected, atol=5e-3)


@pytest.mark.parametrize("name", ["A0001", "I0001"])
def test_missing_samples_stay_missing(folder, write_record, name):
    dx, _, fs, seconds, *_ = RECORDS[name]
    samples = digital(name, fs, seconds)
    samples[2, 2 * fs : 3 * fs] = -32768  # the code of a missing sample
    path = header(folder, name).with_suffix("")
    write_record(path, samples, fs, STANDARD_LEADS, [f"Dx: {dx}"])
    dataset = load_cinc(folder)
    missing = np.isnan(dataset.X[KEPT.index(name)].signal)
    assert not np.delete(missing, 2, axis=0).any()
    assert missing[2, 1002:1498].all()
    assert missing[2].sum() == pytest.approx(500, abs=2)
    assert np.isnan(dataset.X.load()).sum() == missing.sum()


@pytest.mark.parametrize(("fs", "duration"), [(100, 10), (257, 4.3), (1000, 9.998), (500, 0.002)])
def test_other_rates_and_durations(folder, fs, duration):
    dataset = load_cinc(folder, fs=fs, duration=duration)
    assert dataset.X.shape == (6 + (duration < 9.999), 12, round(fs * duration))
    assert np.isfinite(dataset.X.load()).all()


def test_shorter_records_are_never_padded(folder):
    dataset = load_cinc(folder, duration=12)
    assert set(dataset.table["record"]) == {"A0002", "I0001", "S0001"}
    assert dataset.excluded["shorter than 12 s"] == 4
    with pytest.raises(DatasetError, match=r"no record is left.*7 shorter than 60 s") as error:
        load_cinc(folder, duration=60)
    assert "choose a shorter duration" in str(error.value)


@pytest.mark.parametrize(
    ("change", "reason", "remedy"),
    [
        (("#Dx: 426783006", "#Dx:"), "2 without a diagnosis", "headers name diagnoses"),
        ((" V3", " PLETH"), "2 without all twelve leads", "folder of 12-lead ECGs"),
        ((" 500 5000", " 500 4999"), "2 shorter than 10 s", "choose a shorter duration"),
    ],
)
def test_the_remedy_fits_the_reason(tmp_path, write_record, change, reason, remedy):
    write(tmp_path, write_record, dict.fromkeys(("A0001", "A0003"), RECORDS["A0001"]))
    for name in ("A0001", "A0003"):
        replace(tmp_path, name, *change)
    with pytest.raises(DatasetError, match=rf"no record is left \({reason}\)") as error:
        load_cinc(tmp_path)
    said = str(error.value)
    assert remedy in said
    others = {"headers name diagnoses", "folder of 12-lead ECGs", "shorter duration"} - {remedy}
    assert sum(other in said for other in others) == (remedy == "choose a shorter duration")


def test_leads_by_name(tmp_path, write_record):
    record = {"A0001": RECORDS["A0001"], "A0002": RECORDS["A0002"]}
    order = [*STANDARD_LEADS[6:], *STANDARD_LEADS[:6]]
    write(tmp_path, write_record, record, [name.upper() for name in order])
    signal = load_cinc(tmp_path).X[0].signal
    np.testing.assert_allclose(signal[:6], digital("A0001", 500, 10)[6:] / 1000, atol=1e-6)
    # limb leads follow from two others, chest leads from none
    replace(tmp_path, "A0001", " AVF", " RESP")
    assert load_cinc(tmp_path).excluded == {}
    replace(tmp_path, "A0001", " V3", " PLETH")
    assert load_cinc(tmp_path).excluded == {"without all twelve leads": 1}


@pytest.mark.parametrize("dx", ["", "#Dx:\n", "#Dx: Unknown\n", "#Dx: nan\n", "#Rx: 426783006\n"])
def test_without_a_diagnosis(folder, dx):
    replace(folder, "A0001", f"#Dx: {NSR}\n", dx)
    assert load_cinc(folder).excluded["without a diagnosis"] == 2


@pytest.mark.parametrize(
    "dx", ["426783006;164889003", "<b>", "-426783006", "42", "9" * 400, "0426783006", "١٢٣٤٥٦٧"]
)
def test_diagnoses_that_are_none(folder, dx):
    replace(folder, "A0001", f"#Dx: {NSR}", f"#Dx: {dx}")
    with pytest.raises(
        DatasetError, match=r"A0001\.hea: the diagnosis .* no SNOMED CT code"
    ) as error:
        load_cinc(folder)
    assert isinstance(error.value, ECGError)
    assert len(str(error.value)) < 400


def test_impossible_ages_count_as_unknown(folder):
    replace(folder, "A0001", "#Age: 74", "#Age: -3")
    with pytest.warns(ECGWarning, match="such as -3"):
        assert np.isnan(load_cinc(folder).table["age"].iloc[0])


def test_a_record_that_stands_there_twice(folder, write_record):
    write_record(folder / "copy" / "A0001", digital("A0001", 500, 10), 500, STANDARD_LEADS)
    with pytest.raises(DatasetError, match=r"record A0001 lies in .* and in .*keep one"):
        load_cinc(folder)


@pytest.mark.parametrize(
    "content",
    [b"", b"\0\xff" * 9, b"A0001\n", b"A0001 12 0 5000\n", b"A0001 12 nan 5000\n",
     b"A0001 12 500 0\n", b"A0001 12 500 -7\n", b"A0001 1000000 500 5000\n",
     b"#Dx: 426783006\n"],
)  # fmt: skip
def test_damaged_headers(folder, content):
    header(folder, "A0001").write_bytes(content)
    with pytest.raises(DatasetError, match=r"A0001\.hea") as error:
        load_cinc(folder)
    assert len(str(error.value)) < 400


def test_a_header_of_no_lead(folder):
    header(folder, "A0001").write_text(f"A0001 0 500 1000000000000\n#Dx: {NSR}\n")
    assert load_cinc(folder).excluded["without all twelve leads"] == 1


def test_a_header_that_promises_too_much(folder):
    replace(folder, "A0001", "A0001 12 500 5000", "A0001 12 500 1000000000000")
    dataset = load_cinc(folder)
    with pytest.raises(RecordFileError, match="A0001"):
        dataset.X[0]


def test_a_latin_1_header(folder):
    path = header(folder, "A0001")
    path.write_bytes(path.read_bytes() + b"#Hx: Herzschw\xe4che\n")
    assert load_cinc(folder).table["record"].iloc[0] == "A0001"


def test_signals_are_read_when_they_are_needed(folder):
    header(folder, "A0002").with_suffix(".dat").unlink()
    dataset = load_cinc(folder)
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(dataset.X))[0].signal, dataset.X[0].signal
    )
    with pytest.raises(RecordFileError, match=r"A0002"):
        dataset.X.load()


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ({"duration": 0}, "duration must be a positive number"),
        ({"duration": None}, "duration must be"),
        ({"duration": np.inf}, "duration must be"),
        ({"fs": -1}, "fs must be a positive number"),
        ({"fs": "fast"}, "fs must be"),
        ({"fs": 0.3}, r"A0001\.hea: its rate of 500 Hz cannot be brought to"),
        ({"duration": 1e-9}, "less than a sample"),
    ],
)
def test_parameters(folder, params, problem):
    with pytest.raises(DatasetError, match=problem):
        load_cinc(folder, **params)


def test_missing_folder(tmp_path):
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(DatasetError, match=r"holds no header \(\*\.hea\).*Challenge"):
            load_cinc(path)


def test_folders_in_folders(tmp_path, write_record):
    deepest = tmp_path
    try:
        for _ in range(1500):
            deepest = deepest / "d"
            deepest.mkdir()
        write(tmp_path / "d" / "d", write_record, {"A0001": RECORDS["A0001"]})
        assert load_cinc(tmp_path).X.shape == (1, 12, 5000)
    finally:  # pytest's own removal is recursive
        while deepest != tmp_path / "d" / "d":
            deepest.rmdir()
            deepest = deepest.parent


def test_links_to_folders_are_not_followed(folder):
    (folder / "part0" / "loop").symlink_to(folder)
    (folder / "folder.hea").symlink_to(folder / "part1")
    assert load_cinc(folder).table["record"].tolist() == KEPT


def test_a_folder_that_may_not_be_read(folder, monkeypatch):
    def scandir(path):
        if str(path).endswith("part1"):
            raise PermissionError(13, "Permission denied", str(path))
        return original(path)

    original = os.scandir
    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(DatasetError, match=r"part1 cannot be read \(Permission denied\)"):
        load_cinc(folder)


def test_headers_are_scanned_fast(tmp_path, write_record):
    write(tmp_path, write_record, {"A0001": RECORDS["A0001"]})
    text = header(tmp_path, "A0001").read_text()
    n = 3000
    for k in range(n):
        (tmp_path / f"E{k:05}.hea").write_text(text.replace("A0001", f"E{k:05}"))
    start = time.perf_counter()
    assert len(load_cinc(tmp_path)) == n + 1
    assert time.perf_counter() - start < 2


CPSC = {name: code for code, name in CPSC_2018.items() if code.isdigit()}


@pytest.mark.parametrize("as_codes", [False, True])
def test_cpsc_2018_by_name_and_by_code(tmp_path, write_record, as_codes):
    records = {
        f"A{k:04}": (CPSC[name] if as_codes else name, 0, 500, 10, "50", "Male")
        for k, name in enumerate(CPSC_2018_NAMES)
    }
    two = f"{CPSC['Normal']},{CPSC['STE']}" if as_codes else "Normal,STE"
    write(tmp_path, write_record, records | {"A0100": (two, 0, 500, 10, "50", "Male")})
    dataset = load_cpsc2018(tmp_path)
    assert dataset.labels.columns.tolist() == list(CPSC_2018_NAMES)
    np.testing.assert_array_equal(dataset.labels.to_numpy()[:9], np.eye(9, dtype=bool))
    assert dataset.y.tolist() == [1] + [-1] * 9
    assert dataset.table["dx"].iloc[-1] == ("Normal", "STE")
    assert dataset.name == "CPSC 2018 500 Hz, 10 s"
    assert dataset.X.shape == (10, 12, 5000)


def test_cpsc_2018_of_other_lengths(tmp_path, write_record):
    given = {"A0001": ("Normal", 6), "A0002": ("RBBB", 15.5), "A0003": ("AF,STD", 60)}
    records = {name: (dx, 0, 500, seconds, "50", "Male") for name, (dx, seconds) in given.items()}
    write(tmp_path, write_record, records)
    dataset = load_cpsc2018(tmp_path, duration=15)
    assert dataset.table["record"].tolist() == ["A0002", "A0003"]
    assert dataset.table["file_duration"].tolist() == [15.5, 60]
    assert dataset.excluded == {"shorter than 15 s": 1}
    assert dataset.labels.sum(axis=1).tolist() == [1, 2]
    for row, name in enumerate(("A0002", "A0003")):
        expected = digital(name, 500, given[name][1])[:, :7500] / 1000
        np.testing.assert_allclose(dataset.X[row].signal, expected, atol=1e-6)


def test_cpsc_2018_takes_no_other_diagnosis(folder):
    with pytest.raises(DatasetError, match=r"I0001\.hea: the diagnosis '713427006' is none of"):
        load_cpsc2018(folder)


def test_names_of_cpsc_2018_are_codes_of_the_challenge(tmp_path, write_record):
    records = {"A0001": ("Normal", 1, 500, 10, "50", "M"), "A0002": ("AF", 1, 500, 10, "50", "M")}
    write(tmp_path, write_record, records)
    dataset = load_cinc(tmp_path)
    assert dataset.y.tolist() == [1, -1]
    assert dataset.table["dx"].tolist() == [(NSR,), (AF,)]
