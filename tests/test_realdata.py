"""Real ECGs: set ECG_ANOMALY_DATA to a folder that holds PTB-XL, or a part of it, as ptbxl/."""

import os
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold
from sklearn.pipeline import Pipeline

from ecg_anomaly import (
    BandpassFilter,
    CAEDetector,
    LeadNormalizer,
    NormalsOnly,
    RecordSet,
    load,
    save,
    score_records,
)
from ecg_anomaly.datasets import ECGDataset, load_ptbxl
from ecg_anomaly.experiment import load_config
from ecg_anomaly.io import read_record
from ecg_anomaly.leads import STANDARD_LEADS
from ecg_anomaly.metrics import anomaly_auroc

FOLDER = Path(os.environ.get("ECG_ANOMALY_DATA") or "unset") / "ptbxl"
FLAT_LEAD = 12722

pytestmark = [
    pytest.mark.skipif(
        not (FOLDER / "ptbxl_database.csv").is_file(),
        reason="needs PTB-XL: set ECG_ANOMALY_DATA to a folder that holds it as ptbxl/",
    ),
    pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning"),  # wfdb
]


def header(record):
    return FOLDER / f"{record}.hea"


@pytest.fixture(scope="module")
def everything():
    """All labelled records whose files are there."""
    dataset = load_ptbxl(FOLDER)
    there = [header(name).is_file() for name in dataset.table["filename_lr"]]
    if not any(there):
        pytest.skip("no record of PTB-XL at 100 Hz is there")
    return dataset[np.array(there)]


def some(dataset, n, seed=0):
    rows = np.random.default_rng(seed).permutation(len(dataset))[:n]
    return dataset[np.sort(rows)]


def test_counts_follow_the_table():
    table = pd.read_csv(FOLDER / "ptbxl_database.csv")
    for labels in ("superclass", "strict"):
        dataset = load_ptbxl(FOLDER, normal=labels)
        assert len(dataset) + sum(dataset.excluded.values()) == len(table)
        assert len(dataset.groups) == len(dataset) == len(dataset.labels)
        folds = [load_ptbxl(FOLDER, folds=[fold], normal=labels)
                 for fold in sorted(table["strat_fold"].unique())]  # fmt: skip
        assert sum(len(part) for part in folds) == len(dataset)
        patients = [set(part.groups) for part in folds]
        assert len(set.union(*patients)) == sum(map(len, patients))
        # by the text of the column, as it stands
        normal = dataset.table["scp_codes"].map(lambda codes: "NORM" in codes)
        assert normal[dataset.y == 1].all()
        if labels == "superclass":
            assert not normal[dataset.y == -1].any()
            assert (dataset.labels["NORM"].to_numpy() == (dataset.y == 1)).all()
        else:
            certain = table["scp_codes"].str.fullmatch(r"\{'NORM': (80|100)\.0, 'SR': 0\.0\}")
            assert (dataset.y == 1).sum() == certain.sum()


def test_signals_equal_those_of_wfdb(everything):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import wfdb

    part = some(everything, 20)
    signals = part.X.load()
    assert part.X.leads == STANDARD_LEADS
    for signal, name in zip(signals, part.table["filename_lr"], strict=True):
        expected = wfdb.rdrecord(str(FOLDER / name))
        assert tuple(expected.sig_name) == tuple(lead.upper() for lead in STANDARD_LEADS)
        np.testing.assert_array_equal(signal, expected.p_signal.T.astype(np.float32))
        assert read_record(FOLDER / name).leads == STANDARD_LEADS


@pytest.mark.slow
@pytest.mark.parametrize("form", ["RecordSet", "array"])
def test_a_search_over_a_pipeline(everything, form):
    part = some(everything, 300)
    X = part.X if form == "RecordSet" else part.X.load()
    assert isinstance(X, RecordSet) == (form == "RecordSet")
    model = Pipeline(
        [
            ("filter", BandpassFilter()),
            ("scale", LeadNormalizer()),
            ("detect", CAEDetector(channels=16, latent_dim=8, max_epochs=1, random_state=0)),
        ]
    )
    search = GridSearchCV(
        model,
        {"detect__score_method": ["latent", "reconstruction"]},
        scoring="roc_auc",
        cv=NormalsOnly(StratifiedGroupKFold(3)),
        n_jobs=2,
        error_score="raise",
        refit=False,
    )
    search.fit(X, part.y, groups=part.groups)
    scores = search.cv_results_["mean_test_score"]
    assert scores.shape == (2,)
    assert np.isfinite(scores).all()
    assert scores.min() > 0.5


@pytest.fixture(scope="module")
def trained(everything):
    """The shipped `vae_mha` fitted on up to 800 normals, and records of other patients."""
    rng = np.random.default_rng(0)
    patients = rng.permutation(np.unique(everything.groups))
    for_training = np.isin(everything.groups, patients[: len(patients) * 2 // 3])
    normals = everything[for_training & (everything.y == 1)]
    if len(normals) < 300:
        pytest.skip(f"needs 300 normals to train on, {len(normals)} are there")
    test = some(everything[~for_training], 600)
    normals = some(normals, 800)
    assert not set(normals.groups) & set(test.groups)
    return load_config("vae_mha").build().fit(normals.X), test


@pytest.mark.slow
def test_the_shipped_detector_finds_anomalies_of_other_patients(trained):
    model, test = trained
    scores = model.score_samples(test.X)
    assert np.isfinite(scores).all()
    assert anomaly_auroc(test.y, scores) >= 0.80


@pytest.mark.slow
def test_saved_and_loaded_scores_are_identical(trained, tmp_path):
    model, test = trained
    part = test[:50]
    save(model, tmp_path / "model.safetensors")
    loaded = load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(loaded.score_samples(part.X), model.score_samples(part.X))
    np.testing.assert_array_equal(loaded.predict(part.X), model.predict(part.X))


@pytest.mark.slow
def test_files_score_as_the_record_set_does(trained):
    model, test = trained
    part: ECGDataset = test[:50]
    table = score_records(model, [header(name) for name in part.table["filename_lr"]])
    np.testing.assert_allclose(table["score"], model.score_samples(part.X), rtol=0, atol=1e-6)
    assert (table["n_windows"] == 1).all()
    flagged = model.predict(part.X) == -1
    assert ((table["verdict"] == "flagged") == flagged).all()


@pytest.mark.slow
def test_a_flat_lead_has_a_score(trained):
    model, _ = trained
    table = pd.read_csv(FOLDER / "ptbxl_database.csv", index_col="ecg_id")
    if FLAT_LEAD not in table.index or not header(table.loc[FLAT_LEAD, "filename_lr"]).is_file():
        pytest.skip(f"record {FLAT_LEAD} is not there")
    record = read_record(FOLDER / table.loc[FLAT_LEAD, "filename_lr"])
    assert (np.ptp(record.signal, axis=1) == 0).any()
    assert np.isfinite(score_records(model, [record])["score"][0])
