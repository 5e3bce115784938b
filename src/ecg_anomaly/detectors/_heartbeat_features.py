"""What tells a heartbeat from the others of its window, in one lead.

A beat is judged beside its neighbours: its QRS complex, P wave and T wave against the median of the
other beats, its place against their rhythm. So the patient, the electrodes and the gain matter
little, and what was learnt on some patients holds on others.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.signal import find_peaks

from ..errors import SignalError
from ..signal.checks import check_rate
from ..signal.filters import bandpass
from ..signal.resampling import resample

#: In seconds: shorter windows hold too few beats to compare with.
SHORTEST = 4.0
#: In Hz: everything is measured at this rate, and at lower ones QRS complexes lose their edges.
FS, LOWEST_RATE = 180.0, 90.0
#: The features, in the order of the columns; logarithms are natural, times in seconds.
NAMES = (
    "sim_med",  # median likeness of the QRS to the others'
    "share_like",  # share of the others that correlate by more than .9
    "nr_med",  # median norm of the difference to the others
    "med_corr",  # likeness of the QRS to the median beat's
    "pol_d",  # change of polarity against the median beat
    "w",  # width of the QRS
    "w_rel",  # wider than the others
    "area_n",  # area of the QRS over its height
    "area_rel",  # area against the others'
    "ptp_rel",  # height against the others'
    "sharp",  # steepest slope over the height
    "sharp_rel",  # steepest slope against the others'
    "pol",  # polarity, -1 to 1
    "T_rms",  # difference of the T wave to the median beat's
    "T_cor",  # correlation of both
    "T_z",  # difference over what is usual here
    "P_rmsc",  # the same of the P wave, without the offset
    "P_cor",
    "P_z",
    "PR_rmsc",  # and of the PR segment
    "P_bump",  # height of the P wave over the line through its ends
    "pre",  # interval before the beat over the median interval
    "post",  # interval after it
    "prepre",  # interval before the beat over the one before that
    "mean_rr",  # interval before the beat over the mean interval
    "pre_bef",  # interval before the beat over the median of the three before that
    "pre_abs",  # interval before the beat
    "irr",  # irregularity of the other intervals
)

_BAND, _QRS_BAND = (0.5, 40.0), (6.0, 22.0)  # Hz
_SMOOTHING = 19  # samples of the envelope, 0.1 s
_TOLERANCE = round(0.1 * FS)  # samples between the middle of the window and its beat
_BLOCK, _APART, _SHARE = round(1.5 * FS), round(0.22 * FS), 0.35
# In mV: what is lower is no beat but rounding, and ratios to it mean nothing.
_SILENCE = 1e-3
_LAG = 9  # samples, 50 ms: how far other beats are shifted to fit
_CHUNK = 64


def _samples(start: float, stop: float) -> tuple[int, int]:
    return round(start * FS), round(stop * FS)


_START, _STOP = _samples(-0.30, 0.45)  # of a beat, around its fiducial point


def _part(start: float, stop: float) -> slice:
    first, last = _samples(start, stop)
    return slice(first - _START, last - _START + 1)


_QRS, _P, _PR, _T = _part(-0.12, 0.14), _part(-0.26, -0.09), _part(-0.16, -0.08), _part(0.14, 0.45)
_BUMP = slice(_samples(-0.24, 0)[0] - _START, _samples(-0.07, 0)[0] - _START)
_MARGIN = _STOP + _LAG


class _Beats(NamedTuple):
    """The central beat (n_samples,), the others (n_others, n_samples), and their likeness."""

    central: np.ndarray
    others: np.ndarray
    likeness: np.ndarray


def check_windows(n_samples: int, fs: float) -> None:
    """Refuse windows that are too short or too coarse to compare beats in.

    Raises
    ------
    SignalError
        If they last less than 4 s or have less than 90 Hz.
    """
    if check_rate(fs) < LOWEST_RATE:
        raise SignalError(
            f"heartbeats are measured up to 40 Hz, for which fs={fs:g} Hz is too low; take "
            f"recordings of {LOWEST_RATE:g} Hz or more."
        )
    if n_samples < SHORTEST * fs:
        raise SignalError(
            f"a beat is compared with others around it, but windows of {n_samples} samples at "
            f"fs={fs:g} Hz last {n_samples / fs:.3g} s; take windows of {SHORTEST:g} s or more "
            "with the beat in the middle, 10 s as a rule, and check fs."
        )


def heartbeat_features(windows: np.ndarray, fs: float) -> np.ndarray:
    """Return what tells the beat in the middle of each window from the others there.

    Parameters
    ----------
    windows : ndarray of shape (n_windows, n_samples)
        In mV, the beat at sample ``n_samples // 2``, within 0.1 s; the others are found.
    fs : float
        Sampling rate in Hz.

    Returns
    -------
    ndarray of float64 of shape (n_windows, 28)
        Finite for finite windows, flat ones and noise as well. The columns are `NAMES`.

    Raises
    ------
    SignalError
        If windows last less than 4 s or have less than 90 Hz.

    Examples
    --------
    >>> import numpy as np
    >>> heartbeat_features(np.zeros((2, 3600)), 360.0).shape
    (2, 28)
    """
    n_windows, n_samples = windows.shape
    check_windows(n_samples, fs)
    middle = round(n_samples // 2 * FS / fs)
    out = np.empty((n_windows, len(NAMES)))
    for start in range(0, n_windows, _CHUNK):
        chunk = windows[start : start + _CHUNK].astype(np.float64)
        x = bandpass(
            resample(chunk, fs_in=fs, fs_out=FS), fs=FS, lowcut=_BAND[0], highcut=_BAND[1], order=2
        )
        qrs = bandpass(x, fs=FS, lowcut=_QRS_BAND[0], highcut=_QRS_BAND[1], order=2)
        envelopes = uniform_filter1d(np.abs(qrs), _SMOOTHING, axis=-1)
        for row, (signal, envelope) in enumerate(zip(x, envelopes, strict=True), start):
            out[row] = _of_window(signal, *_find_beats(envelope, middle))
    return out


def _find_beats(envelope: np.ndarray, middle: int) -> tuple[np.ndarray, int]:
    """Return the fiducial points, peaks of the envelope, and which is that of the central beat."""
    blocks = envelope[: len(envelope) // _BLOCK * _BLOCK].reshape(-1, _BLOCK)
    level = max(_SHARE * float(np.median(blocks.max(axis=1))), _SILENCE)
    near = envelope[middle - _TOLERANCE : middle + _TOLERANCE + 1]
    central = middle - _TOLERANCE + int(near.argmax())
    peaks, _ = find_peaks(envelope, height=level, distance=_APART)
    whole = (peaks >= _TOLERANCE) & (peaks < len(envelope) - _TOLERANCE)
    peaks = peaks[whole & (np.abs(peaks - central) > round(0.2 * FS))]
    number = int(np.searchsorted(peaks, central))
    return np.insert(peaks, number, central), number


def _of_window(x: np.ndarray, peaks: np.ndarray, number: int) -> list[float]:
    beats = _aligned(x, peaks, number)
    median = np.median(beats.others, axis=0)
    heights = np.ptp(beats.others[:, _QRS], axis=1) + _SILENCE
    height = float(np.median(heights))
    found = {
        **_qrs_features(beats, median, height),
        **_wave_features(beats, median, height),
        **_rhythm_features(peaks, number, len(x)),
    }
    return [found[name] for name in NAMES]


def _aligned(x: np.ndarray, peaks: np.ndarray, number: int) -> _Beats:
    """Cut the beats, the others shifted to least squares against the QRS of the central one."""
    x = np.pad(x, _MARGIN, mode="edge")
    peaks = peaks + _MARGIN
    central = x[peaks[number] + _START : peaks[number] + _STOP + 1]
    others = np.delete(peaks, number)
    if not len(others):
        return _Beats(central, np.zeros((1, len(central))), np.zeros(1))
    qrs = _centred(central[_QRS])
    lags = np.arange(-_LAG, _LAG + 1)
    shifted = np.lib.stride_tricks.sliding_window_view(x, len(qrs))
    shifted = _centred(shifted[(others + _START + _QRS.start)[:, None] + lags])
    power, product = np.square(shifted).sum(axis=-1), shifted @ qrs
    likeness = (product / np.maximum(np.sqrt(power * (qrs @ qrs)), 1e-9)).max(axis=1)
    others = others + lags[(product - 0.5 * power).argmax(axis=1)]
    return _Beats(central, x[others[:, None] + np.arange(_START, _STOP + 1)], likeness)


def _qrs_features(beats: _Beats, median: np.ndarray, usual_height: float) -> dict[str, float]:
    q, others = _centred(beats.central[_QRS]), _centred(beats.others[:, _QRS])
    usual = _centred(median[_QRS])
    apart = np.sqrt(
        np.square(others - q).sum(axis=1) / (np.square(others).sum(axis=1) + q @ q + 1e-9)
    )
    height = np.ptp(q) + _SILENCE
    area, areas = np.abs(q).sum() / FS, np.abs(others).sum(axis=1) / FS
    width = float(_width(q))
    slope, slopes = (np.abs(np.diff(part)).max(axis=-1) * FS for part in (q, others))
    polarity = (q.max() + q.min()) / height
    return {
        "sim_med": float(np.median(_far(beats.likeness))),
        "share_like": float((beats.likeness > 0.9).mean()),
        "nr_med": float(np.median(np.log(apart + 0.03))),
        "med_corr": float(_far(_correlation(q, usual))),
        "pol": polarity,
        "pol_d": abs(polarity - (usual.max() + usual.min()) / (np.ptp(usual) + _SILENCE)),
        "w": width,
        "w_rel": width - float(np.median(_width(others))),
        "area_n": np.log(area / height + 1e-3),
        "area_rel": np.log((area + 0.003) / (np.median(areas) + 0.003)),
        "ptp_rel": np.log((height + 0.05) / (usual_height + 0.05)),
        "sharp": np.log(slope / height + 1),
        "sharp_rel": np.log((slope + 1) / (np.median(slopes) + 1)),
    }


def _wave_features(beats: _Beats, median: np.ndarray, usual_height: float) -> dict[str, float]:
    difference = beats.central - median
    found = {
        "T_rms": np.log(_rms(difference[_T]) / usual_height + 0.01),
        "P_rmsc": np.log(difference[_P].std() / usual_height + 0.01),
        "PR_rmsc": np.log(difference[_PR].std() / usual_height + 0.01),
        "P_bump": _bump(beats.central[_BUMP]) / usual_height,
    }
    for name, part in (("P", _P), ("T", _T)):
        usual = np.median(_rms(beats.others[:, part] - median[part]))
        found[f"{name}_z"] = np.log((_rms(difference[part]) + 0.01) / (usual + 0.01))
        found[f"{name}_cor"] = _correlation(_centred(beats.central[part]), _centred(median[part]))
    return found


def _rhythm_features(peaks: np.ndarray, number: int, n_samples: int) -> dict[str, float]:
    intervals = np.diff(peaks) / FS
    n, center = len(intervals), peaks[number]
    usual = float(np.median(intervals)) if n else n_samples / FS / 2
    # where the beat has no neighbour, none is nearer than the end of the window
    before = intervals[number - 1] if number > 0 else max(center / FS, usual)
    after = intervals[number] if number < n else max((n_samples - center) / FS, usual)
    earlier = intervals[max(0, number - 4) : max(0, number - 1)]
    own = [k for k in (number - 1, number) if 0 <= k < n]
    rest = np.delete(intervals, own)
    irregularity = np.median(np.abs(np.log(rest / np.median(rest)))) if len(rest) > 1 else 0.0
    return {
        "pre": np.log(before / usual),
        "post": np.log(after / usual),
        "pre_abs": np.log(before),
        "prepre": np.log(before / (intervals[number - 2] if number > 1 else usual)),
        "mean_rr": np.log(before / intervals.mean()) if n else 0.0,
        "pre_bef": np.log(before / np.median(earlier)) if len(earlier) else 0.0,
        "irr": np.log(irregularity + 0.01),
    }


def _centred(x: np.ndarray) -> np.ndarray:
    return x - x.mean(axis=-1, keepdims=True)


def _rms(x: np.ndarray) -> np.ndarray:
    return np.sqrt(np.square(x).mean(axis=-1))


def _width(qrs: np.ndarray) -> np.ndarray:
    """Return the seconds between 5 and 95 % of the energy of the slope."""
    energy = np.cumsum(np.square(np.diff(qrs, axis=-1)), axis=-1)
    energy = energy / np.maximum(energy[..., -1:], 1e-12)
    return ((energy < 0.95).sum(axis=-1) - (energy < 0.05).sum(axis=-1)) / FS


def _correlation(x: np.ndarray, y: np.ndarray) -> float:
    return float(x @ y / np.sqrt((x @ x) * (y @ y) + 1e-12))


def _far(correlation):
    """Return the likeness on a scale that does not crowd at 1."""
    return -np.log(1.003 - correlation)


def _bump(x: np.ndarray) -> float:
    return float((x - np.linspace(x[0], x[-1], len(x))).max())
