"""Heart rate and its irregularity as features."""

from __future__ import annotations

from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval

from ..signal.r_peaks import find_r_peaks, move_to_largest, strongest_mixture
from ._features import SignalFeatures


class HeartRate(SignalFeatures):
    """Heart rate and its irregularity, from the R peaks of all leads together.

    R peaks are looked for in the first principal component of the leads. A record in which fewer
    than two are found gets the rate of those found, 0 without any: far from every living heart.

    Parameters
    ----------
    fs : float, default=100.0
        Sampling rate in Hz.
    n_leads : int, default=1
        Number of leads in a 2-D `X`; a 3-D `X` has its own.

    Attributes
    ----------
    n_features_in_, n_leads_in_ : int
        Features (leads times samples) and leads seen in `fit`.
    leads_ : tuple of str
        Names of the leads, where `fit` saw a RecordSet; else empty.

    Notes
    -----
    The features are beats a minute, by the median interval, and the mean absolute change from one
    interval to the next over the median interval. About 9 ms a record of 10 s.

    See Also
    --------
    ecg_anomaly.signal.r_peaks.find_r_peaks : how the peaks are found.

    Examples
    --------
    >>> from ecg_anomaly import make_ecg
    >>> from ecg_anomaly.baselines import HeartRate
    >>> ecgs = make_ecg(3, random_state=0)
    >>> bool(abs(HeartRate().fit_transform(ecgs.X)[:, 0] - ecgs.table["heart_rate"]).max() < 3)
    True
    """

    _rate_name = "fs"
    _parameter_constraints: ClassVar[dict] = {
        "fs": [Interval(Real, 0, None, closed="neither")],
        "n_leads": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, fs=100.0, n_leads=1):
        self.fs = fs
        self.n_leads = n_leads

    def _features(self, X: np.ndarray) -> np.ndarray:
        fs, n_samples = float(self.fs), X.shape[2]
        return np.stack([rhythm(_every_beat(record, fs), n_samples, fs) for record in X])


def _every_beat(record: np.ndarray, fs: float) -> np.ndarray:
    # a median bears a missed beat, as those of beat_centers, and a rhythm does not
    mixture = strongest_mixture(record)
    return move_to_largest(find_r_peaks(mixture, fs), np.abs(mixture), fs)


def rhythm(centers: np.ndarray, n_samples: int, fs: float) -> np.ndarray:
    """Return the heart rate and how irregular it is.

    Parameters
    ----------
    centers : ndarray of int of shape (n_beats,)
        Samples, ascending.
    n_samples : int
        Of the record.
    fs : float
        In Hz.

    Returns
    -------
    ndarray of float64 of shape (2,)
        Beats a minute by the median interval, and the mean change from one interval to the next
        over the median interval. With fewer than two beats the rate is that of the beats in the
        time there is, and the irregularity 0, as with fewer than three.

    Examples
    --------
    >>> import numpy as np
    >>> rhythm(np.array([100, 200, 300, 380]), 500, 100.0).tolist()
    [60.0, 0.1]
    """
    if len(centers) < 2:
        return np.array([60.0 * len(centers) * fs / n_samples, 0.0])
    intervals = np.diff(centers)
    middle = np.median(intervals)
    changes = np.abs(np.diff(intervals))
    return np.array([60.0 * fs / middle, changes.mean() / middle if len(changes) else 0.0])
