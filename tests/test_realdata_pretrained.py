"""The pretrained models on real ECGs: set ECG_ANOMALY_DATA to a folder that holds them."""

import os
from pathlib import Path

import numpy as np
import pytest

from ecg_anomaly import load_pretrained, score_records
from ecg_anomaly.datasets import load_ptbxl
from ecg_anomaly.metrics import anomaly_auroc

FOLDER = Path(os.environ.get("ECG_ANOMALY_DATA") or "unset")
# The first labelled records of fold 9, and what they had when the model was made.
N_RECORDS, AUROC = 300, 0.947

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning")  # wfdb


@pytest.mark.slow
@pytest.mark.skipif(
    not (FOLDER / "ptbxl" / "ptbxl_database.csv").is_file(),
    reason="needs PTB-XL: set ECG_ANOMALY_DATA to a folder that holds it as ptbxl/",
)
def test_the_twelve_lead_model_ranks_as_it_did():
    dataset = load_ptbxl(FOLDER / "ptbxl", folds=[9])
    there = [(FOLDER / "ptbxl" / f"{name}.hea").is_file() for name in dataset.table["filename_lr"]]
    dataset = dataset[np.flatnonzero(there)[:N_RECORDS]]
    if len(dataset) < N_RECORDS:
        pytest.skip(f"needs {N_RECORDS} records of fold 9, found {len(dataset)}")
    table = score_records(load_pretrained("ptbxl-100hz"), dataset.X)
    scores = table["score"].to_numpy()
    assert np.isfinite(scores).all()
    assert anomaly_auroc(dataset.y, scores) == pytest.approx(AUROC, abs=0.01)
    flagged = (table["verdict"] == "flagged").to_numpy()
    assert flagged[dataset.y == 1].mean() < 0.12
    assert flagged[dataset.y == -1].mean() > 0.5
