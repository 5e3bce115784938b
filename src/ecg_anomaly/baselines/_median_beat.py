"""The median beat of each lead, with the rhythm, as features."""

from __future__ import annotations

from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval

from ..errors import SignalError
from ..signal.beats import cut_beats
from ..signal.r_peaks import beat_centers
from ._features import SignalFeatures
from ._heart_rate import rhythm

# Holds P wave, QRS complex and T wave at rates of up to 100 a minute.
_BEFORE, _AFTER = 0.25, 0.45
# In seconds: the strip that a printout of twelve leads has of each. Less is one beat or two.
_SHORTEST = 2.5


class MedianBeat(SignalFeatures):
    """The median beat of each lead, from 250 ms before the R peak to 450 ms after it.

    Beats are cut around the R peaks of all leads together and medians taken sample by sample: what
    most beats are like, without noise, wander and single ectopic beats. Of twelve standard leads
    the eight independent ones are read. Heart rate and irregularity come last, as in `HeartRate`.
    A record without a whole beat gets the beat 0 mV. Where records are shorter than 2.5 s they are
    taken to be beats already, cut out by someone else, and returned as they are.

    Parameters
    ----------
    fs : float, default=100.0
        Sampling rate in Hz.
    n_leads : int, default=1
        Number of leads in a 2-D `X`; a 3-D `X` has its own.

    Attributes
    ----------
    rows_ : ndarray of int of shape (n_channels,)
        Which leads of `X` are read.
    n_features_in_, n_leads_in_ : int
        Features (leads times samples) and leads seen in `fit`.
    leads_ : tuple of str
        Names of the leads, where `fit` saw a RecordSet; else empty.

    Examples
    --------
    >>> from ecg_anomaly import make_ecg
    >>> from ecg_anomaly.baselines import MedianBeat
    >>> MedianBeat().fit_transform(make_ecg(3, random_state=0).X).shape
    (3, 562)
    """

    _rate_name = "fs"
    _parameter_constraints: ClassVar[dict] = {
        "fs": [Interval(Real, 0, None, closed="neither")],
        "n_leads": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, fs=100.0, n_leads=1):
        self.fs = fs
        self.n_leads = n_leads

    def _learn_from(self, X) -> None:
        self.rows_ = np.array(self._independent_rows(X.shape[1]))

    def _features(self, X: np.ndarray) -> np.ndarray:
        if X.shape[2] < _SHORTEST * self.fs:
            return X[:, self.rows_].reshape(len(X), -1).astype(np.float64)
        return np.stack([self._of_record(record) for record in X[:, self.rows_]])

    def _of_record(self, record: np.ndarray) -> np.ndarray:
        fs, n_samples = float(self.fs), record.shape[1]
        width = max(1, round((_BEFORE + _AFTER) * fs))
        centers = beat_centers(record, fs)
        beats = cut_beats(record, centers, round(_BEFORE * fs), width)
        beat = np.zeros((len(record), width))
        if len(beats):
            beat = np.median(beats.astype(np.float64), axis=0)
        return np.concatenate([beat.ravel(), rhythm(centers, n_samples, fs)])

    def _check_state(self):
        super()._check_state()
        if not ((self.rows_ >= 0) & (self.rows_ < self.n_leads_in_)).all():
            raise SignalError(f"rows_ {self.rows_} are no leads of {self.n_leads_in_}.")
