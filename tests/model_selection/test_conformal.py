import copy

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline

from ecg_anomaly import (
    BandpassFilter,
    CAEDetector,
    ConformalDetector,
    GatedDetector,
    RecordSet,
    load,
    make_ecg,
    save,
    score_records,
)
from ecg_anomaly.errors import DatasetError, ECGError, ECGWarning, ModelFileError, SignalError
from ecg_anomaly.model_selection.groups import MERGED
from ecg_anomaly.scoring import calibrate


def repeated(make, n_repetitions=1000):
    """Return the false-alarm rate of each of many calibrations, and their Monte Carlo error."""
    rates = np.array([make(seed) for seed in range(n_repetitions)])
    return rates.mean(), 3 * rates.std() / np.sqrt(n_repetitions)


@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_the_promise_on_exchangeable_normals(first_feature, table_of_scores, alpha):
    rng = np.random.default_rng(0)

    def rate(seed):
        X = table_of_scores(rng.standard_t(3, size=150))
        model = ConformalDetector(first_feature(), alpha, holdout=0.4, random_state=seed).fit(X)
        return np.mean(model.predict(table_of_scores(rng.standard_t(3, size=100))) == -1)

    mean, tolerance = repeated(rate)
    assert mean <= alpha + tolerance
    assert mean >= alpha - 1 / 61 - tolerance  # the calibration's size is all that it loses


def test_the_promise_holds_for_new_patients_with_many_records(first_feature, table_of_scores):
    """Records of a patient are alike; some patients have many, and these look more normal."""
    rng = np.random.default_rng(0)

    def patients(n):
        of_patient = rng.normal(size=n)
        sizes = np.where(of_patient > 0, 6, 1)
        groups = np.repeat(np.arange(n), sizes)
        return table_of_scores(of_patient[groups] + 0.1 * rng.normal(size=len(groups))), groups

    def rate(seed):
        X, groups = patients(100)
        model = ConformalDetector(first_feature(), 0.1, holdout=0.5, random_state=seed)
        model.fit(X, groups=groups)
        new, groups = patients(100)
        first_of_each = np.unique(groups, return_index=True)[1]
        return np.mean(model.predict(new[first_of_each]) == -1)

    mean, tolerance = repeated(rate, 600)
    assert 0.1 - 1 / 51 - tolerance <= mean <= 0.1 + tolerance


def test_the_promise_in_each_group(first_feature, records_of_scores):
    """One threshold would flag 2 % of one group and 20 % of the other."""
    rng = np.random.default_rng(0)

    def people(n):
        sex = rng.integers(0, 2, n)
        scores = rng.normal(size=n) - 1.5 * sex
        return records_of_scores(scores, table=pd.DataFrame({"sex": sex})), sex

    rates = {0: [], 1: []}
    for seed in range(300):
        model = ConformalDetector(
            first_feature(), 0.1, holdout=0.5, group_by="sex", random_state=seed
        ).fit(people(200)[0])
        new, sex = people(200)
        flagged = model.predict(new) == -1
        for value in rates:
            rates[value].append(flagged[sex == value].mean())
    for of_group in rates.values():
        tolerance = 3 * np.std(of_group) / np.sqrt(300)
        assert 0.1 - 1 / 40 - tolerance <= np.mean(of_group) <= 0.1 + tolerance


@pytest.fixture
def grouped(first_feature, records_of_scores):
    """Give a model with two groups and a RecordSet of 300 normals that it calibrated on."""
    rng = np.random.default_rng(1)
    sex = np.arange(300) % 2
    table = pd.DataFrame({"sex": sex, "age": np.where(np.arange(300) < 290, 50.0, 90.0)})
    X = records_of_scores(rng.normal(size=300) - sex, table=table)
    model = ConformalDetector(first_feature(), cv="prefit", group_by=["sex"])
    model.estimator = first_feature().fit(X)
    return model.fit(X), X


def test_p_values_and_verdicts_of_groups_agree(grouped):
    model, X = grouped
    p = model.p_values(X)
    np.testing.assert_array_equal(model.predict(X) == -1, p <= 0.05)
    assert set(model.group_offsets_) == {"sex=0", "sex=1"}
    assert model.group_offsets_["sex=1"] < model.offset_ < model.group_offsets_["sex=0"]
    scores = model.score_samples(X)
    sex = X.table["sex"].to_numpy()
    thresholds = np.where(sex == 0, *(model.group_offsets_[f"sex={k}"] for k in (0, 1)))
    np.testing.assert_array_equal(model.decision_function(X), scores - thresholds)


def test_an_unknown_group_has_the_promise_of_all(grouped):
    model, X = grouped
    some = RecordSet(X.load(), leads=["II"], table=pd.DataFrame({"sex": [7] * 150 + [None] * 150}))
    scores = X.load()[:, 0, 0].astype(float)
    np.testing.assert_array_equal(model.decision_function(some), scores - model.offset_)
    np.testing.assert_allclose(model.p_values(some), (2 + np.argsort(np.argsort(scores))) / 301)


