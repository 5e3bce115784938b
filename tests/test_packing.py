"""Files into a store: nothing lost, nothing double, whatever happens."""

import multiprocessing
import shutil
import sqlite3
import time
from contextlib import closing

import numpy as np
import pytest

from ecg_anomaly import BandpassFilter, QualityGate, RecordSet, Resampler, make_ecg, pack
from ecg_anomaly.errors import ECGError, SignalError, StoreError
from ecg_anomaly.io import read_record, write_record
from ecg_anomaly.records import Record


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Return a folder of six good records, one of which the gate refuses, and a damaged one."""
    folder = tmp_path_factory.mktemp("files")
    X = make_ecg(6, fs=500, random_state=0).X
    X[4] = 0.0
    for k, signal_ in enumerate(X):
        path = folder / f"part{k % 2}" / f"r{k}"
        path.parent.mkdir(exist_ok=True)
        write_record(Record(signal_, fs=500, record_id=f"r{k}", patient_id=f"p{k}"), path)
    (folder / "part1" / "broken.hea").write_text("broken 12 500 5000\n")
    return folder


def ids(folder, **kwargs):
    return sorted(RecordSet.from_store(folder, **kwargs).record_ids.tolist())


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_folder_is_packed(files, tmp_path, n_jobs):
    told = []
    result = pack(files, tmp_path, n_jobs=n_jobs, progress=lambda *done: told.append(done))
    assert result.n_records == 6
    ((source, problem),) = result.skipped
    assert source.endswith("broken.hea")
    assert "broken" in problem
    assert told == [(k, 7) for k in range(1, 8)]
    assert ids(tmp_path) == ["r0", "r1", "r2", "r3", "r5"]
    assert ids(tmp_path, scorable=False) == [f"r{k}" for k in range(6)]
    for record in RecordSet.from_store(tmp_path):
        (path,) = files.glob(f"*/{record.record_id}.hea")
        before = read_record(path)
        assert (record.fs, record.leads) == (before.fs, before.leads)
        assert record.patient_id == before.patient_id
        np.testing.assert_allclose(record.signal, before.signal, atol=2e-4)


def test_what_is_asked_for_is_that_of_the_transformers(files, tmp_path):
    pack(files, tmp_path / "rate", fs=100)
    pack(files, tmp_path / "both", fs=100, band=(0.5, 40), leads=["aVF", "V2"])
    pack(files, tmp_path / "band", band=(1, 30))
    plain = RecordSet.from_store(tmp_path / "rate")
    assert plain.shape == (5, 12, 1000)
    before = {
        record.record_id: record for record in map(read_record, sorted(files.glob("*/r*.hea")))
    }
    X = np.stack([before[name].signal for name in plain.record_ids])
    expected = Resampler(fs_in=500, fs_out=100).fit_transform(X)
    np.testing.assert_allclose(plain.load(), expected, atol=2e-4)
    both = RecordSet.from_store(tmp_path / "both")
    assert (both.leads, both.fs) == (("aVF", "V2"), 100)
    expected = BandpassFilter(fs=500, fs_out=100).fit_transform(X[:, [5, 7]])
    np.testing.assert_allclose(both.load(), expected, atol=2e-4)
    band = RecordSet.from_store(tmp_path / "band")
    expected = BandpassFilter(1, 30, fs=500).fit_transform(X)
    np.testing.assert_allclose(band.load(), expected, atol=2e-4)


def test_gaps_stay_gaps(tmp_path):
    X = make_ecg(1, fs=500, random_state=0).X[0]
    X[3, 1000:1500] = np.nan
    write_record(Record(X, fs=500), tmp_path / "a")
    pack(tmp_path / "a.hea", tmp_path / "store", fs=100, band=(0.5, 40), gate=None)
    found = RecordSet.from_store(tmp_path / "store").load()[0]
    assert np.isnan(found[3, 200:300]).all()
    assert np.isfinite(np.delete(found, np.s_[200:300], axis=1)).all()


def test_new_files_are_added_and_old_ones_left_alone(files, tmp_path):
    one = pack(files / "part0", tmp_path)
    assert (one.n_records, one.skipped) == (3, [])

    read = []

    def noted(path):
        read.append(path.name)
        return read_record(path)

    two = pack([files, files / "part1" / "r1"], tmp_path, read=noted)
    assert two.n_records == 6
    assert sorted(read) == ["broken.hea", "r1.hea", "r3.hea", "r5.hea"]
    pack(files, tmp_path, read=noted)
    assert len(read) == 4


def test_a_store_is_packed_in_one_way(files, tmp_path):
    pack(files / "part0", tmp_path, fs=100)
    for other in ({}, {"fs": 125}, {"fs": 100, "gate": None}, {"fs": 100, "band": (0.5, 40)},
                  {"fs": 100, "gate": QualityGate(min_duration=4)}):  # fmt: skip
        with pytest.raises(StoreError, match="was packed with"):
            pack(files, tmp_path, **other)


def test_parameters_are_refused_before_anything_is_written(files, tmp_path):
    store = tmp_path / "store"
    with pytest.raises(SignalError, match="half the sampling rate"):
        pack(files, store, fs=100, band=(0.5, 60))
    with pytest.raises(SignalError, match="below highcut"):
        pack(files, store, band=(40, 0.5))
    with pytest.raises(SignalError):
        pack(files, store, fs=-100)
    with pytest.raises(ECGError, match=r"no record|cannot be"):
        pack(tmp_path, store)
    assert not store.exists()


def test_a_band_that_a_record_does_not_have_costs_that_record(tmp_path):
    X = make_ecg(1, fs=500, random_state=0).X[0]
    write_record(Record(X, fs=500), tmp_path / "a")
    write_record(Record(X[:, ::5], fs=100), tmp_path / "b")
    result = pack(tmp_path, tmp_path / "store", band=(0.5, 60))
    assert result.n_records == 1
    ((source, problem),) = result.skipped
    assert source.endswith("b.hea")
    assert "'b': highcut=60 Hz must be below half" in problem


PACK = """
from ecg_anomaly import pack
from ecg_anomaly.records._store import _writer

