"""Archives: what is in them, and nothing that they should not do."""

import pickle
import stat
import tempfile
import zipfile

import exports
import numpy as np
import pytest

from ecg_anomaly import Record, RecordSet, make_ecg, pack
from ecg_anomaly.errors import RecordFileError
from ecg_anomaly.io import archives, read_record, unzipped, write_record
from ecg_anomaly.leads import STANDARD_LEADS


@pytest.fixture(scope="module")
def ecg():
    return make_ecg(1, duration=4, random_state=0).X[0]


def zipped(path, files, **how):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **how) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def refused_for(problem, path):
    """An archive that cannot be used stands for itself, and says why when it is read."""
    with unzipped(path) as (files, read):
        assert files == [path]
        with pytest.raises(RecordFileError, match=problem) as refused:
            read(path)
    assert "ecg-anomaly-" not in str(refused.value)


def test_records_of_mixed_formats_come_out_and_go_again(ecg, tmp_path):
    (tmp_path / "c").mkdir()
    wfdb = write_record(Record(ecg, 100, STANDARD_LEADS, record_id="rec"), tmp_path / "c" / "rec")
    files = {
        "a/rec.edf": exports.edf(ecg, 100, STANDARD_LEADS),
        "b/IM0001": exports.dicom(exports.group(ecg, 100, STANDARD_LEADS)),
        **{f"c/{file.name}": file.read_bytes() for file in wfdb.parent.iterdir()},
        "notes.txt": b"x",
    }
    path = zipped(tmp_path / "export.ZIP", files)
    (tmp_path / "own.npy").touch()
    names = ["a/rec.edf", "b/IM0001", "c/rec.hea"]
    for _ in range(2):
        with unzipped([tmp_path / "own.npy", path]) as (found, read):
            assert found == [tmp_path / "own.npy", *(path / name for name in names)]
            read = pickle.loads(pickle.dumps(read))
            for file in found[1:]:
                record = read(file)
                np.testing.assert_allclose(record.signal, ecg, atol=3e-3)
                assert record.source == str(file)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["c", "export.ZIP", "own.npy"]
    with pytest.raises(RecordFileError):
        read(found[1])


def test_errors_name_the_archive(ecg, tmp_path):
    path = zipped(tmp_path / "a.zip", {"a/bad.dcm": b"nothing", "a/b.hea": b"b 1 100 10\nx.dat 16"})
    with unzipped(path) as (files, read):
        for file in files:
            with pytest.raises(RecordFileError) as refused:
                read(file)
            assert str(refused.value).startswith(f"{tmp_path}/a.zip/a/")
            assert "ecg-anomaly-" not in str(refused.value)
    empty = zipped(tmp_path / "b.zip", {"notes.txt": b"x"})
    refused_for(r"b\.zip: the folder holds no record", empty)
    refused_for(r"c\.zip: cannot be read \(No such file", tmp_path / "c.zip")


def test_one_bad_archive_leaves_the_others(ecg, tmp_path):
    good = zipped(tmp_path / "a.zip", {"a.edf": exports.edf(ecg, 100, STANDARD_LEADS)})
    bad = tmp_path / "b.zip"
    bad.write_bytes(b"PK nothing")
    result = pack([bad, good], tmp_path / "store")
    assert result.n_records == 1
    ((name, problem),) = result.skipped
    assert name == str(bad)
    assert "is no zip archive" in problem


