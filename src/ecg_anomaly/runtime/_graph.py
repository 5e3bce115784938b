"""A detector's network with the head of its score, as one torch module from signals to scores.

The arithmetic is that of `detectors.base`, in single and in double precision at the same places.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..detectors.base import SURPRISE_WEIGHT, BaseDetector
from ..nn import Output
from ..nn.losses import gaussian_nll, negative_elbo, squared_error
from ..nn.pooling import pool
from ..nn.summary import SURPRISE_SECONDS, attended_error
from ._layers import exportable

# Normals looked at closely for each neighbour wanted.
_CANDIDATES = 3


class ScoreGraph(nn.Module):
    """All of `score_samples` that is arithmetic.

    What the score does not need, such as a decoder beside scores of the states, is left out of the
    exported graph, as nothing leads from it to the score.

    Parameters
    ----------
    detector : BaseDetector
        Fitted.
    """

    center: Tensor
    scale: Tensor

    def __init__(self, detector: BaseDetector):
        super().__init__()
        _keep(self, center=detector.center_[:, None], scale=detector.scale_[:, None])
        self.network: Any = exportable(detector.module_)
        heads = _HEADS_OF_STATES | _HEADS_OF_OUTPUT
        self.head = heads[detector.score_method](detector)
        self.of_states = detector.score_method in _HEADS_OF_STATES

    def forward(self, signal: Tensor, beats: Tensor | None = None) -> Tensor:
        """Map signals (n, n_leads, n_samples) in mV and beats (n, n_features) to scores (n,)."""
        x = _arcsinh((signal.double() - self.center) / self.scale).float()
        if self.of_states:
            return -self.head(self.network.encode(x).double(), beats)
        said = self.network(x)
        output = Output(*(part if part is None else part.double() for part in said))  # type: ignore[arg-type]
        return -self.head(x.double(), output)


class _Distance(nn.Module):
    """Mean distance of the pooled states to the nearest normals."""

    center: Tensor
    projection: Tensor
    neighbours: Tensor

    def __init__(self, detector: BaseDetector):
        super().__init__()
        # in the precision in which they are saved
        names = ("center", "projection", "neighbours")
        _keep(self, **{name: detector.reference_[name] for name in names})
        n_normals = len(self.neighbours)
        self.n_neighbors = min(detector.n_neighbors, n_normals)
        self.n_candidates = min(_CANDIDATES * detector.n_neighbors, n_normals)

    def forward(self, states: Tensor, beats: Tensor | None = None) -> Tensor:
        """Map states (n, n_tokens, n_states) to distances (n,)."""
        point = (pool(states) - self.center.double()) @ self.projection.double()
        # candidates in single precision: half of the time of one record went to reading doubles
        normals = self.neighbours.float()
        nearness = 2 * point.float() @ normals.T - normals.square().sum(1)
        rows = nearness.topk(self.n_candidates).indices
        apart = (self.neighbours[rows].double() - point[:, None]).square().sum(-1)
        return apart.topk(self.n_neighbors, largest=False).values.sqrt().mean(1)


class _DistanceAndDeparture(nn.Module):
    """The distance, and how far the median beat departs towards illness."""

    weights: Tensor
    bias: Tensor

    def __init__(self, detector: BaseDetector):
        super().__init__()
        self.distance = _Distance(detector)
        self.scales = detector.distance_scale_, detector.departure_scale_
        _keep(self, **detector.directions_)

    def forward(self, states: Tensor, beats: Tensor) -> Tensor:
        """Map states, and beats (n, n_features), to how unusual they are, (n,)."""
        along = beats @ self.weights.double() + self.bias
        departure = along.clamp(min=0).square().sum(1).sqrt()
        parts = (self.distance(states), departure)
        far, ill = (_standing(*pair) for pair in zip(parts, self.scales, strict=True))
        return far + ill


class _DistanceAndSurprise(nn.Module):
    """The distance, and how unlikely the least likely half second is, as one more axis."""

    def __init__(self, detector: BaseDetector):
        super().__init__()
        self.distance = _Distance(detector)
        self.surprise_scale, self.fs = detector.surprise_scale_, detector.fs_

    def forward(self, x: Tensor, output: Output) -> Tensor:
        """Map what the network was given and said to how unusual it is, (n,)."""
        unlikely = _standing(_surprise(x, output, self.fs), self.surprise_scale)
        beyond = SURPRISE_WEIGHT * unlikely.clamp(min=0).log1p()
        return (self.distance(output.states).square() + beyond.square()).sqrt()


class _Residual(nn.Module):
    def __init__(self, detector: BaseDetector):
        super().__init__()

    def forward(self, x: Tensor, output: Output) -> Tensor:
        return squared_error(x, output)


class _Unlikelihood(_Residual):
    def forward(self, x: Tensor, output: Output) -> Tensor:
        return negative_elbo(x, output)


class _AttendedResidual(_Residual):
    def __init__(self, detector: BaseDetector):
        super().__init__(detector)
        self.stride = int(detector.architecture_["stride"])

    def forward(self, x: Tensor, output: Output) -> Tensor:
        return attended_error((x - output.mean).square(), output, self.stride)


_HEADS_OF_STATES: dict[str, type[nn.Module]] = {
    "latent": _Distance,
    "latent_beat": _DistanceAndDeparture,
}
_HEADS_OF_OUTPUT: dict[str, type[nn.Module]] = {
    "combined": _DistanceAndSurprise,
    "reconstruction": _Residual,
    "elbo": _Unlikelihood,
    "attention": _AttendedResidual,
}


def _keep(module: nn.Module, **arrays: Any) -> None:
    """Make arrays constants of the module, in their own precision."""
    for name, array in arrays.items():
        module.register_buffer(name, torch.tensor(array))


def _standing(values: Tensor, usual: tuple[float, float]) -> Tensor:
    center, scale = usual
    return (values - center) / scale


def _arcsinh(x: Tensor) -> Tensor:
    # ONNX Runtime has the operator in single precision only
    return x.sign() * (x.abs() + (x.square() + 1).sqrt()).log()


def _surprise(x: Tensor, output: Output, fs: float) -> Tensor:
    """Do as `nn.summary.surprise`: ONNX Runtime averages in single precision only."""
    unlikelihood = gaussian_nll(x, output.mean, output.log_var).mean(1)
    window = min(x.shape[-1], max(1, round(SURPRISE_SECONDS * fs)))
    until = F.pad(unlikelihood.cumsum(1), (1, 0))
    return ((until[:, window:] - until[:, :-window]) / window).amax(1)
