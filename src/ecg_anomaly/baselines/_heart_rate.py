"""Heart rate and its irregularity as features."""

from __future__ import annotations

from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval

from ._beats import beat_centers, rhythm
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
        return np.stack([rhythm(beat_centers(record, fs), n_samples, fs) for record in X])
