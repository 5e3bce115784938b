"""What a threshold is to achieve. A new target is a class here and a line in `TARGETS`.

A record is flagged where its score lies strictly below the threshold.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from numbers import Real
from typing import ClassVar

import numpy as np

from ..errors import DatasetError
from .threshold import threshold_at_false_alarm_rate

# Excesses from which the tail's shape can be told at all.
_FEWEST_EXCESSES = 30


class Target(ABC):
    """A rule that finds a threshold from scores of held-out records."""

    #: Whether anomalies must be among the tuning records, and whether they count if they are.
    needs_anomalies: ClassVar[bool] = False
    uses_anomalies: ClassVar[bool] = False

    @abstractmethod
    def threshold(
        self, normals: np.ndarray, anomalies: np.ndarray, prevalence: float | None = None
    ) -> float:
        """Return the score below which a record is flagged.

        Parameters
        ----------
        normals, anomalies : ndarray of shape (n_normals,), (n_anomalies,)
            Scores, higher = more normal.
        prevalence : float, optional
            Share of anomalies where the model is used, for targets that depend on it and were not
            told; None takes that of these records, which need not be held out in proportion.

        Raises
        ------
        DatasetError
            If there are too few records for this target.
        """

    @property
    def prevalence_(self) -> float | None:
        """Share of anomalies that the target was told to expect; None takes that of the data."""
        return getattr(self, "prevalence", None)


@dataclass(frozen=True)
class FalseAlarmRate(Target):
    """At most this rate of new normals flagged, on average (the split-conformal quantile).

    Examples
    --------
    >>> FalseAlarmRate(0.05).threshold(np.arange(99.0), np.empty(0))
    4.0
    """

    rate: float = 0.05

    def __post_init__(self):
        _check_share("rate", self.rate)

    def threshold(self, normals, anomalies, prevalence=None):
        """Return the threshold from the normals."""
        return threshold_at_false_alarm_rate(normals, self.rate)


@dataclass(frozen=True)
class Specificity(Target):
    """At least this specificity on new normals, on average."""

    level: float = 0.95

    def __post_init__(self):
        _check_share("level", self.level)

    def threshold(self, normals, anomalies, prevalence=None):
        """Return the threshold from the normals."""
        return threshold_at_false_alarm_rate(normals, 1 - self.level)


@dataclass(frozen=True)
class Percentile(Target):
    """A percentile of the held-out normals, interpolated, without correction for their number.

    Examples
    --------
    >>> Percentile(5).threshold(np.arange(101.0), np.empty(0))
    5.0
    """

    percent: float = 5.0

    def __post_init__(self):
        _check_share("percent", self.percent / 100)

    def threshold(self, normals, anomalies, prevalence=None):
        """Return the threshold from the normals."""
        return float(np.percentile(normals, self.percent))


@dataclass(frozen=True)
class TailRate(Target):
    """A false-alarm rate below one in the number of normals, by peaks over threshold.

    The tail beyond the most unusual `tail` of the normals is taken for a generalised Pareto
    distribution [1]_, so that a rate follows that was never seen. It is a model, and no guarantee:
    prefer `FalseAlarmRate` where the normals suffice.

    References
    ----------
    .. [1] J. Pickands, "Statistical inference using extreme order statistics", Annals of
       Statistics 3, 119-131, 1975; A. Siffer et al., "Anomaly detection in streams with extreme
       value theory", KDD 2017.

    Examples
    --------
    >>> normals = -np.random.default_rng(0).exponential(size=2000)
    >>> bool(-11 < TailRate(1e-4).threshold(normals, np.empty(0)) < -8)  # the truth is -9.2
    True
    """

    rate: float = 0.001
    tail: float = 0.1

    def __post_init__(self):
        _check_share("rate", self.rate)
        _check_share("tail", self.tail)
        if self.rate >= self.tail:
            raise ValueError(f"rate {self.rate:g} must lie below tail {self.tail:g}.")

    def threshold(self, normals, anomalies, prevalence=None):
        """Return the threshold from the tail of the normals."""
        from scipy.stats import genpareto

        unusual = -normals
        start = np.quantile(unusual, 1 - self.tail)
        excesses = unusual[unusual > start] - start
        if len(excesses) < _FEWEST_EXCESSES:
            raise DatasetError(
                f"the tail of {len(normals)} normals has {len(excesses)} records, and its shape "
                f"needs {_FEWEST_EXCESSES}; hold out more normals, or take a larger tail."
            )
        shape, _, scale = genpareto.fit(excesses, floc=0)
        beyond = self.rate * len(unusual) / len(excesses)
        return -float(start + genpareto.isf(beyond, shape, scale=scale))


@dataclass(frozen=True)
class Sensitivity(Target):
    """At least this sensitivity on new anomalies like those given, on average."""

    needs_anomalies: ClassVar[bool] = True
    uses_anomalies: ClassVar[bool] = True
    level: float = 0.9

    def __post_init__(self):
        _check_share("level", self.level)

    def threshold(self, normals, anomalies, prevalence=None):
        """Return the threshold from the anomalies."""
        k = int(np.ceil(self.level * (len(anomalies) + 1) - 1e-9))
        if k > len(anomalies):
            raise DatasetError(
                f"a sensitivity of {self.level:g} needs at least "
                f"{int(np.ceil(self.level / (1 - self.level) - 1e-9))} anomalies, got "
                f"{len(anomalies)}; give more, or ask for less."
            )
        return float(np.nextafter(np.sort(anomalies)[k - 1], np.inf))


class _Optimum(Target):
    """A target that is best somewhere on the ROC curve of the tuning records."""

    needs_anomalies: ClassVar[bool] = True
    uses_anomalies: ClassVar[bool] = True

    @abstractmethod
    def gain(self, false_alarms, sensitivity, prevalence: float):
        """Return what is to be largest, at each point of the ROC curve."""

    def threshold(self, normals, anomalies, prevalence=None):
        """Return the threshold of the largest gain, of equal ones that with fewer flagged."""
        normals, anomalies = np.sort(normals), np.sort(anomalies)
        scores = np.unique(np.concatenate([normals, anomalies]))
        candidates = np.append(scores, np.nextafter(scores[-1], np.inf))
        false_alarms = np.searchsorted(normals, candidates) / len(normals)
        sensitivity = np.searchsorted(anomalies, candidates) / len(anomalies)
        if self.prevalence_ is not None:
            prevalence = self.prevalence_
        elif prevalence is None:
            prevalence = len(anomalies) / (len(anomalies) + len(normals))
        return float(candidates[np.argmax(self.gain(false_alarms, sensitivity, prevalence))])


@dataclass(frozen=True)
class Youden(_Optimum):
    """The largest sensitivity + specificity - 1 (Youden, Cancer 1950): the balanced accuracy too.

    Examples
    --------
    >>> Youden().threshold(np.array([2.0, 3.0, 4.0]), np.array([0.0, 1.0, 3.5]))
    2.0
    """

    def gain(self, false_alarms, sensitivity, prevalence):
        """Return Youden's index."""
        return sensitivity - false_alarms


