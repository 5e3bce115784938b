"""Losses, each per lead and sample so that their weights mean the same at any size."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from .layers import Output

_LOG_2PI = math.log(2 * math.pi)


def gaussian_nll(x: Tensor, mean: Tensor, log_var: Tensor) -> Tensor:
    """Return the negative log-likelihood of each sample, of the shape of `x`."""
    return 0.5 * (_LOG_2PI + log_var + (x - mean).square() * torch.exp(-log_var))


def kl_to_standard_normal(z_mean: Tensor, z_log_var: Tensor) -> Tensor:
    """Return the Kullback-Leibler divergence of each latent element from N(0, 1)."""
    return 0.5 * (z_mean.square() + z_log_var.exp() - 1 - z_log_var)


def negative_elbo(x: Tensor, output: Output, beta: float = 1.0, free_bits: float = 0.0) -> Tensor:
    """Return the negative evidence lower bound of each record, per lead and sample.

    Likelihood and divergence are both sums over the whole record, divided by the same number of
    elements, as Kingma and Welling (2014) have it; `beta` is that of Higgins et al. (2017).

    Parameters
    ----------
    x : Tensor of shape (n, n_leads, n_samples)
    output : Output
    beta : float
        Weight of the divergence.
    free_bits : float
        Nats a latent dimension may carry for free, on average over tokens and records (Kingma et
        al. 2016), which keeps the posterior from collapsing.

    Returns
    -------
    Tensor of shape (n,)
    """
    n_elements = x[0].numel()
    nll = gaussian_nll(x, output.mean, output.log_var).sum((1, 2))
    if output.z_mean is None or output.z_log_var is None:
        return nll / n_elements
    kl = kl_to_standard_normal(output.z_mean, output.z_log_var)
    if free_bits > 0:
        carried = kl.mean((0, 1)).clamp(min=free_bits)
        return (nll + beta * carried.sum() * kl.shape[1]) / n_elements
    return (nll + beta * kl.sum((1, 2))) / n_elements


def squared_error(x: Tensor, output: Output) -> Tensor:
    """Return the mean squared error of each record, of shape (n,)."""
    return (x - output.mean).square().mean((1, 2))


class SquaredError(nn.Module):
    """Criterion of an autoencoder."""

    def forward(self, output: Output, target: Tensor) -> Tensor:
        """Return the mean squared error of a batch."""
        return squared_error(target, output).mean()


class NegativeELBO(nn.Module):
    """Criterion of a variational autoencoder, with beta annealing.

    Parameters
    ----------
    beta : float
        Final weight of the divergence.
    free_bits : float
        See `negative_elbo`.
    annealing : {"linear", "cyclical"} or None
        How beta rises: once over the first half of training (Bowman et al. 2016), in four such
        cycles (Fu et al. 2019), or not at all.
    n_steps : int
        Training steps to come.
    """

    def __init__(self, beta: float, free_bits: float, annealing: str | None, n_steps: int):
        super().__init__()
        self.beta, self.free_bits, self.annealing = beta, free_bits, annealing
        self.cycle = max(1, n_steps // (4 if annealing == "cyclical" else 1))
        self.step = 0

    def forward(self, output: Output, target: Tensor) -> Tensor:
        """Return the mean loss of a batch; in training each call is a step."""
        beta = self.beta
        if self.training and self.annealing is not None:
            beta *= min(1.0, 2 * (self.step % self.cycle + 1) / self.cycle)
            self.step += 1
        return negative_elbo(target, output, beta, self.free_bits).mean()
