"""Whether thresholds keep their promise on real ECGs of other patients."""

import os
from pathlib import Path

import numpy as np
import pytest

from ecg_anomaly import ConformalDetector, TunedThresholdDetector, score_records
from ecg_anomaly.baselines import make_baseline
from ecg_anomaly.datasets import load_ptbxl
from ecg_anomaly.detectors import GatedDetector
from ecg_anomaly.evaluation import Protocol, evaluate
from ecg_anomaly.experiment import load_config
from ecg_anomaly.metrics import predicted_rate
from ecg_anomaly.model_selection import FalseAlarmRate, Sensitivity, split_holdout
from ecg_anomaly.scoring import calibrate

FOLDER = Path(os.environ.get("ECG_ANOMALY_DATA") or "unset") / "ptbxl"
RATE = 0.1

pytestmark = pytest.mark.skipif(
    not (FOLDER / "ptbxl_database.csv").is_file(),
    reason="needs PTB-XL: set ECG_ANOMALY_DATA to a folder that holds it as ptbxl/",
)


@pytest.fixture(scope="module")
def sides():
    """Give 700 records for training and threshold and 700 for the test, apart by patient."""
    dataset = load_ptbxl(FOLDER, folds=[1, 2])
    there = np.array([(FOLDER / f"{name}.hea").is_file() for name in dataset.table["filename_lr"]])
    dataset = dataset[there]
    rows, others = split_holdout(dataset.groups, 0.5, random_state=0)
    return dataset[rows[:700]], dataset[others[:700]]


@pytest.fixture(scope="module")
def model(sides):
    training, _ = sides
    model = load_config("cae").build(max_epochs=1)
    tuned = TunedThresholdDetector(model, FalseAlarmRate(RATE), holdout=0.5, random_state=0)
    return tuned.fit(training.X, np.where(training.y == 1, 1, -1))


def test_a_tuned_threshold_holds_within_its_own_interval(model, sides):
    _, test = sides
    normals = test.X[test.y == 1]
    rate = np.mean(model.predict(normals) == -1)
    _, low, high = model.predicted_rates(n_normals=len(normals))["false_alarm_rate"]
    assert low <= rate <= high
    assert high - low < 0.2
    sensitivity = np.mean(model.predict(test.X[test.y == -1]) == -1)
    _, low, high = model.predicted_rates(n_anomalies=int((test.y == -1).sum()))["sensitivity"]
    assert low - 0.05 <= sensitivity <= high + 0.05
    assert sensitivity > 2 * RATE


def test_conformal_by_sex(model, sides):
    training, test = sides
    trained = training.X[training.y == 1]
    held = trained[split_holdout(training.groups[training.y == 1], 0.5, 0)[1]]
    conformal = ConformalDetector(model.estimator_, RATE, cv="prefit", group_by="sex").fit(held)
    assert set(conformal.group_offsets_) == {"sex=0", "sex=1"}
    normals = test[test.y == 1]
    flagged = conformal.predict(normals.X) == -1
    for name, threshold in conformal.group_offsets_.items():
        of_group = normals.table["sex"].to_numpy() == float(name[-1])
        calibration = conformal.calibration_[name]
        stated = predicted_rate(
            np.sum(calibration < threshold), len(calibration), int(of_group.sum())
        )
        assert flagged[of_group].mean() <= stated.high


def test_calibration_by_files_of_another_place(model, sides, tmp_path):
    _, test = sides
    normals = test[test.y == 1][:80]
    paths = [FOLDER / f"{name}.hea" for name in normals.table["filename_lr"]]
    calibrated = calibrate(model, paths[:60], alpha=RATE)
    assert len(calibrated.calibration_[""]) == 60
    assert (score_records(calibrated, paths[60:])["p_value"] >= 1 / 61).all()


def test_thresholds_on_anomalies_cross_validate_by_patient(sides):
    training, test = sides
    baseline = GatedDetector(make_baseline("mean distance"))
    tuned = TunedThresholdDetector(baseline, Sensitivity(0.6), holdout=0.5, cv=3, random_state=0)
    tuned.fit(training.X, training.y)
    assert tuned.n_anomalies_ == (training.y == -1).sum()
    sensitivity = np.mean(tuned.predict(test.X[test.y == -1]) == -1)
    _, low, high = tuned.predicted_rates(n_anomalies=int((test.y == -1).sum()))["sensitivity"]
    assert low < 0.6 < high < low + 0.35
    assert low <= sensitivity <= high


def test_one_protocol_for_all(sides, tmp_path):
    training, test = sides
    names = ("mean distance", "age", "PCA residual")
    detectors = {name: GatedDetector(make_baseline(name)) for name in names}
    protocol = Protocol(seeds=(0,), target=FalseAlarmRate(RATE), n_resamples=50)
    result = evaluate(detectors, (training, test), protocol, folder=tmp_path)
    frame = result.to_frame()
    assert frame.index.tolist() == list(detectors)
    # age tells normals from anomalies in PTB-XL, but not within bands of age
    assert frame.loc["age", "AUROC"] > 0.65
    assert abs(frame.loc["age", "matched AUROC"] - 0.5) < 0.12
    assert frame.loc["PCA residual", "AUROC"] > frame.loc["mean distance", "AUROC"]
    assert {"sex", "age", "device"} == set(result.subgroups("age")["column"])
    page = result.to_html(tmp_path / "page.html")
    assert "PTB-XL" in page
