"""What scikit-learn and the package demand of every estimator, generated from their lists."""

import copy
import pickle

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils._param_validation import InvalidParameterError
from sklearn.utils.estimator_checks import parametrize_with_checks

from ecg_anomaly import (
    BandpassFilter,
    ConformalDetector,
    GatedDetector,
    LeadNormalizer,
    NormalsOnly,
    QualityGate,
    RecordSet,
    TunedThresholdDetector,
    VAEMHADetector,
)
from ecg_anomaly.detectors import DETECTORS, CAEDetector
from ecg_anomaly.errors import SignalError
from ecg_anomaly.leads import STANDARD_LEADS
from ecg_anomaly.model_selection import Percentile
from ecg_anomaly.preprocessing import TRANSFORMERS

LEADS = ("I", "II", "V2")
ESTIMATORS = DETECTORS + TRANSFORMERS
every_estimator = pytest.mark.parametrize("cls", ESTIMATORS)
every_detector = pytest.mark.parametrize("cls", DETECTORS)
SMALL = {"channels": 8, "hidden": 8, "latent_dim": 4, "n_heads": 2, "max_epochs": 1}


def shrunk(cls):
    names = cls._get_param_names()
    return cls(**{name: value for name, value in SMALL.items() if name in names})


def score_methods(cls):
    (options,) = cls._parameter_constraints["score_method"]
    return sorted(options.options)


def open_gated(cls):
    """Put a detector behind a gate that lets the checks' random numbers pass."""
    none, everything = 0.0, 1e9
    gate = QualityGate(
        min_duration=none,
        min_usable=none,
        min_scorable=none,
        flat_level=none,
        max_unusable=1.0,
        max_drift=everything,
        unusable_noise=everything,
        max_amplitude=everything,
        artefact_swing=everything,
    )
    return GatedDetector(shrunk(cls).set_params(random_state=0), gate)


def held_out():
    """Put thresholds that a handful of normals suffices for around detectors."""
    detector = shrunk(CAEDetector).set_params(random_state=0)
    return [
        TunedThresholdDetector(detector, Percentile(20), holdout=0.5, random_state=0),
        TunedThresholdDetector(
            open_gated(CAEDetector), Percentile(20), holdout=0.5, random_state=0
        ),
        ConformalDetector(detector, 0.4, holdout=0.5, random_state=0),
    ]


@parametrize_with_checks(
    [
        *(shrunk(cls) for cls in ESTIMATORS),
        *(open_gated(cls) for cls in DETECTORS[:1]),
    ],
    expected_failed_checks=None,
)
def test_sklearn_contract(estimator, check):
    check(estimator)


