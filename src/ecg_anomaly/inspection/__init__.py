"""Why a record was flagged: where, in which leads, and by comparison with which normals."""

from ._explain import explain, score_map
from ._explanation import Explanation
from ._faithfulness import faithfulness
from ._spans import Span

__all__ = ["Explanation", "Span", "explain", "faithfulness", "score_map"]
