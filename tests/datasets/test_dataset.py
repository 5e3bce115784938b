import numpy as np
import pandas as pd
import pytest

from ecg_anomaly import RecordSet
from ecg_anomaly.datasets import ECGDataset
from ecg_anomaly.errors import DatasetError, ECGError

N = 6


def make(wrap=np.asarray, **changes):
    X = np.arange(N * 2 * 4, dtype=np.float32).reshape(N, 2, 4)
    parts = {
        "X": wrap(X),
        "y": np.array([1, -1, 1, -1, 1, 1]),
        "groups": np.array(list("aabbcc")),
        "table": pd.DataFrame({"age": range(20, 20 + N), "fs": 100.0}, index=range(10, 10 + N)),
        "labels": pd.DataFrame({"NORM": np.arange(N) % 2 == 0}),
        "masks": X > 20,
        "twins": X + 1,
        "name": "small",
        "label_rule": "even is normal",
        "excluded": {"odd": 3},
    }
    return ECGDataset(**parts | changes)


@pytest.mark.parametrize("wrap", [np.asarray, RecordSet], ids=["array", "RecordSet"])
@pytest.mark.parametrize(
    "rows",
    [
        slice(1, 4),
        [3, 0, 3],
        np.array([5, 2]),
        np.array([True, False, True, True, False, False]),
        slice(None, None, -2),
        [],
    ],
    ids=str,
)
def test_every_part_follows_the_rows(wrap, rows):
    dataset = make(wrap)
    part = dataset[rows]
    expected = np.arange(N)[rows]
    assert len(part) == len(expected)
    np.testing.assert_array_equal(np.asarray(part.X), np.asarray(dataset.X)[expected])
    for name in ("y", "groups", "masks", "twins"):
        np.testing.assert_array_equal(getattr(part, name), getattr(dataset, name)[expected])
    assert part.table["age"].tolist() == [20 + row for row in expected]
    assert part.labels["NORM"].tolist() == [row % 2 == 0 for row in expected]
    assert (part.name, part.label_rule, part.excluded) == ("small", "even is normal", {"odd": 3})
    assert part.excluded is not dataset.excluded


def test_what_is_absent_stays_absent():
    part = make(labels=None, masks=None, twins=None)[:2]
    assert part.labels is None
    assert part.masks is None
    assert part.twins is None


@pytest.mark.parametrize("key", [3, -1, np.int64(0)])
def test_one_integer_is_refused(key):
    with pytest.raises(IndexError, match="slice, indices or a boolean mask"):
        make()[key]


def test_a_walk_is_refused_and_not_empty():
    for action in (iter, list, enumerate):
        with pytest.raises(TypeError, match=r"iterate over dataset\.X"):
            action(make())


@pytest.mark.parametrize("key", [[N], [-N - 1], np.ones(N + 1, bool), "a"])
def test_rows_that_are_not_there(key):
    with pytest.raises(IndexError):
        make()[key]


@pytest.mark.parametrize("name", ["y", "groups", "table", "labels", "masks", "twins"])
def test_parts_of_another_length(name):
    with pytest.raises(DatasetError, match=f"{name} has 5 rows, but X has 6 records") as caught:
        make(**{name: getattr(make(), name)[:5]})
    assert isinstance(caught.value, ECGError)


def test_the_rate_comes_from_the_records_or_the_table():
    assert make().fs == 100
    assert make(lambda X: RecordSet(X, fs=250)).fs == 250
