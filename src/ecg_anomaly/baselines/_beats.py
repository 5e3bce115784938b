"""Where `ecg_anomaly.inspection` still looks for `beat_centers`."""

from ..signal.r_peaks import beat_centers

__all__ = ["beat_centers"]
