"""What stands around a detector works on as before, and with the same verdicts."""

from copy import deepcopy

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from ecg_anomaly import (
    BandpassFilter,
    CAEDetector,
    ConformalDetector,
    GatedDetector,
    RecordSet,
    TunedThresholdDetector,
    VAEBiLSTMDetector,
    load_pretrained,
    make_ecg,
    save,
    score_records,
)
from ecg_anomaly.errors import ModelFileError
from ecg_anomaly.model_selection import Percentile
from ecg_anomaly.runtime import ONNXDetector, export_onnx, load_onnx, with_onnx
from ecg_anomaly.scoring import calibrate, detector_of, score_to_file, threshold_of


@pytest.fixture(scope="module")
def records():
    """Give ECGs at another rate than the models', some with anomalies or faults."""
    made = make_ecg(24, fs=250, anomalies="all", faults="all", random_state=3)
    return RecordSet(made.X, fs=250)


@pytest.fixture(scope="module")
def models(small):
    """Fit a detector within each thing that can be around one."""
    normals = RecordSet(make_ecg(40, random_state=0).X)
    cae = small(CAEDetector, score_method="latent_beat")
    pipeline = make_pipeline(BandpassFilter(), cae)
    gated = GatedDetector(pipeline).fit(normals)
    search = GridSearchCV(
        make_pipeline(BandpassFilter(), small(CAEDetector, score_method="latent")),
        {"caedetector__n_neighbors": [2, 3]},
        scoring=lambda model, X, y=None: model.score_samples(X).mean(),
        cv=2,
    )
    target = Percentile(10)
    return {
        "detector": cae.fit(normals),
        "pipeline": make_pipeline(BandpassFilter(), small(VAEBiLSTMDetector)).fit(normals),
        "gate": gated,
        "tuned": TunedThresholdDetector(gated, target, holdout=0.5, random_state=0).fit(normals),
        "prefit": TunedThresholdDetector(gated, target, cv="prefit").fit(normals),
        "conformal": ConformalDetector(gated, 0.2, holdout=0.5, random_state=0).fit(normals),
        "search": search.fit(normals),
    }


@pytest.fixture(scope="module")
def onnx_gate(models):
    """Return the gated model on ONNX Runtime."""
    return with_onnx(models["gate"])


AROUND = {
    "detector": (),
    "pipeline": ("BandpassFilter",),
    "gate": ("GatedDetector", "LeadImputer", "BandpassFilter"),
    "tuned": ("TunedThresholdDetector", "GatedDetector", "LeadImputer", "BandpassFilter"),
    "prefit": ("TunedThresholdDetector", "GatedDetector", "LeadImputer", "BandpassFilter"),
    "conformal": ("ConformalDetector", "GatedDetector", "LeadImputer", "BandpassFilter"),
    "search": ("GridSearchCV", "BandpassFilter"),
}


def assert_tables_agree(found, expected):
    """Compare what score_records says of the same records."""
    exact = [name for name in expected.columns if name not in ("score", "p_value")]
    assert found[exact].equals(expected[exact])
    for name in set(expected.columns) - set(exact):
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", AROUND)
def test_every_model_works_on(name, models, records):
    model = models[name]
    changed = with_onnx(model)
    assert type(changed) is (ONNXDetector if name == "detector" else type(model))
    assert isinstance(detector_of(changed), ONNXDetector)
    assert isinstance(detector_of(model), CAEDetector | VAEBiLSTMDetector)
    assert threshold_of(changed) == threshold_of(model)
    expected = score_records(model, records)
    assert_tables_agree(score_records(changed, records), expected)
    assert "flagged" in set(expected["verdict"])
    assert "not flagged" in set(expected["verdict"]) or name == "search"
    exported = detector_of(changed)
    assert exported.properties_.outside == AROUND[name]
    assert exported.properties_.threshold == threshold_of(model)


def test_exporting_a_whole_model(models, onnx_gate, records, tmp_path):
    export_onnx(models["gate"], tmp_path / "model.onnx")
    exported = load_onnx(tmp_path / "model.onnx")
    assert exported.content_ == detector_of(onnx_gate).content_


def test_a_gates_threshold_is_that_of_the_inner_detector(models, onnx_gate):
    changed = deepcopy(onnx_gate)
    changed.offset_ = -0.5
    assert detector_of(changed).offset_ == threshold_of(changed) == -0.5
    assert models["gate"].offset_ != -0.5


def test_calibration_goes_on(models, onnx_gate):
    normals = RecordSet(make_ecg(40, random_state=7).X)
    found = calibrate(onnx_gate, normals, alpha=0.1)
    expected = calibrate(models["gate"], normals, alpha=0.1)
    assert threshold_of(found) == pytest.approx(threshold_of(expected), abs=1e-5)


def test_scoring_into_a_file(models, onnx_gate, records, tmp_path):
    tables = []
    for name, model in (("torch", models["gate"]), ("onnx", onnx_gate)):
        score_to_file(model, records.each(), tmp_path / f"{name}.csv")
        tables.append((tmp_path / f"{name}.csv").read_text().splitlines())
    theirs, ours = tables
    assert len(theirs) == len(ours) == 25
    assert [line.split(",")[3] for line in ours] == [line.split(",")[3] for line in theirs]


def test_it_is_not_saved_as_safetensors(onnx_gate, tmp_path):
    with pytest.raises(ModelFileError, match="ONNXDetector cannot be saved"):
        save(onnx_gate, tmp_path / "model.safetensors")


def test_the_pretrained_model(records):
    model = load_pretrained()
    changed = with_onnx(model)
    expected = score_records(model, records)
    assert_tables_agree(score_records(changed, records), expected)
    assert {"flagged", "not flagged"} <= set(expected["verdict"])
