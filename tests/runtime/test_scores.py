"""Scores on ONNX Runtime are torch's, of any record, in any company."""

import pickle
from copy import deepcopy

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from ecg_anomaly import CAEDetector, RecordSet, VAEBiLSTMDetector, VAEMHADetector
from ecg_anomaly.errors import ECGError, SignalError
from ecg_anomaly.runtime import ONNXDetector, load_onnx, with_onnx

LEADS = ("I", "II", "V2")


def assert_scores_agree(found, expected, tolerance=1e-5):
    """Compare by the tolerance that the package states."""
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype == np.float64
    apart = np.abs(found - expected) / np.maximum(1, np.abs(expected))
    assert apart.max() <= tolerance


def test_scores_are_those_of_torch(every_twin, ecgs, extremes):
    detector, exported = every_twin
    for records in (*ecgs, extremes):
        expected = detector.score_samples(records)
        assert_scores_agree(exported.score_samples(records), expected)
    assert np.ptp(expected) > 1
    np.testing.assert_array_equal(exported.predict(ecgs[1]), detector.predict(ecgs[1]))


def test_records_do_not_depend_on_each_other(every_twin, ecgs, extremes):
    exported = every_twin[1]
    X = np.concatenate([extremes, ecgs[1]])
    together = exported.score_samples(X)
    alone = np.concatenate([exported.score_samples(X[k : k + 1]) for k in range(len(X))])
    np.testing.assert_array_equal(alone, together)
    np.testing.assert_array_equal(exported.score_samples(X[::-1]), together[::-1])


@pytest.mark.parametrize(
    ("cls", "n_samples", "n_leads"),
    [(CAEDetector, 1, 1), (VAEBiLSTMDetector, 7, 2), (VAEMHADetector, 203, 12)],
)
def test_any_length_and_number_of_leads(cls, n_samples, n_leads, small, signals):
    X = signals(20, n_leads, n_samples)
    detector = small(cls).fit(X)
    # a few samples have states that hardly vary, and the logarithm of how much they do
    tolerance = 1e-5 if n_samples > 100 else 1e-3
    assert_scores_agree(with_onnx(detector).score_samples(X), detector.score_samples(X), tolerance)


def test_other_shapes_of_networks(small, ecgs):
    for detector in (
        small(CAEDetector, loss="mse", stride=5, score_method="combined"),
        small(VAEBiLSTMDetector, hidden=5, stride=3, n_neighbors=100),
        small(VAEMHADetector, latent_dim=6, n_heads=3, n_neighbors=1),
    ):
        detector.fit(ecgs[0])
        expected = detector.score_samples(ecgs[1])
        assert_scores_agree(with_onnx(detector).score_samples(ecgs[1]), expected)


def test_training_records_and_their_copies(twins, ecgs):
    """The nearest normal of a training record is itself, at a distance of rounding errors."""
    detector, exported = twins(VAEBiLSTMDetector, "latent", n_neighbors=1)
    expected = detector.score_samples(ecgs[0])
    assert np.median(expected) > -0.01
    assert_scores_agree(exported.score_samples(ecgs[0]), expected)


def test_input_is_that_of_a_detector(twins, ecgs):
    detector, exported = twins(CAEDetector, "latent_beat")
    X = ecgs[1][:5]
    expected = exported.score_samples(X)
    for same in (
        X.reshape(5, -1),
        X.astype(np.float64),
        X.tolist(),
        np.asfortranarray(X),
        RecordSet(X, fs=100, leads=LEADS),
    ):
        np.testing.assert_array_equal(exported.score_samples(same), expected)
    for wrong in (
        X[:, :2],
        X[..., :300],
        X[:0],
        np.where(X > 0.2, np.nan, X),
        np.where(X > 0.2, np.inf, X),
        RecordSet(X, fs=250, leads=LEADS),
        RecordSet(X, fs=100, leads=LEADS[::-1]),
        RecordSet(X, fs=100, leads=LEADS)[:0],
    ):
        with pytest.raises(ValueError, match=r"\w") as theirs:
            detector.score_samples(wrong)
        with pytest.raises(type(theirs.value), match=r"\w") as ours:
            exported.score_samples(wrong)
        told = str(theirs.value).replace("CAEDetector", "ONNXDetector")
        assert str(ours.value) == told


def test_a_table_with_column_names(small, ecgs):
    pd = pytest.importorskip("pandas")
    X = pd.DataFrame(ecgs[0][:, 0], columns=[f"s{k}" for k in range(400)])
    detector = small(CAEDetector, score_method="latent").fit(X)
    exported = with_onnx(detector)
    assert_scores_agree(exported.score_samples(X), detector.score_samples(X))
    with pytest.raises(ValueError, match="feature names"):
        exported.score_samples(X.rename(columns={"s3": "other"}))


def test_the_threshold_is_that_of_the_detector_and_can_be_set(twins, ecgs):
    detector, exported = twins(CAEDetector, "latent")
    assert exported.offset_ == detector.offset_
    exported = deepcopy(exported)
    scores = exported.score_samples(ecgs[1])
    exported.offset_ = np.sort(scores)[3]
    assert (exported.predict(ecgs[1]) == -1).sum() == 3
    np.testing.assert_array_equal(exported.decision_function(ecgs[1]), scores - exported.offset_)


@pytest.mark.parametrize("copier", [lambda x: pickle.loads(pickle.dumps(x)), deepcopy])
def test_copies_give_the_same(copier, twins, ecgs):
    exported = deepcopy(twins(CAEDetector, "latent_beat")[1])
    exported.offset_ = -1.25
    copied = copier(exported)
    assert copied is not exported
    assert copied.offset_ == -1.25
    np.testing.assert_array_equal(copied.score_samples(ecgs[1]), exported.score_samples(ecgs[1]))
    again = load_onnx(copied.content_)
    np.testing.assert_array_equal(again.score_samples(ecgs[1]), exported.score_samples(ecgs[1]))


def test_copies_for_other_processes(twins, ecgs, tmp_path):
    exported = twins(CAEDetector, "latent_beat")[1]
    expected = exported.score_samples(ecgs[1])
    assert len(pickle.dumps(exported)) < len(exported.content_) + 10_000
    joblib.dump(exported, tmp_path / "model.joblib")
    copied = joblib.load(tmp_path / "model.joblib")
    np.testing.assert_array_equal(copied.score_samples(ecgs[1]), expected)
    found = joblib.Parallel(n_jobs=2, backend="threading")(
        joblib.delayed(exported.score_samples)(ecgs[1]) for _ in range(4)
    )
    for scores in found:
        np.testing.assert_array_equal(scores, expected)


def test_it_is_fitted_and_cannot_be_fitted_again(twins, ecgs):
    exported = twins(CAEDetector, "latent")[1]
    check_is_fitted(exported, "n_leads_in_")
    assert (exported.fs_, exported.leads_) == (100.0, LEADS)
    assert (exported.n_leads_in_, exported.n_features_in_) == (3, 1200)
    assert repr(exported) == "ONNXDetector()"
    with pytest.raises(ECGError, match="fit the detector that it comes from"):
        exported.fit(ecgs[0])
    for unfitted in (ONNXDetector(), clone(exported)):
        with pytest.raises(NotFittedError):
            unfitted.score_samples(ecgs[0])
    with pytest.raises(SignalError, match="another score_method"):
        with_onnx(deepcopy(twins(CAEDetector, "latent")[0]).set_params(score_method="latent_beat"))
