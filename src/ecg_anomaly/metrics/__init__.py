"""Measures of detection."""

from .alarms import AlarmRates, alarm_rates
from .detection import (
    anomaly_auprc,
    anomaly_auroc,
    auprc_lift,
    check_labels,
    partial_auroc,
    ppv_at_prevalence,
    sensitivity_at_specificity,
)
from .intervals import Interval, bootstrap_difference, bootstrap_interval
from .matched import age_band, matched_auroc
from .subgroups import recall_by_diagnosis, subgroup_table

__all__ = [
    "AlarmRates",
    "Interval",
    "age_band",
    "alarm_rates",
    "anomaly_auprc",
    "anomaly_auroc",
    "auprc_lift",
    "bootstrap_difference",
    "bootstrap_interval",
    "check_labels",
    "matched_auroc",
    "partial_auroc",
    "ppv_at_prevalence",
    "recall_by_diagnosis",
    "sensitivity_at_specificity",
    "subgroup_table",
]
