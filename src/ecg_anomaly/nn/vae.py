"""Variational autoencoders with a bidirectional LSTM, without and with attention."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .layers import LOG_VAR_RANGE, ConvBlock, LeadAttention, Output, Stem, SubPixel, pad_to_multiple


class VAEBiLSTM(nn.Module):
    """Convolutional stem, bidirectional LSTM, a latent per token, Gaussian decoder.

    Parameters
    ----------
    n_leads : int
    channels : int
        Width of the stem and the decoder.
    hidden : int
        Units of the LSTM in each direction.
    latent_dim : int
        Latent dimensions a token.
    stride : int
        Samples a token: recurrent layers never see the raw rate.
    """

    def __init__(
        self,
        n_leads: int,
        channels: int = 64,
        hidden: int = 64,
        latent_dim: int = 32,
        stride: int = 8,
    ):
        super().__init__()
        self.stride = stride
        self.stem = Stem(n_leads, channels, stride)
        self.lstm = nn.LSTM(channels, hidden, batch_first=True, bidirectional=True)
        self.to_latent = nn.Linear(2 * hidden, 2 * latent_dim)
        self.from_latent = nn.Conv1d(latent_dim, channels, 5, padding=2)
        self.decoder = nn.Sequential(
            nn.GELU(),
            ConvBlock(channels),
            ConvBlock(channels),
            SubPixel(channels, 2 * n_leads, stride),
        )

    def forward(self, x: Tensor) -> Output:
        """Map (n, n_leads, n_samples) to an `Output`; the latent is sampled in training only."""
        n_samples = x.shape[-1]
        states, lead_weights = self._states(x)
        z_mean, z_log_var = self.to_latent(states).chunk(2, -1)
        z_log_var = z_log_var.clamp(*LOG_VAR_RANGE)
        z = z_mean
        if self.training:
            z = z + torch.randn_like(z) * torch.exp(0.5 * z_log_var)
        z, time_weights = self.mix_time(states, z)
        mean, log_var = self.decoder(self.from_latent(z.transpose(1, 2))).chunk(2, 1)
        return Output(
            mean[..., :n_samples],
            log_var[..., :n_samples].clamp(*LOG_VAR_RANGE),
            states,
            z_mean,
            z_log_var,
            lead_weights,
            time_weights,
        )

    def encode(self, x: Tensor) -> Tensor:
        """Map (n, n_leads, n_samples) to the hidden states, (n, n_tokens, n_states)."""
        return self._states(x)[0]

    def _states(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        x, lead_weights = self.weigh_leads(pad_to_multiple(x, self.stride))
        states, _ = self.lstm(self.stem(x).transpose(1, 2))
        return states, lead_weights

    def weigh_leads(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return the leads as they are, and no weights."""
        return x, None

    def mix_time(self, states: Tensor, z: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return the latent as it is, and no weights."""
        return z, None


class VAEMHA(VAEBiLSTM):
    """`VAEBiLSTM` with attention over leads before the stem, and over time before the decoder.

    Over time, query and key come from the input's states and the value from the latent, so that
    the decoder sees nothing of the input but the latent and where to look in it.

    Parameters
    ----------
    n_leads, channels, hidden, latent_dim, stride
        As in `VAEBiLSTM`.
    n_heads : int
        Of the attention over time; must divide `latent_dim`.
    """

    def __init__(
        self,
        n_leads: int,
        channels: int = 64,
        hidden: int = 64,
        latent_dim: int = 32,
        stride: int = 8,
        n_heads: int = 4,
    ):
        super().__init__(n_leads, channels, hidden, latent_dim, stride)
        self.lead_attention = LeadAttention(n_leads)
        self.query_key = nn.Linear(2 * hidden, latent_dim)
        self.time_attention = nn.MultiheadAttention(latent_dim, n_heads, batch_first=True)

    def weigh_leads(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return the weighted leads, and the weights of shape (n, n_leads)."""
        return self.lead_attention(x)

    def mix_time(self, states: Tensor, z: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return the latent with its context, and the attention that each token receives."""
        query = self.query_key(states)
        context, weights = self.time_attention(query, query, z)
        return z + context, weights.mean(1)
