"""Databases as their sites serve them, or parts: below the folder named by ECG_ANOMALY_DATA."""

import os
from pathlib import Path

import numpy as np
import pytest

from ecg_anomaly.datasets import load_ecg200, load_ecg5000, load_ptbxl

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
