"""Known focal anomalies put into real ECGs."""

from ._inject import INJECTIONS, Injected, inject_anomalies, inject_anomaly

__all__ = ["INJECTIONS", "Injected", "inject_anomalies", "inject_anomaly"]
