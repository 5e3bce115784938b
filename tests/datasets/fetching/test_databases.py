"""Small databases in PhysioNet's layout are fetched, and opened by their loaders."""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from queue import SimpleQueue

import numpy as np
import pytest
from filelock import FileLock

from ecg_anomaly.datasets import (
    fetch_cinc,
    fetch_cpsc2018,
    fetch_mimic_iv_ecg,
    fetch_mitdb,
    fetch_nstdb,
    fetch_ptbxl,
    is_fetched,
    load_cinc,
    load_cpsc2018,
    load_mimic_iv_ecg,
    load_mitbih,
    load_ptbxl,
    make_ecg,
)
from ecg_anomaly.datasets.fetching import _download, _physionet
from ecg_anomaly.datasets.fetching.challenge import CHALLENGE
from ecg_anomaly.datasets.fetching.mimic_iv_ecg import MIMIC_IV_ECG
from ecg_anomaly.datasets.fetching.mitbih import MITDB, NSTDB
from ecg_anomaly.datasets.fetching.ptbxl import PTBXL
from ecg_anomaly.errors import DatasetError
from ecg_anomaly.io import read_record
from ecg_anomaly.leads import STANDARD_LEADS

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import wfdb

N = 20
STATEMENTS = """,description,diagnostic,form,rhythm,diagnostic_class,diagnostic_subclass
NORM,normal ECG,1.0,,,NORM,NORM
IMI,inferior myocardial infarction,1.0,,,MI,IMI
"""


def samples(seed, n_leads=12, n_samples=1000):
    return np.random.default_rng(seed).integers(-2000, 2000, (n_leads, n_samples))


@pytest.fixture
def ptbxl(site, write_record):
    """20 records, two of each fold; those of fold 1 at 500 Hz too."""
    rows = ["ecg_id,patient_id,scp_codes,strat_fold,filename_lr,filename_hr"]
    for k in range(N):
        low, high = f"records100/00000/{k + 1:05}_lr", f"records500/00000/{k + 1:05}_hr"
        write_record(site.folder / low, samples(k), 100, STANDARD_LEADS)
        if k % 10 == 0:
            write_record(site.folder / high, samples(k, n_samples=5000), 500, STANDARD_LEADS)
        code = "NORM" if k % 3 else "IMI"
        rows.append(f"{k + 1},{k}.0,\"{{'{code}': 100.0}}\",{k % 10 + 1},{low},{high}")
    site.write("ptbxl_database.csv", "\n".join(rows).encode())
    site.write("scp_statements.csv", STATEMENTS.encode())
    site.write("LICENSE.txt", b"not asked for")
    site.list_files()
    return site


