"""Records scored."""

import csv
import io
import json
import re

import numpy as np
import pandas as pd
import pytest
from commands import run, write_record

from ecg_anomaly import CAEDetector, GatedDetector, RecordSet, load, make_ecg, save, score_records
from ecg_anomaly.io import read_record


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


def test_whole_records_are_not_scored_by_a_model_of_beats(workshop):
    code, _, err = run("score", "--model", "mitbih-360hz", workshop / "records")
    assert code == 2
    assert "ecg-anomaly beats" in err


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


def test_all_records_bad(model, tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.hea").write_text("")
    code, out, err = run("score", "--model", model, tmp_path, "--format", "csv")
    assert code == 2
    assert out.count("not scorable") == 2
    assert len(err.splitlines()) == 2
    assert all("the header is empty" in line for line in err.splitlines())
