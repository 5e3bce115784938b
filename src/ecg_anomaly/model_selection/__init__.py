"""Splitting, scorers and thresholds for detectors that are trained on normals only."""

from ._held_out import scores_or_nan
from .conformal import ConformalDetector
from .disjoint import assert_disjoint
from .scorers import SCORERS, AnomalyScorer, get_scorer
from .splitters import NormalsOnly
from .targets import (
    TARGETS,
    AlertBudget,
    BalancedAccuracy,
    Cost,
    FalseAlarmRate,
    FBeta,
    Percentile,
    Sensitivity,
    Specificity,
    TailRate,
    Target,
    Youden,
)
from .threshold import split_holdout, threshold_at_false_alarm_rate
from .tuning import TunedThresholdDetector

__all__ = [
    "SCORERS",
    "TARGETS",
    "AlertBudget",
    "AnomalyScorer",
    "BalancedAccuracy",
    "ConformalDetector",
    "Cost",
    "FBeta",
    "FalseAlarmRate",
    "NormalsOnly",
    "Percentile",
    "Sensitivity",
    "Specificity",
    "TailRate",
    "Target",
    "TunedThresholdDetector",
    "Youden",
    "assert_disjoint",
    "get_scorer",
    "scores_or_nan",
    "split_holdout",
    "threshold_at_false_alarm_rate",
]
