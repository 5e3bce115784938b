"""Splitting and thresholds for detectors that are trained on normals only."""

from .splitters import NormalsOnly
from .threshold import split_holdout, threshold_at_false_alarm_rate

__all__ = ["NormalsOnly", "split_holdout", "threshold_at_false_alarm_rate"]
