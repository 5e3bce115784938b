"""The packed store: nothing lost, nothing double, no damage served."""

import errno
import os
import pickle
import signal
import sqlite3
import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ecg_anomaly import RecordSet, make_ecg
from ecg_anomaly.errors import RecordFileError, SignalError, StoreError
from ecg_anomaly.records import Record, RecordSignalError
from ecg_anomaly.records._store import StoreWriter, _coding, _shards, _writer


@pytest.fixture(scope="module")
def ecgs():
    return make_ecg(10, duration=2, random_state=0)


def stored(signals, folder, **kwargs):
    RecordSet(signals, **kwargs).to_store(folder)
    return RecordSet.from_store(folder)


@settings(max_examples=200, deadline=None)
@given(
    hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 3), st.integers(0, 30)),
        elements=st.floats(-(2.0**99), 2.0**99, width=32) | st.just(np.nan),
    )
)
def test_the_error_is_half_a_step_of_the_range(signal):
    coded = _coding.encode(signal)
    (back,) = _coding.decode(coded.values[None], coded.scale[None], coded.offset[None])
    np.testing.assert_array_equal(np.isnan(back), np.isnan(signal))
    for lead, found in zip(signal.astype(float), back, strict=True):
        if np.isfinite(lead).any():
            largest = np.nanmax(np.abs(lead))
            # half a step, and what float32 rounds
            error = np.ptp(lead[np.isfinite(lead)]) / 131068 * 1.01 + 4e-7 * largest + 1e-36
            assert np.nanmax(np.abs(found - lead)) <= error


def test_offsets_cost_no_precision():
    beat = np.sin(np.arange(1000) / 9)[None]
    coded = _coding.encode(beat + 300)
    back = _coding.decode(coded.values[None], coded.scale[None], coded.offset[None])[0]
    assert np.abs(back - 300 - beat).max() < 1e-4


def test_infinite_samples_are_refused(tmp_path):
    X = np.zeros((3, 2, 10))
    X[1, 1, 3] = np.inf
    with pytest.raises(SignalError, match="infinite"):
        RecordSet(X).to_store(tmp_path)
    assert len(RecordSet.from_store(tmp_path)) == 1


def test_a_set_comes_back(ecgs, tmp_path):
    X = ecgs.X.copy()
    X[3, 5, 50:90] = np.nan
    X[4, 2] = np.nan
    before = RecordSet(
        X,
        fs=100,
        record_ids=[f"r{k}" for k in range(10)],
        patient_ids=[f"p{k // 2}" for k in range(10)],
        table=ecgs.table,
    )
    before.to_store(tmp_path)
    after = RecordSet.from_store(tmp_path)
    assert (after.shape, after.fs, after.leads) == (before.shape, before.fs, before.leads)
    assert after.record_ids.tolist() == before.record_ids.tolist()
    assert after.patient_ids.tolist() == before.patient_ids.tolist()
    np.testing.assert_allclose(after.load(), X, atol=1e-4)
    assert set(after.table) == set(ecgs.table)
    np.testing.assert_allclose(
        after.table["heart_rate"].to_numpy(float), ecgs.table["heart_rate"].to_numpy(float)
    )
    rows = [7, 2, 2, 9]
    np.testing.assert_array_equal(after[rows].load(), after.load()[rows])
    again = pickle.loads(pickle.dumps(after))
    np.testing.assert_array_equal(again.load(), after.load())
    some = pickle.dumps(after[rows])
    assert len(some) < len(pickle.dumps(after))
    np.testing.assert_array_equal(pickle.loads(some).load(), after[rows].load())


def test_several_shards(ecgs, tmp_path, monkeypatch):
    monkeypatch.setattr(_shards, "SHARD_BYTES", 10_000)
    after = stored(ecgs.X, tmp_path)
    assert len(list(tmp_path.glob("shard-*.i16"))) > 3
    order = np.random.default_rng(0).permutation(10)
    np.testing.assert_allclose(after[order].load(), ecgs.X[order], atol=1e-4)


