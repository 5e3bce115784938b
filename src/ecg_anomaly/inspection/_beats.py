"""How far median beats depart from normal ones, with gradients."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..detectors._directions import LEVEL
from ..detectors.base import BaseDetector
from ..pathologies import QRS, voltage_weights
from ..signal.beats import window_fits
from ..signal.median_beat import BEAT_SAMPLES, beat_grid
from ..signal.r_peaks import beat_centers

# Keeps the square root's slope finite where nothing departs.
_TINY = 1e-24


def joint_departure(detector: BaseDetector, signals: Tensor) -> Tensor:
    """Return the joint departure of each record, as the detector's score has it.

    R peaks are found anew in each record, and count as given for the gradient.

    Parameters
    ----------
    detector : BaseDetector
        Fitted with ``score_method="latent_beat"``.
    signals : Tensor of shape (n, n_leads, n_samples)
        In mV, in double precision.

    Returns
    -------
    Tensor of shape (n,)
    """
    scale = torch.from_numpy(np.asarray(detector.scale_, float))[:, None]
    beats = torch.stack([_median_beat(signal, detector.fs_) for signal in signals])
    level = beats[:, :, LEVEL].quantile(0.5, dim=2, keepdim=True)
    beats = beats - level
    leads = detector._named_leads(beats.shape[1])
    of_highest, of_lowest = (torch.from_numpy(part) for part in voltage_weights(leads))
    qrs = beats[:, :, QRS]
    voltages = qrs.amax(2) @ of_highest + qrs.amin(2) @ of_lowest
    features = torch.cat([(beats / scale).arcsinh().flatten(1), voltages], dim=1)
    weights, bias = (
        torch.from_numpy(np.asarray(detector.directions_[name], float))
        for name in ("weights", "bias")
    )
    towards = (features @ weights + bias).clamp(min=0.0)
    return (towards.square().sum(1) + _TINY).sqrt()


def _median_beat(signal: Tensor, fs: float) -> Tensor:
    before, width, to_grid = beat_grid(fs)
    middles = beat_centers(signal.detach().numpy(), fs) + width // 2 - before
    middles = middles[window_fits(middles, width, signal.shape[1])]
    if not len(middles):
        return torch.zeros(len(signal), BEAT_SAMPLES, dtype=signal.dtype)
    columns = torch.from_numpy(middles[:, None] - width // 2 + np.arange(width))
    # the quantile is the median of numpy, which takes the mean of the middle two
    return signal[:, columns].quantile(0.5, dim=1) @ torch.tensor(to_grid)
