"""A detector behind a gate: refused records are said, loose leads filled in."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline

from ecg_anomaly import (
    BandpassFilter,
    CAEDetector,
    GatedDetector,
    LeadNormalizer,
    QualityGate,
    RecordSet,
    make_ecg,
)
from ecg_anomaly.errors import DatasetError, ECGWarning, SignalError
from ecg_anomaly.findings import FindingKind
from ecg_anomaly.leads import STANDARD_LEADS
from ecg_anomaly.model_selection import threshold_at_false_alarm_rate
from ecg_anomaly.quality import Outcome
from ecg_anomaly.verdicts import LOWEST_SCORE


@pytest.fixture(scope="module")
def ecgs():
    return make_ecg(40, duration=4, random_state=0).X


@pytest.fixture(scope="module")
def pipeline(small):
    return make_pipeline(BandpassFilter(), small(CAEDetector, contamination=0.2))


@pytest.fixture(scope="module")
def fitted(pipeline, ecgs):
    return GatedDetector(pipeline).fit(ecgs)


@pytest.fixture
def new(ecgs):
    """Make records of which 1 is flat, 2 has a flat lead, 3 a missing one, 4 a gap."""
    X = make_ecg(8, duration=4, random_state=1).X
    X[1] = 0.2
    X[2, 7] = 0.0
    X[3, 8] = np.nan
    X[4, 9, 100:180] = np.nan
    return X


def test_sound_records_get_the_scores_of_the_detector(fitted, pipeline, ecgs):
    plain = clone(pipeline).fit(RecordSet(ecgs))
    outcomes = {assessment.outcome for assessment in fitted.assess(ecgs)}
    assert outcomes == {Outcome.SCORABLE}
    np.testing.assert_array_equal(fitted.score_samples(ecgs), plain.score_samples(RecordSet(ecgs)))
    assert fitted.offset_ == plain[-1].offset_
    assert fitted.n_refused_ == 0


def test_verdicts(fitted, new):
    verdicts = fitted.predict_verdict(new)
    assert verdicts[1] == "not scorable"
    assert set(verdicts[[0, 2, 3, 4, 5, 6, 7]]) <= {"flagged", "not flagged"}
    # a threshold above all scores flags what can be scored, and only that
    scores, _ = fitted.score_and_assess(new)
    before = fitted.offset_
    try:
        fitted.offset_ = 1.0
        assert fitted.predict_verdict(new).tolist().count("flagged") == 7
        assert fitted.predict_verdict(new)[1] == "not scorable"
        fitted.offset_ = float(np.sort(scores)[4])
        assert fitted.predict_verdict(new).tolist().count("flagged") == 3
    finally:
        fitted.offset_ = before


def test_what_cannot_be_scored_is_lowest_and_said(fitted, new):
    with pytest.warns(ECGWarning, match=r"1 of 8 records are not scorable .*\(1: too few usable"):
        scores = fitted.score_samples(new)
    assert np.flatnonzero(scores == LOWEST_SCORE).tolist() == [1]
    assert np.isfinite(scores).all()
    with pytest.warns(ECGWarning, match="predict_verdict tells them apart"):
        predicted = fitted.predict(new)
    assert predicted[1] == -1
    with pytest.warns(ECGWarning, match="5 of 5 .* and 2 more"):
        np.testing.assert_array_equal(fitted.score_samples(np.zeros((5, 12, 400))), LOWEST_SCORE)
    with pytest.warns(ECGWarning):
        assert np.isfinite(fitted.decision_function(new)).all()


def test_loose_leads_cost_little(fitted, new):
    """As an anomaly by itself a lead that is off would be far below all others."""
    sound = make_ecg(8, duration=4, random_state=1).X
    imputed, assessments = fitted.score_and_assess(new)
    expected, _ = fitted.score_and_assess(sound)
    through = [0, 2, 3, 4, 5, 6, 7]
    np.testing.assert_allclose(imputed[through], expected[through], rtol=0.25)
    blind = fitted.detector_.score_samples(np.nan_to_num(new))
    assert abs(imputed - expected)[2] < abs(blind - expected)[2]
    assert [a.outcome for a in assessments[2:4]] == [Outcome.IMPUTED] * 2
    assert (assessments[2].unusable_leads, assessments[3].unusable_leads) == (("V2",), ("V3",))


def test_the_detector_is_trained_on_what_passes(pipeline, ecgs):
    X = ecgs.copy()
    X[5], X[9] = 0.0, np.nan
    trained = GatedDetector(pipeline).fit(X)
    rest = np.delete(np.arange(40), [5, 9])
    expected = GatedDetector(pipeline).fit(X[rest])
    assert trained.n_refused_ == 2
    np.testing.assert_array_equal(trained.score_samples(ecgs), expected.score_samples(ecgs))


def test_a_record_set_equals_an_array(pipeline, fitted, ecgs, new):
    records = RecordSet(ecgs, record_ids=[f"e{k}" for k in range(40)])
    trained = GatedDetector(pipeline).fit(records)
    expected, _ = fitted.score_and_assess(new)
    np.testing.assert_array_equal(trained.score_and_assess(RecordSet(new))[0], expected)
    named = RecordSet(new, record_ids=[f"n{k}" for k in range(8)])
    with pytest.warns(ECGWarning, match=r"\(n1: too few"):
        trained.score_samples(named)
    flat = new.reshape(8, -1)
    np.testing.assert_array_equal(fitted.score_and_assess(flat)[0], expected)


def test_records_do_not_depend_on_each_other(fitted, new):
    together, assessments = fitted.score_and_assess(new)
    for k in range(len(new)):
        alone, (assessment,) = fitted.score_and_assess(new[[k]])
        assert assessment == assessments[k]
        np.testing.assert_allclose(alone, together[[k]], rtol=1e-7)


def test_ages_make_findings_and_no_verdict(fitted, ecgs):
    table = pd.DataFrame({"age": [9, 40, np.nan, "?"] * 10})
    records = RecordSet(ecgs, table=table)
    kinds = [
        FindingKind.POPULATION in {finding.kind for finding in assessment.findings}
        for assessment in fitted.assess(records)
    ]
    assert kinds == [True, False, False, False] * 10
    np.testing.assert_array_equal(fitted.predict_verdict(records), fitted.predict_verdict(ecgs))


def test_ages_go_with_their_records_beyond_one_batch(fitted, ecgs):
    """Records are read 256 at a time."""
    X = np.resize(ecgs, (300, 12, 400))
    ages = np.where(np.arange(300) == 290, 9.0, 40.0)
    records = RecordSet(X, table=pd.DataFrame({"age": ages}))
    young = [
        FindingKind.POPULATION in {finding.kind for finding in assessment.findings}
        for assessment in fitted.assess(records)
    ]
    assert np.flatnonzero(young).tolist() == [290]


def test_the_detector_is_trained_on_blanked_records(pipeline, ecgs):
    """What is unusable in training must not be learnt."""
    X = ecgs.copy()
    X[::4, 7] = 0.0
    blanked = ecgs.copy()
    blanked[::4, 7] = np.nan
    one, two = (GatedDetector(pipeline).fit(x) for x in (X, blanked))
    np.testing.assert_array_equal(one.score_samples(ecgs), two.score_samples(ecgs))
    np.testing.assert_array_equal(one.imputer_.covariance_, two.imputer_.covariance_)


def test_the_lowest_score_sets_no_threshold(fitted, new):
    scores, _ = fitted.score_and_assess(np.concatenate([new] * 5))
    with pytest.raises(DatasetError, match="not scorable"):
        threshold_at_false_alarm_rate(scores, 0.2)
    before = fitted.offset_
    try:
        fitted.offset_ = LOWEST_SCORE
        with pytest.warns(ECGWarning):
            assert fitted.predict(new).tolist() == [1, -1, 1, 1, 1, 1, 1, 1]
    finally:
        fitted.offset_ = before


def test_in_searches_and_cross_validation(pipeline, ecgs):
    y = np.where(np.arange(40) % 4, 1, -1)
    scores = cross_val_score(GatedDetector(pipeline), RecordSet(ecgs), y, cv=2, scoring="roc_auc")
    assert np.isfinite(scores).all()
    grid = {"gate": [None, QualityGate(max_noise=1.0)], "detector__caedetector__latent_dim": [2, 4]}
    search = GridSearchCV(GatedDetector(pipeline), grid, cv=2, scoring="roc_auc")
    search.fit(RecordSet(ecgs), y)
    assert len(search.cv_results_["params"]) == 4


def test_other_rates_than_the_pipeline_s(small, ecgs):
    fast = make_ecg(10, fs=250, duration=4, random_state=0).X
    model = GatedDetector(small(CAEDetector), fs=250).fit(fast)
    assert model.fs_ == model.detector_.fs_ == 250
    with pytest.raises(SignalError, match="fitted at 250 Hz"):
        model.score_samples(RecordSet(ecgs))
    with pytest.raises(SignalError, match="100"):
        GatedDetector(make_pipeline(BandpassFilter(fs=100), small(CAEDetector)), fs=250).fit(fast)


def test_leads_go_by_name(pipeline, fitted, ecgs):
    order = [1, 0, *range(2, 12)]
    other = RecordSet(ecgs[:, order], leads=[STANDARD_LEADS[k] for k in order])
    with pytest.raises(SignalError, match="was fitted on I, II"):
        fitted.score_samples(other)


@pytest.mark.parametrize(
    ("X", "problem"),
    [
        (np.zeros((5, 12, 400)), "the gate refuses all 5 records, the first because of too few"),
        (np.full((5, 12, 400), np.nan), "the gate refuses all 5 records"),
        (np.full((5, 12, 400), np.inf), "inf in lead 0"),
        (np.zeros((0, 12, 400)), "minimum of 1|0 sample"),
    ],
)
def test_nothing_to_train_on(pipeline, X, problem):
    model = GatedDetector(pipeline)
    with pytest.raises(ValueError, match=problem):
        model.fit(X)
    with pytest.raises(NotFittedError):
        model.score_samples(X)


def test_a_lead_that_is_never_usable(pipeline, ecgs):
    X = ecgs.copy()
    X[:, 7] = 0.0
    with pytest.raises(SignalError, match="V2 have no sample"):
        GatedDetector(pipeline).fit(X)


def test_parameters(pipeline, ecgs):
    assert GatedDetector().get_params()["detector"] is None
    for params in ({"detector": 3}, {"gate": 3}, {"fs": -1}, {"n_leads": 0}):
        with pytest.raises(ValueError, match="parameter of GatedDetector"):
            GatedDetector(**({"detector": pipeline} | params)).fit(ecgs)
    with pytest.raises(ValueError, match="'detector' parameter"):
        GatedDetector(LeadNormalizer()).fit(ecgs)
    with pytest.raises(NotFittedError):
        GatedDetector().assess(ecgs)


def test_no_warning_where_nothing_is_refused(fitted, ecgs):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted.predict(ecgs)
