"""What all detectors with a network have in common, beyond the contract tests."""

import numpy as np
import pytest

from ecg_anomaly import RecordSet, make_ecg
from ecg_anomaly.detectors import DETECTORS, base


@pytest.mark.parametrize("cls", DETECTORS)
def test_of_many_records_some_say_what_is_usual(small, cls, monkeypatch):
    monkeypatch.setattr(base, "MOST_RECORDS", 20)
    X = make_ecg(50, duration=4, random_state=0).X
    names = [f"r{k}" for k in range(50)]
    records = RecordSet(X, record_ids=names)
    params = {"score_method": "latent_beat", "random_state": 0}
    detector = small(cls, **params).fit(records)
    kept = detector.reference_["ids"].tolist()
    assert len(kept) == len(detector.reference_["neighbours"]) == 20
    assert kept == sorted(set(kept), key=names.index)
    assert kept != names[:20]
    again = small(cls, **params).fit(records)
    np.testing.assert_array_equal(detector.score_samples(X), again.score_samples(X))
    of_array = small(cls, **params).fit(X)
    assert [f"r{k}" for k in of_array.reference_["ids"]] == kept
    other = small(cls, **params | {"random_state": 1}).fit(records)
    assert other.reference_["ids"].tolist() != kept


@pytest.mark.parametrize("cls", DETECTORS)
def test_hidden_states_are_the_same_without_the_decoder(small, cls):
    X = make_ecg(11, duration=4, random_state=0).X
    detector = small(cls, score_method="latent_beat", random_state=0).fit(X)
    of_states, of_all = detector._state_summaries(X), detector._summaries(X)
    assert set(of_states) == {"pooled", "along"}
    for name, values in of_states.items():
        np.testing.assert_array_equal(values, of_all[name])
