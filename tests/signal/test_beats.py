import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecg_anomaly.errors import SignalError
from ecg_anomaly.signal.beats import (
    count_in_windows,
    cut_beats,
    cut_windows,
    match_peaks,
    window_fits,
)

peaks = st.lists(st.integers(0, 300), max_size=30, unique=True).map(
    lambda values: np.array(sorted(values), np.int64)
)


@given(centers=peaks, n_samples=st.integers(1, 50), n_total=st.integers(1, 300))
def test_windows_equal_slices(centers, n_samples, n_total):
    signal = np.arange(2 * n_total).reshape(2, n_total)
    fits = window_fits(centers, n_samples, n_total)
    for center, inside in zip(centers, fits, strict=True):
        start = center - n_samples // 2
        assert inside == (start >= 0 and start + n_samples <= n_total)
    windows = cut_windows(signal, centers[fits], n_samples)
    assert windows.shape == (fits.sum(), 2, n_samples)
    for window, center in zip(windows, centers[fits], strict=True):
        start = center - n_samples // 2
        np.testing.assert_array_equal(window, signal[:, start : start + n_samples])
    if not fits.all():
        with pytest.raises(SignalError, match="do not all lie within"):
            cut_windows(signal, centers, n_samples)


def test_windows_are_copies():
    signal = np.zeros((1, 10))
    cut_windows(signal, np.array([5]), 4)[:] = 1
    assert not signal.any()


def test_windows_without_samples():
    with pytest.raises(SignalError, match="windows of 0 samples"):
        cut_windows(np.zeros((1, 10)), np.array([5]), 0)


@given(marks=peaks, centers=peaks, n_samples=st.integers(1, 60))
def test_counts_equal_those_of_a_loop(marks, centers, n_samples):
    start = centers - n_samples // 2
    expected = [((marks >= s) & (marks < s + n_samples)).sum() for s in start]
    assert count_in_windows(marks, centers, n_samples).tolist() == expected


@given(peaks=peaks, n_samples=st.integers(1, 50), share=st.floats(0, 1), total=st.integers(1, 300))
def test_beats_have_their_peak_where_told(peaks, n_samples, share, total):
    before = int(share * (n_samples - 1))
    found = cut_beats(np.arange(2 * total).reshape(2, total), peaks, before, n_samples)
    whole = peaks[(peaks >= before) & (peaks - before + n_samples <= total)]
    assert found.shape == (len(whole), 2, n_samples)
    np.testing.assert_array_equal(found[:, 0, before], whole)
    np.testing.assert_array_equal(found[:, 1, 0], total + whole - before)


@given(reference=peaks, detected=peaks, tolerance=st.integers(0, 20))
def test_pairs_are_mutual_and_near(reference, detected, tolerance):
    rows, found = match_peaks(reference, detected, tolerance)
    assert len(rows) == len(found)
    assert (np.diff(rows) > 0).all()
    assert (np.diff(found) > 0).all()
    assert (np.abs(reference[rows] - detected[found]) <= tolerance).all()
    for row, pair in zip(rows, found, strict=True):
        gap = np.abs(reference[row] - detected[pair])
        assert gap == np.abs(detected - reference[row]).min()
        assert gap == np.abs(reference - detected[pair]).min()


@given(reference=peaks)
def test_peaks_match_themselves(reference):
    rows, found = match_peaks(reference, reference, 0)
    np.testing.assert_array_equal(rows, np.arange(len(reference)))
    np.testing.assert_array_equal(found, rows)


def test_a_spurious_peak_does_not_take_the_place_of_a_true_one():
    rows, found = match_peaks(np.array([100]), np.array([60, 98]), 54)
    assert rows.tolist() == [0]
    assert found.tolist() == [1]
