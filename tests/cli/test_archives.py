"""Records out of zip archives."""

import io
import os
import shutil
import signal as signals
import subprocess
import sys
import time
import zipfile

import pandas as pd
from commands import run


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
