"""Hiding parts of the input, so that a network must restore them from the rest."""

from __future__ import annotations

import torch
from torch import Tensor


def hide(x: Tensor, *, time_fraction: float, segment: int, lead_fraction: float) -> Tensor:
    """Set random time segments of all leads, and random whole leads, to zero.

    Masked restoration as in He et al. (CVPR 2022), over time and over leads.

    Parameters
    ----------
    x : Tensor of shape (n, n_leads, n_samples)
    time_fraction : float in [0, 1)
        Expected share of hidden segments.
    segment : int
        Length of a segment in samples.
    lead_fraction : float in [0, 1)
        Expected share of hidden leads.

    Returns
    -------
    Tensor of shape (n, n_leads, n_samples)

    Examples
    --------
    >>> x = torch.ones(2, 3, 40)
    >>> hide(x, time_fraction=0.0, segment=8, lead_fraction=0.0).equal(x)
    True
    """
    n, n_leads, n_samples = x.shape
    if time_fraction > 0:
        n_segments = -(-n_samples // segment)
        kept = torch.rand(n, 1, n_segments, device=x.device) >= time_fraction
        x = x * kept.repeat_interleave(segment, dim=-1)[..., :n_samples]
    if lead_fraction > 0 and n_leads > 1:
        x = x * (torch.rand(n, n_leads, 1, device=x.device) >= lead_fraction)
    return x
