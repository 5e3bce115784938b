"""Published networks on single beats: 720 samples of MIT-BIH, 140 of ECG5000."""

from __future__ import annotations

import torch
from torch import nn

from .convolutional import doubling, halving
from .network import NetworkPeer

N_PARAMETERS = 583_361
_CHANNELS = (1, 24, 48, 96, 128)
_KERNELS = (7, 9, 7, 5)
_N_SAMPLES, _LATENT = 720, 32


class BeatAutoencoder(nn.Module):
    """Four convolutions of stride 2, a code of 32 numbers, and the mirror image.

    The published one has four convolutions, this code and 583,361 parameters; its widths and
    kernels are not stated. These are one choice that comes to that count.
    """

    def __init__(self):
        super().__init__()
        length = _N_SAMPLES // 2 ** len(_KERNELS)
        n_features = _CHANNELS[-1] * length
        self.encoder = nn.Sequential(
            *halving(_CHANNELS, _KERNELS), nn.Flatten(), nn.Linear(n_features, _LATENT)
        )
        self.decoder = nn.Sequential(
            nn.Linear(_LATENT, n_features),
            nn.ReLU(),
            nn.Unflatten(1, (_CHANNELS[-1], length)),
            *doubling(_CHANNELS, _KERNELS),
        )

    def forward(self, x):
        """Map (n, 1, 720) to the same shape."""
        return self.decoder(self.encoder(x))


class BeatAutoencoderPeer(NetworkPeer):
    """The autoencoder of MIT-BIH beats, 720 samples of one lead, published AUROC .972 and .975.

    Those come from beats of all patients split at random; see benchmarks/detection/mitbih_intra.py.
    Parameters and attributes as `NetworkPeer` has them, and:

    Parameters
    ----------
    score_method : {"mse", "percentile"}, default="mse"
        Minus the mean squared error (.972), or minus the 99th percentile of the squared error over
        the samples (.975). May be set after `fit`.
    """

    def __init__(
        self,
        score_method="mse",
        *,
        max_epochs=30,
        minutes=40.0,
        batch_size=128,
        lr=1e-3,
        report=None,
        device="auto",
        random_state=None,
    ):
        self.score_method = score_method
        self.max_epochs = max_epochs
        self.minutes = minutes
        self.batch_size = batch_size
        self.lr = lr
        self.report = report
        self.device = device
        self.random_state = random_state

    def _build(self, n_leads, n_samples):
        if (n_leads, n_samples) != (1, _N_SAMPLES):
            raise ValueError(
                f"BeatAutoencoderPeer takes one lead of {_N_SAMPLES} samples, got {n_leads} of "
                f"{n_samples}."
            )
        return BeatAutoencoder()

    def _loss(self, module, x):
        return (module(x) - x).square().mean()

    def _window_scores(self, module, x):
        squared = (module(x) - x).square().flatten(1)
        if self.score_method == "mse":
            return -squared.mean(1)
        return -torch.quantile(squared, 0.99, dim=1)


class MLPVAE(nn.Module):
    """Fully connected variational autoencoder: samples, 128 hidden units, 100 latents.

    Parameters
    ----------
    n_samples : int
        140 on ECG5000.
    """

    def __init__(self, n_samples: int):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(n_samples, 128), nn.ReLU(), nn.Linear(128, 200))
        self.decoder = nn.Sequential(nn.Linear(100, 128), nn.ReLU(), nn.Linear(128, n_samples))

    def forward(self, x):
        """Return squared error and divergence, both of shape (n,), summed; `x` is (n, samples)."""
        mean, log_var = self.encoder(x).chunk(2, -1)
        log_var = log_var.clamp(-10, 10)
        code = mean
        if self.training:
            code = mean + torch.exp(log_var / 2) * torch.randn_like(mean)
        divergence = (log_var.exp() + mean.square() - 1 - log_var).sum(1) / 2
        return (self.decoder(code) - x).square().sum(1), divergence


class MLPVAEPeer(NetworkPeer):
    """The MLP variational autoencoder of ECG5000 beats (published AUROC .96, with leaks).

    Scored by the squared error. Parameters and attributes as `NetworkPeer` has them.
    """

    def __init__(
        self,
        *,
        max_epochs=200,
        minutes=40.0,
        batch_size=32,
        lr=1e-3,
        report=None,
        device="auto",
        random_state=None,
    ):
        self.max_epochs = max_epochs
        self.minutes = minutes
        self.batch_size = batch_size
        self.lr = lr
        self.report = report
        self.device = device
        self.random_state = random_state

    def _build(self, n_leads, n_samples):
        return MLPVAE(n_leads * n_samples)

    def _loss(self, module, x):
        error, divergence = module(x.flatten(1))
        return (error + divergence).mean() / x[0].numel()

    def _window_scores(self, module, x):
        return -module(x.flatten(1))[0]
