"""Change of the sampling rate as a transformer."""

from __future__ import annotations

from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval

from ..errors import SignalError
from ..signal.resampling import rate_ratio, resample, resampled_length
from ._base import SignalTransformer


class Resampler(SignalTransformer):
    """Change of the sampling rate, with an anti-aliasing filter of linear phase.

    Parameters
    ----------
    fs_in, fs_out : float, default=500.0, 100.0
        Sampling rate before and after, in Hz. Their ratio must be one of integers up to 1000.
    n_leads : int, default=1
        Number of leads in a 2-D `X`; a 3-D `X` has its own.

    Attributes
    ----------
    n_features_in_, n_leads_in_ : int
        Features (leads times samples) and leads seen in `fit`.
    leads_ : tuple of str
        Names of the leads, where `fit` saw a RecordSet; else empty.

    Raises
    ------
    SignalError
        In `fit`, if a rate is not positive, the ratio is not simple, or there is one sample.

    Notes
    -----
    `n` samples become ``ceil(n * fs_out / fs_in)``; sample 0 stays at time 0.

    See Also
    --------
    ecg_anomaly.signal.resampling.resample : the same for plain arrays.

    Examples
    --------
    >>> import numpy as np
    >>> from ecg_anomaly import RecordSet
    >>> from ecg_anomaly.preprocessing import Resampler
    >>> Resampler(fs_in=500, fs_out=100).fit_transform(np.zeros((2, 12, 5000))).shape
    (2, 12, 1000)
    >>> Resampler().fit_transform(RecordSet(np.zeros((2, 12, 5000)), fs=500))
    <RecordSet of 2 records, 12 leads, 1000 samples, 100 Hz>
    """

    _rate_name = "fs_in"
    _parameter_constraints: ClassVar[dict] = {
        "fs_in": [Interval(Real, None, None, closed="neither")],
        "fs_out": [Interval(Real, None, None, closed="neither")],
        "n_leads": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, fs_in=500.0, fs_out=100.0, n_leads=1):
        self.fs_in = fs_in
        self.fs_out = fs_out
        self.n_leads = n_leads

    def _check_setup(self, n_leads, n_samples, *, generic):
        rate_ratio(self.fs_in, self.fs_out)
        if n_samples < 2:
            raise SignalError("Resampler needs at least 2 samples, got X with 1 feature(s) a lead.")

    def _samples_out(self, n_samples):
        return resampled_length(n_samples, self.fs_in, self.fs_out)

    def _rate_out(self, fs):
        return float(self.fs_out)

    def _transform_signals(self, X: np.ndarray) -> np.ndarray:
        return resample(X, fs_in=self.fs_in, fs_out=self.fs_out)
