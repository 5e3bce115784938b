"""What is done the same way to every detector."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..model_selection import FalseAlarmRate, Target


@dataclass(frozen=True)
class Protocol:
    """How detectors are compared: the same splits, seeds, target and draws for all.

    Parameters
    ----------
    seeds : tuple of int, default=(0, 1, 2)
        Each detector is fitted once a seed, which chooses the held-out patients, the same for all
        detectors, and is the `random_state` of whatever has one.
    target : Target, default=FalseAlarmRate(0.05)
        What thresholds are to achieve; they are set on training patients that were held out.
    holdout : float in (0, 1), default=0.2
        Share of the training patients with normals to hold out.
    n_resamples : int, default=1000
        Draws of test patients for the intervals.
    confidence : float in (0, 1), default=0.95
    subgroups : tuple of str, default=("sex", "age", "device")
        Columns of the test table to tell results apart by; ages in bands of ten years. Columns
        that a table lacks are passed over.
    oracle : bool, default=False
        Whether to show, besides, the best that a threshold chosen on the test labels would do, and
        to admit models whose threshold was set on test records. Both are labelled "oracle": they
        are no results.
    random_state : int, default=0
        For the draws.

    Raises
    ------
    ValueError
        If there is no seed, or one stands twice; if a number is out of its range.

    Examples
    --------
    >>> Protocol(seeds=(0, 1)).target
    FalseAlarmRate(rate=0.05)
    """

    seeds: tuple[int, ...] = (0, 1, 2)
    target: Target = field(default_factory=FalseAlarmRate)
    holdout: float = 0.2
    n_resamples: int = 1000
    confidence: float = 0.95
    subgroups: tuple[str, ...] = ("sex", "age", "device")
    oracle: bool = False
    random_state: int = 0

    def __post_init__(self):
        object.__setattr__(self, "seeds", tuple(int(seed) for seed in self.seeds))
        object.__setattr__(self, "subgroups", tuple(self.subgroups))
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds must be one or more different numbers, got {self.seeds}.")
        if not isinstance(self.target, Target):
            raise ValueError(f"target must be one such as FalseAlarmRate(), got {self.target!r}.")
        for name in ("holdout", "confidence"):
            if not 0 < getattr(self, name) < 1:
                raise ValueError(f"{name} must lie between 0 and 1, got {getattr(self, name)}.")
        if self.n_resamples < 1:
            raise ValueError(f"n_resamples must be 1 or more, got {self.n_resamples}.")

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return values | {
            "seeds": list(self.seeds),
            "subgroups": list(self.subgroups),
            "target": repr(self.target),
        }
