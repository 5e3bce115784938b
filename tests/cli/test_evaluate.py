"""Models measured and compared."""

import json
import re

import pandas as pd
import pytest
import yaml
from commands import CONFIG, run

from ecg_anomaly import experiment, load, make_ecg, save


def test_evaluate(model):
    code, out, _ = run("evaluate", model)
    assert code == 0
    description, columns, *rows, last = out.splitlines()
    assert "15 normals and 15 anomalies of 30 patients" in description
    assert columns.split(maxsplit=1) == ["CAEDetector", "age only"]
    names = [re.split(r"  +", row)[0] for row in rows]
    for name in ("AUROC", "matched AUROC", "AUPRC", "prevalence", "false alarms"):
        assert name in names
    assert float(rows[names.index("AUROC")].split()[-2]) > 0.3
    assert last.startswith("30 records scored in ")


def test_folds_go_to_the_test_data(model, monkeypatch, tmp_path):
    seen = []

    def record(config, folder):
        seen.append((config.data.test_folds, folder))
        return None, make_ecg(30, duration=3, anomalies="all", random_state=0)

    monkeypatch.setattr(experiment, "load_datasets", record)
    description = json.loads(json.dumps(CONFIG)) | {"data": {"dataset": "ptbxl"}}
    ptbxl = tmp_path / "ptbxl.safetensors"
    save(load(model), ptbxl, metadata={"experiment": description})
    for folds in ("9", "9,10", " 10 , 9"):
        assert run("evaluate", ptbxl, "--data", tmp_path, "--folds", folds)[0] == 0
    assert run("evaluate", ptbxl, "--data", tmp_path)[0] == 0
    assert seen == [([9], tmp_path), ([9, 10], tmp_path), ([10, 9], tmp_path), ([9], tmp_path)]
    code, _, err = run("evaluate", ptbxl, "--data", tmp_path, "--folds", "8,9")
    assert code == 2
    assert "[8]" in err


COMPARISON = {
    "name": "small",
    "data": {"dataset": "synthetic", "duration": 3, "n_train": 120, "n_test": 40},
    "detectors": {
        "PCA": {"baseline": "PCA residual"},
        "mean": {"baseline": "mean distance"},
    },
    "seeds": [0, 1],
    "n_resamples": 20,
}


def test_a_comparison_writes_and_goes_on(tmp_path):
    config, out = tmp_path / "c.yaml", tmp_path / "out"
    config.write_text(yaml.safe_dump(COMPARISON))
    code, said, err = run("evaluate", "--config", config, "--out", out)
    assert code == 0
    assert "PCA" in said
    lines = err.splitlines()
    assert [line[:7] for line in lines] == [f"{k} of 4:" for k in (1, 2, 3, 4)]
    assert "min left" in lines[0]
    written = {file.name for file in out.iterdir()}
    assert written == {"results.csv", "seeds.csv", "results.json", "report.html", "cells"}
    first = pd.read_csv(out / "results.csv", index_col="detector")
    kept = {file: file.read_bytes() for file in (out / "cells").iterdir()}
    code, _, err = run("evaluate", "--config", config, "--out", out, "--quiet")
    assert (code, err) == (0, "")
    assert {file: file.read_bytes() for file in (out / "cells").iterdir()} == kept
    pd.testing.assert_frame_equal(first, pd.read_csv(out / "results.csv", index_col="detector"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"detectors": {"x": {"baseline": "magic"}}}, "baseline 'magic' is none of"),
        ({"detectors": {"x": {}}}, "give either experiment or baseline"),
        ({"detectors": {"x": {"experiment": "nowhere"}}}, "nowhere: neither a readable YAML"),
        ({"detectors": {}}, "detectors"),
        ({"gate": {"colour": 1}}, "QualityGate has no parameter 'colour'"),
        ({"color": 1}, "unknown key 'color'"),
        ({"seeds": [0, 0]}, "different numbers"),
    ],
)
def test_comparisons_that_are_none(tmp_path, change, message):
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(COMPARISON | change))
    code, _, err = run("evaluate", "--config", tmp_path / "c.yaml", "--out", tmp_path / "out")
    assert code == 2
    assert message in err


def test_either_a_model_or_a_comparison(model, tmp_path):
    for arguments in ([], [model, "--config", "synthetic"]):
        code, _, err = run("evaluate", *arguments)
        assert code == 2
        assert "either a model file or --config" in err
    code, _, err = run("evaluate", "--config", "nothing")
    assert "nothing: neither a readable YAML file nor one of ptbxl, synthetic" in err
    code, _, err = run("evaluate", "--config", "ptbxl", "--out", tmp_path)
    assert "'ptbxl' needs the folder of PTB-XL" in err


@pytest.mark.parametrize("folds", ["abc", "", "9,", "9;10", "-1", "9.5", "²"])
def test_folds_that_are_none(model, tmp_path, folds):
    description = json.loads(json.dumps(CONFIG)) | {"data": {"dataset": "ptbxl"}}
    path = tmp_path / "ptbxl.safetensors"
    save(load(model), path, metadata={"experiment": description})
    code, _, err = run("evaluate", path, "--data", tmp_path, "--folds", folds)
    assert code == 2
    assert "--folds takes numbers such as 9 or 9,10" in err


def test_a_model_whose_experiment_is_unknown(model, tmp_path):
    path = tmp_path / "other.safetensors"
    save(load(model), path, metadata={"experiment": {"name": "from the future", "version": 9}})
    code, _, err = run("evaluate", path)
    assert code == 2
    assert "other.safetensors: unknown key 'version'" in err
