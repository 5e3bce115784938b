"""A detector's network with the head of its score, as one torch module from signals to scores.

The arithmetic is that of `detectors.base`, in single and in double precision at the same places.
"""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import Tensor, nn

from ..detectors.base import SURPRISE_WEIGHT, BaseDetector
from ..nn import Output
from ..nn.losses import gaussian_nll, negative_elbo, squared_error
from ..nn.pooling import pool
from ..nn.summary import attended_error, surprise_window
from ._lstm import with_onnx_lstm


class _Head(nn.Module):
    """Constants of a score in double precision, which torch keeps as buffers."""

    def keep(self, **values) -> None:
        for name, value in values.items():
            self.register_buffer(name, torch.from_numpy(np.array(value)))


class Normalisation(_Head):
    """Signals in mV as the network is given them."""

    def __init__(self, detector: BaseDetector):
        super().__init__()
        self.keep(center=detector.center_[:, None], scale=detector.scale_[:, None])

    def forward(self, signal: Tensor) -> Tensor:
        """Map float32 (n, n_leads, n_samples) to the same."""
        x = (signal.double() - self.center) / self.scale
        # arcsinh, which ONNX Runtime has in single precision only
        return (x.sign() * (x.abs() + (x.square() + 1).sqrt()).log()).float()


class Distance(_Head):
    """Mean distance of a record's pooled states to the nearest normals."""

    def __init__(self, detector: BaseDetector):
        super().__init__()
        reference = detector.reference_
        self.n_neighbors = min(detector.n_neighbors, len(reference["neighbours"]))
        self.keep(**{name: reference[name] for name in ("center", "projection", "neighbours")})

    def forward(self, states: Tensor) -> Tensor:
        """Map states (n, n_tokens, n_states) to distances (n,)."""
        point = (pool(states.double()) - self.center.double()) @ self.projection.double()
        normals = self.neighbours.double()
        closeness = 2 * point @ normals.T - normals.square().sum(1)
        rows = closeness.topk(self.n_neighbors, sorted=False).indices
        # anew by differences: the products lose digits near zero
        return (normals[rows] - point[:, None]).square().sum(-1).sqrt().mean(1)
