"""Splitting, scorers and thresholds for detectors that are trained on normals only."""

from .disjoint import assert_disjoint
from .scorers import SCORERS, AnomalyScorer, get_scorer
from .splitters import NormalsOnly
from .threshold import split_holdout, threshold_at_false_alarm_rate

__all__ = [
    "SCORERS",
    "AnomalyScorer",
    "NormalsOnly",
    "assert_disjoint",
    "get_scorer",
    "split_holdout",
    "threshold_at_false_alarm_rate",
]
