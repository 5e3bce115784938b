"""The same results from a cluster as from one process, though a worker dies."""

import os
import signal

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from sklearn.model_selection import GridSearchCV

from ecg_anomaly import CAEDetector, NormalsOnly, RecordSet, load_pretrained, make_ecg, pack
from ecg_anomaly.cli import main
from ecg_anomaly.io import write_record
from ecg_anomaly.records import Record
from ecg_anomaly.scoring import _stream, score_to_file

distributed = pytest.importorskip("distributed")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster():
    """Return two worker processes on this machine; one that dies is started again."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        yield cluster


@pytest.fixture
def client(cluster):
    with distributed.Client(cluster, set_as_default=False) as client:
        client.wait_for_workers(2)
        yield client


@pytest.fixture
def on_cluster(client):
    with parallel_config(backend="dask", client=client):
        yield client


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    for k, signal_ in enumerate(make_ecg(120, fs=500, random_state=0).X):
        write_record(Record(signal_, fs=500, record_id=f"r{k:03d}"), folder / f"r{k:03d}")
    return folder


class KillsOneWorker:
    """Progress that kills a worker once some records are done."""

    def __init__(self, client, after):
        self.client, self.after, self.killed = client, after, False

    def __call__(self, n_done, n_all):
        if n_done >= self.after and not self.killed:
            workers = self.client.run(os.getpid)
            os.kill(next(iter(workers.values())), signal.SIGKILL)
            self.killed = True


@pytest.mark.parametrize("kill", [False, True])
def test_packing(files, tmp_path, on_cluster, kill):
    progress = KillsOneWorker(on_cluster, after=16) if kill else None
    found = pack(files, tmp_path / "cluster", fs=100, progress=progress)
    assert found.n_records == 120
    assert not found.skipped
    if kill:
        assert progress.killed
    with parallel_config(backend="sequential"):
        pack(files, tmp_path / "here", fs=100)
    there, here = (RecordSet.from_store(tmp_path / name) for name in ("cluster", "here"))
    assert there.record_ids.tolist() == here.record_ids.tolist()
    np.testing.assert_array_equal(there.load(), here.load())


@pytest.mark.parametrize("kill", [False, True])
def test_scoring(files, tmp_path, on_cluster, monkeypatch, kill):
    monkeypatch.setattr(_stream, "_AT_A_TIME", 10)
    model, paths = load_pretrained(), sorted(files.glob("*.hea"))
    progress = KillsOneWorker(on_cluster, after=10) if kill else None
    score_to_file(model, paths, tmp_path / "cluster.csv", progress=progress)
    if kill:
        assert progress.killed
    with parallel_config(backend="sequential"):
        score_to_file(model, paths, tmp_path / "here.csv")
    there, here = (pd.read_csv(tmp_path / f"{name}.csv") for name in ("cluster", "here"))
    assert len(there) == 120
    pd.testing.assert_frame_equal(there, here, check_exact=True)


def test_a_search(on_cluster):
    ecgs = make_ecg(60, anomalies="all", duration=4, random_state=0)
    small = {"channels": 8, "latent_dim": 4, "max_epochs": 1, "random_state": 0}
    search = GridSearchCV(
        CAEDetector(**small),
        {"n_neighbors": [1, 10]},
        cv=NormalsOnly(3, random_state=0),
        scoring="roc_auc",
    )
    there = search.fit(RecordSet(ecgs.X), ecgs.y).cv_results_
    with parallel_config(backend="sequential"):
        here = search.fit(RecordSet(ecgs.X), ecgs.y).cv_results_
    np.testing.assert_array_equal(there["mean_test_score"], here["mean_test_score"])


def test_the_command_line(files, tmp_path, cluster, monkeypatch, capsys):
    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["ecg-anomaly", *map(str, arguments), "--quiet"])
        with pytest.raises(SystemExit) as stop:
            main()
        return stop.value.code

    address = cluster.scheduler_address
    assert run("pack", files, "--out", tmp_path / "store", "--scheduler", address) == 0
    out = tmp_path / "scores.csv"
    assert run("score", tmp_path / "store", "--out", out, "--scheduler", address) == 0
    assert len(pd.read_csv(out)) == 120
    capsys.readouterr()
    assert run("score", tmp_path / "store", "--scheduler", address) == 2
    assert "--out scores.csv" in capsys.readouterr().err
    monkeypatch.setattr("ecg_anomaly.cli._workers._PATIENCE", 1)
    for wrong in ("tcp://127.0.0.1:1", "nonsense"):
        assert run("score", tmp_path / "store", "--out", out, "--scheduler", wrong) == 2
        told = capsys.readouterr().err
        assert told.count("\n") == 1
        assert "no Dask scheduler answers" in told
