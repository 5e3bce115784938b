import numpy as np
import pytest
from scipy.stats import norm
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold
from sklearn.pipeline import make_pipeline

from ecg_anomaly import (
    BandpassFilter,
    CAEDetector,
    GatedDetector,
    NormalsOnly,
    RecordSet,
    TunedThresholdDetector,
    load,
    make_ecg,
    save,
)
from ecg_anomaly.errors import DatasetError, ECGWarning, LabelError, SignalError
from ecg_anomaly.model_selection import (
    TARGETS,
    AlertBudget,
    FalseAlarmRate,
    FBeta,
    Sensitivity,
    Youden,
    threshold_at_false_alarm_rate,
)
from ecg_anomaly.model_selection._rates import rates_at, same_rank


@pytest.fixture
def mixed(table_of_scores):
    """Give 200 normals and 60 anomalies of 130 patients, in random order."""
    rng = np.random.default_rng(0)
    scores = np.concatenate([rng.normal(size=200), rng.normal(-2, size=60)])
    y = np.repeat([1, -1], [200, 60])
    order = rng.permutation(260)
    groups = rng.permutation(np.repeat(np.arange(130), 2))
    return table_of_scores(scores[order]), y[order], groups


def test_trains_on_normals_of_some_patients_and_tunes_on_others(first_feature, mixed):
    X, y, groups = mixed
    tuned = TunedThresholdDetector(first_feature(), random_state=0).fit(X, y, groups)
    trained = tuned.estimator_.seen_.astype(int)
    assert (y[trained] == 1).all()
    tuning = np.setdiff1d(np.arange(260), trained)
    free = ~np.isin(groups[tuning], groups[trained])
    assert tuned.n_normals_ == (y[tuning] == 1).sum()
    assert free[y[tuning] == 1].all()
    assert tuned.n_anomalies_ == (y[tuning[free]] == -1).sum() > 0
    normals = X[tuning[y[tuning] == 1], 0]
    assert tuned.offset_ == threshold_at_false_alarm_rate(normals, 0.05)
    np.testing.assert_array_equal(tuned.predict(X), np.where(X[:, 0] >= tuned.offset_, 1, -1))
    np.testing.assert_array_equal(tuned.decision_function(X), X[:, 0] - tuned.offset_)
    assert set(tuned.predict_verdict(X)) == {"flagged", "not flagged"}
    assert len(tuned.tuned_on_) == tuned.n_normals_ + tuned.n_anomalies_


def test_every_target_works(first_feature, mixed):
    X, y, groups = mixed
    for cls in TARGETS.values():
        model = TunedThresholdDetector(first_feature(), cls(), holdout=0.5, random_state=0)
        if cls.__name__ == "TailRate":
            model.set_params(target=cls(tail=0.4))
        model.fit(X, y, groups)
        assert np.isfinite(model.offset_)
        assert 0 < (model.predict(X) == -1).sum() < 260, cls


def test_patients_of_a_record_set_are_its_own(first_feature, records_of_scores):
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(60), 2)
    X = records_of_scores(rng.normal(size=120), patient_ids=groups)
    tuned = TunedThresholdDetector(first_feature(), holdout=0.5, random_state=0).fit(X)
    trained = tuned.estimator_.seen_.astype(int)
    assert not set(groups[trained]) & set(groups[np.setdiff1d(np.arange(120), trained)])
    assert len(trained) == 60


def test_prefit_takes_the_estimator_as_it_is(first_feature, mixed):
    X, y, groups = mixed
    fitted = first_feature().fit(X[:3])
    tuned = TunedThresholdDetector(fitted, cv="prefit").fit(X, y, groups)
    assert tuned.estimator_ is fitted
    assert (tuned.n_normals_, tuned.n_anomalies_) == (200, 60)
    with pytest.raises(NotFittedError):
        TunedThresholdDetector(CAEDetector(), cv="prefit").fit(X, y)


def test_targets_on_anomalies_say_so(first_feature, mixed):
    X, y, groups = mixed
    for target in (Sensitivity(), FBeta(), Youden()):
        with pytest.raises(DatasetError, match="y == -1"):
            TunedThresholdDetector(first_feature(), target).fit(X)
    # all anomalies are of one patient, who is trained on
    groups = np.where(y == -1, 0, np.arange(260) % 5)
    trained_on_it = TunedThresholdDetector(first_feature(), Youden(), random_state=1)
    with pytest.raises(DatasetError, match="patients that the estimator was not fitted on"):
        trained_on_it.fit(X, y, groups)


