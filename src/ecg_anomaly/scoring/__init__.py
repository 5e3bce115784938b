"""Scoring of records as they come: any rate, any order of leads, any length."""

from ._beats import score_beats
from ._calibrate import calibrate
from ._model import (
    ModelInput,
    conformal_of,
    detector_of,
    gated_of,
    model_input,
    threshold_of,
    thresholds_of,
)
from ._records import score_records
from ._stream import STREAMED, score_to_file

__all__ = [
    "STREAMED",
    "ModelInput",
    "calibrate",
    "conformal_of",
    "detector_of",
    "gated_of",
    "model_input",
    "score_beats",
    "score_records",
    "score_to_file",
    "threshold_of",
    "thresholds_of",
]
