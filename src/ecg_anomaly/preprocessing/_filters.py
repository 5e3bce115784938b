"""Band-pass and notch filters as transformers."""

from __future__ import annotations

from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval

from ..errors import SignalError
from ..signal.filters import bandpass, check_band, check_notch, notch
from ..signal.resampling import rate_ratio, resampled_length
from ._base import SignalTransformer


class _Filter(SignalTransformer):
    _rate_name = "fs"

    def _check_length(self, n_samples, generic, seconds, name):
        # the few features of generic tables are filtered anyway, as scikit-learn's checks demand
        if n_samples < 2:
            raise SignalError(
                f"{type(self).__name__} needs at least 2 samples, got X with 1 feature(s) a lead."
            )
        if not generic and n_samples < seconds * self.fs:
            raise SignalError(
                f"X lasts {n_samples / self.fs:g} s, less than the {seconds:g} s that "
                f"{name} takes; filter longer records before cutting them, or change {name}."
            )


class BandpassFilter(_Filter):
    """Butterworth band-pass without phase shift.

    The magnitude is that of the digital filter run forwards and backwards, so that waves keep
    their place and shape. The standards for diagnostic electrocardiography [2]_ ask for 0.05 Hz,
    or 0.67 Hz for filters without phase shift, up to 150 Hz; the default of 0.5 to 40 Hz is that
    of monitoring, which suits learning at 100 Hz: it keeps the ST segment and drops wander and
    muscle noise.

    Parameters
    ----------
    lowcut, highcut : float, default=0.5, 40.0
        Where the amplitude is halved, in Hz; ``0 < lowcut < highcut < fs / 2``.
    fs : float, default=100.0
        Sampling rate in Hz.
    order : int, default=3
        Order of the filter, as in :func:`scipy.signal.butter`, before it is run twice.
    fs_out : float, optional
        Sampling rate of the output in Hz, above twice `highcut`; by default `fs`. It comes out of
        the same FFT, several times as fast as with a `Resampler` behind the filter.
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
        In `fit`, if the band does not exist at `fs` or `fs_out`, or their ratio is not close to
        one of integers up to 1000; if a 3-D `X` or RecordSet is shorter than half a period of
        `lowcut`.

    See Also
    --------
    ecg_anomaly.signal.filters.bandpass : the same for plain arrays.

    References
    ----------
    .. [1] S. Butterworth, "On the theory of filter amplifiers", Experimental Wireless & the
       Wireless Engineer 7, 536-541, 1930.
    .. [2] P. Kligfield et al., "Recommendations for the standardization and interpretation of the
       electrocardiogram. Part I", Circulation 115, 1306-1324, 2007.

    Examples
    --------
    >>> import numpy as np
    >>> from ecg_anomaly.preprocessing import BandpassFilter
    >>> X = np.random.default_rng(0).normal(size=(4, 12, 1000)).astype(np.float32) + 300
    >>> filtered = BandpassFilter(fs=100).fit_transform(X)
    >>> filtered.shape, filtered.dtype, bool(abs(filtered.mean()) < 0.01)
    ((4, 12, 1000), dtype('float32'), True)
    """

    _parameter_constraints: ClassVar[dict] = {
        "lowcut": [Interval(Real, None, None, closed="neither")],
        "highcut": [Interval(Real, None, None, closed="neither")],
        "fs": [Interval(Real, None, None, closed="neither")],
        "order": [Interval(Integral, 1, 20, closed="both")],
        "fs_out": [Interval(Real, None, None, closed="neither"), None],
        "n_leads": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, lowcut=0.5, highcut=40.0, fs=100.0, order=3, fs_out=None, n_leads=1):
        self.lowcut = lowcut
        self.highcut = highcut
        self.fs = fs
        self.order = order
        self.fs_out = fs_out
        self.n_leads = n_leads

    def _check_setup(self, n_leads, n_samples, *, generic):
        check_band(self.fs, self.lowcut, self.highcut)
        if self.fs_out is not None:
            rate_ratio(self.fs, self.fs_out)
            check_band(self.fs_out, self.lowcut, self.highcut)
        self._check_length(n_samples, generic, 0.5 / self.lowcut, "half a period of lowcut")

    def _samples_out(self, n_samples):
        if self.fs_out is None:
            return n_samples
        return resampled_length(n_samples, self.fs, self.fs_out)

    def _rate_out(self, fs):
        return fs if self.fs_out is None else float(self.fs_out)

    def _transform_signals(self, X: np.ndarray) -> np.ndarray:
        return bandpass(
            X,
            fs=self.fs,
            lowcut=self.lowcut,
            highcut=self.highcut,
            order=self.order,
            fs_out=self.fs_out,
        )


class NotchFilter(_Filter):
    """Notch that takes out the hum of the mains without phase shift.

    Parameters
    ----------
    freq : float, default=50.0
        Frequency to take out, in Hz: 50, or 60 in the Americas and parts of Asia. At most
        ``fs / 2``.
    q : float, default=30.0
        Quality factor: `freq` over the width of the notch. Narrow notches keep more of the QRS
        complex, and ring longer.
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

    Raises
    ------
    SignalError
        In `fit`, if the notch does not exist at `fs`; if a 3-D `X` or RecordSet is shorter than
        one over the width of the notch.

    See Also
    --------
    ecg_anomaly.signal.filters.notch : the same for plain arrays.

    References
    ----------
    .. [1] P. Kligfield et al., "Recommendations for the standardization and interpretation of the
       electrocardiogram. Part I", Circulation 115, 1306-1324, 2007.

    Examples
    --------
    >>> import numpy as np
    >>> from ecg_anomaly.preprocessing import NotchFilter
    >>> hum = np.sin(2 * np.pi * 50 * np.arange(5000) / 500).reshape(1, 1, 5000)
    >>> filtered = NotchFilter(fs=500).fit_transform(hum)
    >>> bool(abs(filtered[..., 1000:-1000]).max() < 0.01)
    True
    """

    _parameter_constraints: ClassVar[dict] = {
        "freq": [Interval(Real, None, None, closed="neither")],
        "q": [Interval(Real, 0, None, closed="neither")],
        "fs": [Interval(Real, None, None, closed="neither")],
        "n_leads": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, freq=50.0, q=30.0, fs=100.0, n_leads=1):
        self.freq = freq
        self.q = q
        self.fs = fs
        self.n_leads = n_leads

    def _check_setup(self, n_leads, n_samples, *, generic):
        check_notch(self.fs, self.freq, self.q)
        self._check_length(n_samples, generic, self.q / self.freq, "q / freq")

    def _transform_signals(self, X: np.ndarray) -> np.ndarray:
        return notch(X, fs=self.fs, freq=self.freq, q=self.q)