@pytest.fixture
def mitdb(site, write_record):
    for name in ("100", "101", "119"):
        write_record(site.folder / name, samples(int(name), 2, 7200), 360, ("MLII", "V1"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            beats = np.arange(200, 7000, 360)
            wfdb.wrann(name, "atr", beats, ["N"] * len(beats), write_dir=str(site.folder))
    site.list_files()
    return site


def files_below(folder):
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


def test_ptbxl_whole(ptbxl, tmp_path):
    folder = fetch_ptbxl(tmp_path / "here", base_url=ptbxl.url)
    assert folder == tmp_path / "here"
    dataset = load_ptbxl(folder)
    assert len(dataset) == N
    assert is_fetched(dataset).all()
    np.testing.assert_allclose(dataset.X[[3]][0].signal, samples(3) / 1000, atol=1e-6)
    assert len(files_below(folder)) == 3 + 2 * N
    assert not any(path.name.endswith(".part") for path in folder.rglob("*"))


def test_ptbxl_folds_and_first_records(ptbxl, tmp_path):
    folder = fetch_ptbxl(tmp_path / "here", folds=[2, 9], base_url=ptbxl.url)
    dataset = load_ptbxl(folder)
    assert list(dataset.table["ecg_id"][is_fetched(dataset)]) == [2, 9, 12, 19]
    fetch_ptbxl(tmp_path / "here", folds=[3], n_records=1, base_url=ptbxl.url)
    assert list(dataset.table["ecg_id"][is_fetched(dataset)]) == [2, 3, 9, 12, 19]
    some = dataset[is_fetched(dataset)]
    assert is_fetched(some[::-1]).all()
    assert np.isfinite(np.asarray(some.X)).all()


def test_ptbxl_at_500_hz(ptbxl, tmp_path):
    folder = fetch_ptbxl(tmp_path / "here", fs=500, folds=[1], base_url=ptbxl.url)
    assert load_ptbxl(folder, fs=500, folds=[1]).X.shape == (2, 12, 5000)
    assert not (folder / "records100").exists()


def test_mitdb(mitdb, tmp_path):
    folder = fetch_mitdb(tmp_path / "here", records=["100", "119"], base_url=mitdb.url)
    assert set(load_mitbih(folder).table["record"]) == {"100", "119"}
    assert files_below(folder) == {"SHA256SUMS.txt"} | {
        f"{name}.{end}" for name in ("100", "119") for end in ("hea", "dat", "atr")
    }
    fetch_mitdb(tmp_path / "here", n_records=2, base_url=mitdb.url)
    assert (folder / "101.dat").is_file()


def test_nstdb(site, tmp_path, write_record):
    write_record(site.folder / "ma", samples(1, 2), 360, ("noise1", "noise2"))
    site.list_files()
    folder = fetch_nstdb(tmp_path / "here", records=["ma"], base_url=site.url)
    assert (folder / "ma.dat").read_bytes() == (site.folder / "ma.dat").read_bytes()
    assert read_record(folder / "ma").fs == 360


def test_cinc_and_cpsc2018(site, tmp_path, write_record):
    names = {"cpsc_2018": ["A0001", "A0002", "A0003"], "georgia": ["E00001", "E00002"]}
    for source, records in names.items():
        for name in records:
            path = site.folder / f"training/{source}/g1/{name}"
            write_record(path, samples(1, n_samples=5000), 500, STANDARD_LEADS, ["Dx: 426783006"])
            path.with_suffix(".dat").rename(path.with_suffix(".mat"))
            header = path.with_suffix(".hea")
            header.write_text(header.read_text().replace(".dat", ".mat"))
    site.list_files()
    folder = fetch_cpsc2018(tmp_path / "here", n_records=2, base_url=site.url)
    dataset = load_cpsc2018(folder)
    assert list(dataset.table["record"]) == ["A0001", "A0002"]
    assert is_fetched(dataset).all()
    folder = fetch_cinc(
        tmp_path / "here", sources=["georgia", "cpsc_2018"], n_records=1, base_url=site.url
    )
    dataset = load_cinc(folder)
    assert list(dataset.table["record"]) == ["A0001", "A0002", "E00001"]
    assert np.isfinite(np.asarray(dataset.X)).all()
    with pytest.raises(DatasetError, match=r"lists no record of ningbo"):
        fetch_cinc(tmp_path / "here", sources="ningbo", base_url=site.url)


def test_mimic_iv_ecg(site, tmp_path, write_record):
    listed = ["subject_id,study_id,file_name,ecg_time,path"]
    measured = ["subject_id,study_id,report_0,report_1"]
    for k in range(3):
        subject, study = 10000 + k, 40000 + k
        path = f"files/p1000/p{subject}/s{study}/{study}"
        write_record(site.folder / path, samples(k, n_samples=5000), 500, STANDARD_LEADS)
        listed.append(f"{subject},{study},{study},2180-07-23 08:44:00,{path}")
        measured.append(f"{subject},{study},Sinus rhythm,Normal ECG")
    site.write("record_list.csv", "\n".join(listed).encode())
    site.write("machine_measurements.csv", "\n".join(measured).encode())
    site.list_files()
    folder = fetch_mimic_iv_ecg(tmp_path / "here", n_records=2, base_url=site.url)
    dataset = load_mimic_iv_ecg(folder)
    assert is_fetched(dataset).tolist() == [True, True, False]
    assert dataset[is_fetched(dataset)].X[1].signal.shape == (12, 5000)


def test_where_files_are_told_and_kept(ptbxl, tmp_path, monkeypatch):
    folder = fetch_ptbxl(folds=[1], base_url=ptbxl.url)
    assert folder == tmp_path / "cache" / "ptb-xl" / "1.0.3"
    monkeypatch.delenv("ECG_ANOMALY_CACHE")
    assert PTBXL.cache_folder().parts[-3:] == ("ecg-anomaly", "ptb-xl", "1.0.3")
    addresses = [db.base_url for db in (PTBXL, MITDB, NSTDB, CHALLENGE, MIMIC_IV_ECG)]
    assert addresses == [
        "https://physionet.org/files/ptb-xl/1.0.3/",
        "https://physionet.org/files/mitdb/1.0.0/",
        "https://physionet.org/files/nstdb/1.0.0/",
        "https://physionet.org/files/challenge-2021/1.0.3/",
        "https://physionet.org/files/mimic-iv-ecg/1.0/",
    ]


def test_what_is_there_is_not_fetched_again(ptbxl, tmp_path):
    folder = fetch_ptbxl(tmp_path / "here", base_url=ptbxl.url)
    asked = sum(ptbxl.gets.values()) + sum(ptbxl.heads.values())
    told = []
    fetch_ptbxl(folder, base_url=ptbxl.url, tell=told.append)
    assert sum(ptbxl.gets.values()) + sum(ptbxl.heads.values()) == asked
    assert told == []
    # without notes it reads the files again, and does not fetch them
    (folder / ".verified.tsv").unlink()
    fetch_ptbxl(folder, base_url=ptbxl.url)
    assert sum(ptbxl.gets.values()) == 3 + 2 * N


def test_damaged_and_lost_files_are_fetched_again(ptbxl, tmp_path):
    folder = fetch_ptbxl(tmp_path / "here", base_url=ptbxl.url)
    damaged, lost = (folder / f"records100/00000/0000{k}_lr.dat" for k in (3, 4))
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:-2] + b"xx")
    os.utime(damaged, (1, 1))
    lost.unlink()
    with open(folder / ".verified.tsv", "a") as notes:
        notes.write("records100/0000")  # cut off
    told = []
    fetch_ptbxl(folder, base_url=ptbxl.url, tell=told.append)
    assert damaged.read_bytes() == whole
    assert damaged.with_name("00003_lr.dat.old").read_bytes() == whole[:-2] + b"xx"
    assert lost.is_file()
    assert len(told) == 2
    assert told[0].startswith(f"PTB-XL: {damaged} changed since it was fetched; it is fetched anew")
    assert told[0].endswith("and kept with .old added to its name")
    assert told[1].startswith(f"PTB-XL: 2 files of records to fetch from {ptbxl.url}, 48 kB, into")
    assert told[1].endswith("; 38 are there")


