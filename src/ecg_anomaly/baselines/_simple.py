"""Features without any knowledge of the heart: the samples, and energy where it has none."""

from __future__ import annotations

from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval

from ..signal.spectrum import spectrum
from ._features import SignalFeatures

# The band of the heart, in Hz, and the root mean square in mV that stands for silence.
_LOW, _HIGH = 0.4, 42.0
_SILENCE = 1e-4


class Flattened(SignalFeatures):
    """The samples themselves, lead after lead, in the precision they have.

    Parameters
    ----------
    n_leads : int, default=1
        Number of leads in a 2-D `X`; a 3-D `X` has its own.

    Attributes
    ----------
    n_features_in_, n_leads_in_ : int
        Features (leads times samples) and leads seen in `fit`.
    leads_ : tuple of str
        Names of the leads, where `fit` saw a RecordSet; else empty.

    Examples
    --------
    >>> import numpy as np
    >>> from ecg_anomaly.baselines import Flattened
    >>> Flattened().fit_transform(np.zeros((4, 12, 1000), np.float32)).shape
    (4, 12000)
    """

    _parameter_constraints: ClassVar[dict] = {
        "n_leads": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, n_leads=1):
        self.n_leads = n_leads

    def _features(self, X: np.ndarray) -> np.ndarray:
        return X.reshape(len(X), -1)


class OutOfBandEnergy(SignalFeatures):
    """Energy below 0.4 Hz and above 42 Hz in each lead: a negative control.

    There is next to nothing of the heart, but wander, muscle, hum and the recorder's own filters.
    What finds anomalies here has found the ward or the device. Give it signals that no filter has
    touched.

    Parameters
    ----------
    fs : float, default=100.0
        Sampling rate in Hz; at 84 Hz and less there is nothing above the band.
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
    The features are natural logarithms of the root mean square in mV, floored at 0.1 uV: first
    below the band in each lead, then above it.

    Examples
    --------
    >>> import numpy as np
    >>> from ecg_anomaly.baselines import OutOfBandEnergy
    >>> hum = np.sin(2 * np.pi * 50 * np.arange(5000) / 500).reshape(1, 1, -1)
    >>> np.exp(OutOfBandEnergy(fs=500).fit_transform(hum)).round(2)
    array([[0.  , 0.71]])
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
        seen = spectrum(X.astype(np.float64), float(self.fs))
        # the Hann window spreads a constant, which spectrum takes out, over the first two bins
        below = seen.band(0.0, _LOW)
        above = seen.band(_HIGH, self.fs)
        return np.log(np.hypot(np.concatenate([below, above], axis=1), _SILENCE))
