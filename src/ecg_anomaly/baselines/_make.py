"""Every baseline by its name, put together from scikit-learn's parts and our own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sklearn.ensemble import IsolationForest
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM

from ..errors import SignalError
from ..preprocessing import BandpassFilter
from ..signal.checks import check_rate
from ._age import AgeDetector
from ._axes import PrincipalAxes
from ._distances import DistanceDetector, NearestNormals, ResidualDetector
from ._heart_rate import HeartRate
from ._median_beat import MedianBeat
from ._random_kernels import RandomKernels
from ._simple import Flattened, OutOfBandEnergy

_LOWCUT, _HIGHCUT = 0.5, 40.0
# The upper edge of the band where the rate is too low for 40 Hz, as a share of the rate.
_SHARE_OF_RATE = 0.4
_CONTAMINATION = 0.1


def _filtered(fs: float, *steps: Any) -> Pipeline:
    highcut = min(_HIGHCUT, _SHARE_OF_RATE * fs)
    if highcut <= _LOWCUT:
        raise SignalError(
            f"fs={fs:g} Hz is too low for ECGs; give the sampling rate in Hz, 100 or more."
        )
    return make_pipeline(BandpassFilter(lowcut=_LOWCUT, highcut=highcut, fs=fs), *steps)


def _mean_distance(fs, random_state):
    return _filtered(fs, Flattened(), DistanceDetector())


def _of_beats(fs, random_state, detector):
    """Put a detector on median beats: on samples of whole records, chance rules where beats lie."""
    axes = PrincipalAxes(random_state=random_state)
    return _filtered(fs, MedianBeat(fs=fs), StandardScaler(), axes, detector)


def _pca_residual(fs, random_state):
    return _filtered(fs, Flattened(), ResidualDetector(random_state=random_state))


def _nearest_neighbours(fs, random_state):
    return _of_beats(fs, random_state, NearestNormals())


def _one_class_svm(fs, random_state):
    return _of_beats(fs, random_state, OneClassSVM(nu=_CONTAMINATION))


def _isolation_forest(fs, random_state):
    forest = IsolationForest(contamination=_CONTAMINATION, random_state=random_state)
    return _of_beats(fs, random_state, forest)


def _heart_rate(fs, random_state):
    distance = DistanceDetector(metric="mahalanobis")
    return _filtered(fs, HeartRate(fs=fs), StandardScaler(), distance)


def _age(fs, random_state):
    return AgeDetector()


def _out_of_band(fs, random_state):
    energy = OutOfBandEnergy(fs=fs)
    return make_pipeline(energy, StandardScaler(), DistanceDetector(metric="mahalanobis"))


def _median_beat(fs, random_state):
    return _of_beats(fs, random_state, DistanceDetector(metric="mahalanobis"))


def _random_kernels(fs, random_state):
    kernels = RandomKernels(fs=fs, random_state=random_state)
    residual = ResidualDetector(random_state=random_state)
    return _filtered(fs, kernels, StandardScaler(), residual)


#: The factory of each baseline, from (fs, random_state).
BASELINES: dict[str, Callable[..., Any]] = {
    "mean distance": _mean_distance,
    "PCA residual": _pca_residual,
    "k nearest neighbours": _nearest_neighbours,
    "one-class SVM": _one_class_svm,
    "isolation forest": _isolation_forest,
    "heart rate": _heart_rate,
    "age": _age,
    "out-of-band energy": _out_of_band,
    "median beat": _median_beat,
    "random kernels": _random_kernels,
}


def make_baseline(name: str, *, fs: float = 100.0, random_state=None) -> Any:
    """Return a simple detector, not yet fitted.

    Each is fitted on normal ECGs of shape (n_records, n_leads, n_samples), in mV and not
    filtered: all but "age" and "out-of-band energy" begin with a band-pass of 0.5 to 40 Hz, or to
    40 % of a lower rate. Samples that are NaN are refused; a `QualityGate` or `LeadImputer` comes
    first.

    - "mean distance": of the samples to the mean of the normals, Euclidean.
    - "PCA residual": what 512 principal components of the samples leave.
    - "k nearest neighbours": mean distance to the 5 nearest normals, on `MedianBeat`.
    - "one-class SVM": Gaussian kernel, on `MedianBeat`.
    - "isolation forest": 100 trees, on `MedianBeat`.
    - "heart rate": Mahalanobis distance of rate and irregularity.
    - "age": the older, the less normal; for a RecordSet with ages in its table.
    - "out-of-band energy": Mahalanobis distance of what lies below 0.4 and above 42 Hz: a negative
      control.
    - "median beat": Mahalanobis distance, on `MedianBeat`.
    - "random kernels": what 512 principal components of MiniRocket's features leave.

    On `MedianBeat` means on 64 principal components of the standardised median beats with heart
    rate and irregularity. Windows of less than 2.5 s stand for themselves there, so that all but
    "heart rate" can be used on single beats too; those of less than 1 s are too short for the
    filter, which ``set_params(bandpassfilter="passthrough")`` leaves out.

    Parameters
    ----------
    name : str
        One of `BASELINES`.
    fs : float, default=100.0
        Sampling rate in Hz.
    random_state : int, RandomState instance or None, default=None
        With an integer, each fit gives the same scores.

    Returns
    -------
    Pipeline or detector
        With `fit`, `score_samples` (higher = more normal), `decision_function` and `predict`. Its
        last step holds `offset_`, which flags a tenth of the training records and more of new
        ones: of normals, "random kernels" flags a quarter on PTB-XL. See
        `threshold_at_false_alarm_rate`.

    Raises
    ------
    SignalError
        If the name is unknown or the rate cannot be used.

    Examples
    --------
    >>> from ecg_anomaly import make_ecg
    >>> from ecg_anomaly.baselines import make_baseline
    >>> baseline = make_baseline("mean distance").fit(make_ecg(200, random_state=0).X)
    >>> baseline.predict(make_ecg(3, random_state=1).X)
    array([1, 1, 1])
    """
    if name not in BASELINES:
        raise SignalError(f"there is no baseline {name!r}; there are {', '.join(BASELINES)}.")
    return BASELINES[name](check_rate(fs), random_state)
