"""A detector of abnormal heartbeats in one lead, by the beats around them."""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator, OutlierMixin, _fit_context
from sklearn.covariance import ledoit_wolf
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

from .._input import SignalInputMixin
from ..errors import ECGWarning, SignalError
from ..records import RecordSet
from ..signal.checks import check_rate
from ..signal.scaling import NORMAL_IQR
from ._heartbeat_features import NAMES, check_windows, heartbeat_features

# Features that say in which way a beat is abnormal, with the sign of "more abnormal": polarity,
# width, T wave, prematurity against the rhythm and in itself, no P wave.
GROUPS: dict[str, dict[str, int]] = {
    "polarity": {"pol_d": 1},
    "width": {"w": 1, "w_rel": 1, "area_n": 1},
    "T wave": {"T_rms": 1},
    "prematurity": {"pre": -1, "prepre": -1, "mean_rr": -1, "pre_bef": -1},
    "interval": {"pre_abs": -1},
    "P wave": {"P_bump": -1},
}
# Chosen on DS1 of MIT-BIH, one record left out at a time (benchmarks/detection/mitbih.py).
WEIGHTS = np.array([0.5, 0.5, 0.5, 1.0, 1.0, 1.0])
DISTANCE_WEIGHT = 2.0
# No term speaks for a beat by more: else a late, broad beat would be excused.
FLOOR = -3.0
# Deviations from which on a feature counts by its logarithm in the distance.
_KNEE = 3.0
# Fewer normals than features make the covariance a matter of shrinkage.
_FEW = len(NAMES)
_CHUNK = 256
# Coordinates differ by less than this share of their length where it is rounding.
_SAME = 1e-6
_FLAT = 1e-6


