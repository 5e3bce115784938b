import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecg_anomaly.signal.scaling import mean_and_std, minmax_scale, robust_scale, zscore

SCALERS = [zscore, robust_scale, minmax_scale]


def test_what_each_promises():
    x = np.random.default_rng(0).normal(3, 2, size=(5, 2, 400))
    z = zscore(x)
    np.testing.assert_allclose(z.mean(axis=-1), 0, atol=1e-12)
    np.testing.assert_allclose(z.std(axis=-1), 1)
    r = robust_scale(x)
    np.testing.assert_allclose(np.median(r, axis=-1), 0, atol=1e-12)
    np.testing.assert_allclose(
        np.ptp(np.percentile(r, (25, 75), axis=-1), axis=0), 1.349, rtol=1e-3
    )
    m = minmax_scale(x)
    np.testing.assert_array_equal(m.min(axis=-1), 0)
    np.testing.assert_allclose(m.max(axis=-1), 1)


@pytest.mark.parametrize("scaler", SCALERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("level", [0.0, 5.0, 300.1, -1e6])
def test_flat_rows_give_zeros(scaler, dtype, level):
    x = np.full((2, 5000), level, dtype)
    x[1] += np.random.default_rng(0).normal(0, 1e-9 * abs(level), 5000).astype(dtype)
    result = scaler(x)
    np.testing.assert_array_equal(result[0], 0)
    np.testing.assert_array_equal(result[1], 0)
    assert mean_and_std(x)[1].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("scaler", SCALERS)
@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.floats(0.01, 100), st.floats(-50, 50))
def test_units_and_offsets_do_not_matter(scaler, seed, gain, offset):
    x = np.random.default_rng(seed).normal(size=(2, 100))
    np.testing.assert_allclose(scaler(gain * x + offset), scaler(x), atol=1e-6)


def test_robust_scale_survives_a_constant_middle():
    x = np.zeros(100)
    x[::20] = 5.0
    result = robust_scale(x)
    assert np.isfinite(result).all()
    assert result.max() == pytest.approx(5 / x.std())


def test_mean_and_std_of_float32_are_exact():
    x = np.random.default_rng(0).normal(300, 0.1, size=(3, 2, 5000)).astype(np.float32)
    mean, std = mean_and_std(x)
    np.testing.assert_allclose(mean, x.astype(np.float64).mean(axis=-1), rtol=1e-14)
    np.testing.assert_allclose(std, x.astype(np.float64).std(axis=-1), rtol=1e-12)
    assert std.dtype == np.float64
