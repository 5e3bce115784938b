"""What a network's output says of each record, as a few numbers: the stuff of scores."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from .layers import Output
from .losses import gaussian_nll, kl_to_standard_normal, negative_elbo
from .pooling import pool

#: A premature beat lasts about as long.
SURPRISE_SECONDS = 0.5
_MIN_TOKENS_PER_HALF = 4


def summarise(x: Tensor, output: Output, fs: float, stride: int) -> dict[str, Tensor]:
    """Return one row a record of everything that scores are made of.

    Parameters
    ----------
    x : Tensor of shape (n, n_leads, n_samples)
        What the network was given.
    output : Output
        What it said.
    fs : float
        Sampling rate in Hz.
    stride : int
        Samples a token.

    Returns
    -------
    dict of Tensor
        ``pooled`` states; ``halves``, the difference of those of the record's two halves, NaN
        where it is too short; ``error``, the mean squared error; ``residual`` (n, n_leads), the
        mean of `residual`; ``negative_elbo``; ``surprise``; and ``attended`` where the network
        has attention.
    """
    states, error = output.states, (x - output.mean).square()
    half = states.shape[1] // 2
    pooled = pool(states)
    halves = torch.full_like(pooled, torch.nan)
    if half >= _MIN_TOKENS_PER_HALF:
        halves = pool(states[:, :half]) - pool(states[:, half:])
    summary = {
        "pooled": pooled,
        "halves": halves,
        "error": error.mean((1, 2)),
        "residual": residual(x, output).mean(-1),
        "negative_elbo": negative_elbo(x, output),
        "surprise": surprise(x, output, fs),
    }
    if output.lead_weights is not None:
        summary["attended"] = attended_error(error, output, stride)
    return summary


def residual(x: Tensor, output: Output) -> Tensor:
    """Return the squared error over the variance that the network expects, of the shape of `x`."""
    return (x - output.mean).square() * torch.exp(-output.log_var)


def surprise(x: Tensor, output: Output, fs: float) -> Tensor:
    """Return how unlikely the least likely half second of each record is, of shape (n,)."""
    unlikelihood = gaussian_nll(x, output.mean, output.log_var).mean(1, keepdim=True)
    window = min(x.shape[-1], max(1, round(SURPRISE_SECONDS * fs)))
    return F.avg_pool1d(unlikelihood, window, stride=1).amax((1, 2))


def attended_error(error: Tensor, output: Output, stride: int) -> Tensor:
    """Return attention-weighted squared error plus divergence, per element, of shape (n,)."""
    lead_weights, time_weights = output.attention
    z_mean, z_log_var = output.posterior
    over_time = time_weights.repeat_interleave(stride, 1)[:, : error.shape[-1]]
    over_time = over_time / over_time.sum(1, keepdim=True)
    weighted = (lead_weights[:, :, None] * over_time[:, None, :] * error).sum((1, 2))
    return weighted + kl_to_standard_normal(z_mean, z_log_var).sum((1, 2)) / error[0].numel()
