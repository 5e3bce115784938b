"""Anomaly detectors. A new one is a file here, a network in `nn`, and a line below."""

from .cae import CAEDetector
from .gated import GatedDetector
from .heartbeat import HeartbeatDetector
from .vae_bilstm import VAEBiLSTMDetector
from .vae_mha import VAEMHADetector

#: Every detector: contract tests, the command line and the loader's allow-list follow from it.
DETECTORS = (CAEDetector, VAEBiLSTMDetector, VAEMHADetector)

__all__ = [
    "DETECTORS",
    "CAEDetector",
    "GatedDetector",
    "HeartbeatDetector",
    "VAEBiLSTMDetector",
    "VAEMHADetector",
]
