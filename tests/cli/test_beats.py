"""Heartbeats scored."""

import csv
import io
import json

import numpy as np
from commands import run, write_record

from ecg_anomaly import load_pretrained, make_ecg, score_beats


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
