"""Archives: what is in them, and nothing that they should not do."""

import pickle
import stat
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
    with (
        pytest.raises(RecordFileError, match=r"b\.zip: the folder holds no record"),
        unzipped(empty),
    ):
        pass


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
    with pytest.raises(RecordFileError, match="outside the archive"), unzipped([path]):
        pass
    assert [file.name for file in tmp_path.iterdir()] == ["a.zip"]


def test_links_are_refused(tmp_path):
    link = zipfile.ZipInfo("link.hea")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(RecordFileError, match="link"), unzipped([tmp_path / "a.zip"]):
        pass


def test_bombs_are_refused_before_they_go_off(tmp_path, monkeypatch):
    bomb = zipped(tmp_path / "a.zip", {"a.dat": bytes(50_000_000)})
    with pytest.raises(RecordFileError, match="50,000,000"), unzipped([bomb]):
        pass
    many = zipped(tmp_path / "b.zip", {f"{k}.hea": b"" for k in range(20)})
    monkeypatch.setattr(archives, "_MOST_FILES", 10)
    with pytest.raises(RecordFileError, match="20 files"), unzipped([many]):
        pass


def test_a_member_that_lies_about_its_size(tmp_path):
    path = zipped(tmp_path / "a.zip", {"a.dat": bytes(range(256)) * 400})
    content = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = content.index(mark) + offset
        content[place : place + 4] = (100).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(RecordFileError), unzipped([path]):
        pass


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_damaged_archives_are_refused(ecg, tmp_path, share):
    path = zipped(tmp_path / "a.zip", {"a.edf": exports.edf(ecg, 100, STANDARD_LEADS)})
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with (
        pytest.raises(RecordFileError, match=r"a\.zip: is no zip archive"),
        unzipped([path]),
    ):
        pass
    changed = bytearray(content)
    changed[len(content) // 2] ^= 255
    path.write_bytes(changed)
    with pytest.raises(RecordFileError, match=r"a\.zip"), unzipped([path]):
        pass


def test_two_files_of_one_name_are_refused(tmp_path):
    path = zipped(tmp_path / "a.zip", {"a.hea": b"x", "A.hea": b"y"})
    with pytest.raises(RecordFileError, match="two files of one name"), unzipped([path]):
        pass
