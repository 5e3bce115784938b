"""The beats of a record of many leads: where they are and how their parts are timed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...errors import SignalError
from ...signal.beats import cut_beats
from ...signal.r_peaks import find_r_peaks, move_to_largest

# All in seconds. The moving mean that takes out the wander of the baseline.
_WANDER = 0.8
# The median beat reaches from before the P wave to behind the T wave of a normal beat.
_BEFORE, _AFTER = 0.28, 0.56
# Around the R peak, where beats of one record must be alike.
_QRS = 0.10
# A normal heart at rest beats at 35 to 150 a minute.
_RR = (0.4, 1.7)
_LEAST_ALIKE = 0.7
_LEAST_MV = 0.05
_FEWEST = 3


@dataclass(frozen=True)
class Beats:
    """The beats of a record.

    Attributes
    ----------
    fs : float
    peaks : ndarray of int of shape (n_beats,)
        R peaks in samples, ascending.
    rr : float
        Median interval in seconds.
    template : ndarray of shape (n_leads, n_template)
        The median beat in mV, each lead about its level before the P wave.
    origin : int
        The R peak's sample in `template`.
    qrs : ndarray of shape (n_leads,)
        Height of each lead's QRS complex from peak to peak in mV.
    onset, j_point, t_peak, t_end : float
        Begin and end of QRS, peak and end of the T wave, in seconds from the R peak.
    """

    fs: float
    peaks: np.ndarray
    rr: float
    template: np.ndarray
    origin: int
    qrs: np.ndarray
    onset: float
    j_point: float
    t_peak: float
    t_end: float

    @property
    def times(self) -> np.ndarray:
        """R peaks in seconds."""
        return self.peaks / self.fs

    def at(self, seconds: float) -> np.ndarray:
        """Return the median beat at a time from the R peak, one value a lead."""
        column = self.origin + round(seconds * self.fs)
        return self.template[:, np.clip(column, 0, self.template.shape[1] - 1)]


def find_beats(signal: np.ndarray, fs: float) -> Beats:
    """Find the beats of a record and how their parts are timed.

    Parameters
    ----------
    signal : ndarray of shape (n_leads, n_samples)
        In mV, finite.
    fs : float

    Returns
    -------
    Beats

    Raises
    ------
    SignalError
        If there are fewer than three beats, or what was found is no sinus rhythm at 35 to 150 a
        minute with beats that are alike.
    """
    steady = _without_wander(signal, fs)
    power = np.square(steady)
    found = find_r_peaks(np.sqrt(power.mean(axis=0)), fs)
    peaks = move_to_largest(found, power.sum(axis=0), fs)
    if len(peaks) < _FEWEST:
        raise SignalError(
            f"{len(peaks)} beats were found, and an anomaly is placed by three or more; take a "
            "longer or cleaner record in mV."
        )
    rr = float(np.median(np.diff(peaks)) / fs)
    width = round((_BEFORE + min(_AFTER, 0.75 * rr)) * fs)
    origin = round(_BEFORE * fs)
    windows = cut_beats(steady, peaks, origin, width)
    half = round(_QRS * fs)
    if len(windows) < 2 or not _RR[0] <= rr <= _RR[1]:
        raise SignalError(f"the beats found are {rr:.2f} s apart: no normal rhythm to change.")
    template = np.median(windows, axis=0)
    core = slice(origin - half, origin + half + 1)
    qrs = np.ptp(template[:, core], axis=1)
    alike = _correlation(windows[:, :, core], template[:, core])
    if np.median(alike) < _LEAST_ALIKE or qrs.max() < _LEAST_MV:
        raise SignalError(
            "what was found in place of beats is not alike, or below 0.05 mV; take a cleaner "
            "record, in mV."
        )
    template = template - np.median(template[:, : max(1, round(0.06 * fs))], axis=1, keepdims=True)
    onset, j_point = _qrs_limits(template, origin, fs)
    t_peak = _t_peak(template, origin, j_point, rr, fs)
    t_end = min(t_peak + 0.11, template.shape[1] / fs - _BEFORE)
    return Beats(fs, peaks, rr, template, origin, qrs, onset, j_point, t_peak, t_end)


def _without_wander(signal: np.ndarray, fs: float) -> np.ndarray:
    from scipy.ndimage import uniform_filter1d

    signal = signal.astype(np.float64)
    return signal - uniform_filter1d(signal, max(3, round(_WANDER * fs)), axis=-1, mode="nearest")


def _correlation(windows: np.ndarray, template: np.ndarray) -> np.ndarray:
    a = (windows - windows.mean(axis=2, keepdims=True)).reshape(len(windows), -1)
    b = (template - template.mean(axis=1, keepdims=True)).ravel()
    norm = np.linalg.norm(a, axis=1) * np.linalg.norm(b)
    return np.divide(a @ b, norm, out=np.zeros(len(a)), where=norm > 0)


def _qrs_limits(template: np.ndarray, origin: int, fs: float) -> tuple[float, float]:
    """Return where the signal begins and ends to be steep, from the R peak in seconds."""
    steep = np.sqrt(np.square(np.diff(template, axis=1)).sum(axis=0))
    reach = round(0.09 * fs)
    near = steep[max(0, origin - reach) : origin + reach]
    rows = np.flatnonzero(near > 0.2 * near.max()) - min(origin, reach)
    onset = float(np.clip(rows[0] / fs, -0.07, -0.02))
    return onset, float(np.clip((rows[-1] + 1) / fs, 0.03, 0.08))


def _t_peak(template: np.ndarray, origin: int, j_point: float, rr: float, fs: float) -> float:
    expected = 0.28 * np.sqrt(rr)  # of a QT interval of 390 ms at 60 a minute
    first = max(j_point + 0.07, expected - 0.08)
    last = min(expected + 0.08, template.shape[1] / fs - _BEFORE - 0.05)
    rows = origin + np.arange(round(first * fs), max(round(first * fs) + 1, round(last * fs)))
    rows = rows[rows < template.shape[1]]
    size = np.square(template[:, rows]).sum(axis=0)
    return float((rows[size.argmax()] - origin) / fs) if len(rows) else expected
