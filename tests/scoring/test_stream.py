"""Scores written as they come: the same as in memory, whatever happens in between."""

import errno
import multiprocessing
import sqlite3
import time
from contextlib import closing

import numpy as np
import pandas as pd
import pytest

from ecg_anomaly import (
    CAEDetector,
    RecordSet,
    load,
    load_pretrained,
    make_ecg,
    save,
    score_records,
)
from ecg_anomaly.errors import StoreError
from ecg_anomaly.io import write_record
from ecg_anomaly.records import Record
from ecg_anomaly.scoring import _stream, score_to_file

SUFFIXES = pytest.mark.parametrize("suffix", [".csv", ".sqlite"])


@pytest.fixture(scope="module")
def records():
    return RecordSet(
        make_ecg(33, duration=4, random_state=0).X, record_ids=[f"0{k:02d}" for k in range(33)]
    )


@pytest.fixture(scope="module")
def model(records):
    return CAEDetector(channels=8, latent_dim=4, max_epochs=1, random_state=0).fit(records)


@pytest.fixture(autouse=True)
def _ten_at_a_time(monkeypatch):
    monkeypatch.setattr(_stream, "_AT_A_TIME", 10)


def read(path):
    if path.suffix == ".csv":
        return pd.read_csv(path, dtype={"record_id": str}, keep_default_na=False,
                           na_values={"score": [""]})  # fmt: skip
    with closing(sqlite3.connect(path)) as database:
        return pd.read_sql("SELECT * FROM scores", database)


@SUFFIXES
def test_rows_are_those_of_score_records(model, records, tmp_path, suffix):
    out, told = tmp_path / f"scores{suffix}", []
    counts = score_to_file(model, records, out, progress=lambda *done: told.append(done))
    expected = score_records(model, records)
    found = read(out)
    np.testing.assert_allclose(found["score"], expected["score"], rtol=1e-12)
    for column in ("record_id", "verdict", "n_windows"):
        assert found[column].tolist() == expected[column].tolist()
    assert counts == expected["verdict"].value_counts().to_dict()
    assert told == [(10, 33), (20, 33), (30, 33), (33, 33)]
    assert [path.name for path in tmp_path.iterdir()] == [out.name]


@SUFFIXES
def test_rows_of_several_processes_are_those_of_one(model, records, tmp_path, suffix):
    told = []
    for n_jobs in (1, 2):
        score_to_file(
            model,
            records,
            tmp_path / f"{n_jobs}{suffix}",
            n_jobs=n_jobs,
            progress=lambda *done: told.append(done),
        )
    one, two = (read(tmp_path / f"{n_jobs}{suffix}") for n_jobs in (1, 2))
    pd.testing.assert_frame_equal(one, two, check_exact=True)
    assert told == 2 * [(10, 33), (20, 33), (30, 33), (33, 33)]


class BreakError(Exception):
    pass


@SUFFIXES
@pytest.mark.parametrize("tail", [b"", b"021,no whole ro"])
def test_a_break_costs_nothing(model, records, tmp_path, suffix, tail):
    out = tmp_path / f"scores{suffix}"

    def stop(n_done, n_all):
        if n_done == 20:
            raise BreakError

    with pytest.raises(BreakError):
        score_to_file(model, records, out, progress=stop)
    assert not out.exists()
    partial = tmp_path / f"scores{suffix}.part"
    if suffix == ".csv":
        with partial.open("ab") as file:
            file.write(tail)
    told = []
    score_to_file(model, records, out, progress=lambda *done: told.append(done))
    assert told == [(30, 33), (33, 33)]
    score_to_file(model, records, tmp_path / f"whole{suffix}")
    if suffix == ".csv":
        assert out.read_bytes() == (tmp_path / "whole.csv").read_bytes()
    pd.testing.assert_frame_equal(read(out), read(tmp_path / f"whole{suffix}"))
    assert not partial.exists()


@SUFFIXES
@pytest.mark.parametrize("what", ["model", "records", "fewer"])
def test_other_models_and_records_are_refused(model, records, tmp_path, suffix, what):
    out = tmp_path / f"scores{suffix}"

    def stop(n_done, n_all):
        raise BreakError

    with pytest.raises(BreakError):
        score_to_file(model, records, out, progress=stop)
    if what == "model":
        model = CAEDetector(channels=8, latent_dim=4, max_epochs=1, random_state=1).fit(records)
    records = {"model": records, "records": records[::-1], "fewer": records[:5]}[what]
    with pytest.raises(StoreError, match=r"another model or of other records; delete"):
        score_to_file(model, records, out)


@SUFFIXES
def test_what_cannot_be_scored_has_a_row(tmp_path, suffix):
    model = load_pretrained()
    X = make_ecg(3, fs=500, random_state=0).X
    X[1] = 0.0
    for k, signal in enumerate(X):
        write_record(Record(signal, fs=500), tmp_path / f"r{k}")
    paths = [tmp_path / "r0.hea", tmp_path / "r1.hea", tmp_path / "no\nsuch.hea"]
    out = tmp_path / f"scores{suffix}"
    counts = score_to_file(model, paths, out)
    assert counts["not scorable"] == 2
    found = read(out)
    expected = score_records(model, paths, errors="report")
    assert found["verdict"].tolist() == expected["verdict"].tolist()
    assert found["findings"][1] == "; ".join(expected["findings"][1])
    assert "cannot be read" in found["problem"][2]
    p_values = pd.to_numeric(found["p_value"])
    np.testing.assert_allclose(p_values, expected["p_value"], rtol=1e-12)


