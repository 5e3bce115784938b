"""Records of any kind through a gate."""

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GridSearchCV, PredefinedSplit
from sklearn.pipeline import Pipeline, make_pipeline

from ecg_anomaly import (
    BandpassFilter,
    CAEDetector,
    CropOrPad,
    GatedDetector,
    QualityGate,
    Record,
    RecordSet,
    make_ecg,
    save,
    score_records,
)
from ecg_anomaly.errors import ECGError, RecordFileError, SignalError
from ecg_anomaly.findings import Finding, FindingKind
from ecg_anomaly.leads import STANDARD_LEADS
from ecg_anomaly.scoring import detector_of, gated_of, model_input
from ecg_anomaly.scoring._gating import gate_windows, raw_windows
from ecg_anomaly.signal.resampling import resample_gaps


@pytest.fixture(scope="module")
def ecgs():
    return make_ecg(30, duration=4, random_state=0).X


@pytest.fixture(scope="module")
def model(small, ecgs):
    pipeline = make_pipeline(BandpassFilter(), small(CAEDetector, contamination=0.2))
    return GatedDetector(pipeline).fit(RecordSet(ecgs))


def record_of(x, fs=100.0, leads=STANDARD_LEADS, **kwargs):
    return Record(x, fs=fs, leads=leads, record_id="r", **kwargs)


def gate_one(record, model, gate):
    return gate_windows([raw_windows(record, model_input(model))], gate)[0]


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
    assert (row["verdict"], row["n_windows"], row["n_refused"]) == ("not scorable", 0, 1)
    assert "V1 unusable" in row["problem"]
    # what the model does not take does not matter
    x = np.zeros_like(ecgs[0])
    x[6] = ecgs[0, 6]
    assert score_one(model, record_of(x))["score"] == score_one(model, record_of(ecgs[0]))["score"]


@pytest.mark.parametrize("leads", [["II"], ["MLII", "V5"], ["I", "II", "V2"]])
def test_leads_that_the_record_lacks_count_as_missing(model, ecgs, leads):
    """Twelve leads made up from one or two are no ECG."""
    x = ecgs[0][[1, 10, 7][: len(leads)]]
    row = score_one(model, record_of(x, leads=leads))
    assert row["verdict"] == "not scorable"
    assert "too few usable leads for 100% of the time" in row["problem"]
    assert re.search(r"; the record has no .*V1.*, which the model takes", row["problem"])
    assert "missing, V1, 0 to 4 s" in " ".join(row["findings"])
    whole = np.full((12, 400), np.nan)
    whole[[STANDARD_LEADS.index(lead) for lead in leads if lead in STANDARD_LEADS]] = x[
        [k for k, lead in enumerate(leads) if lead in STANDARD_LEADS]
    ]
    assert score_one(model, record_of(whole))["verdict"] == "not scorable"


def test_limb_leads_follow_from_any_two_that_are_left(small, ecgs):
    names = ["aVR", "aVL", "aVF"]
    rows = [STANDARD_LEADS.index(name) for name in names]
    model = GatedDetector(small(CAEDetector)).fit(RecordSet(ecgs[:, rows], leads=names))
    x = ecgs[0, :3].copy()
    x[2] = x[1] - x[0]
    sound = score_one(model, record_of(x, leads=["I", "II", "III"]))
    x[0] = 0.0
    row = score_one(model, record_of(x, leads=["I", "II", "III"]))
    assert row["score"] == pytest.approx(sound["score"], rel=1e-4)


def test_an_artefact_does_not_leak_out_of_what_is_blanked(model):
    """Resampled first, a pulse of 30 mV would ring over the samples beside it."""
    x = make_ecg(1, fs=500, duration=4, random_state=3).X[0]
    pulse = x.copy()
    pulse[7, 1000:1100] += 30
    gate = QualityGate(min_agreement=0.0, max_unusable=0.8)
    (assessment,) = gate.assess_batch(pulse[None], 500)
    assert [span[0] for span in assessment.unusable_spans] == ["V2"]
    (_, start, end) = assessment.unusable_spans[0]
    blind = x.copy()
    blind[7, round(500 * start) : round(500 * end)] = np.nan
    gated = gate_one(record_of(pulse, 500), model, gate).windows.cut(0)
    alone = resample_gaps(blind, fs_in=500, fs_out=100)
    np.testing.assert_array_equal(gated, alone)