# the checks' labels are 0, 1, 2: what looks at labels may not refuse them, but warns
@pytest.mark.filterwarnings("ignore:labels other than")
@parametrize_with_checks(held_out(), expected_failed_checks=None)
def test_sklearn_contract_of_held_out_thresholds(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks([cls() for cls in DETECTORS], expected_failed_checks=None)
def test_sklearn_contract_with_defaults(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def fitted(small, signals):
    """Fit each class once; tests must not change what they get."""
    cache = {}

    def get(cls):
        if cls not in cache:
            cache[cls] = small(cls).fit(signals())
        return cache[cls]

    return get


@every_estimator
def test_constructs_with_no_argument_and_announces_3d(cls):
    tags = get_tags(cls())
    assert tags.input_tags.three_d_array
    assert tags.input_tags.two_d_array
    assert not tags.non_deterministic


@every_estimator
def test_parameters_go_round(cls, small):
    estimator = small(cls)
    params = estimator.get_params()
    assert clone(estimator).get_params() == params
    assert cls().set_params(**params).get_params() == params
    assert estimator.fit.__doc__
    with pytest.raises(ValueError, match="Invalid parameter"):
        estimator.set_params(nonsense=1)


@every_estimator
def test_not_fitted(cls, signals, record_set):
    X = signals(3)
    names = ["transform"]
    if cls in DETECTORS:
        names = ["score_samples", "decision_function", "predict", "reconstruct"]
        names += ["anomaly_map", "latent"]
    for name in names:
        for data in (X, record_set(cls, X)):
            with pytest.raises(NotFittedError):
                getattr(cls(), name)(data)


@every_estimator
def test_shapes_and_types(cls, fitted, signals, output):
    X = signals(5, seed=1)
    result = output(fitted(cls), X)
    assert np.isfinite(result).all()
    if cls in DETECTORS:
        assert result.shape == (5,)
        assert result.dtype == np.float64
        predicted = fitted(cls).predict(X)
        assert predicted.dtype.kind == "i"
        assert set(predicted) <= {-1, 1}
    else:
        assert result.ndim == 3
        assert result.shape[:2] == X.shape[:2]
        assert result.dtype == X.dtype


@every_estimator
def test_two_dimensions_equal_three(cls, small, fitted, signals, output):
    train, test = signals(), signals(7, seed=1)
    flat = small(cls, n_leads=3).fit(train.reshape(len(train), -1))
    assert (flat.n_features_in_, flat.n_leads_in_) == (600, 3)
    expected = output(fitted(cls), test)
    result = output(flat, test.reshape(7, -1))
    assert result.ndim == (1 if cls in DETECTORS else 2)
    np.testing.assert_array_equal(result.reshape(expected.shape), expected)
    np.testing.assert_array_equal(output(flat, test), expected)


@every_estimator
def test_a_record_set_equals_an_array(cls, small, fitted, signals, record_set, output):
    train, test = signals(), signals(300, seed=1)
    trained = small(cls).fit(record_set(cls, train))
    expected = output(fitted(cls), test)
    np.testing.assert_array_equal(output(trained, record_set(cls, test)), expected)
    np.testing.assert_array_equal(output(trained, test), expected)
    assert trained.leads_ == LEADS


@every_estimator
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_records_do_not_depend_on_each_other(cls, fitted, signals, output, dtype):
    X = signals(70, seed=1, dtype=dtype)
    estimator = fitted(cls)
    together = output(estimator, X)
    alone = np.concatenate([output(estimator, X[k : k + 1]) for k in range(len(X))])
    np.testing.assert_allclose(alone, together, rtol=1e-7, atol=1e-7)
    order = np.random.default_rng(0).permutation(len(X))
    np.testing.assert_allclose(output(estimator, X[order]), together[order], rtol=1e-7, atol=1e-7)


@every_estimator
def test_layout_and_storage_do_not_matter(cls, small, fitted, signals, output, tmp_path):
    train, test = signals(), signals(7, seed=1)
    expected = output(fitted(cls), test)

    def read_only(x):
        x = x.copy()
        x.flags.writeable = False
        return x

    def mapped(x):
        np.save(tmp_path / "x.npy", x)
        return np.load(tmp_path / "x.npy", mmap_mode="r")

    for change in (
        read_only,
        mapped,
        np.asfortranarray,
        lambda x: np.repeat(x, 2, axis=2)[..., ::2],
        lambda x: x[::-1].copy()[::-1],
        lambda x: x.astype(">f4"),
        lambda x: np.ma.masked_array(x, mask=False),
    ):
        estimator = small(cls).fit(change(train))
        np.testing.assert_array_equal(output(estimator, change(test)), expected)


@every_estimator
@pytest.mark.parametrize("dtype", ["f2", "i2", "i4", "u1", "?"])
def test_other_real_types_equal_their_floats(cls, small, signals, output, dtype):
    train, test = (np.abs(20 * signals(12, seed=seed)).astype(dtype) for seed in (0, 1))
    wide = np.float64 if dtype == "i4" else np.float32
    expected = output(small(cls).fit(train.astype(wide)), test.astype(wide))
    np.testing.assert_array_equal(output(small(cls).fit(train), test), expected)


@every_estimator
def test_input_and_parameters_stay(cls, small, signals, output):
    X = signals()
    before = X.copy()
    estimator = small(cls)
    params = copy.deepcopy(estimator.get_params())
    output(estimator.fit(X), X)
    np.testing.assert_array_equal(X, before)
    assert estimator.get_params() == params


@every_estimator
def test_fitting_again_agrees_bit_for_bit(cls, small, fitted, signals, output):
    X, other = signals(), signals(20, seed=3)
    expected = output(fitted(cls), X)
    again = small(cls).fit(other).fit(X)
    np.testing.assert_array_equal(output(again, X), expected)
    cloned = clone(fitted(cls)).fit(X, y=np.ones(len(X)))
    np.testing.assert_array_equal(output(cloned, X), expected)
    if cls in DETECTORS:
        assert cloned.offset_ == fitted(cls).offset_
        weights = fitted(cls).module_.state_dict()
        for name, tensor in cloned.module_.state_dict().items():
            assert torch.equal(tensor, weights[name])
        another = small(cls, random_state=1).fit(X)
        assert not np.array_equal(output(another, X), expected)


@every_estimator
@pytest.mark.parametrize("copier", ["pickle", "joblib", "deepcopy", "joblib_mmap"])
def test_copies_give_the_same(cls, fitted, signals, output, copier, tmp_path):
    estimator, X = fitted(cls), signals(5, seed=1)
    if copier == "pickle":
        copied = pickle.loads(pickle.dumps(estimator))
    elif copier == "deepcopy":
        copied = copy.deepcopy(estimator)
    else:
        joblib.dump(estimator, tmp_path / "model.joblib")
        mode = "r" if copier == "joblib_mmap" else None
        copied = joblib.load(tmp_path / "model.joblib", mmap_mode=mode)
    assert copied is not estimator
    np.testing.assert_array_equal(output(copied, X), output(estimator, X))


@every_estimator
def test_use_changes_nothing(cls, fitted, signals, output):
    estimator = fitted(cls)
    before = {name: joblib.hash(value) for name, value in estimator.__dict__.items()}
    output(estimator, signals(5, seed=1))
    if cls in DETECTORS:
        for name in ("predict", "decision_function", "reconstruct", "anomaly_map", "latent"):
            getattr(estimator, name)(signals(3))
    assert {name: joblib.hash(value) for name, value in estimator.__dict__.items()} == before


@every_detector
def test_global_state_of_torch_and_numpy_stays(cls, small, signals):
    X = signals(4, n_samples=50)
    torch.set_num_threads(2)
    torch.manual_seed(7)
    np.random.seed(7)  # noqa: NPY002
    expected = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    small(cls, random_state=1).fit(X).score_samples(X)
    assert torch.equal(torch.get_rng_state(), expected[0])
    np.testing.assert_array_equal(np.random.get_state()[1], expected[1])  # noqa: NPY002
    assert torch.get_num_threads() == 2
    assert torch.is_grad_enabled()
    with pytest.raises(SignalError):
        small(cls).fit(np.full_like(X, np.nan))
    assert torch.get_num_threads() == 2


@every_detector
def test_offset_and_contamination(cls, small, signals):
    X = signals(40)
    for contamination in (0.05, 0.1, 0.5):
        detector = small(cls, contamination=contamination).fit(X)
        scores = detector.score_samples(X)
        decisions = detector.decision_function(X)
        np.testing.assert_array_equal(decisions, scores - detector.offset_)
        np.testing.assert_array_equal(detector.predict(X), np.where(decisions >= 0, 1, -1))
        assert (detector.predict(X) == -1).sum() == 40 * contamination
        np.testing.assert_array_equal(clone(detector).fit_predict(X), detector.predict(X))


@every_detector
def test_every_score_method_is_a_score_of_its_own(cls, small, signals):
    train, test = signals(n_samples=300), signals(15, n_samples=300, seed=1)
    found = {}
    for method in score_methods(cls):
        detector = small(cls, score_method=method, leads=LEADS)
        scores = detector.fit(train).score_samples(test)
        assert np.isfinite(scores).all()
        assert len(np.unique(scores)) == len(scores)
        for other, others in found.items():
            assert not np.allclose(scores, others), (method, other)
        found[method] = scores
    assert cls().score_method in found
    assert len(found) >= 3


@every_detector
@pytest.mark.parametrize("noise", [1.0, 10.0])
def test_gross_noise_scores_lower_by_every_method(cls, small, signals, noise):
    test = signals(15, n_samples=300, seed=1)
    noisy = test + noise * np.random.default_rng(0).normal(size=test.shape)
    for method in score_methods(cls):
        detector = small(cls, score_method=method, leads=LEADS)
        detector.fit(signals(60, n_samples=300))
        assert detector.score_samples(noisy).max() < detector.score_samples(test).min(), method


@every_detector
def test_localisation_has_the_shape_of_x(cls, fitted, signals, record_set):
    detector, X = fitted(cls), signals(70, seed=1)
    anomaly_map = detector.anomaly_map(X)
    assert anomaly_map.shape == X.shape
    assert anomaly_map.dtype == np.float32
    assert (anomaly_map >= 0).all()
    assert anomaly_map.std() > 0
    # around 1 in normals, by its definition exactly 1 on average in the training set
    np.testing.assert_allclose(detector.anomaly_map(signals()).mean((0, 2)), 1, rtol=1e-5)
    flat = X.reshape(len(X), -1)
    np.testing.assert_array_equal(detector.anomaly_map(flat), anomaly_map)
    np.testing.assert_array_equal(detector.anomaly_map(record_set(cls, X)), anomaly_map)
    reconstruction = detector.reconstruct(X)
    assert reconstruction.shape == X.shape
    assert reconstruction.dtype == np.float32
    np.testing.assert_array_equal(detector.reconstruct(flat), reconstruction.reshape(len(X), -1))


@every_detector
def test_latent_explains_the_latent_score(cls, small, signals):
    X = signals(6, seed=1)
    detector = small(cls, score_method="latent").fit(signals())
    latent = detector.latent(X)
    assert latent.ndim == 2
    assert latent.dtype == np.float64
    assert len(latent) == 6
    normals = detector.reference_["neighbours"].astype(float)
    distances = np.linalg.norm(latent[:, None] - normals[None], axis=2)
    nearest = np.sort(distances, axis=1)[:, : detector.n_neighbors]
    np.testing.assert_allclose(detector.score_samples(X), -nearest.mean(1), rtol=1e-9)


def test_attention(small, signals, record_set):
    X = signals(70, seed=1, n_samples=203)
    detector = small(VAEMHADetector, max_epochs=3).fit(signals(n_samples=203))
    lead_weights, time_weights = detector.attention(X)
    assert lead_weights.shape == (70, 3)
    assert time_weights.shape == (70, 26)
    for weights in (lead_weights, time_weights):
        assert (weights >= 0).all()
        np.testing.assert_allclose(weights.sum(1), 1, rtol=1e-9)
        assert np.ptp(weights, axis=0).max() > 1e-4
        assert np.ptp(weights, axis=1).min() > 1e-4
    for part, expected in zip(
        detector.attention(record_set(VAEMHADetector, X)), (lead_weights, time_weights), strict=True
    ):
        np.testing.assert_array_equal(part, expected)
    with pytest.raises(NotFittedError):
        VAEMHADetector().attention(X)


@every_detector
def test_training_improves_the_loss(cls, small, signals):
    detector = small(cls, max_epochs=12, lr=1e-2, batch_size=8).fit(signals())
    losses = [row["train_loss"] for row in detector.history_]
    assert [row["epoch"] for row in detector.history_] == list(range(1, 13))
    assert np.mean(losses[-2:]) < np.mean(losses[:2])


@every_detector
def test_no_epochs_leave_the_network_untrained(cls, small, signals):
    X = signals()
    detector = small(cls, max_epochs=0).fit(X)
    assert detector.history_ == []
    other = small(cls, max_epochs=0).fit(2 * X + signals(seed=4))
    trained = small(cls, max_epochs=1).fit(X)
    for name, tensor in detector.module_.state_dict().items():
        assert torch.equal(tensor, other.module_.state_dict()[name])
    assert any(
        not torch.equal(tensor, trained.module_.state_dict()[name])
        for name, tensor in detector.module_.state_dict().items()
    )
    assert np.isfinite(detector.score_samples(X)).all()


@every_detector
def test_warm_start_goes_on(cls, small, signals):
    X = signals()
    fresh = small(cls).fit(X)
    detector = small(cls, warm_start=True).fit(X)
    np.testing.assert_array_equal(detector.score_samples(X), fresh.score_samples(X))
    first_loss = detector.history_[0]
    detector.fit(1.1 * X)
    assert len(detector.history_) == 2
    assert detector.history_[0] == first_loss
    np.testing.assert_array_equal(detector.center_, fresh.center_)
    np.testing.assert_array_equal(detector.scale_, fresh.scale_)
    again = small(cls).fit(1.1 * X)
    assert any(
        not torch.equal(tensor, again.module_.state_dict()[name])
        for name, tensor in detector.module_.state_dict().items()
    )
    with pytest.raises(SignalError, match=r"warm_start.*3 leads.*there are 2"):
        detector.fit(X[:, :2])
    cold = detector.set_params(warm_start=False).fit(X)
    np.testing.assert_array_equal(cold.score_samples(X), fresh.score_samples(X))


@every_detector
def test_warm_start_goes_on_after_pickling(cls, small, signals):
    X = signals()
    detector = small(cls, warm_start=True).fit(X)
    copied = pickle.loads(pickle.dumps(detector))
    np.testing.assert_array_equal(copied.fit(X).score_samples(X), detector.fit(X).score_samples(X))


@every_detector
def test_early_stopping_holds_out_patients(cls, small, signals, monkeypatch):
    X = signals(30)
    patients = np.arange(30) // 3
    read = {}
    original = cls._reader

    def spy(self, data, rows):
        read.setdefault("sides", []).append(set(patients[rows]))
        return original(self, data, rows)

    monkeypatch.setattr(cls, "_reader", spy)
    records = RecordSet(X, leads=LEADS, patient_ids=patients)
    detector = small(cls, early_stopping=True, max_epochs=3, validation_fraction=0.3).fit(records)
    train, validation = read["sides"]
    assert train.isdisjoint(validation)
    assert train | validation == set(patients)
    assert len(validation) == 3
    assert all(np.isfinite(row["valid_loss"]) for row in detector.history_)
    plain = small(cls).fit(X)
    assert "valid_loss" not in plain.history_[0]
    with pytest.raises(SignalError, match="all records are of one patient"):
        detector.fit(RecordSet(X, leads=LEADS, patient_ids=["one"] * 30))


@every_detector
def test_early_stopping_stops_and_keeps_the_best(cls, small, signals):
    X = signals(30)
    params = {"early_stopping": True, "patience": 2, "validation_fraction": 0.3, "lr": 0.3}
    if "annealing" in cls._get_param_names():
        params["annealing"] = None  # its pace depends on max_epochs
    detector = small(cls, max_epochs=40, **params).fit(X)
    losses = [row["valid_loss"] for row in detector.history_]
    assert len(losses) < 40
    best = int(np.argmin(losses)) + 1
    assert len(losses) - best <= 2
    shorter = small(cls, max_epochs=best, **params).fit(X)
    for name, tensor in shorter.module_.state_dict().items():
        torch.testing.assert_close(detector.module_.state_dict()[name], tensor)


@every_detector
def test_training_takes_batches_and_crops_of_any_size(cls, small, signals):
    X = signals(7)
    for params in ({"batch_size": 1}, {"batch_size": 100}, {"crop": None}, {"crop": 0.01}):
        detector = small(cls, **params).fit(X)
        assert np.isfinite(detector.score_samples(X)).all()
        assert np.isfinite(detector.history_[0]["train_loss"])


@every_detector
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("score_method", "nonsense"),
        ("contamination", 0.0),
        ("contamination", 0.6),
        ("n_neighbors", 0),
        ("channels", 0),
        ("latent_dim", 1.5),
        ("stride", 0),
        ("mask_fraction", 1.0),
        ("lead_mask_fraction", -0.1),
        ("crop", 0.0),
        ("max_epochs", -1),
        ("batch_size", 0),
        ("lr", 0.0),
        ("lr", "fast"),
        ("early_stopping", "maybe"),
        ("patience", 0),
        ("validation_fraction", 1.0),
        ("fs", -100.0),
        ("n_leads", 0),
        ("device", 3),
        ("random_state", "seed"),
    ],
)
def test_parameters_out_of_range_are_refused(cls, small, signals, name, value):
    with pytest.raises(InvalidParameterError, match=f"'{name}' parameter of {cls.__name__}"):
        small(cls).set_params(**{name: value}).fit(signals(4))


