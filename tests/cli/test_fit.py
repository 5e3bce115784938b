"""Fitting, and its model told."""

import re

import pytest
import yaml
from commands import run
from typer.testing import CliRunner

from ecg_anomaly import cli, experiment, load, scoring
from ecg_anomaly.leads import STANDARD_LEADS


def test_fit_says_what_it_did(workshop):
    first, second = (workshop / "fit.txt").read_text().splitlines()
    assert "CAEDetector fitted on 70 normals" in first
    assert "for a false-alarm rate of 10.0%, set on 30 other normals." in first
    low, high = map(float, re.findall(r"([0-9.]+)%", second)[:2])
    assert low < 10 < high
    assert second.startswith("Of as many new normals like these, ")
    assert load(workshop / "model.safetensors").estimator_[-1].max_epochs == 1


def test_info_tells_what_a_model_of_beats_takes():
    code, out, _ = run("info", "mitbih-360hz")
    assert code == 0
    assert "takes: 1 lead(s) without a name; 360 Hz; 10 s around a heartbeat" in out


def test_info(model):
    code, out, _ = run("info", model)
    assert code == 0
    assert out.startswith("version: ")
    document = yaml.safe_load(out)
    assert document["takes"] == f"{', '.join(STANDARD_LEADS)}; 100 Hz; 3 s"
    assert document["experiment"]["name"] == "tiny"
    assert document["n_train"] == 70
    loaded = load(model)
    detector = loaded.estimator_[-1]
    assert document["threshold"] == pytest.approx(loaded.offset_, rel=1e-5)
    assert document["detector"] == {"CAEDetector": detector.get_params()}


def test_ctrl_c_during_fit_leaves_no_file(workshop, tmp_path, monkeypatch):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(experiment, "fit_experiment", interrupted)
    result = CliRunner().invoke(
        cli.app,
        ["fit", "--config", str(workshop / "tiny.yaml"), "--out", str(tmp_path / "model")],
    )
    assert result.exit_code not in (0, 2)
    assert list(tmp_path.iterdir()) == []


def test_export_writes_an_onnx_file(model, tmp_path):
    from ecg_anomaly import load_onnx

    out = tmp_path / "model.onnx"
    code, told, _ = run("export", "--model", model, "--out", out)
    assert code == 0
    expected = scoring.threshold_of(load(model))
    assert load_onnx(out).properties_.threshold == expected
    assert "CAEDetector" in told
    assert f"flagged below {expected:.4g}" in told
    code, _, error = run("export", "--model", model, "--out", tmp_path / "no" / "model.onnx")
    assert code == 2
    assert "no such folder" in error