def test_kinds_are_chosen(tmp_path):
    with StoreWriter(tmp_path, {}) as store:
        for k, (fs, n, leads) in enumerate(
            [(100, 50, ["I", "II"]), (100, 50, ["I", "II"]), (250, 50, ["I", "II"]),
             (100, 80, ["I", "II"]), (100, 50, ["II", "V1"])]
        ):  # fmt: skip
            store.add(
                str(k), Record(np.full((2, n), float(k)), fs=fs, leads=leads), scorable=k != 1
            )
    with pytest.raises(StoreError, match=r"several kinds of records: .*choose by fs="):
        RecordSet.from_store(tmp_path)
    with pytest.raises(StoreError, match="no such record, but"):
        RecordSet.from_store(tmp_path, fs=500)
    assert RecordSet.from_store(tmp_path, fs=250).shape == (1, 2, 50)
    assert RecordSet.from_store(tmp_path, leads=["ii", "v1"]).load()[0, 0, 0] == 4
    kind = {"fs": 100, "leads": ["I", "II"], "n_samples": 50}
    assert len(RecordSet.from_store(tmp_path, **kind)) == 1
    assert len(RecordSet.from_store(tmp_path, **kind, scorable=False)) == 2


def test_a_store_goes_on_with_the_same_settings_only(ecgs, tmp_path):
    RecordSet(ecgs.X).to_store(tmp_path)
    RecordSet(ecgs.X).to_store(tmp_path)  # nothing is left to do
    assert len(RecordSet.from_store(tmp_path)) == 10
    with pytest.raises(StoreError, match="was packed with"):
        RecordSet(ecgs.X[:5]).to_store(tmp_path)


def test_two_writers_at_once_are_refused(tmp_path):
    with StoreWriter(tmp_path, {}), pytest.raises(StoreError, match="another process writes"):
        StoreWriter(tmp_path, {})
    StoreWriter(tmp_path, {}).__exit__(None, None, None)


def test_records_can_be_read_while_others_are_added(ecgs, tmp_path):
    with StoreWriter(tmp_path, {}) as store:
        store.add("a", Record(ecgs.X[0]))
        store.commit()
        store.add("b", Record(ecgs.X[1]))
        assert len(RecordSet.from_store(tmp_path)) == 1
    assert len(RecordSet.from_store(tmp_path)) == 2


def test_a_key_stands_once(ecgs, tmp_path):
    store = StoreWriter(tmp_path, {})
    for _ in range(2):
        store.add("a", Record(ecgs.X[0]))
    with pytest.raises(StoreError, match="twice"):
        store.commit()
    store._opened.close()


# Damage


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda d: (d / "index.sqlite").unlink(), "holds no store"),
        (lambda d: (d / "index.sqlite").write_bytes(b"no database at all" * 99), "not a database"),
        (lambda d: (d / "index.sqlite").write_bytes(b""), "no index of a store"),
        (lambda d: os.truncate(d / "index.sqlite", 8192), "malformed|damaged"),
        (lambda d: (d / "shard-00000.i16").unlink(), "cannot be read .*restore it"),
        (lambda d: os.truncate(d / "shard-00000.i16", 100), "has 100 bytes where the index knows"),
    ],
)
def test_damage_is_found_when_a_store_is_opened(ecgs, tmp_path, damage, message):
    RecordSet(ecgs.X).to_store(tmp_path)
    damage(tmp_path)
    with pytest.raises(StoreError, match=message):
        RecordSet.from_store(tmp_path)


def test_another_database_is_no_store(tmp_path):
    with sqlite3.connect(tmp_path / "index.sqlite") as other:
        other.execute("CREATE TABLE records (number)")
    other.close()
    with pytest.raises(StoreError, match="no index of a store"):
        RecordSet.from_store(tmp_path)


@pytest.mark.parametrize(
    "change", ["scale = x'00'", "annotations = '[1'", "annotations = '3'", "shard = 'x'"]
)
def test_nonsense_in_the_index_is_damage(ecgs, tmp_path, change):
    RecordSet(ecgs.X).to_store(tmp_path)
    with sqlite3.connect(tmp_path / "index.sqlite") as index:
        index.execute(f"UPDATE records SET {change} WHERE number = 3")
    index.close()
    with pytest.raises(StoreError):
        RecordSet.from_store(tmp_path)


