"""The median beat of a record, on one grid whatever the sampling rate."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from .beats import cut_beats
from .resampling import resample

#: Hz of a median beat: the rate of PTB-XL's smaller half; what lies above 40 Hz is mostly noise.
BEAT_FS = 100.0
#: Samples of a median beat, and that of the R peak: from before a late P wave to behind T.
BEAT_SAMPLES, R_SAMPLE = 85, 33


def median_beat(record: np.ndarray, centers: np.ndarray, fs: float) -> np.ndarray:
    """Return the median of a record's beats, from 0.33 s before the R peak to 0.52 s after it.

    Parameters
    ----------
    record : ndarray of shape (n_leads, n_samples)
    centers : ndarray of int of shape (n_beats,)
        R peaks, in samples.
    fs : float
        In Hz.

    Returns
    -------
    ndarray of float64 of shape (n_leads, BEAT_SAMPLES)
        At 100 Hz, in the unit of `record`; 0 where no beat lies wholly in the record.

    Examples
    --------
    >>> import numpy as np
    >>> from ecg_anomaly.signal.median_beat import median_beat
    >>> time = np.arange(0, 5, 0.002)
    >>> lead = np.exp(-np.square((time % 1 - 0.5) / 0.02))
    >>> beat = median_beat(lead[None], np.arange(250, 2500, 500), fs=500)
    >>> beat.shape, int(beat.argmax())
    ((1, 85), 33)
    """
    before, width, to_grid = beat_grid(fs)
    beats = cut_beats(record, np.asarray(centers), before, width)
    if not len(beats):
        return np.zeros((len(record), BEAT_SAMPLES))
    return np.median(beats.astype(np.float64), axis=0) @ to_grid


@lru_cache(maxsize=16)
def beat_grid(fs: float) -> tuple[int, int, np.ndarray]:
    """Return how beats are cut at a rate, and the matrix that takes them to 100 Hz.

    Parameters
    ----------
    fs : float
        In Hz.

    Returns
    -------
    before, width : int
        Samples before the R peak, and in all.
    to_grid : ndarray of shape (width, BEAT_SAMPLES)
    """
    before = round(R_SAMPLE / BEAT_FS * fs)
    width = round(BEAT_SAMPLES / BEAT_FS * fs)
    resampled = resample(np.eye(width), fs_in=fs, fs_out=BEAT_FS)[:, :BEAT_SAMPLES]
    lacking = BEAT_SAMPLES - resampled.shape[1]
    to_grid = np.pad(resampled, ((0, 0), (0, lacking)), mode="edge")
    to_grid.flags.writeable = False
    return before, width, to_grid