@SUFFIXES
def test_a_break_behind_a_record_without_a_score(model, records, tmp_path, suffix):
    X = records.load()
    items = [Record(x, record_id=f"r{k}") for k, x in enumerate(X[:12])]
    items[9] = Record(X[9][:, :50], record_id="short")

    def stop(n_done, n_all):
        raise BreakError

    out = tmp_path / f"scores{suffix}"
    with pytest.raises(BreakError):
        score_to_file(model, items, out, progress=stop)
    score_to_file(model, items, out)
    assert len(read(out)) == 12


@SUFFIXES
def test_a_generator_of_records(model, records, tmp_path, suffix):
    out, told = tmp_path / f"scores{suffix}", []
    score_to_file(model, iter(records), out, progress=lambda *done: told.append(done))
    assert told[-1] == (33, None)
    assert len(read(out)) == 33


@SUFFIXES
def test_no_records_give_an_empty_table(model, tmp_path, suffix):
    out = tmp_path / f"scores{suffix}"
    assert score_to_file(model, [], out) == {}
    assert read(out).columns.tolist()[-1] == "problem"


@SUFFIXES
def test_a_full_disk_is_told(model, records, tmp_path, suffix, monkeypatch):
    def full(self, table):
        raise {
            ".csv": OSError(errno.ENOSPC, "No space left on device"),
            ".sqlite": sqlite3.OperationalError("database or disk is full"),
        }[suffix]

    kind = {".csv": _stream._CSV, ".sqlite": _stream._SQLite}[suffix]
    monkeypatch.setattr(kind, "append", full)
    with pytest.raises(StoreError, match=r"(No space left|disk is full).*same call goes on"):
        score_to_file(model, records, tmp_path / f"scores{suffix}")


def test_where_scores_cannot_go(model, records, tmp_path):
    with pytest.raises(StoreError, match=r"\.csv or \.sqlite"):
        score_to_file(model, records, tmp_path / "scores.xlsx")
    with pytest.raises(StoreError, match="cannot be written"):
        score_to_file(model, records, tmp_path / "no" / "scores.csv")
    with pytest.raises(StoreError, match="cannot be written"):
        score_to_file(model, records, tmp_path / "no" / "scores.sqlite")
    (tmp_path / "scores.sqlite.part").write_bytes(b"no database" * 99)
    with pytest.raises(StoreError, match="not a database"):
        score_to_file(model, records, tmp_path / "scores.sqlite")


SCORE = """
from ecg_anomaly import RecordSet, load
from ecg_anomaly.scoring import _stream, score_to_file

_stream._AT_A_TIME = 5
model, records = load({model!r}), RecordSet.from_store({store!r})
started.set()
score_to_file(model, records, {out!r})
"""


def n_rows(path):
    if path.suffixes[0] == ".csv":
        return path.read_bytes().count(b"\n") - 1
    with closing(sqlite3.connect(path)) as database:
        tables = database.execute("SELECT name FROM sqlite_master").fetchall()
        return database.execute("SELECT COUNT(*) FROM scores").fetchone()[0] if tables else 0


@pytest.mark.slow
@SUFFIXES
def test_fifty_kills_lose_and_double_nothing(tmp_path, suffix):
    X = make_ecg(400, duration=2, random_state=0).X[:, :3]
    records = RecordSet(X, leads=["I", "II", "III"])
    records.to_store(tmp_path / "store")
    model = CAEDetector(channels=8, latent_dim=4, max_epochs=1, random_state=0).fit(records)
    save(model, tmp_path / "model.safetensors")
    out, partial = tmp_path / f"scores{suffix}", tmp_path / f"scores{suffix}.part"
    stored = RecordSet.from_store(tmp_path / "store")
    score_to_file(load(tmp_path / "model.safetensors"), stored, tmp_path / f"whole{suffix}")
    whole = read(tmp_path / f"whole{suffix}")
    assert len(whole) == len(X)
    # children of a process that has imported everything, and runs nothing else
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["ecg_anomaly.scoring", "ecg_anomaly.persistence"])
    code = SCORE.format(
        model=str(tmp_path / "model.safetensors"), store=str(tmp_path / "store"), out=str(out)
    )
    rng = np.random.default_rng(0)
    kills, counts = 0, set()
    # how far each gets depends on the machine
    while kills < 50 or (len(counts) < 8 and kills < 200):
        started = context.Event()
        child = context.Process(target=exec, args=(code, {"started": started}))
        child.start()
        assert started.wait(60)
        time.sleep(rng.uniform(0, 0.15))
        alive = child.is_alive()
        child.kill()
        child.join()
        kills += alive
        if partial.exists():
            counts.add(n_rows(partial))
        if out.exists():  # on to another one
            pd.testing.assert_frame_equal(read(out), whole)
            out.unlink()
    assert len(counts) >= 8, "kills came while records were scored"
    score_to_file(load(tmp_path / "model.safetensors"), stored, out)
    pd.testing.assert_frame_equal(read(out), whole)
