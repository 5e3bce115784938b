"""Records of any kind through a gate."""

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, PredefinedSplit
from sklearn.pipeline import make_pipeline

from ecg_anomaly import (
    BandpassFilter,
    CAEDetector,
    GatedDetector,
    Record,
    RecordSet,
    make_ecg,
    score_records,
)
from ecg_anomaly.errors import SignalError
from ecg_anomaly.findings import Finding, FindingKind
from ecg_anomaly.leads import STANDARD_LEADS
from ecg_anomaly.scoring import detector_of, gated_of, model_input


@pytest.fixture(scope="module")
def ecgs():
    return make_ecg(30, duration=4, random_state=0).X


@pytest.fixture(scope="module")
def model(small, ecgs):
    pipeline = make_pipeline(BandpassFilter(), small(CAEDetector, contamination=0.2))
    return GatedDetector(pipeline).fit(RecordSet(ecgs))


def record_of(x, fs=100.0, leads=STANDARD_LEADS, **kwargs):
    return Record(x, fs=fs, leads=leads, record_id="r", **kwargs)


def score_one(model, record, **options):
    return score_records(model, record, **options).iloc[0]


def test_what_it_takes(model):
    takes = model_input(model)
    assert (takes.fs, takes.leads, takes.n_samples) == (100, STANDARD_LEADS, 400)
    assert takes.allow_nan
    assert isinstance(detector_of(model), CAEDetector)
    assert gated_of(model) is model
    assert gated_of(model.detector_) is None


def test_sound_records_get_the_scores_of_the_detector(model, ecgs):
    table = score_records(model, RecordSet(ecgs))
    np.testing.assert_allclose(table["score"], model.score_samples(ecgs), rtol=1e-7)
    np.testing.assert_array_equal(table["verdict"], model.predict_verdict(ecgs))
    assert set(table["verdict"]) == {"flagged", "not flagged"}
    assert (table["problem"] == "").all()


def test_a_flat_record_is_not_scorable(model, ecgs):
    row = score_one(model, record_of(np.zeros((12, 400))))
    assert row["verdict"] == "not scorable"
    assert np.isnan(row["score"])
    assert row["n_windows"] == 0
    assert "too few usable leads" in row["problem"]
    assert any(finding.startswith("flat, V1") for finding in row["findings"])


@pytest.mark.parametrize("fs", [100, 500])
@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_a_loose_lead_is_imputed_at_any_rate(model, fs, value):
    x = make_ecg(1, fs=fs, duration=4, random_state=3).X[0]
    sound = score_one(model, record_of(x, fs))
    loose = x.copy()
    loose[7] = value
    row = score_one(model, record_of(loose, fs))
    assert row["verdict"] != "not scorable"
    # V2 from its neighbours is about what it was; as it is, the score would fall far
    assert abs(row["score"] - sound["score"]) < 0.2 * abs(sound["score"])
    kind = "flat" if value == 0 else "missing"
    assert any(finding.startswith(f"{kind}, V2") for finding in row["findings"])


def test_what_follows_from_a_loose_lead_is_not_used(model, ecgs):
    present = [0, 1, *range(6, 12)]
    leads = [STANDARD_LEADS[k] for k in present]
    x = make_ecg(1, duration=4, random_state=3).X[0][present]
    wrong = x.copy()
    wrong[0] = 0.0  # lead I is off, so III and the augmented leads cannot follow from I and II
    blind = x.copy()
    blind[0] = np.nan
    scores = [
        score_one(model, record_of(signal, leads=leads))["score"] for signal in (wrong, blind)
    ]
    assert scores[0] == scores[1]


def test_bad_windows_of_a_long_record_do_not_count(model):
    x = make_ecg(1, duration=40, random_state=5).X[0]
    x[:, 1000:2000] = 0.0
    row = score_one(model, record_of(x))
    whole = score_one(model, record_of(make_ecg(1, duration=40, random_state=5).X[0]))
    assert 12 <= row["n_windows"] < whole["n_windows"] == 19
    assert row["problem"].startswith(f"{19 - row['n_windows']} of 19 windows not scorable: ")
    assert row["score"] >= whole["score"]
    assert any(f.startswith("flat, II: in ") and f.endswith("19 windows") for f in row["findings"])


def test_the_record_is_not_changed(model, ecgs):
    x = ecgs[0].copy()
    x[7] = np.inf
    record = record_of(x)
    before = record.signal.copy()
    score_one(model, record)
    np.testing.assert_array_equal(record.signal, before)


def test_age_and_what_the_reader_found_are_among_the_findings(model, ecgs):
    noted = (Finding(FindingKind.UNIT_ASSUMED, "II", detail="mV"),)
    row = score_one(model, record_of(ecgs[0], annotations={"age": 9}, quality=noted))
    assert row["findings"][0] == "unit assumed, II: mV"
    assert any("outside the reference population" in finding for finding in row["findings"])
    assert score_one(model, record_of(ecgs[0], annotations={"age": "?"}))["verdict"] != ""


def test_short_records_are_refused_by_name(model, ecgs):
    with pytest.raises(SignalError, match=r"'r': 3\.9 s is shorter than the 4 s"):
        score_one(model, record_of(ecgs[0][:, :390]))


def test_a_lead_that_the_model_takes_alone(small, ecgs):
    chest = RecordSet(ecgs[:, [6]], leads=["V1"])
    model = GatedDetector(small(CAEDetector)).fit(chest)
    x = ecgs[0].copy()
    x[6] = 0
    row = score_one(model, record_of(x))
    assert (row["verdict"], row["n_windows"]) == ("not scorable", 0)
    assert "no usable sample in the leads that the model takes" in row["problem"]


def test_a_search_over_a_gated_detector(small, ecgs):
    gated = GatedDetector(small(CAEDetector))
    split = PredefinedSplit([-1] * 15 + [0] * 15)
    search = GridSearchCV(
        gated, {"detector__latent_dim": [3, 4]}, cv=split, scoring=lambda *_: 1.0
    ).fit(RecordSet(ecgs))
    assert gated_of(search) is search.best_estimator_
    assert score_records(search, RecordSet(ecgs[:3]))["n_windows"].tolist() == [1, 1, 1]
