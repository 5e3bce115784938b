"""Convolutional autoencoder."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .layers import LOG_VAR_RANGE, ConvBlock, Output, Stem, SubPixel, pad_to_multiple


class ContextBlock(nn.Module):
    """Residual dilated depthwise convolution, then mixing of channels (Liu et al., CVPR 2022)."""

    def __init__(self, channels: int, dilation: int, kernel_size: int = 5):
        super().__init__()
        self.over_time = nn.Conv1d(
            channels,
            channels,
            kernel_size,
            padding=dilation * (kernel_size // 2),
            dilation=dilation,
            groups=channels,
        )
        self.widen = nn.Conv1d(channels, 2 * channels, 1)
        self.narrow = nn.Conv1d(2 * channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, channels, n_tokens) to the same shape."""
        return x + self.narrow(F.gelu(self.widen(self.over_time(x))))


class CAE(nn.Module):
    """Strided convolutional encoder, bottleneck of `latent_dim` channels, sub-pixel decoder.

    Parameters
    ----------
    n_leads : int
    channels : int
        Width of the encoder and the decoder.
    latent_dim : int
        Channels of the bottleneck: a record is squeezed into `latent_dim` numbers every
        ``2 * stride`` samples.
    stride : int
        Of the stem, in samples.
    variance : bool
        Whether the decoder gives a variance of its own for each lead and sample, or 1.
    """

    def __init__(
        self,
        n_leads: int,
        channels: int = 64,
        latent_dim: int = 16,
        stride: int = 8,
        variance: bool = True,
    ):
        super().__init__()
        self.variance = variance
        self.stride = stride
        self.stem = Stem(n_leads, channels, stride)
        self.context = nn.Sequential(*(ContextBlock(channels, d) for d in (1, 3, 9)))
        self.to_states = nn.Conv1d(channels, 2 * channels, 1)
        self.squeeze = nn.Conv1d(2 * channels, latent_dim, 2, stride=2)
        self.expand = nn.Sequential(
            nn.Conv1d(latent_dim, 2 * channels, 5, padding=2),
            nn.GELU(),
            ConvBlock(2 * channels, 3),
            SubPixel(2 * channels, channels, 2),
            nn.GELU(),
            ConvBlock(channels),
            SubPixel(channels, n_leads * (1 + variance), stride),
        )

    def forward(self, x: Tensor) -> Output:
        """Map (n, n_leads, n_samples) to an `Output`."""
        states = self.encode(x)
        decoded = self.expand(self.squeeze(states.transpose(1, 2)))[..., : x.shape[-1]]
        mean, log_var = decoded, torch.zeros_like(decoded)
        if self.variance:
            mean, log_var = decoded.chunk(2, 1)
        return Output(mean, log_var.clamp(*LOG_VAR_RANGE), states)

    def encode(self, x: Tensor) -> Tensor:
        """Map (n, n_leads, n_samples) to the hidden states, (n, n_tokens, n_states)."""
        x = pad_to_multiple(x, 2 * self.stride)
        return torch.tanh(self.to_states(self.context(self.stem(x)))).transpose(1, 2)
