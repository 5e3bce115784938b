"""Median beats against simulated pathologies: directions, departures, and the score of both."""

import copy

import numpy as np
import pytest

from ecg_anomaly import CAEDetector, RecordSet, explain, load, make_ecg, save
from ecg_anomaly.detectors import _directions
from ecg_anomaly.errors import ModelFileError, SignalError
from ecg_anomaly.leads import STANDARD_LEADS
from ecg_anomaly.metrics import anomaly_auroc
from ecg_anomaly.pathologies import (
    DEPARTURES,
    PATHOLOGIES,
    VOLTAGES,
    simulate_pathology,
    voltage_weights,
)
from ecg_anomaly.signal.r_peaks import beat_centers

TINY = {"channels": 8, "latent_dim": 4, "max_epochs": 1, "random_state": 0}


def read_beats(signals, fs, leads, scale):
    """Return features of median beats, and the differences of halves."""
    centers = [beat_centers(signal, fs) for signal in signals]
    return (
        _directions.beat_features(signals, centers, fs, leads, scale),
        _directions.half_differences(signals, centers, fs, scale),
    )


@pytest.fixture(scope="module")
def normals():
    return make_ecg(120, random_state=0).X


@pytest.fixture(scope="module")
def scale(normals):
    return normals.std(axis=(0, 2))


@pytest.fixture(scope="module")
def beats(normals, scale):
    return read_beats(normals, 100.0, STANDARD_LEADS, scale)


@pytest.fixture(scope="module")
def directions(beats, scale):
    return _directions.fit_directions(*beats, STANDARD_LEADS, scale, np.random.RandomState(0))


@pytest.fixture(scope="module")
def detector(normals):
    return CAEDetector(score_method="latent_beat", **TINY).fit(normals)


@pytest.fixture(scope="module")
def others(scale):
    return read_beats(make_ecg(30, random_state=5).X, 100.0, STANDARD_LEADS, scale)[0]


def ill(beats, scale, kind):
    """Return compressed beats with a pathology."""
    rng = np.random.default_rng(1)
    changed = []
    for row in beats:
        beat = np.sinh(row[: 12 * 85].reshape(12, -1)) * scale[:, None]
        ill_beat = simulate_pathology(beat, kind, STANDARD_LEADS, rng)
        weights = voltage_weights(STANDARD_LEADS)
        changed.append(_directions.features_of(ill_beat, scale, weights))
    return np.array(changed)


@pytest.mark.parametrize("kind", PATHOLOGIES)
def test_new_normals_depart_towards_the_pathology_they_are_given(directions, others, scale, kind):
    column = PATHOLOGIES.index(kind)
    changed = ill(others, scale, kind)
    after, at_first = (_directions.departures(directions, x) for x in (changed, others))
    assert np.median(after[:, column] - at_first[:, column]) > 0.5
    auroc = anomaly_auroc(
        np.repeat([1, -1], len(others)),
        -_directions.joint_departure(np.concatenate([at_first, after])),
    )
    assert auroc > 0.6


