"""Synthetic 12-lead ECGs with known anomalies: a moving dipole seen by twelve leads."""

from ._anomalies import ANOMALIES
from ._faults import FAULTS
from ._make import make_ecg

__all__ = ["ANOMALIES", "FAULTS", "make_ecg"]