def own_file(path):
    path.write_bytes(b"my own recording")


def own_folder(path):
    path.mkdir()


def own_link(path):
    path.symlink_to("where the disk is not mounted")


@pytest.mark.parametrize("make", [own_file, own_folder, own_link])
def test_files_of_the_user_are_not_replaced(mitdb, tmp_path, make):
    here = tmp_path / "here"
    here.mkdir()
    for name in ("100.dat", "101.hea"):
        make(here / name)
    with pytest.raises(
        DatasetError, match=r"100\.dat \(and 1 more\) is another file than .* has; move it or"
    ):
        fetch_mitdb(here, records=["100", "101"], base_url=mitdb.url)
    assert set(mitdb.gets) == set(mitdb.heads) == {"SHA256SUMS.txt"}
    assert not list(here.glob("*.old"))
    (here / "100.dat").rename(here / "mine.dat")
    fetch_mitdb(here, records=["100"], base_url=mitdb.url)
    assert (here / "100.dat").read_bytes() == (mitdb.folder / "100.dat").read_bytes()
    assert os.path.lexists(here / "mine.dat")
    assert os.path.lexists(here / "101.hea")


def test_a_server_without_head(mitdb, tmp_path):
    def has_no_head(handler, with_body):
        return not with_body and (handler.plain(405, with_body=False) or True)

    for name in ("SHA256SUMS.txt", "100.hea", "100.dat", "100.atr"):
        mitdb.always(name, has_no_head)
    told = []
    fetch_mitdb(tmp_path / "here", records="100", base_url=mitdb.url, tell=told.append)
    assert "3 files of records to fetch" in told[1]
    assert ", of unknown size, into" in told[1]
    assert (tmp_path / "here" / "100.dat").is_file()