def test_small_groups_are_merged(first_feature, grouped):
    _, X = grouped
    model = ConformalDetector(
        first_feature().fit(X), 0.05, cv="prefit", group_by=["sex", "age"], bands={"age": [60]}
    )
    with pytest.warns(ECGWarning, match=r"sex=0, age>=60, sex=1, age>=60 have the promise of all"):
        model.fit(X)
    assert model.merged_ == {"sex=0, age>=60": "", "sex=1, age>=60": ""}
    model.set_params(alpha=0.1)
    with pytest.warns(ECGWarning, match="share one"):
        model.fit(X)
    assert set(model.merged_.values()) == {MERGED}
    assert len(model.calibration_[MERGED]) == 10


def test_groups_need_a_table(first_feature, table_of_scores, grouped):
    model, X = grouped
    with pytest.raises(SignalError, match="RecordSet whose table"):
        ConformalDetector(first_feature(), group_by="sex").fit(table_of_scores(range(200)))
    with pytest.raises(SignalError, match="sex is missing"):
        model.predict(RecordSet(X.load(), leads=["II"]))


@pytest.mark.parametrize(("n_groups", "size"), [(2, 100), (6, 50), (10, 25)])
def test_the_stated_rate_holds_with_groups_too(first_feature, records_of_scores, n_groups, size):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"ward": [f"w{k}" for k in np.repeat(np.arange(n_groups), size)]})
    inside = []
    for _ in range(120):
        X, new = (records_of_scores(rng.normal(size=len(table)), table=table) for _ in range(2))
        model = ConformalDetector(first_feature().fit(X), cv="prefit", group_by="ward").fit(X)
        _, low, high = model.predicted_rates(n_normals=len(table))["false_alarm_rate"]
        inside.append(low <= np.mean(model.predict(new) == -1) <= high)
    assert np.mean(inside) >= 0.92


def test_sex_is_one_group_however_it_is_written(first_feature, records_of_scores):
    rng = np.random.default_rng(0)
    scores = rng.normal(size=100)
    written = ["M", "male", "0", 0] * 25, [0] * 100
    models = [
        ConformalDetector(first_feature(), group_by="sex", random_state=0).fit(
            records_of_scores(scores, table=pd.DataFrame({"sex": sex}))
        )
        for sex in written
    ]
    assert models[0].group_offsets_ == models[1].group_offsets_ != {}


def test_selection_is_that_of_benjamini_and_hochberg(first_feature, table_of_scores):
    model = ConformalDetector(first_feature().fit(np.zeros((2, 2))), cv="prefit")
    model.fit(table_of_scores(np.arange(999.0)))
    p = np.array([0.001, 0.02, 0.03, 0.2, 0.9])
    batch = table_of_scores(1000 * p - 1.5)
    np.testing.assert_allclose(model.p_values(batch), p)
    # sorted, the third is the last below its rank times fdr over five
    assert model.select(batch, fdr=0.05).tolist() == [True, True, True, False, False]
    assert model.select(batch, fdr=0.04).tolist() == [True, False, False, False, False]


def test_groups_that_nobody_tells(first_feature, records_of_scores):
    X = records_of_scores(range(100), table=pd.DataFrame({"sex": [None] * 100}))
    with pytest.raises(DatasetError, match="none of the 20 records tells its sex"):
        ConformalDetector(first_feature(), group_by="sex").fit(X)


def test_with_confidence_fewer_are_flagged(first_feature, table_of_scores):
    X = table_of_scores(np.random.default_rng(0).normal(size=500))
    plain = ConformalDetector(first_feature(), 0.1, random_state=0).fit(X)
    sure = ConformalDetector(first_feature(), 0.1, confidence=0.95, random_state=0).fit(X)
    assert sure.offset_ < plain.offset_
    with pytest.raises(DatasetError, match=r"with confidence 0\.95"):
        ConformalDetector(first_feature(), 0.1, confidence=0.95, holdout=0.05).fit(X)


def test_selection_keeps_the_false_discovery_rate(first_feature, table_of_scores):
    rng = np.random.default_rng(0)
    shares, found = [], []
    for seed in range(300):
        model = ConformalDetector(first_feature(), holdout=0.9, random_state=seed)
        model.fit(table_of_scores(rng.normal(size=500)))
        scores = np.concatenate([rng.normal(size=80), rng.normal(-4, size=20)])
        chosen = model.select(table_of_scores(scores), fdr=0.2)
        shares.append(chosen[:80].sum() / max(chosen.sum(), 1))
        found.append(chosen[80:].mean())
    assert np.mean(shares) <= 0.2 + 3 * np.std(shares) / np.sqrt(300)
    assert np.mean(found) > 0.8
    with pytest.raises(ValueError, match="fdr must lie"):
        model.select(table_of_scores(scores), fdr=0)


