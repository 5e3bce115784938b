import numpy as np
import pandas as pd
import pytest

from ecg_anomaly.errors import ECGError, ECGWarning, SignalError
from ecg_anomaly.model_selection.groups import MERGED, Groups, group_names, parse_groups


def test_names():
    table = pd.DataFrame({"sex": [0, 1.0, "1", np.nan, None, " "]})
    names = group_names(table, 6, ["sex"], {})
    assert names == ["sex=0", "sex=1", "sex=1", "", "", ""]


def test_numbers_as_text_and_booleans_are_one_group():
    table = pd.DataFrame({"paced": [True, 1, "x", False]}, dtype=object)
    assert group_names(table, 4, ["paced"], {}) == ["paced=1", "paced=1", "paced=x", "paced=0"]


def test_bands():
    table = pd.DataFrame({"age": [39.9, 40, 74.9, 75, 300, np.nan]})
    assert group_names(table, 6, ["age"], {"age": [75, 40]}) == [
        "age<40",
        "40<=age<75",
        "40<=age<75",
        "age>=75",
        "age>=75",
        "",
    ]


def test_a_row_that_lacks_one_column_has_no_group():
    table = pd.DataFrame({"sex": [0, 1], "device": ["A", None]})
    assert group_names(table, 2, ["sex", "device"], {}) == ["sex=0, device=A", ""]


def test_what_is_missing_is_named():
    table = pd.DataFrame({"sex": [0]})
    with pytest.raises(SignalError, match="age is missing"):
        group_names(table, 1, ["sex", "age"], {})
    with pytest.raises(SignalError, match="RecordSet whose table"):
        group_names(None, 1, ["sex"], {})
    with pytest.raises(SignalError, match="no column of group_by"):
        group_names(table, 1, ["sex"], {"age": [40]})
    with pytest.raises(SignalError, match="holds no numbers"):
        group_names(pd.DataFrame({"age": ["old"]}), 1, ["age"], {"age": [40]})
    assert group_names(None, 2, [], {}) == ["", ""]


def test_small_groups_are_merged_with_a_warning():
    names = ["a"] * 20 + ["b"] * 10 + ["c"] * 12 + [""] * 3
    with pytest.warns(ECGWarning, match=r"b, c share one"):
        grouped = Groups.of(names, 19)
    assert sorted(grouped.rows) == ["a", MERGED]
    assert grouped.rows[MERGED].tolist() == list(range(20, 42))
    assert grouped.merged == {"b": MERGED, "c": MERGED}


def test_small_groups_that_stay_too_small_have_the_promise_of_all():
    with pytest.warns(ECGWarning, match="b have the promise of all"):
        grouped = Groups.of(["a"] * 20 + ["b"] * 2, 19)
    assert sorted(grouped.rows) == ["a"]
    assert grouped.merged == {"b": ""}


@pytest.mark.parametrize("edges", [[], [np.nan], [40, 40]])
def test_bands_that_are_none(edges):
    with pytest.raises(SignalError, match="must be one or more different numbers"):
        group_names(pd.DataFrame({"age": [50]}), 1, ["age"], {"age": edges})


def test_columns_stand_once_and_large_numbers_stay_apart():
    with pytest.raises(SignalError, match="different names"):
        group_names(pd.DataFrame({"sex": [1]}), 1, ["sex", "sex"], {})
    table = pd.DataFrame({"site": [1234567, 1234568]})
    assert group_names(table, 2, ["site"], {}) == ["site=1234567", "site=1234568"]


@pytest.mark.parametrize(("size", "kept"), [(19, True), (18, False)])
def test_a_group_is_small_below_what_its_rate_needs(size, kept):
    names = ["a"] * size + ["b"] * 30
    if kept:
        assert sorted(Groups.of(names, 19).rows) == ["a", "b"]
    else:
        with pytest.warns(ECGWarning, match="a have the promise of all"):
            assert sorted(Groups.of(names, 19).rows) == ["b"]


def test_parse():
    assert parse_groups([]) == ([], {})
    with pytest.raises(ECGError, match="age:40,60,75"):
        parse_groups(["age:young"])
