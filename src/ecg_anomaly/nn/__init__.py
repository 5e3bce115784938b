"""Networks as pure torch modules: they know nothing of scikit-learn or of how they are trained.

Every network maps a batch (n, n_leads, n_samples) to an `Output`.
"""

from .cae import CAE
from .layers import Output
from .masking import hide
from .vae import VAEMHA, VAEBiLSTM

__all__ = ["CAE", "VAEMHA", "Output", "VAEBiLSTM", "hide"]