def test_anomalies_are_neither_trained_on_nor_calibrated_with(first_feature, table_of_scores):
    X = table_of_scores(np.concatenate([np.arange(100.0), -np.ones(50)]))
    y = np.repeat([1, -1], [100, 50])
    model = ConformalDetector(first_feature(), random_state=0).fit(X, y)
    assert (model.estimator_.seen_ < 100).all()
    assert model.calibration_[""].min() >= 0
    assert len(model.calibration_[""]) == 20


@pytest.fixture(scope="module")
def ecgs():
    normals = make_ecg(60, duration=4, random_state=0)
    return RecordSet(normals.X, table=normals.table[["age", "sex"]])


@pytest.fixture(scope="module")
def gated(small, ecgs):
    model = GatedDetector(make_pipeline(BandpassFilter(), small(CAEDetector)))
    return ConformalDetector(model, 0.2, holdout=0.5, group_by="sex", random_state=0).fit(ecgs)


def test_behind_a_gate(gated, ecgs):
    X = ecgs.load()
    X[0] = 0
    flat = RecordSet(X, table=ecgs.table)
    p = gated.p_values(flat)
    assert np.isnan(p[0])
    assert not np.isnan(p[1:]).any()
    assert gated.predict_verdict(flat)[0] == "not scorable"
    assert not gated.select(flat, 0.5)[0]


def test_files_and_record_tables(gated, ecgs, tmp_path):
    save(gated, tmp_path / "model")
    loaded = load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.p_values(ecgs), gated.p_values(ecgs))
    assert set(loaded.__dict__) == set(gated.__dict__)
    table = score_records(loaded, ecgs)
    np.testing.assert_allclose(table["p_value"], gated.p_values(ecgs))
    np.testing.assert_array_equal(table["verdict"], gated.predict_verdict(ecgs))
    assert table.columns[:4].tolist() == ["record_id", "source", "score", "p_value"]


def test_records_bring_their_group_as_annotations(gated, ecgs):
    record = ecgs[3]
    sex = {0: "male", 1: "Female"}[int(record.annotations["sex"])]
    record.annotations = {"sex": sex}
    row = score_records(gated, record).iloc[0]
    assert row["p_value"] == pytest.approx(gated.p_values(ecgs)[3])
    record.annotations = {}
    unknown = score_records(gated, record).iloc[0]["p_value"]
    scores = gated.calibration_[""]
    assert unknown == pytest.approx((1 + np.sum(scores <= row["score"] + 1e-9)) / (len(scores) + 1))


def test_a_calibration_that_does_not_fit_is_refused(gated, tmp_path):
    for break_it in (
        lambda model: model.calibration_.pop("sex=0"),
        lambda model: model.merged_.update(x="nowhere"),
        lambda model: model.group_offsets_.update({"sex=1": "low"}),
        lambda model: setattr(model, "offset_", "low"),
    ):
        broken = copy.deepcopy(gated)
        break_it(broken)
        save(broken, tmp_path / "model")
        with pytest.raises(ModelFileError):
            load(tmp_path / "model")


# Calibration elsewhere


def test_calibrate_on_records_of_another_place(gated, ecgs):
    """Other amplitudes make half of the normals there anomalous; calibrated anew they are not."""
    elsewhere = make_ecg(80, duration=4, fs=250, random_state=5).X * 1.6
    there = RecordSet(elsewhere[:40], fs=250)
    new = RecordSet(elsewhere[40:], fs=250)
    before = (score_records(gated, new)["verdict"] == "flagged").mean()
    model = calibrate(gated, there, alpha=0.1)
    after = (score_records(model, new)["verdict"] == "flagged").mean()
    assert before > 0.4
    assert after < 0.3
    assert model.alpha == 0.1
    assert model.group_by is None
    expected = score_records(gated.estimator_, there)["score"]
    np.testing.assert_allclose(model.calibration_[""], np.sort(expected))
    assert len(model.tuned_on_) == 40
    twice = calibrate(gated, [*there, *there], alpha=0.1)
    assert (len(twice.calibration_[""]), twice.n_refused_) == (40, 40)
    with pytest.raises(ECGError, match="calibrated with aggregate='min'"):
        score_records(model, new, aggregate="mean")
    with pytest.raises(ValueError, match="aggregate must be"):
        calibrate(gated, there, aggregate="max")


def test_calibrate_leaves_out_what_cannot_be_scored(gated, ecgs, tmp_path):
    records = list(ecgs[:30])
    records[3].signal[:] = 0
    model = calibrate(gated, [*records, tmp_path / "nothing.hea"], alpha=0.1)
    assert model.n_refused_ == 2
    assert len(model.calibration_[""]) == 29
    with pytest.raises(DatasetError, match="none of 1 records can be scored"):
        calibrate(gated, [tmp_path / "nothing.hea"])
    with pytest.raises(DatasetError, match="none of 0 records"):
        calibrate(gated, [])


def test_calibrate_takes_one_record_a_patient(gated, ecgs):
    patients = np.repeat(np.arange(20), 3)
    three_each = RecordSet(ecgs.load(), patient_ids=patients, table=ecgs.table)
    model = calibrate(gated, three_each, alpha=0.1, random_state=0)
    assert len(model.calibration_[""]) == 20
