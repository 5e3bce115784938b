"""Files packed."""

from commands import run

from ecg_anomaly import RecordSet


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