def test_training_normals_are_the_measure(directions, beats):
    along = _directions.departures(directions, beats[0])
    np.testing.assert_allclose(along.mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(along.std(0), 1, atol=1e-4)


def test_what_departs_the_other_way_does_not_count():
    joint = _directions.joint_departure(np.array([[-5.0, -1.0], [3.0, 4.0], [3.0, -9.0]]))
    np.testing.assert_allclose(joint, [0, 5, 3])


def test_tall_beats_depart_towards_every_voltage(directions, normals, scale):
    plain, tall = (
        _directions.departures(
            directions,
            read_beats(factor * normals[:10], 100.0, STANDARD_LEADS, scale)[0],
        )
        for factor in (1.0, 2.0)
    )
    columns = [DEPARTURES.index(name) for name in VOLTAGES]
    assert (tall[:, columns] > plain[:, columns] + 1).mean() > 0.9


def test_voltages_without_their_leads_say_nothing(normals):
    leads = ("II", "V2")
    scale = np.ones(2)
    found = read_beats(normals[:20, [1, 7]], 100.0, leads, scale)
    directions = _directions.fit_directions(*found, leads, scale, np.random.RandomState(0))
    along = _directions.departures(directions, found[0])
    assert not along[:, [DEPARTURES.index(name) for name in VOLTAGES]].any()


def test_few_normals_and_one_alone(scale, normals):
    for n in (1, 2, 9):
        found = read_beats(normals[:n], 100.0, STANDARD_LEADS, scale)
        directions = _directions.fit_directions(
            *found, STANDARD_LEADS, scale, np.random.RandomState(0)
        )
        assert all(np.isfinite(value).all() for value in directions.values())


def test_the_score_joins_distance_and_departure(detector):
    test = make_ecg(40, anomalies=["st_elevation"], anomaly_fraction=0.5, random_state=2)
    departures = detector.departures(test.X)
    assert departures.shape == (40, len(DEPARTURES))
    scores = detector.score_samples(test.X)
    assert anomaly_auroc(test.y, scores) > 0.7
    distance = -copy.copy(detector).set_params(score_method="latent").score_samples(test.X)
    joint = _directions.joint_departure(departures)
    (center, spread), (usual, usual_spread) = detector.distance_scale_, detector.departure_scale_
    expected = (distance - center) / spread + (joint - usual) / usual_spread
    np.testing.assert_allclose(-scores, expected, rtol=1e-9)
    alone = detector.score_samples(test.X[3:4])
    np.testing.assert_array_equal(alone, scores[3:4])


def test_it_is_saved_whole(detector, tmp_path):
    test = make_ecg(5, random_state=3).X
    save(detector, tmp_path / "m.safetensors")
    again = load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(again.score_samples(test), detector.score_samples(test))
    np.testing.assert_array_equal(again.departures(test), detector.departures(test))
    detector.directions_["bias"] = detector.directions_["bias"][:-1]
    try:
        save(detector, tmp_path / "broken.safetensors")
    finally:
        detector.directions_["bias"] = again.directions_["bias"]
    with pytest.raises(ModelFileError, match="directions"):
        load(tmp_path / "broken.safetensors")


def test_other_scores_know_no_pathologies(normals):
    detector = CAEDetector(score_method="latent", **TINY).fit(normals[:30])
    with pytest.raises(SignalError, match="fit it with score_method='latent_beat'"):
        detector.departures(normals[:2])
    detector.set_params(score_method="latent_beat")
    with pytest.raises(SignalError, match="another score_method"):
        detector.score_samples(normals[:2])


def test_a_refit_without_beats_forgets_them(normals):
    detector = CAEDetector(score_method="latent_beat", **TINY).fit(normals[:20])
    detector.set_params(score_method="latent").fit(normals[:20])
    assert not hasattr(detector, "directions_")


@pytest.mark.parametrize(
    ("leads", "seconds", "match"),
    [
        (None, 10, "3 leads have no names"),
        (("I", "MLII", "V1"), 10, "are I, MLII, V1"),
        (("I", "II", "V1"), 2, "records have 2 s"),
    ],
)
def test_what_it_cannot_read_is_refused_before_training(normals, leads, seconds, match):
    X = normals[:10, :3, : 100 * seconds]
    detector = CAEDetector(score_method="latent_beat", leads=leads, **TINY)
    with pytest.raises(SignalError, match=match):
        detector.fit(X)


def test_a_few_named_leads_at_another_rate(normals):
    X = make_ecg(30, fs=250, random_state=0).X
    records = RecordSet(X[:, [1, 7]], fs=250, leads=["II", "V2"])
    detector = CAEDetector(score_method="latent_beat", **TINY).fit(records)
    assert np.isfinite(detector.score_samples(records)).all()


def test_explanations_tell_what_beats_resemble(detector):
    records = make_ecg(6, random_state=4).X
    found = detector.departures(records.astype(np.float32))
    for row, item in zip(found, explain(detector, records), strict=True):
        assert [name for name, _ in item.departures] == [
            DEPARTURES[k] for k in np.argsort(-row) if row[k] >= 2
        ]
        assert ("resemble" in str(item)) == bool(item.departures)


def test_records_without_beats_are_flagged(detector):
    flat = np.random.default_rng(0).normal(0, 0.005, (3, 12, 1000))
    assert (detector.score_samples(flat) < detector.offset_).all()