def test_the_size_is_told_before_and_progress_after(ptbxl, tmp_path, caplog):
    events = []
    folder = fetch_ptbxl(
        tmp_path / "here",
        base_url=ptbxl.url,
        tell=events.append,
        progress=lambda done, total: events.append((done, total)),
    )
    told = [k for k, event in enumerate(events) if isinstance(event, str)]
    assert [events[k].split(": ")[1].split(" to fetch")[0] for k in told] == [
        "1 list of files", "2 tables", "40 files of records",
    ]  # fmt: skip
    for k in told:
        done, total = events[k + 1]
        assert done < total
    counts = [event for event in events if not isinstance(event, str)]
    size = sum((folder / name).stat().st_size for name in files_below(folder))
    assert counts[-1] == (size, size)
    assert "about 4" in events[told[2]]  # 480 kB of signals; 32 of 40 sizes were asked for
    assert sum(ptbxl.heads.values()) == 3 + 32
    with caplog.at_level(logging.INFO, logger="ecg_anomaly.datasets.fetching"):
        fetch_ptbxl(tmp_path / "there", folds=[1], base_url=ptbxl.url)
    assert [record.message.split(" to fetch")[0] for record in caplog.records][-1] == (
        "PTB-XL: 4 files of records"
    )


def test_the_first_error_ends_all_and_the_rest_is_kept(ptbxl, tmp_path):
    bad = "records100/00000/00010_lr.dat"
    ptbxl.always(bad, lambda handler, _: handler.plain(404) or True)
    with pytest.raises(DatasetError, match=r"00010_lr\.dat is not there"):
        fetch_ptbxl(tmp_path / "here", base_url=ptbxl.url)
    ptbxl.always(bad, None)
    gets = ptbxl.gets.copy()
    fetch_ptbxl(tmp_path / "here", base_url=ptbxl.url)
    again = [name for name in ptbxl.gets if ptbxl.gets[name] > 1 and gets[name]]
    assert not any(name.endswith((".csv", ".txt")) for name in again)
    assert len(load_ptbxl(tmp_path / "here").X) == N


def test_interrupted_like_by_ctrl_c(ptbxl, tmp_path):
    def interrupt(done, total):
        if done > 200_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch_ptbxl(tmp_path / "here", base_url=ptbxl.url, progress=interrupt)
    fetch_ptbxl(tmp_path / "here", base_url=ptbxl.url)
    assert is_fetched(load_ptbxl(tmp_path / "here")).all()


