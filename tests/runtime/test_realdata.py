"""Real ECGs score alike on torch and on ONNX Runtime: set ECG_ANOMALY_DATA to run these."""

import os
from pathlib import Path

import numpy as np
import pytest

from ecg_anomaly import load_pretrained
from ecg_anomaly.datasets import load_ptbxl
from ecg_anomaly.runtime import with_onnx
from ecg_anomaly.scoring import detector_of, score_records

FOLDER = Path(os.environ.get("ECG_ANOMALY_DATA") or "unset")
N_RECORDS = 300


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning")  # wfdb
@pytest.mark.skipif(
    not (FOLDER / "ptbxl" / "ptbxl_database.csv").is_file(),
    reason="needs PTB-XL: set ECG_ANOMALY_DATA to a folder that holds it as ptbxl/",
)
def test_the_pretrained_model():
    dataset = load_ptbxl(FOLDER / "ptbxl", folds=[1, 2])
    there = [(FOLDER / "ptbxl" / f"{name}.hea").is_file() for name in dataset.table["filename_lr"]]
    records = dataset[np.flatnonzero(there)[:N_RECORDS]].X
    model = load_pretrained()
    changed = with_onnx(model)
    expected, found = score_records(model, records), score_records(changed, records)
    assert list(found["verdict"]) == list(expected["verdict"])
    apart = np.abs(found["score"] - expected["score"])
    assert (apart / np.maximum(1, np.abs(expected["score"]))).max() <= 1e-5
    # without the gate, what it would refuse
    signals = records.load()
    theirs, ours = (detector_of(one).score_samples(signals) for one in (model, changed))
    assert (np.abs(ours - theirs) / np.maximum(1, np.abs(theirs))).max() <= 1e-5