def test_wrong_labels(first_feature, mixed):
    X, y, _ = mixed
    with pytest.warns(ECGWarning, match=r"np.where\(is_anomaly, -1, 1\)"):
        TunedThresholdDetector(first_feature()).fit(X, (y == -1).astype(int))
    with pytest.raises(LabelError, match="all records are anomalies"):
        TunedThresholdDetector(first_feature()).fit(X, -np.ones(260))
    with pytest.raises(SignalError, match="10 labels for 260 records"):
        TunedThresholdDetector(first_feature()).fit(X, y[:10])
    with pytest.raises(SignalError, match="groups of shape"):
        TunedThresholdDetector(first_feature()).fit(X, y, y[:10])


def test_too_few_normals_leave_no_half_fitted_model(first_feature, mixed):
    X, y, groups = mixed
    tuned = TunedThresholdDetector(first_feature(), random_state=0).fit(X, y, groups)
    before = tuned.offset_
    with pytest.raises(DatasetError, match="at least 19 held-out normals, got 4"):
        tuned.fit(X[y == 1][:20])
    assert tuned.offset_ == before
    with pytest.raises(NotFittedError):
        TunedThresholdDetector(first_feature()).predict(X)


def test_cross_validation_ranks_each_fold_by_itself(scaled_by_fit, first_feature, mixed):
    """Fits differ in scale by up to seven; the sensitivity comes out as if they did not."""
    X, y, groups = mixed
    expected = np.quantile(X[y == -1, 0], 0.8)
    tuned = TunedThresholdDetector(scaled_by_fit(), Sensitivity(0.8), cv=4, random_state=0)
    tuned.fit(X, y, groups)
    assert tuned.n_anomalies_ == 60
    assert tuned.offset_ / tuned.estimator_.factor_ == pytest.approx(expected, abs=0.35)
    scaled = tuned.held_out_["anomalies"] / tuned.estimator_.factor_
    rates = tuned.predicted_rates()["sensitivity"]
    once = TunedThresholdDetector(scaled_by_fit().fit(X), Sensitivity(0.8), cv="prefit")
    narrow = once.fit(X, y, groups).predicted_rates()["sensitivity"]
    assert rates.high - rates.low > 1.2 * (narrow.high - narrow.low)
    assert np.abs(np.sort(scaled)[10:] - np.sort(X[y == -1, 0])[10:]).mean() < 0.35


@pytest.mark.filterwarnings("ignore:The groups parameter is ignored")
def test_a_splitter_that_parts_patients_is_refused(first_feature, mixed):
    X, y, groups = mixed
    splitter = KFold(4, shuffle=True, random_state=0)
    with pytest.raises(DatasetError, match="training and held-out records share"):
        TunedThresholdDetector(first_feature(), Youden(), cv=splitter).fit(X, y, groups)
    TunedThresholdDetector(first_feature(), Youden(), cv=GroupKFold(4)).fit(X, y, groups)


def test_same_rank():
    rng = np.random.default_rng(0)
    among = rng.normal(size=400)
    new = rng.normal(size=50)
    moved = same_rank(new, among, 3 * among + 1)
    np.testing.assert_allclose(moved, 3 * new + 1, atol=0.5)
    assert same_rank(np.array([-99.0]), among, among)[0] < among.min()
    assert same_rank(np.array([99.0]), among, among)[0] > among.max()
    np.testing.assert_allclose(same_rank(np.sort(among), among, among), np.sort(among))


def test_the_prevalence_is_that_of_all_records(first_feature, table_of_scores):
    """A fifth of the normals is held out, and all anomalies: their mix is not that of the data."""
    rng = np.random.default_rng(0)

    def draw(n):
        y = np.where(rng.uniform(size=n) < 0.1, -1, 1)
        return table_of_scores(rng.normal(size=n) + 1.0 * y), y

    X, y = draw(4000)
    new, _ = draw(20_000)
    tuned = TunedThresholdDetector(first_feature(), AlertBudget(10), random_state=0).fit(X, y)
    assert tuned.n_anomalies_ > 0.3 * tuned.n_normals_
    assert np.mean(tuned.predict(new) == -1) == pytest.approx(0.1, abs=0.02)
    chosen = np.argmin(np.abs(tuned.tuning_curve_["threshold"] - tuned.offset_))
    assert tuned.tuning_curve_["alert_rate"][chosen] == pytest.approx(0.1, abs=0.02)
    told = TunedThresholdDetector(first_feature(), FBeta(prevalence=0.1), random_state=0)
    own = TunedThresholdDetector(first_feature(), FBeta(), random_state=0)
    assert own.fit(X, y).offset_ == pytest.approx(told.fit(X, y).offset_, abs=0.2)


