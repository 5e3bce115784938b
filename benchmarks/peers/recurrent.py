"""VAE-BiLSTM and VAE-BiLSTM-MHA of arXiv 2510.05919 on raw samples."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from .network import NetworkPeer

# Units in each direction.
WIDE, NARROW = 512, 256
LATENT = 64
_NOISE = 0.01
_LOG_VAR = (-10.0, 10.0)


def bilstm(n_in: int, n_units: int) -> nn.LSTM:
    """Return one bidirectional layer over (n, n_samples, n_in)."""
    return nn.LSTM(n_in, n_units, batch_first=True, bidirectional=True)


class RecurrentVAE(nn.Module):
    """Two bidirectional LSTMs, a latent for each sample, perhaps attention, and the mirror image.

    Parameters
    ----------
    n_leads : int
    n_heads : int or None
        Of the attention: queries and keys come from the signal, values are the latents. None goes
        without.
    """

    def __init__(self, n_leads: int, n_heads: int | None = None):
        super().__init__()
        self.encoder = nn.ModuleList([bilstm(n_leads, WIDE), bilstm(2 * WIDE, NARROW)])
        self.to_latent = nn.Linear(2 * NARROW, 2 * LATENT)
        self.query = self.attention = None
        if n_heads is not None:
            self.query = nn.Linear(n_leads, LATENT)
            self.attention = nn.MultiheadAttention(LATENT, n_heads, batch_first=True)
        self.decoder = nn.ModuleList([bilstm(LATENT, NARROW), bilstm(2 * NARROW, WIDE)])
        self.to_signal = nn.Linear(2 * WIDE, 2 * n_leads)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return for (n, n_leads, n_samples) the negative log-likelihood and the divergence.

        In nats a sample and lead, shape (n,). Latents are drawn in training, and are their means
        in scoring, so that a record has one score.
        """
        signal = x.transpose(1, 2)
        hidden = signal + _NOISE * torch.randn_like(signal) if self.training else signal
        for layer in self.encoder:
            hidden, _ = layer(hidden)
        mean, log_var = self.to_latent(hidden).chunk(2, -1)
        log_var = log_var.clamp(*_LOG_VAR)
        code = mean
        if self.training:
            code = mean + torch.exp(log_var / 2) * torch.randn_like(mean)
        if self.attention is not None:
            query = self.query(signal)
            code, _ = self.attention(query, query, code, need_weights=False)
        for layer in self.decoder:
            code, _ = layer(code)
        restored, spread = self.to_signal(code).chunk(2, -1)
        spread = spread.clamp(*_LOG_VAR)
        squared = (signal - restored).square()
        nll = (squared / spread.exp() + spread + math.log(2 * math.pi)).mean((1, 2)) / 2
        divergence = (log_var.exp() + mean.square() - 1 - log_var).sum((1, 2)) / 2
        return nll, divergence / signal[0].numel()


class VAEBiLSTMPeer(NetworkPeer):
    """The variational autoencoders of [1]_: BiLSTM of 512 and 256 units, 64 latents a sample.

    Scored by the ELBO, with the weight of the divergence that it is trained with. The published
    code draws latents when it scores; here they are their means. Recurrent layers over raw samples
    are slow: one core passes about one record a second in training, so that `minutes` decides.
    Parameters and attributes as `NetworkPeer` has them, and:

    Parameters
    ----------
    n_heads : int or None, default=None
        Of the attention between encoder and decoder, in VAE-BiLSTM-MHA (published: 4 and 8);
        None is VAE-BiLSTM.
    beta : float, default=0.01
        Weight of the divergence.
    window : int, default=500
        In samples, as published (there 1 s, at 100 Hz 5 s).

    References
    ----------
    .. [1] Garreta Basora and Mulayim, "An attention-augmented VAE-BiLSTM framework for anomaly
       detection in 12-lead ECG signals", arXiv 2510.05919, 2025.
    """

    def __init__(
        self,
        n_heads=None,
        *,
        beta=0.01,
        window=500,
        max_epochs=20,
        minutes=40.0,
        batch_size=32,
        lr=1e-3,
        report=None,
        device="auto",
        random_state=None,
    ):
        self.n_heads = n_heads
        self.beta = beta
        self.window = window
        self.max_epochs = max_epochs
        self.minutes = minutes
        self.batch_size = batch_size
        self.lr = lr
        self.report = report
        self.device = device
        self.random_state = random_state

    def _build(self, n_leads, n_samples):
        return RecurrentVAE(n_leads, self.n_heads)

    def _loss(self, module, x):
        nll, divergence = module(x)
        return (nll + self.beta * divergence).mean()

    def _window_scores(self, module, x):
        nll, divergence = module(x)
        return -(nll + self.beta * divergence)
