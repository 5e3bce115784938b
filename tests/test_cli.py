import csv
import io
import json
import os
import re
import shutil
import signal as signals
import subprocess
import sys
import time
import zipfile

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from rich.progress import Progress
from typer.testing import CliRunner

from ecg_anomaly import (
    CAEDetector,
    GatedDetector,
    RecordSet,
    cli,
    experiment,
    load,
    load_pretrained,
    make_ecg,
    save,
    score_beats,
    score_records,
    scoring,
)
from ecg_anomaly.errors import ECGError
from ecg_anomaly.io import read_record
from ecg_anomaly.leads import STANDARD_LEADS
from ecg_anomaly.preprocessing import LeadNormalizer

CONFIG = {
    "name": "tiny",
    "data": {"dataset": "synthetic", "duration": 3, "n_train": 100, "n_test": 30},
    "detector": {
        "CAEDetector": {"channels": 8, "latent_dim": 4, "max_epochs": 1, "random_state": 0}
    },
    "threshold": {"false_alarm_rate": 0.1, "holdout": 0.3},
}


def run(*arguments):
    """Run a command in this process as `main` does: (exit code, standard output, error line)."""
    result = CliRunner().invoke(cli.app, [str(argument) for argument in arguments])
    if isinstance(result.exception, ECGError):
        return 2, result.stdout, str(result.exception)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def write_record(path, signal, fs=100):
    """Write a 12-lead record in microvolts."""
    digital = np.round(1000 * signal).astype("<i2")
    digital.T.tofile(path.with_suffix(".dat"))
    lines = [f"{path.stem}.dat 16 1000(0)/mV 16 0 {row[0]} {row.sum(dtype=int) % 65536} 0 {name}"
             for row, name in zip(digital, STANDARD_LEADS, strict=True)]  # fmt: skip
    head = f"{path.stem} 12 {fs} {digital.shape[1]}"
    path.with_suffix(".hea").write_text("\n".join([head, *lines]) + "\n")


