"""Published networks, and detectors of other libraries, as scikit-learn estimators.

Written anew from the papers, at their sizes and with their own scores, so that what this package
does otherwise can be measured. They take normals in `fit`, and give higher scores to what is more
normal; `random_state` and a time budget make runs comparable.
"""

from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ecg_anomaly.baselines import DistanceDetector, ResidualDetector

from .beats import BeatAutoencoderPeer, MLPVAEPeer
from .convolutional import CAEPeer
from .libraries import AeonFeatures, PyODPeer, RockadPeer
from .network import NetworkPeer
from .recurrent import VAEBiLSTMPeer

#: The published networks on records of many leads, as shipped: name to (class, parameters).
NETWORKS = {
    "CAE (published)": (CAEPeer, {}),
    "VAE-BiLSTM (published)": (VAEBiLSTMPeer, {}),
    "VAE-BiLSTM-MHA, 4 heads (published)": (VAEBiLSTMPeer, {"n_heads": 4}),
    "VAE-BiLSTM-MHA, 8 heads (published)": (VAEBiLSTMPeer, {"n_heads": 8}),
}


def library_peers(random_state=None):
    """Return the detectors of pyod and aeon by name, unfitted."""
    peers = {
        f"pyod {name}": PyODPeer(name, random_state=random_state)
        for name in ("AutoEncoder", "VAE", "DeepSVDD", "ECOD")
    }
    minirocket = AeonFeatures("MiniRocket", random_state=random_state)
    residual = ResidualDetector(random_state=random_state)
    mahalanobis = DistanceDetector(metric="mahalanobis")
    return peers | {
        "aeon ROCKAD": RockadPeer(random_state=random_state),
        "aeon MiniRocket, PCA residual": make_pipeline(minirocket, StandardScaler(), residual),
        "aeon Catch22, Mahalanobis": make_pipeline(
            AeonFeatures("Catch22"), StandardScaler(), mahalanobis
        ),
    }


__all__ = [
    "NETWORKS",
    "AeonFeatures",
    "BeatAutoencoderPeer",
    "CAEPeer",
    "MLPVAEPeer",
    "NetworkPeer",
    "PyODPeer",
    "RockadPeer",
    "VAEBiLSTMPeer",
    "library_peers",
]