@every_detector
@pytest.mark.parametrize("device", ["nonsense", "cuda:99", "meta"])
def test_devices_that_cannot_be_used_are_refused(cls, small, signals, device):
    with pytest.raises(ValueError, match=f"device='{device}' cannot be used here"):
        small(cls, device=device).fit(signals(4))


@pytest.mark.parametrize("cls", [cls for cls in DETECTORS if "n_heads" in cls._get_param_names()])
def test_heads_must_divide_the_latent(cls, small, signals):
    with pytest.raises(ValueError, match=r"n_heads=3.*latent_dim=4|latent_dim=4.*n_heads=3"):
        small(cls, n_heads=3).fit(signals(4))


@every_detector
def test_leads_are_named_and_checked(cls, small, signals, record_set):
    X = signals()
    assert small(cls).fit(X).leads_ == ()
    named = small(cls, leads=["i", "ii", "v2"]).fit(X)
    assert named.leads_ == LEADS
    with pytest.raises(SignalError, match="order them by name"):
        named.score_samples(record_set(cls, X, leads=("II", "I", "V2")))
    with pytest.raises(SignalError, match="does not name the 3 leads"):
        small(cls, leads=["I", "II"]).fit(X)
    with pytest.raises(SignalError, match="more than once"):
        small(cls, leads=["I", "i", "V2"]).fit(X)
    with pytest.raises(SignalError, match=r"50 Hz.*100 Hz"):
        named.score_samples(record_set(cls, X, fs=50))