@pytest.mark.parametrize("fs", [100, 250, 360, 500])
def test_windows_are_judged_where_they_are(model, fs):
    """A flat second half of the record costs the windows in it, and no others."""
    x = make_ecg(1, fs=fs, duration=40, random_state=5).X[0]
    x[:, int(20.6 * fs) :] = 0.0
    gated = gate_one(record_of(x, fs), model, model.gate_)
    begin = gated.windows.starts / fs
    # a window of 4 s is let through while more than half of it is there
    np.testing.assert_allclose(begin, np.arange(0, 19, 2), atol=0.02)
    assert gated.n_refused == 9
    assert gated.windows.cut(0).shape == (12, 400)
    whole = resample_gaps(x[:, : 4 * fs], fs_in=fs, fs_out=100)
    np.testing.assert_array_equal(gated.windows.cut(0), whole)


@pytest.mark.parametrize("fs", [250, 500])
def test_blanks_end_where_the_gate_says(model, fs):
    x = make_ecg(1, fs=fs, duration=4, random_state=3).X[0]
    x[7, : 2 * fs] = np.nan
    cut = gate_one(record_of(x, fs), model, model.gate_).windows.cut(0)
    gone = np.isnan(cut[7])
    (assessment,) = model.gate_.assess_batch(x[None], fs)
    if "V2" in assessment.unusable_leads:
        assert gone.all()
    else:
        assert gone[:199].all()
        assert not gone[201:].any()
    assert not np.isnan(np.delete(cut, 7, 0)).any()


def test_a_score_at_the_threshold_is_not_flagged(model, ecgs):
    scores, _ = model.score_and_assess(ecgs)
    before = model.offset_
    try:
        model.offset_ = float(scores[4])
        table = score_records(model, RecordSet(ecgs))
        np.testing.assert_array_equal(table["verdict"], model.predict_verdict(ecgs))
        assert table["verdict"][4] == "not flagged"
    finally:
        model.offset_ = before


def test_a_gate_inside_a_model_is_refused(model, ecgs, small, tmp_path):
    """Its refusals would pass for scores."""
    for inner in (Pipeline([("gate", model)]), make_pipeline(CropOrPad(duration=4), model)):
        with pytest.raises(ECGError, match="cannot be inside a Pipeline"):
            score_records(inner, RecordSet(ecgs))
        with pytest.raises(ECGError, match="cannot be inside a Pipeline"):
            save(inner.fit(ecgs), tmp_path / "model")
        with pytest.raises(ECGError, match="cannot be inside a Pipeline"):
            GatedDetector(inner).fit(ecgs)
    with pytest.raises(ECGError, match="cannot be inside a Pipeline"):
        GatedDetector(GatedDetector(small(CAEDetector))).fit(ecgs)


def test_one_record_that_cannot_be_read_costs_no_other(model, ecgs):
    class Files:
        shape = ecgs.shape

        def read(self, rows):
            if 3 in rows:
                raise RecordFileError("three.dat: is truncated.")
            return ecgs[rows]

    records = RecordSet(Files(), record_ids=[f"r{k}" for k in range(30)])
    table = score_records(model, records, errors="report")
    expected = score_records(model, RecordSet(ecgs, record_ids=records.record_ids))
    assert table["verdict"][3] == "not scorable"
    assert table["record_id"].tolist() == list(records.record_ids)
    assert "three.dat: is truncated" in table["problem"][3]
    np.testing.assert_allclose(table["score"].drop(3), expected["score"].drop(3), rtol=1e-7)
    with pytest.raises(RecordFileError, match="truncated"):
        score_records(model, records)


def test_a_dataset_is_its_records(model):
    dataset = make_ecg(3, duration=4, random_state=4)
    records = RecordSet(dataset.X)
    expected = score_records(model, records)
    lazy = dataclasses.replace(dataset, X=records)
    pd.testing.assert_frame_equal(score_records(model, lazy), expected)
    with pytest.raises(SignalError, match="wrap it as RecordSet"):
        score_records(model, dataset)


@pytest.mark.parametrize("fs", [300_000.0, 7e5])
def test_rates_that_cannot_be_brought_together_name_the_record(model, ecgs, fs):
    record = record_of(np.tile(ecgs[0], 5000), fs)
    for one in (model, model.detector_):
        with pytest.raises(SignalError, match=r"record 'r': .*ratio of fs_in"):
            score_records(one, record)


def test_a_search_over_a_gated_detector(small, ecgs):
    gated = GatedDetector(small(CAEDetector))
    split = PredefinedSplit([-1] * 15 + [0] * 15)
    search = GridSearchCV(
        gated, {"detector__latent_dim": [3, 4]}, cv=split, scoring=lambda *_: 1.0
    ).fit(RecordSet(ecgs))
    assert gated_of(search) is search.best_estimator_
    assert score_records(search, RecordSet(ecgs[:3]))["n_windows"].tolist() == [1, 1, 1]
