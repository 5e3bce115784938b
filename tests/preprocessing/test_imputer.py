import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecg_anomaly import RecordSet
from ecg_anomaly.errors import SignalError
from ecg_anomaly.leads import STANDARD_LEADS, reorder
from ecg_anomaly.preprocessing import LeadImputer

NAN = np.nan


def ecgs(n_records=6, n_samples=300, seed=0):
    """Twelve leads that depend on three sources, as those of a dipole do."""
    rng = np.random.default_rng(seed)
    sources = rng.normal(size=(n_records, 3, n_samples)).cumsum(axis=-1) / 10
    mixing = np.random.default_rng(99).normal(size=(8, 3))
    eight = np.einsum("lk,rkt->rlt", mixing, sources)
    leads = ["I", "II", "V1", "V2", "V3", "V4", "V5", "V6"]
    return reorder(eight, leads, STANDARD_LEADS)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), share=st.floats(0, 0.9))
def test_present_samples_are_never_changed(dtype, seed, share):
    x = ecgs(n_samples=60).astype(dtype)
    imputer = LeadImputer().fit(x)
    hidden = np.random.default_rng(seed).random(x.shape) < share
    broken = np.where(hidden, dtype(NAN), x)
    result = imputer.transform(broken)
    assert result.dtype == dtype
    assert np.isfinite(result).all()
    np.testing.assert_array_equal(result[~hidden], x[~hidden])
    np.testing.assert_array_equal(imputer.transform(result), result)


def test_limb_leads_are_derived_exactly():
    x = ecgs()
    imputer = LeadImputer().fit(x)
    broken = x.copy()
    broken[0, [0, 2, 3, 5]] = NAN
    broken[1, 1, 20:200] = NAN
    np.testing.assert_allclose(imputer.transform(broken), x, atol=1e-12)


def test_names_decide_which_leads_are_limb_leads():
    x = ecgs()
    order = [9, 5, 0, 11, 2]
    names = [STANDARD_LEADS[k].upper() for k in order]
    imputer = LeadImputer(leads=names).fit(x[:, order])
    assert imputer.leads_ == ("V4", "aVF", "I", "V6", "III")
    broken = x[:, order].copy()
    broken[2, 1] = NAN
    np.testing.assert_allclose(imputer.transform(broken), x[:, order], atol=1e-12)
    from_set = LeadImputer().fit(RecordSet(x[:, order], leads=names))
    assert from_set.leads_ == imputer.leads_


def test_a_chest_lead_is_predicted_from_the_others():
    x = ecgs()
    imputer = LeadImputer().fit(x)
    broken = x.copy()
    broken[0, 8] = NAN
    np.testing.assert_allclose(imputer.transform(broken), x, atol=1e-3)


def test_chest_leads_are_predicted_without_a_complete_record_at_hand():
    x = ecgs(40)
    train = x.copy()
    train[::2, 8] = NAN
    train[1::4, 7, :250] = NAN
    imputer = LeadImputer().fit(train)
    np.testing.assert_allclose(imputer.transform(train), x, atol=1e-3)


def test_short_gaps_in_all_leads_become_lines():
    x = np.arange(300.0) * np.arange(1.0, 4)[:, None] * np.ones((2, 1, 1))
    imputer = LeadImputer(max_gap=0.05).fit(x)
    broken = x.copy()
    broken[:, :, 50:55] = NAN
    np.testing.assert_allclose(imputer.transform(broken), x)
    broken[:, :, 50:56] = NAN
    expected = x.copy()
    expected[:, :, 50:56] = x.mean(axis=(0, 2))[:, None]
    np.testing.assert_allclose(imputer.transform(broken), expected)


def test_a_record_without_any_sample_becomes_the_mean():
    x = ecgs()
    imputer = LeadImputer().fit(x)
    result = imputer.transform(np.full_like(x, NAN))
    np.testing.assert_allclose(result, np.broadcast_to(imputer.mean_[:, None], x.shape))


def test_two_dimensions_have_one_lead():
    x = np.random.default_rng(0).normal(size=(5, 30))
    broken = x.copy()
    broken[2, 3:5] = NAN
    result = LeadImputer().fit(x).transform(broken)
    np.testing.assert_allclose(result[2, 3:5], np.interp([3, 4], [2, 5], x[2, [2, 5]]))


def test_broken_records_do_not_depend_on_each_other():
    x = ecgs(30).astype(np.float32)
    x[np.random.default_rng(0).random(x.shape) < 0.5] = NAN
    imputer = LeadImputer().fit(x)
    together = imputer.transform(x)
    alone = np.concatenate([imputer.transform(x[k : k + 1]) for k in range(30)])
    np.testing.assert_array_equal(alone, together)
    records = LeadImputer().fit_transform(RecordSet(x))
    np.testing.assert_array_equal(records.load(), together)


def test_a_lead_that_is_never_there_is_named():
    x = ecgs()
    x[:, 4] = NAN
    assert np.isfinite(LeadImputer().fit(x).transform(x)).all()
    x[:, 8] = NAN
    for data in (x, RecordSet(x)):
        with pytest.raises(SignalError, match="V3 have no sample"):
            LeadImputer().fit(data)


@pytest.mark.parametrize("leads", [["I"], ["I", "II", "II"], ["I", "II", "V9", "V1"]])
def test_names_that_do_not_fit(leads):
    with pytest.raises(SignalError):
        LeadImputer(leads=leads).fit(np.zeros((2, 3, 50)))


def test_names_that_contradict_the_record_set():
    records = RecordSet(np.zeros((2, 2, 50)), leads=["I", "II"])
    with pytest.raises(SignalError, match="order of the signals"):
        LeadImputer(leads=["II", "I"]).fit(records)
