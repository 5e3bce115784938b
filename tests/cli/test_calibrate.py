"""Thresholds set anew."""

import json
import re

import numpy as np
import pytest
import yaml
from commands import run, write_record

from ecg_anomaly import load, make_ecg, score_records


@pytest.fixture
def local(tmp_path):
    """A folder of thirty normal records of another place, with sex and age."""
    for k, signal in enumerate(make_ecg(30, duration=3, random_state=8).X):
        path = tmp_path / "local" / f"n{k}.hea"
        path.parent.mkdir(exist_ok=True)
        write_record(path, 1.5 * signal)
        with path.open("a") as file:
            file.write(f"# age: {30 + k} sex: {'M' if k % 2 else 'F'}\n")
    return tmp_path / "local"


def test_calibrate(model, local, tmp_path):
    out = tmp_path / "local.safetensors"
    code, said, _ = run(
        "calibrate", "--model", model, local, "--out", out, "--false-alarm-rate", 0.1
    )
    assert code == 0
    assert "for a false-alarm rate of 10.0%, set on 30 records" in said
    calibrated = load(out)
    expected = score_records(load(model), sorted(local.glob("*.hea")))["score"]
    np.testing.assert_allclose(calibrated.calibration_[""], np.sort(expected))
    code, table, _ = run("score", "--model", out, local, "--json")
    rows = json.loads(table)
    assert sum(row["verdict"] == "flagged" for row in rows) == 2  # floor(0.1 * 31) - 1
    assert min(row["p_value"] for row in rows) == pytest.approx(2 / 31)
    code, told, _ = run("info", out)
    document = yaml.safe_load(told)
    assert document["calibration"]["n_normals"] == 30
    assert document["experiment"]["name"] == "tiny"
    assert run("evaluate", out)[0] == 0


def test_calibrate_by_groups(model, local, tmp_path):
    out = tmp_path / "local.safetensors"
    (local / "broken.hea").touch()
    code, said, _ = run(
        "calibrate",
        "--model",
        model,
        local,
        "--out",
        out,
        "--false-alarm-rate",
        0.1,
        "--group-by",
        "sex",
    )
    assert code == 0
    assert re.search(r"^sex=0: \S+, set on 15\.$", said, re.MULTILINE)
    assert "1 records could not be read or scored" in said
    assert set(load(out).group_offsets_) == {"sex=0", "sex=1"}
    assert set(yaml.safe_load(run("info", out)[1])["thresholds of groups"]) == {"sex=0", "sex=1"}
    by_age = ["--group-by", "age:45", "--false-alarm-rate", 0.1]
    assert run("calibrate", "--model", model, local, "--out", out, *by_age)[0] == 0
    assert set(load(out).group_offsets_) == {"age<45", "age>=45"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--false-alarm-rate", 1.5], "--false-alarm-rate must lie"),
        (["--confidence", 0], "--confidence must lie"),
        (["--false-alarm-rate", 0.01], "at least 99"),
        (["--group-by", "age:old"], "age:40,60,75"),
        (["--group-by", "ward"], "none of the 30 records tells its ward"),
        (["--aggregate", "max"], "--aggregate must be"),
    ],
)
def test_calibrate_refuses(model, local, tmp_path, options, message):
    code, _, err = run("calibrate", "--model", model, local, "--out", tmp_path / "x", *options)
    assert code == 2
    assert message in err
    assert not (tmp_path / "x").exists()