@dataclass(frozen=True)
class BalancedAccuracy(Youden):
    """The largest mean of sensitivity and specificity: Youden's threshold by another name."""


@dataclass(frozen=True)
class FBeta(_Optimum):
    """The largest F-beta of the anomalies, at a prevalence: that of the data by default."""

    beta: float = 1.0
    prevalence: float | None = None

    def __post_init__(self):
        if not 0 < self.beta < np.inf:
            raise ValueError(f"beta must be a positive number, got {self.beta!r}.")
        _check_prevalence(self.prevalence)

    def gain(self, false_alarms, sensitivity, prevalence):
        """Return F-beta."""
        hits = prevalence * sensitivity
        alerts = hits + (1 - prevalence) * false_alarms
        weight = self.beta**2
        return (1 + weight) * hits / (weight * prevalence + alerts)


@dataclass(frozen=True)
class Cost(_Optimum):
    """The least expected cost a record, from the cost of a false alarm and of a miss.

    `review` is the cost of any alert, `prevalence` the share of anomalies where the model is used;
    None takes that of the data.
    """

    false_alarm: float = 1.0
    miss: float = 10.0
    review: float = 0.0
    prevalence: float | None = None

    def __post_init__(self):
        for name in ("false_alarm", "miss", "review"):
            if not 0 <= getattr(self, name) < np.inf:
                raise ValueError(f"{name} must be a cost of 0 or more, got {getattr(self, name)}.")
        _check_prevalence(self.prevalence)

    def gain(self, false_alarms, sensitivity, prevalence):
        """Return minus the expected cost."""
        hits, alarms = prevalence * sensitivity, (1 - prevalence) * false_alarms
        missed = prevalence - hits
        return -(self.false_alarm * alarms + self.miss * missed + self.review * (hits + alarms))


@dataclass(frozen=True)
class AlertBudget(Target):
    """At most `per_hundred` records of a hundred flagged, normals and anomalies together.

    Without labels all tuning records count as they come. With labels the anomalies count by the
    `prevalence`; None takes that of the data.

    Examples
    --------
    >>> AlertBudget(10).threshold(np.arange(30.0), np.empty(0))
    2.0
    """

    uses_anomalies: ClassVar[bool] = True
    per_hundred: float = 5.0
    prevalence: float | None = None

    def __post_init__(self):
        _check_share("per_hundred / 100", self.per_hundred / 100)
        _check_prevalence(self.prevalence)

    def threshold(self, normals, anomalies, prevalence=None):
        """Return the highest threshold that keeps to the budget."""
        share = prevalence if self.prevalence is None else self.prevalence
        if share is None or not len(anomalies):
            if self.prevalence is not None:
                raise DatasetError(
                    f"a budget at a prevalence of {self.prevalence:g} needs anomalies (y == -1) "
                    "among the tuning records; give some, or prevalence=None."
                )
            everything = np.concatenate([normals, anomalies])
            return threshold_at_false_alarm_rate(everything, self.per_hundred / 100)
        normals, anomalies = np.sort(normals), np.sort(anomalies)
        candidates = np.unique(np.concatenate([normals, anomalies]))
        # one more than the count: the record that sets the threshold might have been a new one
        false_alarms = (np.searchsorted(normals, candidates) + 1) / (len(normals) + 1)
        hits = (np.searchsorted(anomalies, candidates) + 1) / (len(anomalies) + 1)
        alerts = (1 - share) * false_alarms + share * hits
        kept = candidates[alerts <= self.per_hundred / 100 + 1e-12]
        if not len(kept):
            raise DatasetError(
                f"a budget of {self.per_hundred:g} in a hundred needs more than {len(normals)} "
                f"normals and {len(anomalies)} anomalies; hold out more."
            )
        return float(kept[-1])


#: The targets by name, for files; a saved model holds one of these.
TARGETS: dict[str, type[Target]] = {
    cls.__name__: cls
    for cls in (
        FalseAlarmRate, Specificity, Percentile, TailRate, Sensitivity, Youden, BalancedAccuracy,
        FBeta, Cost, AlertBudget,
    )
}  # fmt: skip


def _check_share(name: str, value: float) -> None:
    if not isinstance(value, Real) or not 0 < value < 1:
        raise ValueError(f"{name} must lie between 0 and 1, got {value!r}.")


def _check_prevalence(value: float | None) -> None:
    if value is not None:
        _check_share("prevalence", value)
