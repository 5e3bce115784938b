import numpy as np
import pytest

from ecg_anomaly.signal import _rows
from ecg_anomaly.signal._rows import as_float, map_rows


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("f2", "f4"), ("i1", "f4"), ("u2", "f4"), ("?", "f4"), (">i2", "f4"), (">f4", "f4"),
        ("i4", "f8"), ("i8", "f8"), (">f8", "f8"), ("f4", "f4"), ("f8", "f8"), ("g", "f8"),
    ],
)  # fmt: skip
def test_as_float_keeps_every_value(given, expected):
    x = np.array([0, 1], given)
    assert as_float(x).dtype == np.dtype(expected)
    assert as_float(x).dtype.isnative
    np.testing.assert_array_equal(as_float(x), [0, 1])


def test_as_float_copies_nothing_without_need():
    x = np.zeros(3, np.float32)
    assert as_float(x) is x


def test_map_rows_works_in_pieces(monkeypatch):
    sizes = []

    def double(rows):
        sizes.append(len(rows))
        return rows * 2

    monkeypatch.setattr(_rows, "CHUNK_BYTES", 8 * 4 * 5)
    x = np.arange(4.0 * 3 * 5).reshape(4, 3, 5)
    np.testing.assert_array_equal(map_rows(double, x[::-1]), 2 * x[::-1])
    assert sizes == [4, 4, 4]


def test_map_rows_changes_length_and_type():
    result = map_rows(
        lambda rows: rows.sum(axis=1, keepdims=True), np.ones((2, 3, 5)), 1, np.float32
    )
    assert result.shape == (2, 3, 1)
    assert result.dtype == np.float32


def test_map_rows_takes_no_rows():
    assert map_rows(np.array, np.zeros((0, 3, 5))).shape == (0, 3, 5)
