"""Building blocks that the networks share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# The decoder's standard deviation stays within exp(-4) and exp(3) of the normalised signal: a flat
# stretch would else drive the likelihood to infinity.
LOG_VAR_RANGE = (-8.0, 6.0)


class Output(NamedTuple):
    """What a network says of a batch.

    Attributes
    ----------
    mean, log_var : Tensor of shape (n, n_leads, n_samples)
        Reconstruction and the logarithm of its variance.
    states : Tensor of shape (n, n_tokens, n_states)
        Hidden states over time, which the latent distance pools.
    z_mean, z_log_var : Tensor of shape (n, n_tokens, latent_dim), or None
        The approximate posterior; None for an autoencoder without one.
    lead_weights : Tensor of shape (n, n_leads), or None
    time_weights : Tensor of shape (n, n_tokens), or None
        Attention, each row summing to one.
    """

    mean: Tensor
    log_var: Tensor
    states: Tensor
    z_mean: Tensor | None = None
    z_log_var: Tensor | None = None
    lead_weights: Tensor | None = None
    time_weights: Tensor | None = None

    @property
    def attention(self) -> tuple[Tensor, Tensor]:
        """Weights over leads and over time, of a network that has attention."""
        if self.lead_weights is None or self.time_weights is None:
            raise AttributeError("this network has no attention")
        return self.lead_weights, self.time_weights

    @property
    def posterior(self) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of the latent, of a variational autoencoder."""
        if self.z_mean is None or self.z_log_var is None:
            raise AttributeError("this network has no approximate posterior")
        return self.z_mean, self.z_log_var

    @classmethod
    def join(cls, outputs: Sequence[Output], n: int) -> Output:
        """Return the first `n` records of several outputs, in double precision on the CPU."""
        parts = zip(*outputs, strict=True)
        return cls(*(None if p[0] is None else torch.cat(p)[:n].cpu().double() for p in parts))  # type: ignore[arg-type]


def pad_to_multiple(x: Tensor, multiple: int) -> Tensor:
    """Repeat the last sample until the length is a multiple, so that records of any length pass."""
    return F.pad(x, (0, -x.shape[-1] % multiple), mode="replicate")


class ConvBlock(nn.Module):
    """Residual convolution over tokens at constant length."""

    def __init__(self, channels: int, kernel_size: int = 5):
        super().__init__()
        self.conv = nn.Conv1d(channels, channels, kernel_size, padding=kernel_size // 2)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, channels, n_tokens) to the same shape."""
        return x + F.gelu(self.conv(x))


class Stem(nn.Module):
    """One strided convolution from samples to tokens, each kernel two strides wide.

    There is no normalisation over a record: amplitude carries diagnosis.
    """

    def __init__(self, n_leads: int, channels: int, stride: int):
        super().__init__()
        self.stride = stride
        self.conv = nn.Conv1d(n_leads, channels, 2 * stride, stride=stride)
        self.block = ConvBlock(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, n_leads, n_tokens * stride) to (n, channels, n_tokens)."""
        left = self.stride // 2
        return self.block(F.gelu(self.conv(F.pad(x, (left, self.stride - left)))))


class SubPixel(nn.Module):
    """Upsampling by a 1x1 convolution and a reshape (Shi et al., CVPR 2016)."""

    def __init__(self, in_channels: int, out_channels: int, factor: int):
        super().__init__()
        self.factor = factor
        self.conv = nn.Conv1d(in_channels, out_channels * factor, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, in_channels, n_tokens) to (n, out_channels, n_tokens * factor)."""
        n, _, n_tokens = x.shape
        x = self.conv(x).reshape(n, -1, self.factor, n_tokens)
        return x.transpose(2, 3).reshape(n, -1, n_tokens * self.factor)


class LeadAttention(nn.Module):
    """Weights over leads from what each lead holds and which lead it is.

    Each lead is summarised by its spread, its activity and its extremes, next to an embedding of
    its own, so that leads are not interchangeable. The weighted leads keep their overall scale.
    """

    def __init__(self, n_leads: int, embedding_dim: int = 8, hidden: int = 16):
        super().__init__()
        self.embedding = nn.Parameter(torch.randn(n_leads, embedding_dim))
        self.score = nn.Sequential(
            nn.Linear(4 + embedding_dim, hidden), nn.Tanh(), nn.Linear(hidden, 1)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the weighted leads and the weights of shape (n, n_leads)."""
        steps = F.pad(x, (1, 0), mode="replicate").diff(dim=-1)
        summary = torch.stack(
            [
                x.square().mean(-1).add(1e-6).log(),
                steps.square().mean(-1).add(1e-6).log(),
                x.amax(-1),
                x.amin(-1),
            ],
            dim=-1,
        )
        embedding = self.embedding.expand(x.shape[0], -1, -1)
        weights = self.score(torch.cat([torch.tanh(summary), embedding], -1)).squeeze(-1)
        weights = weights.softmax(-1)
        return x * (weights * x.shape[1]).unsqueeze(-1), weights
