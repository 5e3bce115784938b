"""Figures: ECGs on paper, and how scores tell anomalies from normals.

Every function returns a `matplotlib.figure.Figure` of its own and leaves pyplot, the backend and
the global settings alone. Save it with ``figure.savefig("ecg.pdf")``.
"""

from .curves import plot_precision_recall, plot_roc, plot_score_histogram
from .paper import plot_ecg

__all__ = ["plot_ecg", "plot_precision_recall", "plot_roc", "plot_score_histogram"]
