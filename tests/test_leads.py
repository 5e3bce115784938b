import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecg_anomaly.errors import SignalError
from ecg_anomaly.leads import (
    LIMB_LEADS,
    STANDARD_LEADS,
    can_derive,
    canonical_lead,
    canonical_leads,
    frank_to_leads,
    reorder,
)


@pytest.mark.parametrize("lead", STANDARD_LEADS)
@pytest.mark.parametrize("prefix", ["", " ", "MDC_ECG_LEAD_", "Lead ", "lead_", "LEAD", "ECG "])
@pytest.mark.parametrize("case", [str, str.upper, str.lower])
def test_aliases(lead, prefix, case):
    assert canonical_lead(prefix + case(lead) + " ") == lead


@pytest.mark.parametrize("name", ["MLII", "ECG1", "V7", "-aVR", "resp", "V", ""])
def test_other_names_stay(name):
    assert canonical_lead(f" {name} ") == name


def test_duplicates_are_refused():
    with pytest.raises(SignalError, match="'aVR' is named more than once"):
        canonical_leads(["I", "AVR", "MDC_ECG_LEAD_aVR"])


def test_a_string_is_no_sequence_of_names():
    with pytest.raises(SignalError, match="sequence of names"):
        canonical_leads("I")


def test_what_can_be_derived():
    assert can_derive("V3", ["V3"])
    assert can_derive("III", ["aVF", "aVL"])
    assert not can_derive("III", ["aVF", "V1"])
    assert not can_derive("ECG1", STANDARD_LEADS)


def twelve(seed=0, shape=()):
    x = np.random.default_rng(seed).normal(size=(*shape, 8, 20))
    return reorder(x, ["I", "II", "V1", "V2", "V3", "V4", "V5", "V6"], STANDARD_LEADS)


def test_einthoven_and_goldberger():
    i, ii, iii, avr, avl, avf = twelve()[:6]
    np.testing.assert_allclose(iii, ii - i)
    np.testing.assert_allclose(avr + avl + avf, 0, atol=1e-12)
    np.testing.assert_allclose(avf, (ii + iii) / 2)


@given(st.permutations(list(LIMB_LEADS)), st.integers(0, 100))
def test_any_two_limb_leads_give_all(names, seed):
    x = twelve(seed)
    pair = [STANDARD_LEADS.index(name) for name in names[:2]]
    np.testing.assert_allclose(reorder(x[pair], names[:2], tuple(LIMB_LEADS)), x[:6], atol=1e-12)


@given(st.permutations(STANDARD_LEADS))
def test_order_comes_back(names):
    x = twelve(shape=(2,))
    there = reorder(x, STANDARD_LEADS, names)
    np.testing.assert_array_equal(reorder(there, names, STANDARD_LEADS), x)


def test_present_leads_are_copied_not_derived():
    x = twelve()
    x[2] += 1
    result = reorder(x, STANDARD_LEADS, ["III"])
    np.testing.assert_array_equal(result[0], x[2])
    assert not np.shares_memory(result, x)


def test_missing_leads():
    x = np.ones((2, 5), np.float32)
    with pytest.raises(SignalError, match=r"V1, V2 are missing.*LeadImputer"):
        reorder(x, ["I", "II"], ["I", "V1", "V2"])
    result = reorder(x, ["I", "II"], ["I", "V1"], missing="nan")
    assert np.isnan(result[1]).all()
    assert result.dtype == np.float32


def test_integers_become_floats():
    x = np.array([[1], [2]], np.int16)
    assert reorder(x, ["I", "II"], ["aVR", "I"]).ravel().tolist() == [-1.5, 1.0]
    assert np.isnan(reorder(x, ["I", "II"], ["V1"], missing="nan")).all()


def test_names_must_fit_the_array():
    with pytest.raises(SignalError, match="3 leads, but 2 names"):
        reorder(np.zeros((3, 5)), ["I", "II"], ["I"])


def test_limb_leads_follow_from_two():
    rows = dict(zip(STANDARD_LEADS, frank_to_leads(STANDARD_LEADS), strict=True))
    for lead, (a, b) in LIMB_LEADS.items():
        np.testing.assert_allclose(rows[lead], a * rows["I"] + b * rows["II"])


def test_leads_look_their_way():
    left, foot, _ = frank_to_leads(["I", "aVF", "V2"])
    assert left[0] > abs(left[1])
    assert foot[1] > abs(foot[0])
    assert frank_to_leads(["V2"])[0, 2] < -1, "V2 looks from the front"


def test_unknown_leads_are_refused():
    with pytest.raises(SignalError, match="ECG1"):
        frank_to_leads(["I", "ECG1"])
