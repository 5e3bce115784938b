"""Databases as their sites serve them, or parts: below the folder named by ECG_ANOMALY_DATA."""

import os
from pathlib import Path

import numpy as np
import pytest

from ecg_anomaly.datasets import (
    load_cinc,
    load_cpsc2018,
    load_ecg200,
    load_ecg5000,
    load_mitbih,
    load_ptbxl,
)
from ecg_anomaly.datasets.mitbih import DS1, PACED
from ecg_anomaly.io import read_annotations, read_record
from ecg_anomaly.signal.beats import match_peaks
from ecg_anomaly.signal.r_peaks import find_r_peaks

ROOT = Path(os.environ.get("ECG_ANOMALY_DATA") or "unset")


def needs(path):
    return pytest.mark.skipif(
        not (ROOT / path).exists(),
        reason=f"needs {path}: set ECG_ANOMALY_DATA to the folder that holds it",
    )


@needs("ptbxl/ptbxl_database.csv")
@pytest.mark.parametrize(
    ("label_set", "n_labels"),
    [("all", 71), ("diagnostic", 44), ("subclass", 23), ("superclass", 5), ("form", 19),
     ("rhythm", 12)],
)  # fmt: skip
def test_ptbxl_label_sets(label_set, n_labels):
    dataset = load_ptbxl(ROOT / "ptbxl", label_set=label_set, normal="all")
    assert dataset.labels.shape == (len(dataset), n_labels)
    assert dataset.labels.columns.is_unique
    assert dataset.excluded == {}
    if len(dataset) > 15_000:  # a part may lack rare ones
        assert dataset.labels.any().all()
    if label_set in ("all", "rhythm"):
        afib = dataset.table["scp_codes"].map(lambda codes: "AFIB" in codes)
        assert afib.any()
        assert (dataset.labels["AFIB"] == afib).all()


@needs("ptbxl/ptbxl_database.csv")
def test_ptbxl_people_and_likelihoods():
    dataset = load_ptbxl(ROOT / "ptbxl", label_set="all", normal="all")
    age = dataset.table["age"].to_numpy()
    assert np.nanmax(age) <= 95
    assert np.isnan(age).mean() < 0.01
    assert set(dataset.table["sex"]) == {0.0, 1.0}
    certain = load_ptbxl(ROOT / "ptbxl", label_set="all", normal="all", min_likelihood=100)
    assert (certain.labels["SR"] == dataset.labels["SR"]).all()
    assert certain.labels["IMI"].sum() < dataset.labels["IMI"].sum()
    human = load_ptbxl(ROOT / "ptbxl", normal="all", validated_by_human=True)
    assert len(human) + human.excluded["not validated by a human"] == len(dataset)


@needs("ptbxl500/records500")
@needs("ptbxl/ptbxl_database.csv")
def test_ptbxl_500_hz(tmp_path):
    (tmp_path / "records500").symlink_to(ROOT.resolve() / "ptbxl500" / "records500")
    for name in ("ptbxl_database.csv", "scp_statements.csv"):
        (tmp_path / name).symlink_to(ROOT.resolve() / "ptbxl" / name)
    dataset = load_ptbxl(tmp_path, fs=500)
    there = [(tmp_path / f"{name}.hea").is_file() for name in dataset.table["filename_hr"]]
    part = dataset[np.array(there)][:20]
    assert part.X.shape == (20, 12, 5000)
    fast = part.X.load()
    slow = load_ptbxl(ROOT / "ptbxl")
    rows = [slow.table["ecg_id"].tolist().index(ecg_id) for ecg_id in part.table["ecg_id"]]
    # both files of a record hold one ECG
    for a, b in zip(fast, slow.X[rows].load(), strict=True):
        assert np.corrcoef(a[1, ::5], b[1])[0, 1] > 0.9


@needs("ecg5000/ECG5000_TRAIN.txt")
def test_ecg5000():
    train = load_ecg5000(ROOT / "ecg5000", split="train")
    assert train.X.shape == (500, 1, 140)
    assert train.table["class"].value_counts().to_dict() == {1: 292, 2: 177, 4: 19, 3: 10, 5: 2}
    everything = load_ecg5000(ROOT / "ecg5000")
    assert (everything.y == 1).mean() == pytest.approx(0.584, abs=0.01)
    assert len(everything) + sum(everything.excluded.values()) == 5000
    signals = everything.X.load()[:, 0]
    np.testing.assert_allclose(signals.mean(axis=1), 0, atol=1e-4)
    np.testing.assert_allclose(signals.std(axis=1), 1, atol=0.01)


