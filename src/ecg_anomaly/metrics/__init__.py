"""Measures of detection."""

from .alarms import AlarmRates, alarm_rates
from .beats import AAMI_CLASSES, BXB_CLASSES, PACED_RECORDS, beat_table, match_beats
from .calibration import Departure, p_value_calibration, p_value_departure
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
    "AAMI_CLASSES",
    "BXB_CLASSES",
    "PACED_RECORDS",
    "AlarmRates",
    "Departure",
    "Interval",
    "age_band",
    "alarm_rates",
    "anomaly_auprc",
    "anomaly_auroc",
    "auprc_lift",
    "beat_table",
    "bootstrap_difference",
    "bootstrap_interval",
    "check_labels",
    "match_beats",
    "matched_auroc",
    "p_value_calibration",
    "p_value_departure",
    "partial_auroc",
    "ppv_at_prevalence",
    "recall_by_diagnosis",
    "sensitivity_at_specificity",
    "subgroup_table",
]
