"""The models that come with the package."""

import numpy as np
import pytest

from ecg_anomaly import RecordSet, load_pretrained, make_ecg, score_records
from ecg_anomaly.errors import ModelFileError
from ecg_anomaly.leads import STANDARD_LEADS
from ecg_anomaly.metrics import anomaly_auroc
from ecg_anomaly.pretrained import PRETRAINED, model_card, pretrained_path
from ecg_anomaly.records import Record

MEGABYTES = 3


@pytest.fixture(scope="module")
def model():
    return load_pretrained()


@pytest.mark.parametrize("name", PRETRAINED)
def test_files_are_small_and_have_cards(name):
    assert pretrained_path(name).stat().st_size <= MEGABYTES * 1e6
    card = model_card(name)
    assert card["name"] == name
    assert "not a medical device" in card["use"].lower()
    assert {"takes", "trained on", "figures", "limits", "cite", "made by"} <= set(card)
    assert any("PhysioNet" in text for text in card["cite"])
    assert np.isfinite(load_pretrained(name).offset_)


def test_the_card_tells_both_aurocs_with_an_interval():
    figures = model_card()["figures"]
    assert figures["AUROC low"] < figures["AUROC"] < figures["AUROC high"]
    assert figures["matched AUROC"] < figures["AUROC"]


def test_unknown_names_are_refused():
    with pytest.raises(ModelFileError, match="known are ptbxl-100hz"):
        load_pretrained("ptbxl")


def test_any_rate_any_order_and_longer_records(model):
    ecgs = make_ecg(3, fs=500, duration=10, random_state=1)
    order = np.random.default_rng(0).permutation(12)
    leads = [STANDARD_LEADS[k] for k in order]
    shuffled = [
        Record(signal=x[order], fs=500, leads=leads, record_id=str(k)) for k, x in enumerate(ecgs.X)
    ]
    plain = RecordSet(ecgs.X, fs=500)
    table, expected = score_records(model, shuffled), score_records(model, plain)
    np.testing.assert_allclose(table["score"], expected["score"], rtol=1e-6)
    assert table["p_value"].between(0, 1).all()
    long = make_ecg(1, fs=250, duration=25, random_state=2)
    (row,) = score_records(model, RecordSet(long.X, fs=250)).to_dict("records")
    assert row["n_windows"] > 1
    assert np.isfinite(row["score"])


def test_synthetic_anomalies_rank_below_normals(model):
    ecgs = make_ecg(
        60, anomalies=["st_elevation", "t_inversion"], anomaly_fraction=0.5, random_state=3
    )
    scores = score_records(model, RecordSet(ecgs.X))["score"].to_numpy()
    assert anomaly_auroc(ecgs.y, scores) > 0.8
