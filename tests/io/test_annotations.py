import warnings

import numpy as np
import pytest

from ecg_anomaly.errors import RecordFileError
from ecg_anomaly.io import read_annotations

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import wfdb

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning")


@pytest.fixture
def record(tmp_path):
    wfdb.wrann(
        "rec", "atr", np.array([18, 77, 370, 99_000]), symbol=["+", "N", "V", "+"],
        aux_note=["(N", "", "", "(AFIB"], write_dir=str(tmp_path),
    )  # fmt: skip
    return tmp_path / "rec"


@pytest.mark.parametrize("suffix", ["", ".hea"])
def test_annotations(record, suffix):
    found = read_annotations(f"{record}{suffix}")
    assert len(found) == 4
    assert found.sample.tolist() == [18, 77, 370, 99_000]
    assert found.symbol == ("+", "N", "V", "+")
    assert found.aux == ("(N", "", "", "(AFIB")
    assert found.source == f"{record}.atr"


@pytest.mark.parametrize(
    ("extension", "problem"),
    [("qrs", "rec.qrs: cannot be read"), ("../atr", "end of a file's name"), ("", "end of a")],
)
def test_files_that_are_not_there(record, extension, problem):
    with pytest.raises(RecordFileError, match=problem):
        read_annotations(record, extension)


@pytest.mark.parametrize("content", [b"", b"\0", b"\xff" * 7, b"\xff\xff\xff\xfb" * 3])
def test_damaged_annotations(record, content):
    record.with_name("rec.atr").write_bytes(content)
    with pytest.raises(RecordFileError, match=r"rec\.atr"):
        read_annotations(record)


def test_random_bytes_give_annotations_or_an_error(record):
    rng = np.random.default_rng(0)
    for _ in range(300):
        record.with_name("rec.atr").write_bytes(rng.bytes(rng.integers(1, 60)))
        try:
            found = read_annotations(record)
        except RecordFileError:
            continue
        assert (np.diff(found.sample) >= 0).all()
        assert len(found) == len(found.symbol) == len(found.aux)
