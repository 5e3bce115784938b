"""Measures of detection."""

from .detection import anomaly_auprc, anomaly_auroc, check_labels, sensitivity_at_specificity
from .matched import age_band, matched_auroc

__all__ = [
    "age_band",
    "anomaly_auprc",
    "anomaly_auroc",
    "check_labels",
    "matched_auroc",
    "sensitivity_at_specificity",
]
