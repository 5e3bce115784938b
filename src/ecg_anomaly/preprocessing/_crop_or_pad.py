"""One length for all records, as a transformer."""

from __future__ import annotations

from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from ..errors import SignalError
from ..signal.cropping import PAD_MODES, POSITIONS, crop_or_pad
from ._base import SignalTransformer

#: More than a day at 1,000 Hz.
MAX_SAMPLES = 100_000_000


class CropOrPad(SignalTransformer):
    """Cutting and extending of records to one length.

    Alone among the transformers it takes, as a 3-D array or RecordSet, records of another length
    than those of `fit`: to bring them to one length is what it is for.

    Parameters
    ----------
    duration : float, default=10.0
        Length wanted, in seconds.
    fs : float, default=100.0
        Sampling rate in Hz.
    position : {"start", "center", "end"}, default="center"
        Which part of a long record is kept, and where a short one comes to lie.
    mode : {"edge", "zero", "reflect"}, default="edge"
        What a short record is continued with: its end values, zeros, or its mirror image.
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
        In `fit`, if `duration` is shorter than one sample.

    See Also
    --------
    ecg_anomaly.signal.cropping.crop_or_pad : the same for plain arrays.

    Examples
    --------
    >>> import numpy as np
    >>> from ecg_anomaly.preprocessing import CropOrPad
    >>> CropOrPad(duration=10, fs=100).fit_transform(np.zeros((2, 12, 1200))).shape
    (2, 12, 1000)
    """

    _rate_name = "fs"
    _any_length = True
    _parameter_constraints: ClassVar[dict] = {
        "duration": [Interval(Real, 0, None, closed="neither")],
        "fs": [Interval(Real, None, None, closed="neither")],
        "position": [StrOptions(set(POSITIONS))],
        "mode": [StrOptions(set(PAD_MODES))],
        "n_leads": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, duration=10.0, fs=100.0, position="center", mode="edge", n_leads=1):
        self.duration = duration
        self.fs = fs
        self.position = position
        self.mode = mode
        self.n_leads = n_leads

    def _check_setup(self, n_leads, n_samples, *, generic):
        samples = self.duration * self.fs
        if not 0.5 <= samples <= MAX_SAMPLES:
            raise SignalError(
                f"duration={self.duration:g} s at fs={self.fs:g} Hz is {samples:g} samples, not 1 "
                f"to {MAX_SAMPLES:g}; give duration in seconds and fs in Hz."
            )

    def _samples_out(self, n_samples):
        return max(1, round(self.duration * self.fs))

    def _transform_signals(self, X: np.ndarray) -> np.ndarray:
        return crop_or_pad(
            X, self._samples_out(X.shape[-1]), position=self.position, mode=self.mode
        )
