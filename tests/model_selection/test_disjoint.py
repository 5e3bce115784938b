import numpy as np
import pytest

from ecg_anomaly import RecordSet
from ecg_anomaly.errors import DatasetError
from ecg_anomaly.model_selection import assert_disjoint

X = np.random.default_rng(0).normal(size=(6, 2, 50)).astype(np.float32)


def test_sides_without_a_common_patient():
    assert_disjoint([1, 1, 2], [3], [4, 5])
    assert_disjoint(["a"], np.array(["b"]))
    assert_disjoint()
    assert_disjoint([1, 2], [])


@pytest.mark.parametrize("sides", [([1, 2], [2, 3]), ([1], [5], [1]), (["a"], ["a"])])
def test_a_patient_on_two_sides(sides):
    with pytest.raises(DatasetError, match=r"side 1 and side \d share 1 patient.*such as"):
        assert_disjoint(*sides)


def test_names_and_a_few_patients_are_told():
    with pytest.raises(DatasetError, match=r"training and test share 9 .* such as 1, 2, 3; split"):
        assert_disjoint(range(1, 10), range(1, 99), names=["training", "test"])


@pytest.mark.parametrize("lazy", [False, True])
def test_identical_records_of_different_patients(lazy):
    copy = X[3:].copy()
    copy[1] = X[2]
    sides = [X[:3], copy]
    if lazy:
        sides = [
            RecordSet(side, leads=["I", "II"], record_ids=[f"{name}{k}" for k in range(3)])
            for name, side in zip("ab", sides, strict=True)
        ]
    one, other = ("a2", "b1") if lazy else ("2", "1")
    with pytest.raises(DatasetError, match=f"record {one} of side 1 is identical with .* {other} "):
        assert_disjoint([1, 2, 3], [4, 5, 6], records=sides)
    assert_disjoint([1, 2, 3], [4, 5, 6], records=[X[:3], X[3:]])
    # twice on one side is no leak
    assert_disjoint([1, 2], [3], records=[X[[0, 0]], X[[1]]])


def test_sides_and_names_must_fit():
    with pytest.raises(ValueError, match="2 sides"):
        assert_disjoint([1], [2], names=["one"])
    with pytest.raises(ValueError, match="2 sides"):
        assert_disjoint([1], [2], records=[X])