@pytest.mark.parametrize("at", [0, 12345, -1])
def test_a_changed_byte_is_not_served(ecgs, tmp_path, at):
    RecordSet(ecgs.X, record_ids=list("abcdefghij")).to_store(tmp_path)
    path = tmp_path / "shard-00000.i16"
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)
    row = {0: 0, 12345: 2, -1: 9}[at]
    records = RecordSet.from_store(tmp_path)
    with pytest.raises(RecordSignalError, match=f"record '{'abcdefghij'[row]}': its bytes in"):
        records.load()
    found = list(records.each())
    assert [k for k, record in enumerate(found) if not isinstance(record, Record)] == [row]


def test_a_shard_that_vanishes_is_an_error(ecgs, tmp_path):
    records = stored(ecgs.X, tmp_path)
    (tmp_path / "shard-00000.i16").unlink()
    with pytest.raises(RecordFileError):
        records.load()


def test_what_was_not_finished_goes(ecgs, tmp_path):
    store = StoreWriter(tmp_path, {})
    store.add("a", Record(ecgs.X[0]))
    store.commit()
    store.add("b", Record(ecgs.X[1]))
    store._shards.sync()
    store._opened.close()  # as a kill does
    (tmp_path / "shard-00007.i16").write_bytes(b"begun")
    with StoreWriter(tmp_path, {}) as store:
        assert store.keys == {"a"}
        store.add("b", Record(ecgs.X[2]))
    assert not (tmp_path / "shard-00007.i16").exists()
    np.testing.assert_allclose(RecordSet.from_store(tmp_path).load(), ecgs.X[[0, 2]], atol=1e-4)


def test_a_full_disk_is_told_and_the_store_still_opens(ecgs, tmp_path, monkeypatch):
    monkeypatch.setattr(_writer, "_COMMIT_EVERY", 2)
    append = _shards.ShardWriter.append

    def full(self, content):
        if self.end > 5 * len(content):
            raise OSError(errno.ENOSPC, "No space left on device")
        return append(self, content)

    with monkeypatch.context() as patch:
        patch.setattr(_shards.ShardWriter, "append", full)
        with pytest.raises(StoreError, match=r"No space left.*free some space"):
            RecordSet(ecgs.X).to_store(tmp_path)
    assert len(RecordSet.from_store(tmp_path)) == 6
    RecordSet(ecgs.X).to_store(tmp_path)
    np.testing.assert_allclose(RecordSet.from_store(tmp_path).load(), ecgs.X, atol=1e-4)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_device_without_space(ecgs, tmp_path):
    (tmp_path / "shard-00000.i16").symlink_to("/dev/full")
    with pytest.raises(StoreError, match="cannot be written"):
        RecordSet(ecgs.X).to_store(tmp_path)


WRITE = """
import sys
import numpy as np
from ecg_anomaly import RecordSet
from ecg_anomaly.records._store import _writer

_writer._COMMIT_EVERY = 7
X = np.random.default_rng(0).normal(size=(400, 2, 600)).astype(np.float32)
RecordSet(X).to_store(sys.argv[1])
print("done")
"""


@pytest.mark.slow
def test_kills_lose_and_double_nothing(tmp_path):
    X = np.random.default_rng(0).normal(size=(400, 2, 600)).astype(np.float32)
    rng = np.random.default_rng(1)
    kills = 0
    for attempt in range(60):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITE, str(tmp_path / "store")],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        folder = tmp_path / "store" / "index.sqlite"
        while not folder.exists() and process.poll() is None:
            time.sleep(0.005)
        time.sleep(rng.uniform(0, 0.05))
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            kills += 1
        out, _ = process.communicate()
        if out.strip() == b"done":
            break
        if attempt > 2 and (tmp_path / "store" / "shard-00000.i16").exists():
            with sqlite3.connect(tmp_path / "store" / "index.sqlite") as index:
                count = index.execute("SELECT COUNT(*) FROM records").fetchone()[0]
            index.close()
            if count:
                found = RecordSet.from_store(tmp_path / "store")
                np.testing.assert_allclose(found.load(), X[:count], atol=1e-3)
    RecordSet(X).to_store(tmp_path / "store")
    found = RecordSet.from_store(tmp_path / "store")
    assert found.record_ids.tolist() == [str(k) for k in range(400)]
    np.testing.assert_allclose(found.load(), X, atol=1e-3)
    assert kills > 2
