"""Archives: what is in them, and nothing that they should not do."""

import stat
import zipfile

import exports
import numpy as np
import pytest

from ecg_anomaly import make_ecg
from ecg_anomaly.errors import RecordFileError
from ecg_anomaly.io import archives, find_records, read_record
from ecg_anomaly.io.archives import without_archives
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
    files = {
        "a/rec.edf": exports.edf(ecg, 100, STANDARD_LEADS),
        "b/rec.dcm": exports.dicom(exports.group(ecg, 100, STANDARD_LEADS)),
        "notes.txt": b"x",
    }
    path = zipped(tmp_path / "export.ZIP", files)
    (tmp_path / "own.npy").touch()
    with without_archives([tmp_path / "own.npy", path]) as paths:
        found = find_records(paths)
        assert [file.name for file in found] == ["own.npy", "rec.edf", "rec.dcm"]
        assert "export" in found[1].parts
        for file in found[1:]:
            np.testing.assert_allclose(read_record(file).signal, ecg, atol=3e-3)
    assert not found[1].exists()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["export.ZIP", "own.npy"]


@pytest.mark.parametrize(
    "name", ["../evil.hea", "/etc/evil.hea", "a/../../evil", "C:\\evil", "a\\..\\b", "c:evil"]
)
def test_paths_outside_are_refused(tmp_path, name):
    path = zipped(tmp_path / "a.zip", {"fine.hea": b"x", name: b"x"})
    with pytest.raises(RecordFileError, match="outside the archive"), without_archives([path]):
        pass
    assert [file.name for file in tmp_path.iterdir()] == ["a.zip"]


def test_links_are_refused(tmp_path):
    link = zipfile.ZipInfo("link.hea")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(RecordFileError, match="link"), without_archives([tmp_path / "a.zip"]):
        pass


def test_bombs_are_refused_before_they_go_off(tmp_path, monkeypatch):
    bomb = zipped(tmp_path / "a.zip", {"a.dat": bytes(50_000_000)})
    with pytest.raises(RecordFileError, match="50,000,000"), without_archives([bomb]):
        pass
    many = zipped(tmp_path / "b.zip", {f"{k}.hea": b"" for k in range(20)})
    monkeypatch.setattr(archives, "_MOST_FILES", 10)
    with pytest.raises(RecordFileError, match="20 files"), without_archives([many]):
        pass


def test_a_member_that_lies_about_its_size(tmp_path):
    path = zipped(tmp_path / "a.zip", {"a.dat": bytes(range(256)) * 400})
    content = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = content.index(mark) + offset
        content[place : place + 4] = (100).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(RecordFileError), without_archives([path]):
        pass


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_damaged_archives_are_refused(ecg, tmp_path, share):
    path = zipped(tmp_path / "a.zip", {"a.edf": exports.edf(ecg, 100, STANDARD_LEADS)})
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with (
        pytest.raises(RecordFileError, match=r"a\.zip: is no zip archive"),
        without_archives([path]),
    ):
        pass
    changed = bytearray(content)
    changed[len(content) // 2] ^= 255
    path.write_bytes(changed)
    with pytest.raises(RecordFileError, match=r"a\.zip"), without_archives([path]):
        pass


def test_two_files_of_one_name_are_refused(tmp_path):
    path = zipped(tmp_path / "a.zip", {"a.hea": b"x", "A.hea": b"y"})
    with pytest.raises(RecordFileError, match="two files of one name"), without_archives([path]):
        pass