@every_detector
def test_progress_is_shown_only_when_asked_for(cls, small, signals, capsys):
    small(cls).fit(signals(8)).score_samples(signals(3))
    assert capsys.readouterr() == ("", "")
    small(cls, verbose=1, batch_size=3).fit(signals(8))
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "0/3 [" in shown.err
    small(cls, verbose=1, batch_size=3, early_stopping=True, validation_fraction=0.5).fit(
        signals(8)
    )
    assert "0/4 [" in capsys.readouterr().err


@every_estimator
def test_pipelines(cls, small, signals, output):
    X = signals()
    steps = [("filter", BandpassFilter()), ("scale", LeadNormalizer()), ("last", small(cls))]
    pipeline = Pipeline(steps).fit(X)
    scaled = LeadNormalizer().fit_transform(BandpassFilter().fit_transform(X))
    expected = output(small(cls).fit(scaled), scaled)
    np.testing.assert_array_equal(output(pipeline, X), expected)
    if "fs_in" not in cls._get_param_names():
        records = RecordSet(X, leads=LEADS)
        np.testing.assert_array_equal(output(clone(pipeline).fit(records), records), expected)


@every_detector
@pytest.mark.parametrize("lazy", [False, True], ids=["array", "RecordSet"])
def test_grid_search(cls, small, signals, lazy):
    X = signals(48)
    y = np.where(np.arange(48) % 4 == 3, -1, 1)
    groups = np.arange(48) // 2
    X[y == -1] += np.random.default_rng(0).normal(0, 0.5, X[y == -1].shape).astype(np.float32)
    data = RecordSet(X, leads=LEADS, patient_ids=groups) if lazy else X
    steps = [("filter", BandpassFilter()), ("scale", LeadNormalizer()), ("last", small(cls))]
    search = GridSearchCV(
        Pipeline(steps),
        {"last__n_neighbors": [1, 5], "filter__lowcut": [0.5]},
        scoring="roc_auc",
        cv=NormalsOnly(StratifiedGroupKFold(3)),
        n_jobs=2,
        error_score="raise",
    )
    # the threads of the workers, not two processes: loky would import torch anew in each
    with joblib.parallel_backend("threading", n_jobs=2):
        search.fit(data, y, groups=groups)
    assert search.best_score_ > 0.9
    assert search.cv_results_["mean_test_score"].shape == (2,)
    assert roc_auc_score(y, search.score_samples(data)) > 0.9


