"""Statistics of hidden states over time."""

from __future__ import annotations

import torch
from torch import Tensor

_EPSILON = 1e-4  # the deviation of a constant state, whose logarithm is taken


def pool(states: Tensor) -> Tensor:
    """Return what a record's states are like, whatever its length.

    Parameters
    ----------
    states : Tensor of shape (n, n_tokens, n_states)

    Returns
    -------
    Tensor of shape (n, 3 * n_states)
        For each state its mean, and the logarithms of its deviation and of that of its
        differences (how fast it changes).
    """
    steps = states.diff(dim=1) if states.shape[1] > 1 else torch.zeros_like(states)
    return torch.cat([states.mean(1), _log_deviation(states), _log_deviation(steps)], 1)


def _log_deviation(x: Tensor) -> Tensor:
    return (x.std(1, correction=0) + _EPSILON).log()
