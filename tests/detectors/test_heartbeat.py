import copy
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from ecg_anomaly import (
    BandpassFilter,
    ConformalDetector,
    HeartbeatDetector,
    NormalsOnly,
    RecordSet,
    TunedThresholdDetector,
    load,
    save,
)
from ecg_anomaly.datasets import load_mitbih
from ecg_anomaly.detectors._heartbeat_features import NAMES, heartbeat_features
from ecg_anomaly.errors import ECGWarning, ModelFileError, SignalError
from ecg_anomaly.metrics import anomaly_auroc
from ecg_anomaly.model_selection import Percentile
from ecg_anomaly.signal.beats import cut_windows, window_fits
from ecg_anomaly.signal.r_peaks import find_r_peaks

MITDB = Path(os.environ.get("ECG_ANOMALY_DATA") or "unset") / "mitdb"
RHYTHM = [NAMES.index(name) for name in
          ("pre", "post", "prepre", "mean_rr", "pre_bef", "pre_abs", "irr")]  # fmt: skip
NO_BEATS = "the checks' tables have a few numbers a row: no window of 4 s, which is refused"
#: What scikit-learn checks by fitting on such tables.
FITS = [
    "check_fit_score_takes_y",
    "check_estimators_overwrite_params",
    "check_dont_overwrite_parameters",
    "check_estimators_fit_returns_self",
    "check_readonly_memmap_input",
    "check_n_features_in_after_fitting",
    "check_positive_only_tag_during_fit",
    "check_estimators_dtypes",
    "check_dtype_object",
    "check_pipeline_consistency",
    "check_estimators_nan_inf",
    "check_estimators_pickle",
    "check_f_contiguous_array_estimator",
    "check_outliers_fit_predict",
    "check_outliers_train",
    "check_classifier_data_not_an_array",
    "check_methods_sample_order_invariance",
    "check_methods_subset_invariance",
    "check_fit2d_1feature",
    "check_dict_unchanged",
    "check_fit_idempotent",
    "check_fit_check_is_fitted",
    "check_n_features_in",
    "check_fit2d_predict1d",
]


