"""What scikit-learn and the package demand of every extractor and detector of the baselines."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from ecg_anomaly import RecordSet
from ecg_anomaly.baselines import (
    FEATURES,
    TABLE_DETECTORS,
    DistanceDetector,
    HeartRate,
    MedianBeat,
    NearestNormals,
    OutOfBandEnergy,
    PrincipalAxes,
    RandomKernels,
    ResidualDetector,
)
from ecg_anomaly.errors import SignalError

LEADS = ("I", "II", "V2")
VARIANTS = [
    *(cls() for cls in FEATURES if cls is not RandomKernels),
    RandomKernels(n_kernels=300, random_state=0),
]
TABLES = [
    *(cls() for cls in TABLE_DETECTORS),
    DistanceDetector(metric="mahalanobis"),
    ResidualDetector(n_components=1),
    NearestNormals(n_neighbors=1, contamination=0.5),
]
every_feature = pytest.mark.parametrize("features", VARIANTS, ids=lambda f: type(f).__name__)
every_detector = pytest.mark.parametrize("detector", TABLES, ids=repr)


@parametrize_with_checks([*VARIANTS, *TABLES, PrincipalAxes()])
def test_sklearn_contract(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks([RandomKernels()])
def test_sklearn_contract_of_all_kernels(estimator, check):
    check(estimator)


@every_feature
def test_tags(features):
    tags = get_tags(features)
    assert tags.input_tags.three_d_array
    assert tags.input_tags.two_d_array
    assert not tags.input_tags.allow_nan
    assert not tags.non_deterministic


@every_feature
def test_a_table_of_finite_numbers(features, signals):
    X = signals()
    before = X.copy()
    table = clone(features).fit(X).transform(X)
    assert table.ndim == 2
    assert len(table) == len(X)
    assert table.dtype.kind == "f"
    assert np.isfinite(table).all()
    assert not np.shares_memory(table, X)
    np.testing.assert_array_equal(X, before)


@every_feature
def test_two_dimensions_and_record_sets_equal_three(features, signals):
    train, test = signals(), signals(300, seed=1)
    expected = clone(features).fit(train).transform(test)
    flat = clone(features).set_params(n_leads=3).fit(train.reshape(len(train), -1))
    np.testing.assert_array_equal(flat.transform(test.reshape(len(test), -1)), expected)
    records = RecordSet(test, leads=LEADS)
    of_records = clone(features).fit(RecordSet(train, leads=LEADS))
    assert of_records.leads_ == LEADS
    np.testing.assert_array_equal(of_records.transform(records), expected)
    np.testing.assert_array_equal(of_records.transform(test), expected)


@every_feature
def test_records_do_not_depend_on_each_other(features, signals):
    X = signals(30)
    fitted = clone(features).fit(X)
    alone = np.concatenate([fitted.transform(X[k : k + 1]) for k in range(len(X))])
    np.testing.assert_array_equal(alone, fitted.transform(X))


@every_feature
def test_refits_and_pickles_are_equal(features, signals):
    X = signals()
    fitted = clone(features).fit(X)
    expected = fitted.transform(X)
    np.testing.assert_array_equal(clone(features).fit(X).transform(X), expected)
    np.testing.assert_array_equal(fitted.fit(X).transform(X), expected)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).transform(X), expected)


@every_feature
def test_read_only_and_other_layouts(features, signals):
    X = signals()
    expected = clone(features).fit(X).transform(X)
    locked = X.copy()
    locked.flags.writeable = False
    for other in (locked, np.asfortranarray(X), np.repeat(X, 2, axis=2)[..., ::2]):
        np.testing.assert_array_equal(clone(features).fit(other).transform(other), expected)


@every_feature
@pytest.mark.parametrize("n_samples", [1, 2, 3, 8, 9, 10, 49, 71, 260])
@pytest.mark.parametrize("n_leads", [1, 12])
def test_short_records(features, n_leads, n_samples):
    X = np.random.default_rng(0).normal(size=(3, n_leads, n_samples))
    assert np.isfinite(clone(features).fit_transform(X)).all()


@every_feature
@pytest.mark.parametrize("level", [0.0, 1.0, -1e30, 1e-30])
def test_constants_and_flat_leads(features, level, signals):
    X = np.full((4, 3, 200), level, np.float32)
    assert np.isfinite(clone(features).fit_transform(X)).all()
    X = signals()
    X[::2, 1] = level if abs(level) < 2 else 0.0
    assert np.isfinite(clone(features).fit_transform(X)).all()


@every_feature
def test_bad_samples_are_named(features, signals):
    X = signals()
    fitted = clone(features).fit(X)
    X[5, 1, 11] = np.nan
    for call in (clone(features).fit_transform, fitted.transform):
        with pytest.raises(SignalError, match=r"record 5: nan in lead 1 at sample 11.*LeadImputer"):
            call(X)
    records = RecordSet(X, leads=LEADS, record_ids=[f"ecg{k}" for k in range(len(X))])
    with pytest.raises(SignalError, match=r"record 'ecg5': nan in lead 1 \(II\).*LeadImputer"):
        clone(features).fit_transform(records)


@every_feature
def test_what_does_not_fit_is_refused(features, signals):
    X = signals()
    with pytest.raises(NotFittedError):
        clone(features).transform(X)
    fitted = clone(features).fit(RecordSet(X, leads=LEADS))
    with pytest.raises(SignalError, match="order them by name"):
        fitted.transform(RecordSet(X, leads=("II", "I", "V2")))
    with pytest.raises(SignalError, match="CropOrPad"):
        fitted.transform(X[..., :100])
    with pytest.raises(SignalError, match="cannot be fitted on the empty"):
        clone(features).fit(RecordSet(X, leads=LEADS)[:0])
    with pytest.raises(SignalError, match="cannot transform the empty"):
        fitted.transform(RecordSet(X, leads=LEADS)[:0])


@pytest.mark.parametrize("cls", [HeartRate, MedianBeat, OutOfBandEnergy, RandomKernels])
def test_another_rate_is_refused(cls, signals):
    records = RecordSet(signals(), fs=250)
    with pytest.raises(SignalError, match="set fs=250, or resample"):
        cls().fit(records)
    with pytest.raises(SignalError, match="set fs=100, or resample"):
        cls(fs=250).fit(records).transform(RecordSet(signals(), fs=100))
    with pytest.raises(ValueError, match="fs"):
        cls(fs=0.0).fit(signals())


def table(n=60, n_features=5, seed=0):
    return np.random.default_rng(seed).normal(size=(n, n_features)) * np.arange(1, n_features + 1)


@every_detector
def test_scores_and_verdicts(detector):
    X = table()
    fitted = clone(detector).fit(X)
    scores = fitted.score_samples(X)
    assert scores.dtype == np.float64
    assert scores.shape == (60,)
    np.testing.assert_array_equal(fitted.decision_function(X), scores - fitted.offset_)
    np.testing.assert_array_equal(fitted.predict(X), np.where(scores >= fitted.offset_, 1, -1))
    assert (fitted.predict(X) == -1).sum() == round(60 * detector.contamination)
    assert fitted.predict(100 * X[:1]).tolist() == [-1]


@every_detector
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scores_do_not_depend_on_each_other(detector, dtype):
    X = table(300, 40).astype(dtype)
    fitted = clone(detector).fit(X[:100])
    alone = np.concatenate([fitted.score_samples(X[k : k + 1]) for k in range(len(X))])
    np.testing.assert_allclose(fitted.score_samples(X), alone, rtol=1e-9, atol=1e-9)
    loaded = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(loaded.score_samples(X), fitted.score_samples(X))


@every_detector
def test_constant_tables_and_columns(detector):
    X = table()
    X[:, 1] = 3.0
    assert np.isfinite(clone(detector).fit(X).score_samples(X)).all()
    constant = np.full((20, 3), 7.0)
    fitted = clone(detector).fit(constant)
    np.testing.assert_array_equal(fitted.score_samples(constant), 0)
    assert fitted.score_samples(constant + 1)[0] < 0


@every_detector
def test_what_a_detector_refuses(detector):
    X = table()
    with pytest.raises(NotFittedError):
        clone(detector).score_samples(X)
    with pytest.raises(ValueError, match="1 sample"):
        clone(detector).fit(X[:1])
    with pytest.raises(ValueError, match="NaN"):
        clone(detector).fit(np.where(X > 2, np.nan, X))
    with pytest.raises(ValueError, match="contamination"):
        clone(detector).set_params(contamination=0.6).fit(X)
    fitted = clone(detector).fit(X)
    with pytest.raises(ValueError, match="4 features"):
        fitted.score_samples(X[:, :4])


@pytest.mark.parametrize("estimator", [*VARIANTS, *TABLES, PrincipalAxes()], ids=repr)
def test_fitted_states_are_plain(estimator, signals):
    X = signals() if estimator in VARIANTS else table()
    fitted = clone(estimator).fit(X)
    state = {k: v for k, v in vars(fitted).items() if k.endswith("_")}
    for name, value in state.items():
        assert isinstance(value, np.ndarray | np.generic | int | float | tuple), name
    fitted._check_state()


@pytest.mark.parametrize("estimator", [VARIANTS[-1], *TABLES[:4], PrincipalAxes()], ids=repr)
def test_damaged_states_are_refused(estimator, signals):
    X = signals() if estimator in VARIANTS else table()
    fitted = clone(estimator).fit(X)
    names = [k for k, v in vars(fitted).items() if k.endswith("_") and np.ndim(v) > 0]
    names = [name for name in names if name not in ("leads_", "dilations_")]
    assert names
    for name in names:
        broken = pickle.loads(pickle.dumps(fitted))
        setattr(broken, name, np.repeat(getattr(broken, name), 2, axis=-1))
        with pytest.raises(SignalError, match=r"fit together|shape"):
            broken._check_state()


@pytest.mark.parametrize(("shape", "kept"), [((20, 30), 10), ((40, 5), 4), ((40, 1), 0)])
def test_components_leave_something(shape, kept):
    X = np.random.default_rng(0).normal(size=shape)
    detector = ResidualDetector().fit(X)
    assert detector.components_.shape == (kept, shape[1])
    assert detector.score_samples(X).max() < 0
    expected = (X - X.mean(0)) @ (np.eye(shape[1]) - detector.components_.T @ detector.components_)
    np.testing.assert_allclose(detector.score_samples(X), -np.linalg.norm(expected, axis=1))


def test_mahalanobis_follows_the_covariance():
    X = table(5000, 3)
    expected = np.sqrt(np.square((X - X.mean(0)) / [1, 2, 3]).sum(axis=1))
    scores = DistanceDetector(metric="mahalanobis").fit(X).score_samples(X)
    np.testing.assert_allclose(-scores, expected, rtol=0.05, atol=0.01)
    plain = DistanceDetector().fit(X).score_samples(X)
    np.testing.assert_allclose(-plain, np.linalg.norm(X - X.mean(0), axis=1))


def test_a_record_is_not_its_own_neighbour():
    X = table(50, 3)
    others = [
        NearestNormals().fit(np.delete(X, k, axis=0)).score_samples(X[k : k + 1])[0]
        for k in range(50)
    ]
    np.testing.assert_allclose(NearestNormals().fit(X).score_samples(X), others, rtol=1e-9)