_writer._COMMIT_EVERY = 3
started.set()
pack({files!r}, {store!r}, fs=100)
"""


@pytest.mark.slow
def test_a_hundred_kills_lose_and_double_nothing(tmp_path):
    X = make_ecg(250, fs=200, duration=2, random_state=0).X[:, :3]
    files, store = tmp_path / "files", tmp_path / "store"
    files.mkdir()
    leads = ("I", "II", "III")
    for k, signal_ in enumerate(X):
        write_record(Record(signal_, fs=200, leads=leads), files / f"r{k:03d}")
    # children of a process that has imported everything, and runs nothing else
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["ecg_anomaly.packing", "scipy.signal"])
    code = PACK.format(files=str(files), store=str(store))
    rng = np.random.default_rng(0)
    kills, counts = 0, [0]
    while kills < 100:
        started = context.Event()
        child = context.Process(target=exec, args=(code, {"started": started}))
        child.start()
        started.wait(60)
        time.sleep(rng.uniform(0, 0.3))
        alive = child.is_alive()
        child.kill()
        child.join()
        kills += alive
        if (store / "index.sqlite").exists() and (store / "index.sqlite").stat().st_size:
            with closing(sqlite3.connect(store / "index.sqlite")) as index:
                if index.execute("PRAGMA user_version").fetchone()[0]:
                    counts.append(index.execute("SELECT COUNT(*) FROM records").fetchone()[0])
        if counts[-1] == len(X):  # on to another store
            check_whole(store, X, kills)
            shutil.rmtree(store)
            counts.append(0)
    assert len(set(counts)) > 20, "kills came while records were packed"
    assert pack(files, store, fs=100).n_records == len(X)
    check_whole(store, X, kills)


def check_whole(store, X, kills):
    records = RecordSet.from_store(store, scorable=False)
    assert records.record_ids.tolist() == [f"r{k:03d}" for k in range(len(X))], kills
    expected = Resampler(fs_in=200, fs_out=100).fit_transform(X)
    np.testing.assert_allclose(records.load(), expected, atol=3e-4)