def windows(n, seed=0, *, fs=360.0, duration=10.0, early=0.0, width=1.0, sign=1.0, noise=0.02):
    """Make rhythms of P, QRS and T with one beat in the middle, perhaps early, wide or inverted.

    Noise is a sum of tones, so that the same seed gives the same signal at every rate.
    """
    rng = np.random.default_rng(seed)
    n_samples = round(duration * fs)
    t = (np.arange(n_samples) - n_samples // 2) / fs
    out = np.zeros((n, 1, n_samples), np.float32)
    half = round(0.8 * duration)
    for row in out:
        interval = rng.uniform(0.75, 0.95)
        beats = interval * np.arange(-half, half + 1) + rng.normal(scale=0.01, size=2 * half + 1)
        heights = rng.uniform(0.8, 1.2) * np.array([0.12, 1.0, 0.25])
        beats[half] = 0
        beats[half + 1 :] += early * interval
        beats[:half] += early * interval
        for k, beat in enumerate(beats):
            w, s = (width, sign) if k == half else (1.0, 1.0)
            places = np.array([-0.16, 0.0, 0.28])
            scales = np.array([0.025, 0.015 * w, 0.05])
            wave = np.exp(-np.square((t[:, None] - beat - places) / scales) / 2) @ heights
            row[0] += s * wave
        for freq in rng.uniform(1, 30, 12):
            row[0] += noise / 3 * np.sin(2 * np.pi * (freq * t + rng.uniform()))
    return out


HOSTILE = {
    "zeros": lambda t: 0 * t,
    "offset": lambda t: 0 * t + 300,
    "rounding": lambda t: 1e-12 * np.sin(99 * t),
    "noise": lambda t: np.random.default_rng(0).normal(size=len(t)),
    "huge noise": lambda t: 1e32 * np.random.default_rng(0).uniform(-1, 1, len(t)),
    "one huge sample": lambda t: np.where(np.arange(len(t)) == len(t) // 2, 1e32, 0),
    "saturation": lambda t: 1e32 * np.sign(t - 5),
    "slope": lambda t: 1e30 * t,
    "hum": lambda t: np.sin(2 * np.pi * 60 * t),
    "one beat": lambda t: np.exp(-np.square((t - 5) / 0.02)),
    "beats at the ends": lambda t: np.exp(-np.square(np.minimum(t, 9.99 - t) / 0.02)),
    "no beat in the middle": lambda t: sum(
        np.exp(-np.square((t - c) / 0.02)) for c in (1, 2, 3, 7, 8, 9)
    ),
}


@pytest.fixture(scope="module")
def fitted():
    """Fit on normals; tests must not change it."""
    return HeartbeatDetector(random_state=0).fit(windows(60))


class Numbers(HeartbeatDetector):
    """Takes any numbers, to check by short tables all but the measuring of beats."""

    def _check_length(self, n_samples):
        pass

    def _features(self, X):
        X = np.concatenate([batch.reshape(len(batch), -1) for batch in self._batches(X)])
        weights = np.random.default_rng(0).normal(size=(X.shape[1], 4))
        mixed = (X[:, :, None] * weights).sum(axis=1)
        return np.tile(mixed, 7) + np.sin(np.repeat(mixed, 7, axis=1))


@pytest.mark.filterwarnings("ignore:Numbers was fitted on")
@parametrize_with_checks([Numbers()])
def test_sklearn_contract_of_all_but_the_features(estimator, check):
    check(estimator)


@parametrize_with_checks(
    [HeartbeatDetector()],
    expected_failed_checks=lambda _: dict.fromkeys(FITS, NO_BEATS),
)
def test_sklearn_contract(estimator, check):
    check(estimator)


def test_tags_and_parameters():
    tags = get_tags(HeartbeatDetector())
    assert tags.input_tags.three_d_array
    assert tags.input_tags.two_d_array
    assert not tags.non_deterministic
    detector = HeartbeatDetector(n_neighbors=3, max_normals=40, fs=250.0, leads=["II"])
    assert clone(detector).get_params() == detector.get_params()
    with pytest.raises(NotFittedError):
        detector.score_samples(windows(2))


@pytest.mark.parametrize(
    "change",
    [{"early": 0.35}, {"width": 3.5}, {"sign": -1.0}, {"early": 0.35, "width": 3.5, "sign": -1.0}],
    ids=["early", "wide", "inverted", "all three"],
)
def test_abnormal_beats_score_lower(fitted, change):
    normals = fitted.score_samples(windows(30, seed=1))
    abnormal = fitted.score_samples(windows(30, seed=2, **change))
    assert normals.dtype == np.float64
    assert abnormal.max() < normals.min()


def test_the_beat_counts_and_not_its_neighbours(fitted):
    """A normal beat before a ventricular one stays above the ventricular one itself."""
    long = windows(20, seed=3, early=0.3, width=3.5, sign=-1.0, duration=14.0)
    ventricular = long[:, :, 720:4320]
    normal = []
    for record in long:
        # the beat before the one at sample 2520 is the highest of the second before
        peak = 2060 + int(record[0, 2060:2420].argmax())
        normal.append(record[:, peak - 1800 : peak + 1800])
    scores = fitted.score_samples(np.stack(normal))
    assert fitted.score_samples(ventricular).max() < scores.min()


def test_finds_the_interval_before_the_beat():
    for early in (0.0, 0.2, 0.4):
        X = windows(5, early=early)
        features = heartbeat_features(X[:, 0], 360.0)
        np.testing.assert_allclose(features[:, NAMES.index("pre")], np.log(1 - early), atol=0.05)
        np.testing.assert_allclose(features[:, NAMES.index("post")], np.log(1 + early), atol=0.05)


@given(st.floats(0.1, 10))
def test_gain_leaves_the_rhythm_as_it_is(gain):
    X = windows(4, seed=5, early=0.2)[:, 0].astype(np.float64)
    features = heartbeat_features(X, 360.0)
    scaled = heartbeat_features(gain * X, 360.0)
    np.testing.assert_allclose(scaled[:, RHYTHM], features[:, RHYTHM], atol=1e-9)


def test_offset_and_wander_matter_little(fitted):
    X = windows(20, seed=6)
    t = np.arange(3600) / 360
    moved = X + 5 + 0.3 * np.sin(2 * np.pi * 0.15 * t)
    scores, abnormal = (
        fitted.score_samples(X),
        fitted.score_samples(windows(20, seed=6, early=0.35)),
    )
    assert np.median(np.abs(fitted.score_samples(moved) - scores)) < 0.2 * np.median(
        scores - abnormal
    )


@pytest.mark.parametrize("fs", [100.0, 128.0, 250.0, 500.0, 1000.0])
def test_another_rate_gives_nearly_the_same(fs):
    at_360 = heartbeat_features(windows(20, early=0.2)[:, 0], 360.0)
    at_fs = heartbeat_features(windows(20, early=0.2, fs=fs)[:, 0], fs)
    np.testing.assert_allclose(at_fs[:, RHYTHM], at_360[:, RHYTHM], atol=0.06)
    scores = []
    for rate in (360.0, fs):
        detector = HeartbeatDetector(fs=rate).fit(windows(60, fs=rate))
        X = np.concatenate([windows(25, seed=1, fs=rate),
                            windows(25, seed=2, fs=rate, early=0.15)])  # fmt: skip
        scores.append(detector.score_samples(X))
    assert np.corrcoef(*scores)[0, 1] > 0.95


def test_record_sets_tables_and_arrays_give_the_same(fitted):
    train, test = windows(60), windows(300, seed=1, duration=4.5)[:, :, :1600]
    flat = HeartbeatDetector(random_state=0).fit(train[:, 0])
    np.testing.assert_array_equal(flat.score_samples(train[:, 0]), fitted.score_samples(train))
    records = RecordSet(test, fs=360, leads=("MLII",))
    of_records = HeartbeatDetector().fit(records)
    assert of_records.leads_ == ("MLII",)
    expected = HeartbeatDetector().fit(test)
    np.testing.assert_array_equal(of_records.score_samples(records), expected.score_samples(test))
    with pytest.raises(SignalError, match="fitted at 360 Hz"):
        of_records.score_samples(RecordSet(test, fs=250, leads=("MLII",)))
    with pytest.raises(SignalError, match="fitted on MLII"):
        of_records.score_samples(RecordSet(test, fs=360, leads=("V1",)))
    with pytest.raises(SignalError, match="empty"):
        of_records.score_samples(records[:0])


def test_windows_do_not_depend_on_each_other(fitted):
    X = windows(70, seed=1)
    together = fitted.score_samples(X)
    alone = np.concatenate([fitted.score_samples(x[None]) for x in X])
    np.testing.assert_allclose(alone, together, rtol=1e-9)
    np.testing.assert_allclose(fitted.score_samples(X[::-1]), together[::-1], rtol=1e-9)


def test_fits_again_bit_for_bit():
    X, other = windows(60), windows(40, seed=9)
    detector = HeartbeatDetector(max_normals=50, random_state=0).fit(X)
    expected = detector.score_samples(other)
    assert len(detector.normals_) == 50
    again = HeartbeatDetector(max_normals=50, random_state=0).fit(other).fit(X, np.ones(60))
    np.testing.assert_array_equal(again.score_samples(other), expected)
    assert again.offset_ == detector.offset_
    for copied in (pickle.loads(pickle.dumps(detector)), copy.deepcopy(detector)):
        np.testing.assert_array_equal(copied.score_samples(other), expected)
    another = clone(detector).set_params(random_state=1).fit(X)
    assert not np.array_equal(another.normals_, detector.normals_)


def test_training_windows_score_as_new_ones():
    X = windows(60)
    detector = HeartbeatDetector(contamination=0.2).fit(X)
    assert (detector.predict(X) == -1).sum() == 12
    normals = detector.normals_.astype(float)
    apart = np.linalg.norm(normals[:, None] - normals, axis=2)
    expected = np.sort(apart, axis=1)[:, 1:6].mean(axis=1)
    np.testing.assert_allclose(detector._distances(detector._features(X)), expected, rtol=1e-9)
    np.testing.assert_array_equal(
        detector.decision_function(X), detector.score_samples(X) - detector.offset_
    )


def test_constant_features_have_a_scale():
    X = np.repeat(windows(1), 40, axis=0)
    detector = HeartbeatDetector().fit(X)
    scores = detector.score_samples(np.concatenate([X[:1], windows(5, seed=1, early=0.3)]))
    assert np.isfinite(scores).all()
    assert scores[0] == scores.max()


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("fs", [360.0, 90.0, 897.3])
def test_hostile_windows_have_finite_features(kind, fs):
    window = HOSTILE[kind](np.arange(round(10 * fs)) / fs)
    for dtype in (np.float32, np.float64):
        with np.errstate(all="raise", under="ignore"):
            assert np.isfinite(heartbeat_features(window[None].astype(dtype), fs)).all()


def test_hostile_windows_can_be_learnt_from_and_scored(fitted):
    t = np.arange(3600) / 360
    hostile = np.stack([make(t) for make in HOSTILE.values()])[:, None]
    assert np.isfinite(fitted.score_samples(hostile)).all()
    among = np.concatenate([windows(60), np.tile(hostile, (3, 1, 1))])
    detector = HeartbeatDetector().fit(among)
    scores = detector.score_samples(np.concatenate([windows(30, seed=1), hostile]))
    assert np.isfinite(scores).all()
    with pytest.warns(ECGWarning, match="12 heartbeats"):
        HeartbeatDetector().fit(hostile)


def test_refuses_what_it_cannot_measure(fitted):
    X = windows(40)
    with pytest.raises(SignalError, match="one lead, but X has 2; select one"):
        HeartbeatDetector().fit(np.repeat(X, 2, axis=1))
    with pytest.raises(SignalError, match=r"last 3\.99 s; take windows of 4 s or more"):
        HeartbeatDetector().fit(X[:, :, :1438])
    HeartbeatDetector().fit(X[:, :, 1080:2520])
    with pytest.raises(SignalError, match="fs=80 Hz is too low"):
        HeartbeatDetector(fs=80.0).fit(X)
    with pytest.raises(SignalError, match="1 sample"):
        HeartbeatDetector().fit(X[:1])
    with pytest.raises(SignalError, match="expecting 3600 features"):
        fitted.score_samples(X[:, :, :1800])
    broken = X.copy()
    broken[7, 0, 5] = np.nan
    for call in (HeartbeatDetector().fit, fitted.score_samples):
        with pytest.raises(SignalError, match=r"record .*7"):
            call(broken)
    failed = HeartbeatDetector()
    with pytest.raises(SignalError):
        failed.fit(broken)
    assert not [name for name in vars(failed) if name.endswith("_")]


def test_warns_of_few_windows():
    with pytest.warns(ECGWarning, match="20 heartbeats, fewer than 28"):
        detector = HeartbeatDetector(n_neighbors=50).fit(windows(20))
    assert detector.n_neighbors_ == 19
    early = detector.score_samples(windows(10, seed=2, early=0.35))
    assert early.max() < detector.score_samples(windows(10, seed=1)).min()


def test_saves_and_loads_bit_for_bit(fitted, tmp_path):
    X = windows(30, seed=1)
    save(fitted, tmp_path / "model.safetensors")
    loaded = load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(loaded.score_samples(X), fitted.score_samples(X))
    assert loaded.offset_ == fitted.offset_
    assert set(vars(loaded)) == set(vars(fitted))
    save(loaded, tmp_path / "again.safetensors")
    first, second = (tmp_path / f"{name}.safetensors" for name in ("model", "again"))
    assert first.read_bytes() == second.read_bytes()


def test_largest_file_by_default_is_small(tmp_path):
    rng = np.random.default_rng(0)
    detector = HeartbeatDetector(random_state=0).fit(windows(30))
    detector._learn(rng.normal(size=(5000, len(NAMES))))
    save(detector, tmp_path / "model.safetensors")
    assert (tmp_path / "model.safetensors").stat().st_size < 1_000_000


@pytest.mark.parametrize(
    "damage",
    [
        {"normals_": np.zeros((9, 27), np.float32)},
        {"normals_": np.zeros((5, 28), np.float32)},
        {"scale_": np.zeros(28)},
        {"distance_scale_": (1.0, 0.0)},
        {"group_center_": np.zeros(5)},
        {"fs_": 36.0},
        {"n_features_in_": 100},
    ],
    ids=lambda damage: next(iter(damage)),
)
def test_refuses_files_that_do_not_fit_together(fitted, damage, tmp_path):
    broken = copy.deepcopy(fitted)
    vars(broken).update(damage)
    save(broken, tmp_path / "model.safetensors")
    with pytest.raises(ModelFileError):
        load(tmp_path / "model.safetensors")


@pytest.mark.parametrize("around", [TunedThresholdDetector, ConformalDetector])
def test_within_pipelines_and_behind_held_out_thresholds(around, tmp_path):
    X = np.concatenate([windows(90), windows(20, seed=1, early=0.3)])
    y = np.repeat([1, -1], [90, 20])
    pipeline = make_pipeline(BandpassFilter(fs=360), HeartbeatDetector())
    if around is TunedThresholdDetector:
        model = around(pipeline, Percentile(5), holdout=0.4, random_state=0)
    else:
        model = around(pipeline, 0.1, holdout=0.4, random_state=0)
    records = RecordSet(X, fs=360, leads=("II",))
    model.fit(records, y)
    assert (model.predict(records[np.flatnonzero(y == -1)]) == -1).all()
    assert (model.predict(windows(40, seed=2)) == 1).mean() > 0.7
    save(model, tmp_path / "model.safetensors")
    loaded = load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(loaded.score_samples(records), model.score_samples(records))
    np.testing.assert_array_equal(loaded.predict(records), model.predict(records))
    assert loaded.estimator_[-1].leads_ == ("II",)
    alone = clone(pipeline).fit(X[:60])
    np.testing.assert_allclose(
        alone.score_samples(X), clone(pipeline).fit(records[np.arange(60)]).score_samples(records)
    )


def test_finds_the_ectopic_beat_of_a_new_recording(fitted):
    recording = windows(1, seed=7, duration=30.0, early=0.3, width=2.0)[0]
    peaks = find_r_peaks(recording[0], 360.0)
    peaks = peaks[window_fits(peaks, 3600, recording.shape[1])]
    scores = fitted.score_samples(cut_windows(recording, peaks, 3600))
    assert len(scores) > 8
    assert abs(peaks[scores.argmin()] - 5400) < 36
    assert np.sort(scores)[1] - scores.min() > 3 * np.std(np.sort(scores)[1:])


def test_cross_validation_on_normals_only():
    X = np.concatenate([windows(45), windows(45, seed=1, early=0.3)])
    y = np.repeat([1, -1], 45)
    for train, test in NormalsOnly(3, random_state=0).split(X, y):
        detector = HeartbeatDetector().fit(X[train])
        assert anomaly_auroc(y[test], detector.score_samples(X[test])) == 1


@pytest.mark.skipif(
    not (MITDB / "119.hea").exists(),
    reason="needs the MIT-BIH Arrhythmia Database: set ECG_ANOMALY_DATA to a folder with mitdb/",
)
def test_ventricular_beats_of_new_patients():
    data = load_mitbih(MITDB, subset="train", n_samples=3600)
    record, normal = data.table["record"].to_numpy(), data.y == 1
    rng = np.random.default_rng(0)

    def draw(names, n):
        rows = np.flatnonzero(normal & np.isin(record, names))
        return np.sort(rng.choice(rows, n, replace=False))

    detector = HeartbeatDetector().fit(data.X[draw(["101", "112", "115", "122", "220"], 400)])
    ventricular = np.flatnonzero(np.isin(record, ["106", "119"]) & (data.table["aami"] == "V"))
    test = np.concatenate([draw(["106", "119"], 200), rng.choice(ventricular, 100, replace=False)])
    assert anomaly_auroc(data.y[test], detector.score_samples(data.X[test])) > 0.98
