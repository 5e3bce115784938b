"""Measures of detection."""

from .detection import (
    anomaly_auprc,
    anomaly_auroc,
    check_labels,
    partial_auroc,
    sensitivity_at_specificity,
)
from .intervals import Interval, bootstrap_difference, bootstrap_interval
from .matched import age_band, matched_auroc

__all__ = [
    "Interval",
    "age_band",
    "anomaly_auprc",
    "anomaly_auroc",
    "bootstrap_difference",
    "bootstrap_interval",
    "check_labels",
    "matched_auroc",
    "partial_auroc",
    "sensitivity_at_specificity",
]