def test_nothing_is_unpacked_where_there_is_no_archive(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    (tmp_path / "a.npy").touch()
    with unzipped(tmp_path / "a.npy") as (files, read):
        assert (files, read) == ([tmp_path / "a.npy"], read_record)
    (tmp_path / "a.zip").touch()
    with pytest.raises(RecordFileError, match="set TMPDIR"), unzipped(tmp_path / "a.zip"):
        pass


def test_names_of_other_systems(ecg, tmp_path):
    edf = exports.edf(ecg, 100, STANDARD_LEADS)
    files = {
        "ward\\": b"",
        "ward\\rec.edf": edf,
        "ECG 12:30:00.edf": edf,
        "A/rec.edf": edf,
        "a/rec.edf": edf,
        "__MACOSX/w/._rec.hea": b"\0\5\x16\7",
        "w/._rec.edf": b"\0\5\x16\7",
    }
    path = zipped(tmp_path / "a.zip", files)
    with unzipped(path) as (found, read):
        names = sorted(str(file.relative_to(path)) for file in found)
        assert names == ["A/rec.edf", "ECG 12:30:00.edf", "a/rec.edf", "ward/rec.edf"]
        for file in found:
            np.testing.assert_allclose(read(file).signal, ecg, atol=3e-3)


def test_packing_out_of_an_archive_goes_on(tmp_path):
    made = make_ecg(6, duration=10, random_state=0)
    folder = tmp_path / "files"
    folder.mkdir()
    for record in RecordSet(made.X):
        write_record(record, folder / record.record_id)
    path = zipped(tmp_path / "a.zip", {f"w/{f.name}": f.read_bytes() for f in folder.iterdir()})
    pack(folder, tmp_path / "plain")
    for read in (read_record, None):  # the second call has nothing left to read
        result = pack(path, tmp_path / "zip", read=read)
        assert (result.n_records, result.skipped) == (6, [])
    plain, zipped_ = (RecordSet.from_store(tmp_path / out) for out in ("plain", "zip"))
    np.testing.assert_array_equal(zipped_.load(), plain.load())


@pytest.mark.parametrize(
    "name", ["../evil.hea", "/etc/evil.hea", "a/../../evil", "C:\\evil", "a\\..\\b", "c:evil"]
)
def test_paths_outside_are_refused(tmp_path, name):
    path = zipped(tmp_path / "a.zip", {"fine.hea": b"x", name: b"x"})
    refused_for("outside the archive", path)
    assert [file.name for file in tmp_path.iterdir()] == ["a.zip"]


def test_links_are_refused(tmp_path):
    link = zipfile.ZipInfo("link.hea")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    refused_for("link", tmp_path / "a.zip")


def test_bombs_are_refused_before_they_go_off(tmp_path, monkeypatch):
    bomb = zipped(tmp_path / "a.zip", {"a.dat": bytes(50_000_000)})
    refused_for("50,000,000", bomb)
    many = zipped(tmp_path / "b.zip", {f"{k}.hea": b"" for k in range(20)})
    monkeypatch.setattr(archives, "_MOST_FILES", 10)
    refused_for("20 files", many)


def test_a_member_that_lies_about_its_size(tmp_path):
    path = zipped(tmp_path / "a.zip", {"a.dat": bytes(range(256)) * 400})
    content = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = content.index(mark) + offset
        content[place : place + 4] = (100).to_bytes(4, "little")
    path.write_bytes(content)
    refused_for(r"a\.zip: is no zip archive, or damaged|longer than announced", path)


METHODS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]


@pytest.mark.parametrize("method", METHODS)
def test_damaged_archives_are_refused(ecg, tmp_path, method):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("a.edf", exports.edf(ecg, 100, STANDARD_LEADS))
    content = path.read_bytes()
    for share in (0.0, 0.3, 0.9):
        path.write_bytes(content[: int(share * len(content))])
        refused_for(r"a\.zip: is no zip archive", path)
    rng = np.random.default_rng(0)
    for place in rng.integers(40, len(content) - 100, 30):
        changed = bytearray(content)
        changed[place] ^= 255
        path.write_bytes(changed)
        refused_for(r"a\.zip: is no zip archive, or damaged", path)


@pytest.mark.parametrize(
    ("method", "flag", "problem"), [(9, 0, "method that is not known"), (8, 1, "is encrypted")]
)
def test_archives_of_other_kinds(tmp_path, method, flag, problem):
    path = zipped(tmp_path / "a.zip", {"a.hea": b"x"})
    content = bytearray(path.read_bytes())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        begin = content.index(mark) + place
        content[begin : begin + 4] = bytes([flag, 0, method, 0])
    path.write_bytes(content)
    refused_for(problem, path)


@pytest.mark.parametrize("name", [".", "", "./"])
def test_names_that_are_none(ecg, tmp_path, name):
    path = zipped(tmp_path / "a.zip", {"xx": b"x", "a.edf": exports.edf(ecg, 100, STANDARD_LEADS)})
    content = path.read_bytes()
    if name:
        content = content.replace(b"xx", name.encode().ljust(2, b"/"))
    else:
        for mark, place, header in ((b"PK\3\4", 26, 30), (b"PK\1\2", 28, 46)):
            begin = content.index(mark)
            content = (
                content[: begin + place] + bytes(2) + content[begin + place + 2 : begin + header]
                + content[begin + header + 2 :]
            )  # fmt: skip
    path.write_bytes(content)
    refused_for(r"a\.zip: ", path)


def test_folders_that_are_named_twice(ecg, tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("w/", b"")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("w/", b"")
        archive.writestr("w/a.edf", exports.edf(ecg, 100, STANDARD_LEADS))
    with unzipped(path) as (files, read):
        assert read(files[0]).leads == STANDARD_LEADS


def test_a_file_and_a_folder_of_one_name(tmp_path):
    path = zipped(tmp_path / "a.zip", {"a": b"x", "a/b.hea": b"y"})
    refused_for("a file and a folder of one name", path)


def test_two_files_of_one_name_are_refused(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.hea", b"x")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.hea", b"y")
    refused_for("two files of one name", path)