@pytest.fixture(scope="module", autouse=True)
def _one_thread_for_module_fixtures():
    """Two threads that other work keeps apart are many times slower than one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory):
    """A folder with a configuration, a model fitted on it, and three records."""
    folder = tmp_path_factory.mktemp("cli")
    (folder / "tiny.yaml").write_text(yaml.safe_dump(CONFIG))
    (folder / "records").mkdir()
    for k, signal in enumerate(make_ecg(3, duration=3, random_state=5).X):
        write_record(folder / "records" / f"r{k}.hea", signal)
    code, out, _ = run(
        "fit", "--config", folder / "tiny.yaml", "--out", folder / "model.safetensors", "--quiet"
    )
    assert code == 0
    (folder / "fit.txt").write_text(out)
    return folder


@pytest.fixture
def model(workshop):
    return workshop / "model.safetensors"


def test_fit_says_what_it_did(workshop):
    first, second = (workshop / "fit.txt").read_text().splitlines()
    assert "CAEDetector fitted on 70 normals" in first
    assert "for a false-alarm rate of 10.0%, set on 30 other normals." in first
    low, high = map(float, re.findall(r"([0-9.]+)%", second)[:2])
    assert low < 10 < high
    assert second.startswith("Of as many new normals like these, ")
    assert load(workshop / "model.safetensors").estimator_[-1].max_epochs == 1


# score


@pytest.mark.parametrize("given", ["folder", "headers", "names"])
def test_scores_as_csv_equal_those_of_the_library(workshop, model, given):
    headers = sorted((workshop / "records").glob("*.hea"))
    paths = {
        "folder": [workshop / "records"],
        "headers": headers,
        "names": [header.with_suffix("") for header in headers],
    }[given]
    code, out, err = run("score", "--model", model, *paths, "--format", "csv")
    assert (code, err) == (0, "")
    rows = list(csv.DictReader(io.StringIO(out)))
    expected = score_records(load(model), headers)
    assert list(rows[0]) == expected.columns.tolist()
    assert [row["record_id"] for row in rows] == ["r0", "r1", "r2"]
    np.testing.assert_allclose([float(row["score"]) for row in rows], expected["score"], rtol=1e-9)
    assert [row["verdict"] for row in rows] == expected["verdict"].tolist()


def test_scores_as_json(workshop, model):
    code, out, _ = run("score", "--model", model, workshop / "records", "--format", "json")
    assert code == 0
    rows = json.loads(out)
    expected = score_records(load(model), sorted((workshop / "records").glob("*.hea")))
    np.testing.assert_allclose([row["score"] for row in rows], expected["score"], rtol=1e-9)
    assert {row["n_windows"] for row in rows} == {1}


def test_json_for_short(workshop, model):
    expected = run("score", "--model", model, workshop / "records", "--format", "json")
    assert run("score", "--model", model, workshop / "records", "--json") == expected


def test_beats_as_csv_and_as_json(tmp_path):
    ecgs = make_ecg(1, duration=15, random_state=0)
    write_record(tmp_path / "r0.hea", ecgs.X[0])
    paths = [tmp_path / "r0.hea", tmp_path / "nothere.hea"]
    code, out, err = run("beats", *paths, "--format", "csv")
    assert code == 0
    assert err.startswith("not scorable")
    assert err.count("\n") == 1
    assert "nothere.hea" in err
    rows = list(csv.DictReader(io.StringIO(out)))
    expected = score_beats(load_pretrained("mitbih-360hz"), paths, errors="report")
    assert list(rows[0]) == expected.columns.tolist()
    assert [row["verdict"] for row in rows] == expected["verdict"].tolist()
    found = [float(row["score"]) for row in rows if row["score"]]
    np.testing.assert_allclose(found, expected["score"].dropna(), rtol=1e-9)
    assert len(found) > 3
    of_v1 = run("beats", paths[0], "--lead", "V1", "--format", "json", "--out", tmp_path / "v1")
    assert of_v1 == (0, "", "")
    other = json.loads((tmp_path / "v1").read_text())
    assert [row["score"] for row in other if row["score"]] != found
    code, out, err = run("beats", paths[1])
    assert (code, len(out.splitlines())) == (2, 2)


@pytest.mark.parametrize("suffix", [".csv", ".sqlite"])
def test_scores_grow_in_a_file(workshop, model, tmp_path, suffix):
    out = tmp_path / f"scores{suffix}"
    code, said, err = run("score", "--model", model, workshop / "records", "--out", out)
    expected = score_records(load(model), sorted((workshop / "records").glob("*.hea")))
    counts = expected["verdict"].value_counts().sort_index()
    told = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    assert (code, said, err) == (0, f"{out}: {told}\n", "")
    assert out.exists()
    run("pack", workshop / "records", "--out", tmp_path / "store", "--no-gate")
    code, again, _ = run("score", "--model", model, tmp_path / "store", "--out", out)
    assert (code, again) == (0, said)
    code, table, _ = run("score", "--model", model, tmp_path / "store", "--format", "csv")
    assert code == 0
    found = pd.read_csv(io.StringIO(table))["score"]
    np.testing.assert_allclose(found, expected["score"], rtol=1e-3)
    code, _, err = run("score", "--model", model, tmp_path / "store", "--out", out, "--json")
    assert code == 2
    assert "JSON does not go into" in err


def test_pack(workshop, tmp_path):
    (tmp_path / "bad.hea").write_text("bad 12 500 5000\n")
    paths = [workshop / "records", tmp_path / "bad.hea"]
    options = ["--out", tmp_path / "store", "--to-fs", 50, "--lowcut", 0.5, "--highcut", 20]
    code, out, err = run("pack", *paths, *options, "--pick", "II,V2", "--no-gate")
    assert code == 0
    assert out.endswith("store: 3 records, 1 left out\n")
    assert err.startswith("left out: ")
    records = RecordSet.from_store(tmp_path / "store")
    assert (records.leads, records.fs, len(records)) == (("II", "V2"), 50, 3)
    again = run("pack", *paths, *options, "--pick", "II,V2", "--no-gate", "--n-jobs", 2)
    assert again == (code, out, err)
    code, _, err = run("pack", *paths, *options)
    assert code == 2
    assert "was packed with" in err
    code, _, err = run("pack", *paths, "--out", tmp_path / "other", "--lowcut", 1)
    assert (code, err) == (2, "--lowcut and --highcut go together; give both, or neither.")
    assert not (tmp_path / "other").exists()
    code, out, _ = run("pack", tmp_path / "bad.hea", "--out", tmp_path / "none")
    assert code == 2


def test_whole_records_are_not_scored_by_a_model_of_beats(workshop):
    code, _, err = run("score", "--model", "mitbih-360hz", workshop / "records")
    assert code == 2
    assert "ecg-anomaly beats" in err


def test_info_tells_what_a_model_of_beats_takes():
    code, out, _ = run("info", "mitbih-360hz")
    assert code == 0
    assert "takes: 1 lead(s) without a name; 360 Hz; 10 s around a heartbeat" in out


def test_bare_numbers_are_scored_too(workshop, model, tmp_path):
    record = read_record(workshop / "records" / "r0")
    expected = score_records(load(model), [record])["score"][0]
    np.save(tmp_path / "a.npy", record.signal)
    with_names = pd.DataFrame(record.signal.T, columns=record.leads)
    with_names.to_csv(tmp_path / "b.csv", index=False)
    side = {"fs": record.fs, "leads": record.leads, "age": 9}
    (tmp_path / "b.json").write_text(json.dumps(side))
    (tmp_path / "table.csv").write_text("name\na\n")
    options = ["--fs", "100", "--leads", ",".join(record.leads), "--unit", "mV"]
    paths = [workshop / "records" / "r0.hea", tmp_path]
    code, out, err = run("score", "--model", model, *paths, *options, "--json")
    assert (code, err) == (0, "")
    rows = json.loads(out)
    assert [row["record_id"] for row in rows] == ["r0", "a", "b"]
    np.testing.assert_allclose([row["score"] for row in rows], expected, rtol=1e-5)
    assert all(isinstance(row["findings"], list) for row in rows)
    code, out, err = run("score", "--model", model, tmp_path, "--json")
    assert code == 0
    assert "a.npy: tells no sampling rate; give fs=, or a.json" in err
    assert [row["verdict"] == "not scorable" for row in json.loads(out)] == [True, False]


def test_names_that_are_no_text(workshop, model, tmp_path):
    odd = os.fsdecode(b"rec\xff")
    for suffix in (".hea", ".dat"):
        source = workshop / "records" / f"r0{suffix}"
        (tmp_path / (odd + suffix)).write_bytes(source.read_bytes())
    header = tmp_path / f"{odd}.hea"
    (tmp_path / "r0.dat").write_bytes((workshop / "records" / "r0.dat").read_bytes())
    out = tmp_path / "scores.json"
    code, _, _ = run("score", "--model", model, header, "--json", "--out", out)
    assert code == 0
    (row,) = json.loads(out.read_text("utf-8"))
    assert row["record_id"] == "rec\\udcff"


def test_refused_windows_are_told(tmp_path):
    X = make_ecg(30, duration=4, random_state=0).X
    gated = GatedDetector(CAEDetector(channels=8, latent_dim=4, max_epochs=1)).fit(RecordSet(X))
    save(gated, tmp_path / "model")
    long = make_ecg(1, duration=60, random_state=5).X[0]
    long[:, 1000:] = 0
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    write_record(tmp_path / "a" / "ecg.hea", long)
    write_record(tmp_path / "b" / "ecg.hea", np.zeros((12, 400)))
    code, out, err = run("score", "--model", tmp_path / "model", tmp_path / "a", tmp_path / "b")
    assert code == 0
    first, second = err.splitlines()
    assert re.match(rf"(not )?flagged: {tmp_path}/a/ecg.hea: 2\d of 29 windows not", first)
    assert second.startswith(f"not scorable: {tmp_path}/b/ecg.hea: too few usable leads")
    scored, refused = map(int, out.splitlines()[1].split()[-2:])
    assert scored + refused == 29


def test_scores_as_a_table(workshop, model):
    code, out, _ = run("score", "--model", model, workshop / "records")
    assert code == 0
    head, *rows = out.rstrip("\n").splitlines()
    assert head.split() == ["record_id", "source", "score", "verdict", "n_windows", "n_refused"]
    assert len(rows) == 3
    expected = score_records(load(model), [workshop / "records/r1.hea"])["score"][0]
    assert float(rows[1].split()[2]) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("format", ["table", "csv", "json"])
def test_a_file_holds_what_would_be_printed(workshop, model, format, tmp_path):
    command = ["score", "--model", model, workshop / "records", "--format", format]
    _, printed, _ = run(*command)
    code, out, _ = run(*command, "--out", tmp_path / "scores")
    assert (code, out) == (0, "")
    assert (tmp_path / "scores").read_text() == printed


@pytest.mark.parametrize("aggregate", ["min", "mean", "median"])
def test_long_records_are_aggregated(model, tmp_path, aggregate):
    write_record(tmp_path / "long.hea", make_ecg(1, duration=10, random_state=0).X[0])
    code, out, _ = run(
        "score", "--model", model, tmp_path / "long", "--format", "json", "--aggregate", aggregate
    )
    assert code == 0
    expected = score_records(load(model), [tmp_path / "long"], aggregate=aggregate)
    assert json.loads(out)[0]["score"] == pytest.approx(expected["score"][0], rel=1e-9)
    assert json.loads(out)[0]["n_windows"] == 6


@pytest.mark.parametrize("format", ["table", "csv", "json"])
def test_a_bad_record_among_good_ones(workshop, model, tmp_path, format):
    for file in (workshop / "records").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "r1.dat").unlink()
    code, out, err = run("score", "--model", model, tmp_path, "--format", format)
    assert code == 0
    assert err.count("\n") == 1
    assert err.startswith("not scorable: ")
    assert "r1.dat" in err
    if format == "json":
        rows = json.loads(out)
        assert [row["verdict"] == "not scorable" for row in rows] == [False, True, False]
        assert rows[1]["score"] is None
        assert "r1.dat" in rows[1]["problem"]
        whole = score_records(load(model), [workshop / "records/r2.hea"])["score"][0]
        assert rows[2]["score"] == pytest.approx(whole, rel=1e-9)
    else:
        assert out.count("not scorable") == 1


def test_the_place_of_the_file_is_looked_at_first(workshop, model, tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError

    monkeypatch.setattr(scoring, "score_records", refuse)
    code, _, err = run(
        "score", "--model", model, workshop / "records", "--out", tmp_path / "no" / "scores"
    )
    assert code == 2
    assert "no such folder" in err


def test_a_file_is_written_whole(workshop, model, tmp_path, monkeypatch):
    out = tmp_path / "scores"
    out.write_text("before")

    def refuse(*args):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", refuse)
        code, _, err = run("score", "--model", model, workshop / "records", "--out", out)
    assert code == 2
    assert "No space left on device" in err
    assert out.read_text() == "before"
    assert list(tmp_path.iterdir()) == [out]


def test_what_is_missing_is_left_blank(workshop, model, tmp_path):
    (tmp_path / "broken.hea").touch()
    _, out, _ = run("score", "--model", model, workshop / "records", tmp_path)
    assert "nan" not in out.lower()
    assert "broken" in out
    _, out, _ = run("evaluate", model)
    assert "nan" not in out.lower()


@pytest.mark.parametrize(("tty", "quiet"), [(True, False), (True, True), (False, False)])
@pytest.mark.parametrize("command", ["score", "evaluate"])
def test_a_progress_bar_for_those_who_watch(workshop, model, monkeypatch, command, tty, quiet):
    shown = []

    class Noted(Progress):
        def __init__(self, *columns, console, disable):
            shown.append(not disable)
            assert console.stderr
            super().__init__(*columns, console=console, disable=disable)

    monkeypatch.setattr(cli._output, "Progress", Noted)
    monkeypatch.setattr(sys, "stderr", Watched(tty))
    if command == "score":
        cli.score([workshop / "records"], str(model), quiet=quiet)
    else:
        cli.evaluate(model, quiet=quiet)
    assert shown == [tty and not quiet]


class Watched(io.StringIO):
    """A standard error that says whether it is a terminal."""

    def __init__(self, tty):
        super().__init__()
        self.tty = tty

    def isatty(self):
        return self.tty


def test_all_records_bad(model, tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.hea").write_text("")
    code, out, err = run("score", "--model", model, tmp_path, "--format", "csv")
    assert code == 2
    assert out.count("not scorable") == 2
    assert len(err.splitlines()) == 2
    assert all("the header is empty" in line for line in err.splitlines())


def test_names_with_markup_are_printed_as_they_are(model, tmp_path):
    (tmp_path / "[red]a[-].hea").write_text("")
    _, _, err = run("score", "--model", model, tmp_path)
    assert "[red]a[-].hea" in err


# evaluate and info


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


# calibrate


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


# evaluate --config

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


# Errors: one line, exit code 2


@pytest.fixture
def damaged(model, tmp_path):
    path = tmp_path / "damaged.safetensors"
    content = bytearray(model.read_bytes())
    content[-20] ^= 0xFF
    path.write_bytes(content)
    return path


def test_wrong_commands(workshop, model, damaged, tmp_path):
    tiny, records = workshop / "tiny.yaml", workshop / "records"
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(yaml.safe_dump(CONFIG | {"colour": "red"}))
    bare = tmp_path / "bare.safetensors"
    save(LeadNormalizer().fit(make_ecg(5, random_state=0).X), bare)
    out = tmp_path / "new.safetensors"
    (tmp_path / "nothing").mkdir()
    for command, problem in [
        (["fit", "--config", "vae", "--out", out], "neither a readable YAML file nor one of"),
        (["fit", "--config", wrong, "--out", out], "unknown key 'colour'"),
        (["fit", "--config", tiny, "--out", tmp_path / "no/m"], "no such folder"),
        (["fit", "--config", tiny, "--out", tmp_path], "is a folder"),
        (["fit", "--config", "cae", "--out", out], "give --data"),
        (["fit", "--config", "cae", "--out", out, "--data", tmp_path], "ptbxl_database.csv is mis"),
        (["score", "--model", tmp_path / "none", records], "none"),
        (["score", "--model", damaged, records], "damaged"),
        (["score", "--model", tiny, records], "tiny.yaml"),
        (["score", "--model", model, tmp_path / "nothing"], "holds no record"),
        (
            ["score", "--model", model, records, "--aggregate", "max"],
            "--aggregate must be min, mean or med",
        ),
        (["score", "--model", model, records, "--out", tmp_path / "no/s"], "no such folder"),
        (["score", "--model", model, records, "--out", os.devnull], "pipe or device"),
        (["score", "--model", bare, records], "has no detector: it ends in LeadNormalizer"),
        (["evaluate", damaged], "damaged"),
        (["evaluate", model, "--folds", "9"], "was not trained on PTB-XL"),
        (["evaluate", bare], "says nothing of an experiment"),
        (["info", damaged], "damaged"),
        (["info", bare], "has no detector: it ends in LeadNormalizer"),
        (["info", tmp_path], str(tmp_path)),
        (["demo", "--data", tmp_path, "--out", tmp_path / "d"], "ptbxl_database.csv is missing"),
        (["demo", "--out", tiny / "below"], "cannot be made"),
    ]:
        code, printed, err = run(*command)
        assert code == 2, command
        assert problem in err, command
        assert printed == "", command
    assert not out.exists()


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


@pytest.mark.parametrize(
    "command", [["fit"], ["score"], ["nonsense"], ["score", "r", "--format", "xml"]]
)
def test_wrong_usage_is_explained(command):
    code, out, err = run(*command)
    assert code == 2
    assert out == ""
    assert "Usage:" in err


def test_help_names_the_commands():
    code, out, _ = run("--help")
    assert code == 0
    for command in ("fit", "score", "beats", "evaluate", "calibrate", "pack", "info", "demo"):
        assert command in out


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


def test_main_reports_one_line(monkeypatch, capsys):
    def refuse():
        raise ECGError("a.hea: a [bold]message[/bold]\n  over two lines.")

    monkeypatch.setattr(cli, "app", refuse)
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 2
    captured = capsys.readouterr()
    assert captured.err == "ecg-anomaly: a.hea: a [bold]message[/bold] over two lines.\n"
    assert captured.out == ""


@pytest.mark.parametrize(
    "case", ["config", *(pytest.param(case, marks=pytest.mark.slow) for case in ("model", "score"))]
)
def test_exit_codes_of_the_command(workshop, tmp_path, case):
    arguments = {
        "config": ["fit", "--config", "none", "--out", tmp_path / "m"],
        "model": ["info", workshop / "tiny.yaml"],
        "score": [
            "score",
            "--model",
            workshop / "model.safetensors",
            workshop / "records",
            "--quiet",
        ],
    }[case]
    done = subprocess.run(
        [sys.executable, "-m", "ecg_anomaly.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        check=False,
    )
    if case == "score":
        assert (done.returncode, done.stderr) == (0, "")
        assert len(done.stdout.splitlines()) == 4
    else:
        assert done.returncode == 2
        assert done.stdout == ""
        assert len(done.stderr.splitlines()) == 1
        assert done.stderr.startswith("ecg-anomaly: ")


def test_archives_are_scored(workshop, model, tmp_path):
    folder = workshop / "records"
    archive = shutil.make_archive(str(tmp_path / "export"), "zip", folder)
    _, there, _ = run("score", "--model", model, folder, "--format", "csv")
    code, found, _ = run("score", "--model", model, archive, "--format", "csv")
    assert code == 0
    plain, zipped = (pd.read_csv(io.StringIO(text)) for text in (there, found))
    plain["source"] = plain["source"].str.replace(str(folder), archive)
    pd.testing.assert_frame_equal(zipped, plain)


def test_a_bad_archive_is_a_row(workshop, model, tmp_path):
    bad = tmp_path / "bad.zip"
    bad.write_bytes(b"nothing")
    code, found, error = run(
        "score", "--model", model, bad, workshop / "records", "--format", "csv"
    )
    assert code == 0
    table = pd.read_csv(io.StringIO(found))
    assert table["source"][0] == str(bad)
    assert "is no zip archive" in table["problem"][0]
    assert (table["verdict"][1:] != "not scorable").any()
    assert error.count("\n") == (table["verdict"] == "not scorable").sum()


def test_terminated_it_leaves_no_records_behind(workshop, model, tmp_path):
    files = [file for file in (workshop / "records").rglob("*") if file.is_file()]
    archive = tmp_path / "export.zip"
    with zipfile.ZipFile(archive, "w") as made:
        for number in range(400):
            for file in files:
                made.write(file, f"{number}/{file.name}")
    folder = tmp_path / "tmp"
    folder.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "ecg_anomaly.cli", "score", "--model", model, str(archive)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=os.environ | {"OMP_NUM_THREADS": "1", "TMPDIR": str(folder)},
    )
    deadline = time.monotonic() + 60
    while not list(folder.glob("ecg-anomaly-*/*/*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert process.poll() is None
    process.terminate()
    _, error = process.communicate(timeout=60)
    assert (process.returncode, error) == (128 + signals.SIGTERM, b"")
    assert not list(folder.iterdir())


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
