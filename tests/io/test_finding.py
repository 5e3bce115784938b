"""The records that folders hold."""

import os
import subprocess

import numpy as np
import pytest

from ecg_anomaly import Record
from ecg_anomaly.errors import RecordFileError
from ecg_anomaly.io import find_records, read_annotations, read_record, write_record


def test_find_records(tmp_path):
    (tmp_path / "deep" / "deeper").mkdir(parents=True)
    for name in ("b.hea", "a.hea", "a.dat", "deep/deeper/c.hea", "notes.txt"):
        (tmp_path / name).touch()
    a, b, c = (tmp_path / name for name in ("a.hea", "b.hea", "deep/deeper/c.hea"))
    assert find_records([tmp_path]) == [a, b, c]
    assert find_records([str(c), tmp_path / "deep", tmp_path / "b"]) == [c, c, b]
    assert find_records([tmp_path / "absent", tmp_path / "a.v2"]) == [
        tmp_path / "absent.hea",
        tmp_path / "a.v2.hea",
    ]
    assert find_records([]) == []


def test_a_record_stands_for_its_segments(tmp_path):
    for name in ("one", "two", "three"):
        (tmp_path / f"{name}.hea").write_text(f"{name} 1 250 500\n{name}.dat 16 200/mV\n")
    (tmp_path / "layout.hea").write_text("layout 1 250 0\n~ 0 200/mV 16 0 0 0 0 I\n")
    master, other = tmp_path / "all.hea", tmp_path / "three.hea"
    master.write_text("all/4 1 250 1030\nlayout 0\none 500\n~ 30\ntwo 500\n")
    broken = tmp_path / "broken.hea"
    broken.touch()
    assert find_records([tmp_path]) == [master, broken, other]
    # asked for by name
    assert find_records([tmp_path / "one"]) == [tmp_path / "one.hea"]


def test_records_that_name_each_other_are_found(tmp_path):
    for name, other in ("ab", "ba"):
        (tmp_path / f"{name}.hea").write_text(f"{name}/1 1 250 500\n{other} 500\n")
    assert find_records([tmp_path]) == [tmp_path / "a.hea", tmp_path / "b.hea"]


def test_a_folder_without_records(tmp_path):
    with pytest.raises(RecordFileError, match=f"{tmp_path}: the folder holds no record"):
        find_records([tmp_path])


def test_the_order_is_that_of_paths(tmp_path):
    for name in ("b/x", "a", "a-b/x", "a/x", "B", "b.c/x", "a b/x", "b"):
        file = tmp_path / "all" / f"{name}.hea"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    assert find_records([tmp_path]) == sorted(tmp_path.rglob("*.hea"))


@pytest.mark.parametrize("name", ["x" * 300, "x" * 300 + ".npy", "x" * 5000])
def test_names_that_are_too_long(tmp_path, name):
    with pytest.raises(RecordFileError, match=r"cannot be read \(File name too long"):
        find_records([tmp_path / name])
    with pytest.raises(RecordFileError, match="cannot be read"):
        read_record(tmp_path / name)


def test_a_folder_that_may_not_be_read_is_not_passed_over(tmp_path, monkeypatch):
    (tmp_path / "a.hea").touch()
    secret = tmp_path / "deep" / "secret"
    secret.mkdir(parents=True)
    scandir = os.scandir

    def refuse(folder):
        if os.fspath(folder) == str(secret):
            raise PermissionError(13, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(RecordFileError, match=rf"{secret}: cannot be searched .*Permission denied"):
        find_records([tmp_path])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_without_permissions(tmp_path):
    (tmp_path / "secret").mkdir(mode=0)
    with pytest.raises(RecordFileError, match="secret: cannot be searched"):
        find_records([tmp_path])


def test_folders_deeper_than_python_recurses(tmp_path):
    folder = tmp_path / "deep"
    folder.mkdir()
    try:
        place = str(folder)
        for _ in range(1500):
            place += "/d"
            os.mkdir(place)
        (tmp_path / "deep" / "d" / "b.hea").touch()
        with open(f"{place}/a.hea", "w"):
            pass
        first, second = find_records([folder])
        assert str(first) == str(folder / "d" / "b.hea")
        assert str(second) == f"{place}/a.hea"
    finally:
        subprocess.run(["rm", "-rf", str(folder)], check=True)


def test_links_to_folders_are_not_followed(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "loop").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "a" / "loop.hea").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "a" / "b.hea").touch()
    (tmp_path / "a" / "gone.hea").symlink_to(tmp_path / "nothing")
    found = [tmp_path / "a" / "b.hea", tmp_path / "a" / "gone.hea"]  # the error is for the reader
    assert find_records([tmp_path]) == found


def test_a_folder_called_like_a_record(tmp_path):
    (tmp_path / "x.hea").mkdir()
    (tmp_path / "x.hea" / "a.npy").touch()
    assert find_records([tmp_path]) == [tmp_path / "x.hea" / "a.npy"]


def test_names_in_capitals(tmp_path):
    record = Record(np.ones((1, 9)), fs=100, leads=["II"])
    write_record(record, tmp_path / "A").rename(tmp_path / "A.HEA")
    assert find_records([tmp_path]) == [tmp_path / "A.HEA"]
    assert find_records([tmp_path / "A.HEA"]) == [tmp_path / "A.HEA"]
    np.testing.assert_array_equal(read_record(tmp_path / "A.HEA").signal, record.signal)
    with pytest.raises(RecordFileError, match=r"A.atr: cannot be read"):
        read_annotations(tmp_path / "A.HEA")