class HeartbeatDetector(SignalInputMixin, OutlierMixin, BaseEstimator):
    """Finds abnormal heartbeats in one lead, without a network.

    Each record is a window around one heartbeat. Its QRS complex, P wave, T wave and place in the
    rhythm are measured against the other beats of the window (28 features), and what training
    normals show there is usual. The score is the mean distance to the nearest normals, whitened,
    together with what speaks for an ectopic beat: it is early, wide, of another polarity, has
    another T wave, or no P wave.

    Parameters
    ----------
    n_neighbors : int, default=5
        Normals whose mean distance counts; fewer where there are fewer others.
    contamination : float in (0, 0.5], default=0.1
        Share of the training windows that `predict` flags.
    max_normals : int, default=2000
        Normals kept for the search of neighbours, drawn at random where there are more.
    fs : float, default=360.0
        Sampling rate in Hz of arrays, at least 90; a RecordSet has its own.
    leads : sequence of str, default=None
        Name of the lead of arrays.
    n_leads : int, default=1
        Number of leads in a 2-D `X`: there must be one.
    random_state : int, RandomState instance or None, default=None
        For the draw of the normals that are kept.

    Attributes
    ----------
    center_, scale_ : ndarray of shape (28,)
        Median and robust deviation of each feature in the normals.
    group_center_, group_scale_ : ndarray of shape (6,)
        The same of each way in which beats are abnormal.
    location_ : ndarray of shape (28,)
        Mean of the normals, their features compressed.
    whitening_ : ndarray of shape (28, 28)
        Makes their covariance, shrunk as Ledoit and Wolf [1]_ do, the identity.
    normals_ : ndarray of float32 of shape (n_kept, 28)
        The normals kept, whitened.
    n_neighbors_ : int
        As many as there were.
    distance_scale_ : tuple of float
        Median and robust deviation of the normals' distances, each to the others.
    offset_ : float
        Windows with a lower score are flagged. Can be set.
    fs_, leads_, n_leads_in_, n_features_in_
        What was fitted on.

    See Also
    --------
    ecg_anomaly.datasets.load_mitbih : windows around the beats of long recordings.
    ecg_anomaly.score_beats : every heartbeat of new recordings.

    Notes
    -----
    The middle of the window, sample ``n_samples // 2``, must lie within 0.1 s of the QRS complex;
    the other beats are found; `score_beats` cuts new recordings so. Windows of 10 s were used
    throughout. Beats that are unusual for everyone but usual for their window, such as those of
    bundle branch block or of a run of tachycardia that fills it, are found by shape and rate alone,
    and less surely.

    Every patient should give about as many training windows as the next, and windows whose beat is
    normal may hold other beats that are not.

    On the MIT-BIH Arrhythmia Database, lead MLII, fitted on normals of DS1 [2]_ and measured on ten
    records of DS2, with 95 % intervals over records (``benchmarks/detection/mitbih.py``): AUROC of
    ventricular beats 1.000 (.999 to 1.000), of supraventricular ones .862 (.772 to .968), of all
    .923 (.830 to .999). Record 232, where most beats are premature, has 96 % of the
    supraventricular ones; of the 55 others the interval before the beat over the median interval
    alone finds more (.974 against .900), but fewer of all (.788). About 1 ms a window of 10 s on
    one core.

    References
    ----------
    .. [1] Ledoit and Wolf, "A well-conditioned estimator for large-dimensional covariance
       matrices", Journal of Multivariate Analysis 2004.
    .. [2] de Chazal, O'Dwyer and Reilly, "Automatic classification of heartbeats using ECG
       morphology and heartbeat interval features", IEEE Trans Biomed Eng 2004.

    Examples
    --------
    A pulse a second, and the same with the beat in the middle 0.3 s early:

    >>> import numpy as np
    >>> from ecg_anomaly import HeartbeatDetector
    >>> def window(rng, early=0.0):
    ...     beats = np.arange(-5, 5.5) + rng.normal(scale=0.01, size=11)
    ...     beats[:5], beats[6:] = beats[:5] + early, beats[6:] + early
    ...     t = np.arange(-1800, 1800) / 360
    ...     pulses = np.exp(-np.square((t[:, None] - beats) / 0.02)).sum(axis=1)
    ...     return [pulses + 0.01 * rng.normal(size=len(t))]
    >>> rng = np.random.default_rng(0)
    >>> detector = HeartbeatDetector().fit([window(rng) for _ in range(60)])
    >>> detector.predict([window(rng), window(rng, early=0.3)]).tolist()
    [1, -1]
    """

    _beat_centred = True
    _parameter_constraints: ClassVar[dict] = {
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "contamination": [Interval(Real, 0, 0.5, closed="right")],
        "max_normals": [Interval(Integral, 2, None, closed="left")],
        "fs": [Interval(Real, 0, None, closed="neither")],
        "leads": ["array-like", None],
        "n_leads": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_neighbors=5,
        contamination=0.1,
        max_normals=2000,
        fs=360.0,
        leads=None,
        n_leads=1,
        random_state=None,
    ):
        self.n_neighbors = n_neighbors
        self.contamination = contamination
        self.max_normals = max_normals
        self.fs = fs
        self.leads = leads
        self.n_leads = n_leads
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn what normal heartbeats look like beside their neighbours.

        Parameters
        ----------
        X : RecordSet or array-like of shape (n_windows, 1, n_samples) or (n_windows, n_samples)
            One lead of normal heartbeats in mV, each in the middle of a window of at least 4 s.
        y : None
            Ignored: leave the anomalies out yourself, or cross-validate with `NormalsOnly`.

        Returns
        -------
        self : object
            Fitted detector.

        Raises
        ------
        SignalError
            If `X` has several leads, less than two windows, windows of less than 4 s or 90 Hz, or
            NaN or infinite samples.

        Warns
        -----
        ECGWarning
            If there are fewer windows than features.
        """
        with self._all_or_nothing():
            X, _ = self._fit_input(X)
            n_windows, n_leads, n_samples = X.shape
            if n_leads != 1:
                raise SignalError(
                    f"{type(self).__name__} reads one lead, but X has {n_leads}; select one, as "
                    'X[:, [k]] of an array or load_mitbih(leads=["MLII"]) do.'
                )
            if n_windows < 2:
                raise SignalError(
                    f"{type(self).__name__} learns from many normal heartbeats, got {n_windows} "
                    "sample; give 2 or more, hundreds as a rule."
                )
            self.fs_ = X.fs if isinstance(X, RecordSet) else check_rate(self.fs)
            self._check_length(n_samples)
            if n_windows < _FEW:
                warnings.warn(
                    f"{type(self).__name__} was fitted on {n_windows} heartbeats, fewer than "
                    f"{_FEW}; its scores are rough: give hundreds, of several patients.",
                    ECGWarning,
                    stacklevel=2,
                )
            self._learn(self._features(X))
            self.n_leads_in_ = n_leads
        return self

    def score_samples(self, X):
        """Return how normal each heartbeat is.

        Parameters
        ----------
        X : RecordSet or array-like
            Windows of the lead, the rate and the length of those in `fit`.

        Returns
        -------
        ndarray of float64 of shape (n_windows,)
            Higher = more normal. A window that equals a training window does not count as its own
            neighbour.
        """
        check_is_fitted(self, "n_leads_in_")
        if isinstance(X, RecordSet) and len(X) == 0:
            raise SignalError(f"{type(self).__name__} cannot score the empty {X!r}.")
        self._check_fitted_rate(X)
        X, _ = self._check_input(X)
        return self._score(self._features(X))

    def decision_function(self, X):
        """Return ``score_samples(X) - offset_``: negative where a heartbeat is flagged."""
        return self.score_samples(X) - self.offset_

    def predict(self, X):
        """Return +1 (not flagged) or -1 (flagged) for each heartbeat.

        `offset_` comes from `contamination`, which is a share of the training windows and no
        false-alarm rate on new patients; see `threshold_at_false_alarm_rate`.
        """
        return np.where(self.decision_function(X) >= 0, 1, -1)

    def _check_length(self, n_samples: int) -> None:
        check_windows(n_samples, self.fs_)

    def _features(self, X) -> np.ndarray:
        return np.concatenate(
            [heartbeat_features(batch[:, 0], self.fs_) for batch in self._batches(X)]
        )

    def _learn(self, features: np.ndarray) -> None:
        self.center_, self.scale_ = _center_and_scale(features)
        self.group_center_, self.group_scale_ = _center_and_scale(self._groups(features))
        compressed = self._compressed(features)
        self.location_ = compressed.mean(axis=0)
        covariance, _ = ledoit_wolf(compressed - self.location_, assume_centered=True)
        variances, axes = np.linalg.eigh(covariance)
        least = max(_FLAT * variances.max(), _FLAT)
        # contiguous, so that a loaded copy is multiplied the same way, to the last bit
        self.whitening_ = np.ascontiguousarray(axes / np.sqrt(np.maximum(variances, least)))
        kept = np.arange(len(features))
        if len(kept) > self.max_normals:
            rng = check_random_state(self.random_state)
            kept = np.sort(rng.choice(len(kept), self.max_normals, replace=False))
        self.normals_ = self._whitened(features[kept]).astype(np.float32)
        self.n_neighbors_ = min(int(self.n_neighbors), len(kept) - 1)
        center, scale = _center_and_scale(self._distances(features[kept]))
        self.distance_scale_ = float(center), float(scale)
        self.offset_ = float(np.percentile(self._score(features), 100 * self.contamination))

    def _score(self, features: np.ndarray) -> np.ndarray:
        groups = (self._groups(features) - self.group_center_) / self.group_scale_
        center, scale = self.distance_scale_
        distance = np.arcsinh((self._distances(features) - center) / scale)
        # summed by rows: a matrix product could round differently with the number of rows
        directed = (WEIGHTS * np.maximum(groups, FLOOR)).sum(axis=1)
        return -(directed + DISTANCE_WEIGHT * np.maximum(distance, FLOOR))

    def _groups(self, features: np.ndarray) -> np.ndarray:
        """Return how far each beat departs in each of the ways in which beats are abnormal."""
        z = np.arcsinh((features - self.center_) / self.scale_)
        # arcsinh is odd: the sign may come after it
        return np.stack(
            [
                np.mean([sign * z[:, NAMES.index(name)] for name, sign in group.items()], axis=0)
                for group in GROUPS.values()
            ],
            axis=1,
        )

    def _compressed(self, features: np.ndarray) -> np.ndarray:
        return _KNEE * np.arcsinh((features - self.center_) / self.scale_ / _KNEE)

    def _whitened(self, features: np.ndarray) -> np.ndarray:
        return (self._compressed(features) - self.location_) @ self.whitening_

    def _distances(self, features: np.ndarray) -> np.ndarray:
        """Return the mean distance to the nearest normals, other than the beat itself."""
        normals = self.normals_.astype(np.float64)
        # in the precision of the normals, so that a training window is known again
        points = self._whitened(features).astype(np.float32).astype(np.float64)
        search = NearestNeighbors(n_neighbors=self.n_neighbors_ + 1, algorithm="brute")
        search.fit(normals)
        found = []
        for start in range(0, len(points), _CHUNK):
            part = points[start : start + _CHUNK]
            nearest = normals[search.kneighbors(part, return_distance=False)]
            # computed anew by differences: the search's own distances lose digits near zero
            apart = np.sort(np.sqrt(np.square(nearest - part[:, None]).sum(axis=-1)), axis=1)
            itself = apart[:, 0] <= _SAME * np.linalg.norm(part, axis=1)
            found.append(np.where(itself, apart[:, 1:].mean(axis=1), apart[:, :-1].mean(axis=1)))
        return np.concatenate(found)

    def _check_state(self) -> None:
        super()._check_state()
        numbers = [self.offset_, self.fs_, *self.distance_scale_]
        consistent = (
            self.n_leads_in_ == 1
            and len(self.distance_scale_) == 2
            and np.isfinite(numbers).all()
            and 1 <= self.n_neighbors_ < len(self.normals_)
            and min(self.distance_scale_[1], self.scale_.min(), self.group_scale_.min()) > 0
        )
        if not consistent:
            raise SignalError(f"the fitted arrays of {type(self).__name__} do not fit together.")
        self._check_length(self.n_features_in_)

    def _state_shapes(self) -> dict[str, tuple[int, ...]]:
        n, n_groups = (len(NAMES),), (len(GROUPS),)
        return {
            "center_": n,
            "scale_": n,
            "group_center_": n_groups,
            "group_scale_": n_groups,
            "location_": n,
            "whitening_": n + n,
            "normals_": (len(self.normals_), *n),
        }


def _center_and_scale(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the median of each column and a robust deviation, that of all where the IQR is 0."""
    low, middle, high = np.percentile(values, (25, 50, 75), axis=0)
    scale = (high - low) / NORMAL_IQR
    scale = np.where(scale > _FLAT, scale, values.std(axis=0))
    return middle, np.where(scale > _FLAT, scale, 1.0)