@pytest.mark.parametrize(("n", "mean", "width"), [(500, -2.5, 0.4), (1500, -2.0, 1.0)])
def test_ranks_carried_over_widen_the_interval(first_feature, table_of_scores, n, mean, width):
    """Where the ROC curve is steep, a small error of the rank is a large one of the sensitivity."""
    rng = np.random.default_rng(0)
    inside = []
    for seed in range(60):
        scores = np.concatenate([rng.normal(size=n), rng.normal(mean, width, n)])
        y = np.repeat([1, -1], n)
        tuned = TunedThresholdDetector(first_feature(), Sensitivity(0.8), cv=3, random_state=seed)
        tuned.fit(table_of_scores(scores), y)
        truth = norm.cdf(tuned.offset_, mean, width)
        _, low, high = tuned.predicted_rates()["sensitivity"]
        inside.append(low <= truth <= high)
    assert np.mean(inside) >= 0.85


@pytest.mark.parametrize("labels", [np.arange(260) % 2 == 0, np.array(["normal", "anomaly"] * 130)])
def test_labels_that_are_no_numbers(first_feature, mixed, labels):
    with pytest.raises(LabelError, match=r"np\.where"):
        TunedThresholdDetector(first_feature()).fit(mixed[0], labels)


def test_scores_that_are_no_numbers(first_feature, mixed):
    X, y, groups = mixed
    X = X.copy()
    X[:, 0] = np.where(X[:, 0] < -1.5, -np.inf, X[:, 0])
    for target in (FalseAlarmRate(0.1), Youden()):
        with pytest.raises(SignalError, match="which is no number"):
            TunedThresholdDetector(first_feature(), target).fit(X, y, groups)


# The tuning curve


def test_the_curve_and_its_intervals(first_feature, mixed):
    X, y, groups = mixed
    tuned = TunedThresholdDetector(first_feature(), holdout=0.5, random_state=0).fit(X, y, groups)
    curve = tuned.tuning_curve_
    n = {len(values) for values in curve.values()}
    assert len(n) == 1
    assert (np.diff(curve["threshold"]) > 0).all()
    assert (np.diff(curve["specificity"]) <= 0).all()
    assert (np.diff(curve["sensitivity"]) >= 0).all()
    for name in ("specificity", "sensitivity", "alert_rate"):
        low, middle, high = (curve[f"{name}{end}"] for end in ("_low", "", "_high"))
        assert (low <= middle).all()
        assert (middle <= high).all()
        assert ((low < high) | (low == 0) | (high == 1)).all()
        assert low.min() >= 0
        assert high.max() <= 1
    normals = tuned.held_out_["normals"]
    expected = [np.mean(normals >= t) for t in curve["threshold"]]
    np.testing.assert_allclose(curve["specificity"], expected)


def test_without_anomalies_the_curve_knows_no_sensitivity(first_feature, mixed):
    X, y, _ = mixed
    tuned = TunedThresholdDetector(first_feature(), random_state=0).fit(X[y == 1])
    assert set(tuned.tuning_curve_) == {
        "threshold",
        "specificity",
        "specificity_low",
        "specificity_high",
    }
    assert "sensitivity" not in tuned.predicted_rates()


def test_the_prediction_interval_covers_new_normals():
    """In 95 % of calibrations the rate on new normals lies within."""
    rng = np.random.default_rng(0)
    inside = []
    for _ in range(600):
        normals = rng.normal(size=200)
        held_out = {
            "normals": normals,
            "normal_patients": np.arange(200),
            "anomalies": np.empty(0),
            "carried": np.zeros(1),
        }
        threshold = FalseAlarmRate(0.1).threshold(normals, np.empty(0))
        rate = np.mean(rng.normal(size=150) < threshold)
        _, low, high = rates_at(held_out, threshold, 150)["false_alarm_rate"]
        inside.append(low <= rate <= high)
    assert 0.94 <= np.mean(inside) <= 0.985


