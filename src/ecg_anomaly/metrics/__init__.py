"""Measures of detection, calibration and localisation, and tables of beats."""

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
from .localisation import (
    LeadRanking,
    LocalisationAUROC,
    PointingGame,
    lead_ranking,
    localisation_auroc,
    localisation_table,
    pointing_game,
)
from .maps import amplitude_map, difference_map, paste_edge_map
from .matched import age_band, matched_auroc
from .prediction import design_effect, predicted_rate
from .subgroups import recall_by_diagnosis, subgroup_table

__all__ = [
    "AAMI_CLASSES",
    "BXB_CLASSES",
    "PACED_RECORDS",
    "AlarmRates",
    "Departure",
    "Interval",
    "LeadRanking",
    "LocalisationAUROC",
    "PointingGame",
    "age_band",
    "alarm_rates",
    "amplitude_map",
    "anomaly_auprc",
    "anomaly_auroc",
    "auprc_lift",
    "beat_table",
    "bootstrap_difference",
    "bootstrap_interval",
    "check_labels",
    "design_effect",
    "difference_map",
    "lead_ranking",
    "localisation_auroc",
    "localisation_table",
    "match_beats",
    "matched_auroc",
    "p_value_calibration",
    "p_value_departure",
    "partial_auroc",
    "paste_edge_map",
    "pointing_game",
    "ppv_at_prevalence",
    "predicted_rate",
    "recall_by_diagnosis",
    "sensitivity_at_specificity",
    "subgroup_table",
]
