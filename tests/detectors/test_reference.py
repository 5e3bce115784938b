"""The latent reference: whitening, reliability, neighbours."""

import numpy as np
import pytest

from ecg_anomaly.detectors._reference import distance, fit_reference, project


@pytest.fixture
def rng():
    return np.random.RandomState(0)


def correlated(rng, n, scales=(1.0, 10.0, 0.1)):
    mixing = np.array([[1.0, 0.5, 0.2], [0.0, 1.0, 0.7], [0.0, 0.0, 1.0]])
    return rng.normal(size=(n, 3)) @ mixing * scales + 5.0


def test_normals_become_white(rng):
    features = correlated(rng, 4000)
    points = project(fit_reference(features, None), features)
    np.testing.assert_allclose(points.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(np.cov(points.T), np.eye(3), atol=0.05)


def test_distance_is_the_mean_to_the_nearest(rng):
    features = correlated(rng, 200)
    reference = fit_reference(features, None)
    fresh = correlated(rng, 10)
    points, normals = project(reference, fresh), reference["neighbours"].astype(float)
    every = np.sort(np.linalg.norm(points[:, None] - normals[None], axis=2), axis=1)
    for k in (1, 5, 200, 1000):
        np.testing.assert_allclose(distance(reference, fresh, k), every[:, :k].mean(1), rtol=1e-9)
    np.testing.assert_allclose(distance(reference, features, 1), 0, atol=5e-3)
    assert distance(reference, fresh + 100, 5).min() > distance(reference, fresh, 5).max()


def test_scale_and_shift_of_features_do_not_matter(rng):
    features, fresh = correlated(rng, 300), correlated(rng, 20)
    expected = distance(fit_reference(features, None), fresh, 5)
    move = np.array([1e3, 1e-3, 7.0])
    moved = fit_reference(features * move - 3, None)
    np.testing.assert_allclose(distance(moved, fresh * move - 3, 5), expected, rtol=1e-4)


def test_few_records_are_reduced(rng):
    for n_records, n_axes in ((4000, 40), (320, 40), (319, 39), (80, 10), (9, 1), (1, 1)):
        reference = fit_reference(rng.normal(size=(n_records, 40)), None)
        assert reference["projection"].shape == (40, n_axes)
        assert reference["neighbours"].shape == (n_records, n_axes)
        assert reference["neighbours"].dtype == np.float16
        assert np.isfinite(distance(reference, rng.normal(size=(3, 40)), 5)).all()


def test_the_axes_kept_are_those_of_most_variance(rng):
    common = rng.normal(size=(16, 1))
    features = np.hstack([common + 0.01 * rng.normal(size=(16, 5)), rng.normal(size=(16, 1))])
    reference = fit_reference(features, None)
    moved = np.zeros((2, 6)) + features.mean(0)
    moved[0, :5] += 3
    moved[1, 0] += 3
    moved[1, 1] -= 3
    far, near = np.linalg.norm(project(reference, moved), axis=1)
    assert far > 5 * near


def test_constant_features_are_harmless(rng):
    for features in (np.ones((50, 4)), np.ones((3, 4)), np.zeros((1, 4))):
        reference = fit_reference(features, features * 0)
        assert np.isfinite(distance(reference, features + 1, 5)).all()
        np.testing.assert_allclose(distance(reference, features, 5), 0, atol=1e-5)


def test_unreliable_axes_count_for_less(rng):
    features = rng.normal(size=(2000, 2))
    # what differs between the halves of a record is noise: all of axis 1, nothing of axis 0
    halves = np.column_stack([0.01 * rng.normal(size=2000), 2 * rng.normal(size=2000)])
    reference = fit_reference(features, halves)
    first, second = np.abs(project(reference, features.mean(0) + np.eye(2))).max(1)
    assert first > 0.9
    assert second < 0.05
