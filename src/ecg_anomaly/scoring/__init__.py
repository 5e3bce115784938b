"""Scoring of records as they come: any rate, any order of leads, any length."""

from ._model import ModelInput, detector_of, gated_of, model_input
from ._records import score_records

__all__ = ["ModelInput", "detector_of", "gated_of", "model_input", "score_records"]
