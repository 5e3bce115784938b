"""Every baseline by its name, from signals to verdicts."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.signal import resample_poly
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_auc_score
from sklearn.utils.validation import check_is_fitted

from ecg_anomaly import RecordSet, make_ecg
from ecg_anomaly.baselines import BASELINES, make_baseline
from ecg_anomaly.errors import ECGError, SignalError

NAMES = (
    "mean distance",
    "PCA residual",
    "k nearest neighbours",
    "one-class SVM",
    "isolation forest",
    "heart rate",
    "age",
    "out-of-band energy",
    "median beat",
    "random kernels",
)
every_baseline = pytest.mark.parametrize("name", NAMES)
of_signals = pytest.mark.parametrize("name", [name for name in NAMES if name != "age"])


def small(name, **params):
    """Take fewer kernels: the arithmetic is the same."""
    baseline = make_baseline(name, **{"random_state": 0} | params)
    if name == "random kernels":
        baseline.set_params(randomkernels__n_kernels=840)
    return baseline


def with_ages(data, rows=slice(None)):
    return RecordSet(data.X, table=data.table)[rows]


@pytest.fixture(scope="module")
def few():
    """Make short normals to train on: what holds whatever the signals needs no more."""
    return make_ecg(40, duration=3, random_state=0)


@pytest.fixture(scope="module")
def mixed():
    return make_ecg(12, duration=3, anomalies="all", random_state=1)


def cached(data):
    models = {}

    def get(name):
        if name not in models:
            models[name] = small(name).fit(with_ages(data))
        return models[name]

    return get


@pytest.fixture(scope="module")
def fitted(few):
    return cached(few)


@pytest.fixture(scope="module")
def trained():
    """Fit on enough normals to tell disease."""
    return cached(make_ecg(150, random_state=0))


def test_the_names():
    assert tuple(BASELINES) == NAMES


@every_baseline
def test_scores_and_verdicts(name, fitted, mixed):
    X = with_ages(mixed)
    baseline = fitted(name)
    scores = baseline.score_samples(X)
    assert scores.shape == (12,)
    assert scores.dtype == np.float64
    assert np.isfinite(scores).all()
    assert len(np.unique(scores)) > 8
    offset = getattr(baseline, "steps", [("", baseline)])[-1][1].offset_
    np.testing.assert_allclose(baseline.decision_function(X), scores - offset)
    verdicts = baseline.predict(X)
    assert verdicts.dtype.kind == "i"
    np.testing.assert_array_equal(verdicts, np.where(scores >= offset, 1, -1))


@every_baseline
def test_a_tenth_of_the_training_records_is_flagged(name, fitted, few):
    flagged = fitted(name).predict(with_ages(few)) == -1
    # support vectors lie on the boundary, on either side by rounding
    abs_error = 0.2 if name == "one-class SVM" else 0.03
    assert flagged.mean() == pytest.approx(0.1, abs=abs_error)


@of_signals
def test_record_sets_equal_arrays(name, fitted, few, mixed):
    expected = fitted(name).score_samples(with_ages(mixed))
    np.testing.assert_allclose(fitted(name).score_samples(mixed.X), expected, rtol=1e-7, atol=1e-7)
    of_arrays = small(name).fit(few.X)
    np.testing.assert_allclose(of_arrays.score_samples(mixed.X), expected, rtol=1e-7, atol=1e-7)


@every_baseline
def test_records_do_not_depend_on_each_other(name, fitted, mixed):
    together = fitted(name).score_samples(with_ages(mixed))
    alone = [fitted(name).score_samples(with_ages(mixed, slice(k, k + 1)))[0] for k in range(4)]
    np.testing.assert_allclose(alone, together[:4], rtol=1e-7, atol=1e-7)


@every_baseline
def test_refits_are_equal_bit_by_bit(name, fitted, few, mixed):
    X = with_ages(mixed)
    expected = fitted(name).score_samples(X)
    again = clone(fitted(name))
    with pytest.raises(NotFittedError):
        check_is_fitted(again)
    np.testing.assert_array_equal(again.fit(with_ages(few)).score_samples(X), expected)
    loaded = pickle.loads(pickle.dumps(fitted(name)))
    np.testing.assert_array_equal(loaded.score_samples(X), expected)


@of_signals
def test_dead_and_flat_leads_get_finite_scores(name, fitted, mixed):
    X = mixed.X[:4].copy()
    X[0] = 0
    X[1] = 5.0
    X[2, 3] = 0
    X[3, :, 120:] = 0
    assert np.isfinite(fitted(name).score_samples(X)).all()


@of_signals
def test_missing_samples_are_refused(name, fitted, mixed):
    X = mixed.X.copy()
    X[7, 3, 11] = np.nan
    message = "record 7: nan in lead 3.*at sample 11; fill in missing samples with LeadImputer"
    with pytest.raises(SignalError, match=message):
        small(name).fit(X)
    with pytest.raises(SignalError, match=message):
        fitted(name).score_samples(X)


@of_signals
@pytest.mark.parametrize("shape", [(8, 1, 100), (2, 12, 101), (20, 3, 150)])
def test_few_short_records(name, shape):
    X = np.random.default_rng(0).normal(size=shape)
    baseline = small(name).fit(X)
    assert np.isfinite(baseline.score_samples(X)).all()


@of_signals
def test_single_beats(name):
    beats = make_ecg(30, duration=1, random_state=0).X[:, :1, 10:80]
    if name == "out-of-band energy":
        baseline = small(name)
    else:
        with pytest.raises(SignalError, match=r"X lasts 0\.7 s"):
            small(name).fit(beats)
        baseline = small(name).set_params(bandpassfilter="passthrough")
    scores = baseline.fit(beats).score_samples(np.concatenate([beats, -3 * beats]))
    assert np.isfinite(scores).all()
    if name not in ("heart rate", "out-of-band energy"):
        assert roc_auc_score(np.repeat([1, -1], 30), scores) > 0.95


@of_signals
@pytest.mark.parametrize("fs", [40, 50.0, 500])
def test_other_rates(name, fs):
    data = make_ecg(6, fs=fs, duration=4, random_state=0)
    records = RecordSet(data.X, fs=fs)
    baseline = small(name, fs=fs).fit(records)
    assert np.isfinite(baseline.score_samples(records)).all()
    if name in ("mean distance", "heart rate", "out-of-band energy"):
        with pytest.raises(SignalError, match="Hz"):
            small(name, fs=100).fit(RecordSet(data.X, fs=125))


def test_what_is_refused(few):
    with pytest.raises(SignalError, match="no baseline 'nonsense'; there are mean distance, PCA"):
        make_baseline("nonsense")
    for fs in (0, -1, "fast", None):
        with pytest.raises(SignalError, match="positive number in Hz"):
            make_baseline("median beat", fs=fs)
    with pytest.raises(SignalError, match="fs=1 Hz is too low"):
        make_baseline("median beat", fs=1)
    with pytest.raises(ECGError, match="leave the baseline"):
        make_baseline("age").fit(few.X)


def tachycardia(X):
    """Play records twice as fast, twice."""
    fast = resample_poly(X, 1, 2, axis=-1)
    return np.concatenate([fast, fast], axis=-1).astype(np.float32)


def test_heart_rate_tells_tachycardia(trained):
    X = make_ecg(30, random_state=5).X
    X = np.concatenate([X, tachycardia(X)])
    y = np.repeat([1, -1], 30)
    assert roc_auc_score(y, trained("heart rate").score_samples(X)) > 0.95


@pytest.mark.parametrize("name", ["random kernels", "median beat"])
@pytest.mark.parametrize("kind", ["lbbb", "st_elevation", "lvh"])
def test_shape_tells_disease(name, kind, trained):
    data = make_ecg(80, anomalies=kind, random_state=6)
    assert roc_auc_score(data.y, trained(name).score_samples(data.X)) > 0.9


def test_heart_rate_tells_fibrillation(trained):
    data = make_ecg(60, anomalies="af", random_state=6)
    assert roc_auc_score(data.y, trained("heart rate").score_samples(data.X)) > 0.9


def test_out_of_band_energy_tells_hum_and_no_disease(trained):
    data = make_ecg(80, anomalies="st_elevation", random_state=6)
    baseline = trained("out-of-band energy")
    assert abs(roc_auc_score(data.y, baseline.score_samples(data.X)) - 0.5) < 0.15
    hum = 0.05 * np.sin(2 * np.pi * 47 * np.arange(1000) / 100)
    X = np.concatenate([data.X, data.X + hum]).astype(np.float32)
    assert roc_auc_score(np.repeat([1, -1], 80), baseline.score_samples(X)) > 0.95
    # the band-pass takes it out before the others see it
    plain, hummed = (trained("mean distance").score_samples(x) for x in (X[:80], X[80:]))
    np.testing.assert_allclose(hummed, plain, rtol=0.05)


@pytest.mark.parametrize("name", ["mean distance", "PCA residual", "k nearest neighbours"])
def test_distances_rise_with_size(name, trained):
    X = make_ecg(10, random_state=1).X
    scores = [trained(name).score_samples(factor * X) for factor in (1, 3, 9)]
    assert (np.diff(scores, axis=0) < 0).all()


@pytest.mark.parametrize("name", ["one-class SVM", "isolation forest"])
def test_huge_records_are_flagged(name, trained):
    assert (trained(name).predict(20 * make_ecg(10, random_state=1).X) == -1).all()


def test_age_tells_the_old(trained):
    old = RecordSet(np.zeros((2, 12, 1000)), table=pd.DataFrame({"age": [18, 99]}))
    assert trained("age").predict(old).tolist() == [1, -1]
