import numpy as np
import pytest

from ecg_anomaly.datasets import make_ecg
from ecg_anomaly.signal.clipping import clipped_samples


@pytest.mark.parametrize("fs", [100.0, 360.0, 500.0, 2000.0])
@pytest.mark.parametrize("sign", [1, -1])
def test_cut_peaks_are_found_and_nothing_else(fs, sign):
    X = sign * np.round(make_ecg(5, fs=fs, random_state=0).X, 3)
    assert clipped_samples(X, fs) is None
    lead = X[2, 9]
    limit = 0.4 * lead.max()
    expected = lead >= limit
    np.minimum(lead, limit, out=lead)
    found = clipped_samples(X, fs)
    share = 0.65 if fs == 100 else 0.9  # single samples at the limit cannot be told
    assert found[2, 9].sum() >= share * expected.sum()
    assert not (found[2, 9] & ~expected).any()
    found[2, 9] = False
    assert not found.any()


def test_a_flat_row_is_not_clipped():
    assert clipped_samples(np.ones((2, 100)), 100.0) is None
    assert clipped_samples(np.ones((2, 2)), 100.0) is None


def test_coarse_steps_of_a_smooth_wave_are_not_clipped():
    wave = np.sin(2 * np.pi * np.arange(1000) / 100)
    assert clipped_samples(np.round(wave, 1), 100.0) is None