@needs("ecg200/ECG200_TRAIN.txt")
def test_ecg200_is_the_same_in_every_format(tmp_path):
    dataset = load_ecg200(ROOT / "ecg200")
    assert dataset.X.shape == (200, 1, 96)
    assert (dataset.y == 1).sum() == 133  # 67 infarctions
    assert dataset.excluded == {}
    for suffix in (".ts", ".arff"):
        for split in ("TRAIN", "TEST"):
            path = ROOT.resolve() / "ecg200" / f"ECG200_{split}{suffix}"
            if not path.is_file():
                pytest.skip(f"{path.name} is not there")
            (tmp_path / path.name).symlink_to(path)
        other = load_ecg200(tmp_path)
        np.testing.assert_array_equal(other.X.load(), dataset.X.load())
        np.testing.assert_array_equal(other.y, dataset.y)
        for path in tmp_path.iterdir():
            path.unlink()


def there(names):
    return all((ROOT / "mitdb" / f"{name}.hea").is_file() for name in names)


@pytest.mark.skipif(not there(DS1), reason="needs the records of DS1 in mitdb")
def test_mitbih_class_counts_of_ds1():
    # windows so short that those of the first and last beats lie within the records too
    dataset = load_mitbih(ROOT / "mitdb", subset="train", n_samples=20)
    # de Chazal et al. 2004, table II
    published = {"N": 45866, "S": 944, "V": 3788, "F": 415, "Q": 8}
    assert dataset.labels.sum().to_dict() == published
    assert set(dataset.table["record"]) == set(DS1)
    reason = "beats and waves in ventricular flutter or fibrillation"
    assert dataset.excluded == {reason: 472}
    whole = load_mitbih(ROOT / "mitdb", subset="train", n_samples=20, fibrillation=True)
    assert whole.labels["VF"].sum() == 472


@pytest.mark.skipif(not there(PACED), reason="needs the paced records in mitdb")
def test_mitbih_paced_records_have_paced_beats():
    dataset = load_mitbih(ROOT / "mitdb", paced=True, leads=["V1"])
    paced = dataset[np.isin(dataset.table["record"], PACED)]
    assert set(paced.table["record"]) == {"107", "217"}
    assert (paced.table["aami"] == "Q").mean() > 0.8


@pytest.mark.skipif(not there(["114", "106"]), reason="needs 106 and 114 in mitdb")
def test_mitbih_windows_equal_the_records():
    dataset = load_mitbih(ROOT / "mitdb", subset="train")
    for name, row in (("114", 1), ("106", 0)):
        record = read_record(ROOT / "mitdb" / name)
        assert record.leads[row] == "MLII"
        here = np.flatnonzero(dataset.table["record"] == name)[[0, 7, -1]]
        for k, window in zip(here, dataset.X[here].load(), strict=True):
            middle = dataset.table["sample"].iloc[k]
            expected = record.signal[row, middle - 360 : middle + 360]
            np.testing.assert_array_equal(window[0], expected)
    clean = ~dataset.table["abnormal_neighbour"].to_numpy() & (dataset.y == 1)
    assert 0.7 < clean.sum() / (dataset.y == 1).sum() < 0.95


@pytest.mark.slow
@pytest.mark.skipif(not there(["119", "208", "231"]), reason="needs 119, 208 and 231 in mitdb")
def test_r_peaks_are_found():
    n_beats = n_found = n_pairs = 0
    for name in ("119", "208", "231"):
        record = read_record(ROOT / "mitdb" / name)
        annotations = read_annotations(ROOT / "mitdb" / name)
        beats = annotations.sample[np.isin(annotations.symbol, list("NLRejAaJSVEFQ"))]
        found = find_r_peaks(record.signal[record.leads.index("MLII")], record.fs)
        n_beats, n_found = n_beats + len(beats), n_found + len(found)
        n_pairs += len(match_peaks(beats, found, 0.15 * record.fs)[0])
    assert n_pairs / n_beats > 0.95
    assert n_pairs / n_found > 0.98


@needs("cinc2021")
def test_cinc_2021():
    dataset = load_cinc(ROOT / "cinc2021")
    headers = sorted((ROOT / "cinc2021").rglob("*.hea"))
    assert len(dataset) + sum(dataset.excluded.values()) == len(headers)
    text = {path.stem: path.read_text() for path in headers}
    for name, label in zip(dataset.table["record"], dataset.y, strict=True):
        assert (label == 1) == ("#Dx: 426783006\n" in text[name])
    assert (dataset.y == 1).any()
    signals = dataset.X[:5].load()
    for name, signal in zip(dataset.table["record"], signals, strict=False):
        path = next((ROOT / "cinc2021").rglob(f"{name}.hea"))
        np.testing.assert_array_equal(signal, read_record(path).signal[:, :5000])


@needs("cpsc2018")
def test_cpsc_2018():
    dataset = load_cpsc2018(ROOT / "cpsc2018")
    assert dataset.labels.shape == (len(dataset), 9)
    assert (dataset.labels.sum(axis=1) >= 1).all()
    assert (dataset.y == 1).sum() == (dataset.table["dx"] == ("Normal",)).sum() > 0
    longer = load_cpsc2018(ROOT / "cpsc2018", duration=15)
    assert longer.X.load().shape[2] == 7500
    assert sum(longer.excluded.values()) == (dataset.table["file_duration"] < 15).sum()
