"""One protocol for every detector, and the report that comes of it."""

from ._perturbations import Perturbation, standard_perturbations
from .protocol import Protocol
from .result import Evaluation
from .robustness import Robustness, robustness
from .run import evaluate
from .scores import AGE_ONLY, describe, evaluate_scores

__all__ = [
    "AGE_ONLY",
    "Evaluation",
    "Perturbation",
    "Protocol",
    "Robustness",
    "describe",
    "evaluate",
    "evaluate_scores",
    "robustness",
    "standard_perturbations",
]
