"""One protocol for every detector, and the report that comes of it."""

from .protocol import Protocol
from .result import Evaluation
from .run import evaluate
from .scores import AGE_ONLY, describe, evaluate_scores

__all__ = ["AGE_ONLY", "Evaluation", "Protocol", "describe", "evaluate", "evaluate_scores"]