def test_grid_search_in_processes(small, signals):
    X = signals(24)
    y = np.where(np.arange(24) % 4 == 3, -1, 1)
    X[y == -1] *= 3
    search = GridSearchCV(
        small(DETECTORS[0]),
        {"n_neighbors": [1, 5]},
        scoring="roc_auc",
        cv=NormalsOnly(3),
        error_score="raise",
    )
    data = RecordSet(X, leads=LEADS)
    expected = clone(search).fit(data, y).cv_results_["mean_test_score"]
    search.set_params(n_jobs=2).fit(data, y)
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"], expected)


@every_detector
def test_warm_start_needs_the_same_network(cls, small, signals):
    detector = small(cls, warm_start=True).fit(signals())
    with pytest.raises(SignalError, match=r"warm_start.*'channels': 8.*'channels': 16"):
        detector.set_params(channels=16).fit(signals())


@every_detector
def test_parameters_set_after_fit_change_no_network(cls, small, signals):
    X = signals()
    detector = small(cls).fit(X)
    scores = detector.score_samples(X)
    detector.set_params(stride=4, channels=16)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(detector)).score_samples(X), scores)


@every_detector
@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_an_interrupted_fit_leaves_the_detector_as_it_was(cls, small, signals, monkeypatch, error):
    X = signals()
    detector = small(cls, max_epochs=3).fit(X)
    scores = detector.score_samples(X)
    build = cls._build_criterion

    def failing(self, n_steps):
        criterion = build(self, n_steps)
        calls = iter([False] * 2)

        def fail(*_):
            if next(calls, True):
                raise error

        criterion.register_forward_hook(fail)
        return criterion

    monkeypatch.setattr(cls, "_build_criterion", failing)
    with pytest.raises(error):
        detector.fit(100 * X + 5)
    np.testing.assert_array_equal(detector.score_samples(X), scores)
    fresh = small(cls, max_epochs=3)
    with pytest.raises(error):
        fresh.fit(X)
    with pytest.raises(NotFittedError):
        fresh.score_samples(X)


@every_detector
def test_arrays_of_twelve_leads_are_in_the_standard_order(cls, small, signals):
    X = signals(n_leads=12)
    detector = small(cls).fit(X)
    np.testing.assert_array_equal(detector.score_samples(RecordSet(X)), detector.score_samples(X))
    with pytest.raises(SignalError, match="order them by name"):
        detector.score_samples(RecordSet(X, leads=STANDARD_LEADS[::-1]))


def test_fits_in_python_threads_agree_with_those_alone(small, signals):
    X = signals()

    def score(seed):
        return small(CAEDetector, random_state=seed).fit(X).score_samples(X)

    alone = [score(seed) for seed in range(4)]
    together = joblib.Parallel(n_jobs=4, backend="threading")(
        joblib.delayed(score)(seed) for seed in range(4)
    )
    np.testing.assert_array_equal(together, alone)
