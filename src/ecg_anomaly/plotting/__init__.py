"""Figures: ECGs on paper, how scores tell anomalies from normals, and what thresholds do.

Every function returns a `matplotlib.figure.Figure` of its own and leaves pyplot, the backend and
the global settings alone. Save it with ``figure.savefig("ecg.pdf")``.
"""

from .confusion import plot_confusion
from .curves import plot_precision_recall, plot_roc, plot_score_histogram
from .latent import plot_latent
from .p_values import plot_p_value_calibration
from .paper import plot_ecg
from .reconstruction import plot_reconstruction_error
from .robustness import plot_robustness
from .tuning import plot_tuning_curve

__all__ = [
    "plot_confusion",
    "plot_ecg",
    "plot_latent",
    "plot_p_value_calibration",
    "plot_precision_recall",
    "plot_reconstruction_error",
    "plot_robustness",
    "plot_roc",
    "plot_score_histogram",
    "plot_tuning_curve",
]
