"""Can this ECG be scored? Findings about its signal, and the gate that decides."""

from ._assessment import Assessment, Outcome
from .gate import QualityGate, assess

__all__ = ["Assessment", "Outcome", "QualityGate", "assess"]