def test_patients_with_many_records_widen_the_interval(first_feature, table_of_scores):
    rng = np.random.default_rng(0)
    of_patient = rng.normal(size=60)
    groups = np.repeat(np.arange(60), 10)
    X = table_of_scores(of_patient[groups] + 0.01 * rng.normal(size=600))
    model = TunedThresholdDetector(first_feature(), FalseAlarmRate(0.1), cv="prefit")
    model.estimator = first_feature().fit(X)
    clustered = model.fit(X, groups=groups).predicted_rates()["false_alarm_rate"]
    independent = model.fit(X).predicted_rates()["false_alarm_rate"]
    assert clustered.high - clustered.low > 2 * (independent.high - independent.low)


def test_an_unlabelled_archive_sets_an_alert_budget(first_feature, mixed):
    X, _, _ = mixed
    model = TunedThresholdDetector(first_feature().fit(X), AlertBudget(10), cv="prefit").fit(X)
    assert (model.predict(X) == -1).sum() == 25  # floor(0.1 * 261) - 1


# In scikit-learn, behind gates, and in files


@pytest.fixture(scope="module")
def ecgs():
    return make_ecg(60, duration=4, anomalies="lvh", anomaly_fraction=0.3, random_state=0)


def test_pipelines_and_searches(small, ecgs):
    pipeline = make_pipeline(BandpassFilter(), small(CAEDetector))
    tuned = TunedThresholdDetector(pipeline, FalseAlarmRate(0.2), holdout=0.3, random_state=0)
    search = GridSearchCV(
        tuned,
        {"estimator__caedetector__latent_dim": [2, 4]},
        cv=NormalsOnly(2, random_state=0),
        scoring="roc_auc",
    )
    # the final fit takes all records: it trains on normals all the same
    search.fit(ecgs.X, ecgs.y)
    best = search.best_estimator_
    assert best.n_anomalies_ == 18
    assert best.n_features_in_ == 4800
    last = make_pipeline(
        BandpassFilter(), TunedThresholdDetector(small(CAEDetector), FalseAlarmRate(0.2))
    )
    last.fit(RecordSet(ecgs.X), ecgs.y)
    assert set(last.predict(RecordSet(ecgs.X))) == {-1, 1}


def test_a_gate_inside_is_asked(small, ecgs, tmp_path):
    X = ecgs.X.copy()
    X[:10] = 0
    gated = GatedDetector(make_pipeline(BandpassFilter(), small(CAEDetector)))
    tuned = TunedThresholdDetector(gated, FalseAlarmRate(0.2), holdout=0.4, random_state=0)
    tuned.fit(RecordSet(X))
    assert tuned.n_refused_ + tuned.estimator_.n_refused_ == 10
    verdicts = tuned.predict_verdict(X)
    assert (verdicts[:10] == "not scorable").all()
    assert set(verdicts[10:]) == {"flagged", "not flagged"}
    assert not tuned.assess(X)[0].is_scorable
    save(tuned, tmp_path / "model")
    loaded = load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict_verdict(X), verdicts)
    assert loaded.target == FalseAlarmRate(0.2)
    assert loaded.predicted_rates(n_normals=50) == tuned.predicted_rates(n_normals=50)
    assert set(loaded.__dict__) == set(tuned.__dict__)
    for key, values in tuned.tuning_curve_.items():
        np.testing.assert_array_equal(loaded.tuning_curve_[key], values)
    np.testing.assert_array_equal(loaded.tuned_on_, tuned.tuned_on_)


def test_a_model_without_a_gate_has_no_assess(small, ecgs):
    tuned = TunedThresholdDetector(small(CAEDetector))
    assert not hasattr(tuned, "assess")
    assert hasattr(TunedThresholdDetector(GatedDetector()), "assess")


def test_refits_agree(first_feature, mixed):
    X, y, groups = mixed
    tuned = TunedThresholdDetector(first_feature(), Youden(), random_state=3)
    first = tuned.fit(X, y, groups).offset_
    assert clone(tuned).fit(X, y, groups).offset_ == first