@pytest.fixture
def silent(monkeypatch, mitdb):
    """A way to have the server be silent at 100.dat, once, much longer than a stop may take."""
    monkeypatch.setattr(_download, "TIMEOUT", (10.0, 60.0))

    def plan(and_then, after_headers):
        def fault(handler, with_body):
            if after_headers:
                handler.send_response(200)
                handler.send_header("Content-Length", "28800")
                handler.end_headers()
                handler.wfile.write(b"\0" * 10_000)
                handler.wfile.flush()
            and_then()
            mitdb.quit.wait(15)
            handler.close_connection = True
            return True

        mitdb.plan("100.dat", fault)

    return plan


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="sends itself a signal")
@pytest.mark.parametrize("after_headers", [True, False])
def test_ctrl_c_while_the_server_is_silent(mitdb, tmp_path, silent, after_headers):
    begin = []

    def ctrl_c():
        begin.append(time.monotonic())
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    silent(ctrl_c, after_headers)
    with pytest.raises(KeyboardInterrupt):
        fetch_mitdb(tmp_path / "here", records="100", base_url=mitdb.url)
    assert time.monotonic() - begin[0] < _physionet.GRACE + 3
    fetch_mitdb(tmp_path / "here", records="100", base_url=mitdb.url)
    assert (tmp_path / "here/100.dat").read_bytes() == (mitdb.folder / "100.dat").read_bytes()


def test_an_error_while_another_file_is_silent(mitdb, tmp_path, silent):
    is_silent, begin = threading.Event(), []

    def is_gone(handler, with_body):
        if not with_body:
            return False
        assert is_silent.wait(10)
        begin.append(time.monotonic())
        handler.plain(404)
        return True

    silent(is_silent.set, after_headers=True)
    mitdb.always("100.atr", is_gone)
    with pytest.raises(DatasetError, match=r"100\.atr is not there"):
        fetch_mitdb(tmp_path / "here", records="100", base_url=mitdb.url)
    assert time.monotonic() - begin[0] < _physionet.GRACE + 3


def test_what_can_end_ends_before_an_error(mitdb, tmp_path):
    fetcher = _physionet.Fetcher(MITDB, tmp_path, progress=None, tell=None, base_url=mitdb.url)
    begun, ended = threading.Event(), []

    def work(connection, item):
        if item == "bad":
            assert begun.wait(10)
            raise DatasetError("bad")
        begun.set()
        time.sleep(0.2)
        ended.append(item)

    with pytest.raises(DatasetError, match="bad"):
        fetcher._each(work, ["slow", "bad"])
    assert ended == ["slow"]


def test_waiting_for_another_process_is_told(mitdb, tmp_path, monkeypatch):
    monkeypatch.setattr(_physionet, "UNTOLD", 0.01)
    here, told = tmp_path / "here", SimpleQueue()
    here.mkdir()
    call = partial(fetch_mitdb, here, records="100", base_url=mitdb.url, tell=told.put)
    with ThreadPoolExecutor(1) as pool:
        with FileLock(here / ".fetching.lock"):
            future = pool.submit(call)
            message = told.get(timeout=20)
            assert not mitdb.heads
        future.result()
    assert message.endswith(f"another process fetches into {here}; waiting for it")
    assert (here / "100.dat").is_file()


