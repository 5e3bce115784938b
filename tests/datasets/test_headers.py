import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecg_anomaly.datasets._headers import scan_header
from ecg_anomaly.errors import DatasetError
from ecg_anomaly.io import read_record
from ecg_anomaly.leads import STANDARD_LEADS

PIECES = ["r", "2", "500", "10", " ", "\n", "#", "/", "-1", "nan", "inf", "1e9", "1_0", "0", "~"]
PIECES += ["r.dat 16 200 I\n", "#Dx: 1\n", "9" * 30, "\t", "é", "\r\n"]


@given(parts=st.lists(st.sampled_from(PIECES), max_size=30))
def test_anything_is_scanned_or_refused(tmp_path_factory, parts):
    path = tmp_path_factory.mktemp("headers") / "r.hea"
    path.write_bytes("".join(parts).encode("latin-1"))
    try:
        header = scan_header(path)
    except DatasetError as error:
        message = str(error)
        assert str(path) in message
        assert len(message) < 400 + len(str(path))
    else:
        assert 0 < header.fs < np.inf
        assert header.n_samples > 0


def test_the_scan_agrees_with_the_reading(tmp_path, write_record):
    comments = ["Age: 63", "Dx: 426783006", "Note: a: b", "no colon"]
    samples = np.zeros((12, 77))
    write_record(tmp_path / "r", samples, 257, [name.lower() for name in STANDARD_LEADS], comments)
    scanned, read = scan_header(tmp_path / "r.hea"), read_record(tmp_path / "r")
    assert scanned.fs == read.fs
    assert scanned.leads == read.leads
    assert scanned.n_samples == read.signal.shape[1]
    assert scanned.comments == tuple(read.annotations["comments"])
    assert [scanned.comment(key) for key in ("age", "Dx", "note", "no colon", "Sex")] == [
        "63", "426783006", "a: b", "", "",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["none.hea", "folder.hea"])
def test_what_cannot_be_read(tmp_path, name):
    (tmp_path / "folder.hea").mkdir()
    with pytest.raises(DatasetError, match=rf"{name}: cannot be read .*check the path"):
        scan_header(tmp_path / name)