def test_two_at_once_fetch_each_file_once(ptbxl, tmp_path):
    calls = [partial(fetch_ptbxl, tmp_path / "here", base_url=ptbxl.url) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        for future in [pool.submit(call) for call in calls]:
            future.result()
    assert set(ptbxl.gets.values()) == {1}


def test_a_folder_that_may_only_be_read(ptbxl, tmp_path):
    folder = fetch_ptbxl(tmp_path / "here", folds=[1], base_url=ptbxl.url)
    (folder / ".verified.tsv").unlink()
    (folder / ".verified.tsv").mkdir()  # not to be written, by root either
    asked = sum(ptbxl.gets.values())
    fetch_ptbxl(folder, folds=[1], base_url=ptbxl.url)
    assert sum(ptbxl.gets.values()) == asked


@pytest.mark.parametrize(
    "name", ["../out.dat", "/etc/out.dat", "a/../../out.dat", "C:out.dat", "a\\..\\out.dat", "~/a"]
)
def test_paths_that_lead_out_of_the_folder(mitdb, tmp_path, name):
    with open(mitdb.folder / "SHA256SUMS.txt", "a") as file:
        file.write(f"{'0' * 64} {name}\n")
    with pytest.raises(DatasetError, match=r"line 10 names .* do not trust this server"):
        fetch_mitdb(tmp_path / "here", records=["100"], base_url=mitdb.url)
    assert files_below(tmp_path / "here") == {"SHA256SUMS.txt"}


def test_a_list_that_is_none(mitdb, tmp_path):
    (mitdb.folder / "SHA256SUMS.txt").write_text("Service Unavailable\n")
    with pytest.raises(DatasetError, match=r"line 1 is 'Service Unavailable'.*delete the list"):
        fetch_mitdb(tmp_path / "here", base_url=mitdb.url)


def test_a_record_that_is_not_listed(mitdb, tmp_path):
    with pytest.raises(DatasetError, match=r"SHA256SUMS\.txt does not list 102\.hea"):
        fetch_mitdb(tmp_path / "here", base_url=mitdb.url)


def test_a_list_as_sha256sum_writes_it(mitdb, tmp_path):
    path = mitdb.folder / "SHA256SUMS.txt"
    lines = path.read_text().splitlines()
    path.write_text("\r\n".join(line.replace(" ", " *./").upper()[:64] + line[64:].replace(
        " ", " *./") for line in lines) + "\r\n\r\n")  # fmt: skip
    folder = fetch_mitdb(tmp_path / "here", records=["100"], base_url=mitdb.url)
    assert (folder / "100.dat").is_file()


def test_no_room(mitdb, tmp_path, monkeypatch):
    usage = _physionet.shutil.disk_usage(tmp_path)
    fetch_mitdb(tmp_path / "here", records=["100"], base_url=mitdb.url)
    monkeypatch.setattr(_physionet.shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(
        DatasetError, match=r"1 kB free, MIT-BIH Arrhythmia Database needs 28\.95 kB"
    ):
        fetch_mitdb(tmp_path / "here", records=["119"], base_url=mitdb.url)


def test_a_folder_that_is_a_file(mitdb, tmp_path):
    (tmp_path / "here").write_text("")
    with pytest.raises(DatasetError, match=r"here cannot be written .*choose another folder"):
        fetch_mitdb(tmp_path / "here", base_url=mitdb.url)


@pytest.mark.parametrize(
    ("fetch", "params", "message"),
    [
        (fetch_ptbxl, {"fs": 250}, r"100 and 500 Hz, not at fs=250"),
        (fetch_ptbxl, {"fs": [100]}, r"100 and 500 Hz, not at fs=\[100\]"),
        (fetch_ptbxl, {"folds": [11]}, r"folds 1 to 10"),
        (fetch_ptbxl, {"n_records": 0}, r"n_records must be a whole number"),
        (fetch_mimic_iv_ecg, {"n_records": True}, r"n_records must be a whole number"),
        (fetch_mitdb, {"records": ["100", "99"]}, r"has the records 100, .*got \['99'\]"),
        (fetch_mitdb, {"records": []}, r"has the records"),
        (fetch_mitdb, {"records": "99"}, r"got \['99'\]"),
        (fetch_mitdb, {"records": 99}, r"got \['99'\]"),
        (fetch_mitdb, {"folder": "a\0b"}, r"folder must be a path, got 'a\\x00b' .*choose another"),
        (fetch_mitdb, {"folder": 5}, r"folder must be a path, got 5"),
        (fetch_nstdb, {"records": ["100"]}, r"bw, em, ma, 118e00"),
        (fetch_cinc, {"sources": ["europe"]}, r"has the sources .*got \['europe'\]"),
    ],
)
def test_wrong_parameters_ask_nothing(site, fetch, params, message):
    with pytest.raises(DatasetError, match=message):
        fetch(base_url=site.url, **params)
    assert not site.gets
    assert not site.heads


def test_synthetic_records_have_no_files():
    with pytest.raises(DatasetError, match=r"has no file for each record"):
        is_fetched(make_ecg(2, random_state=0))


def test_nothing_is_fetched_or_imported_at_import():
    code = "import ecg_anomaly.datasets, sys, json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert not {"requests", "urllib3", "platformdirs", "filelock"} & set(json.loads(done.stdout))
