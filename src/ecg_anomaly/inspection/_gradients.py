"""The very score of a detector as a differentiable function, and its integrated gradients."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import torch
from torch import Tensor

from ..detectors.base import SURPRISE_WEIGHT, BaseDetector
from ..nn.summary import summarise
from ._beats import joint_departure

# Keeps the square root's slope finite for a training record, which is its own neighbour.
_TINY = 1e-24


class AnomalyScore:
    """Minus `score_samples` of a detector, in double precision and with gradients.

    Parameters
    ----------
    detector : BaseDetector
        Fitted; it is not changed.
    """

    def __init__(self, detector: BaseDetector):
        self.detector = detector
        self.module = deepcopy(detector.module_).cpu().double().requires_grad_(False).eval()
        self.center = torch.from_numpy(np.asarray(detector.center_, float))[:, None]
        self.scale = torch.from_numpy(np.asarray(detector.scale_, float))[:, None]
        self.reference = {
            name: torch.from_numpy(np.asarray(value, float))
            for name, value in detector.reference_.items()
            if name != "ids"
        }

    def __call__(self, signals: Tensor) -> Tensor:
        """Return one score a record for signals in mV, higher = more unusual."""
        x = self._scaled(signals)
        detector = self.detector
        summaries = summarise(
            x, self.module(x), detector.fs_, int(detector.architecture_["stride"])
        )
        method = detector.score_method
        plain = {"reconstruction": "error", "elbo": "negative_elbo", "attention": "attended"}
        if method in plain:
            return summaries[plain[method]]
        distance = self._distance(summaries["pooled"])
        if method == "latent":
            return distance
        if method == "latent_beat":
            departure = joint_departure(detector, signals)
            center, scale = detector.distance_scale_
            beat_center, beat_scale = detector.departure_scale_
            beat = (departure - beat_center) / beat_scale
            return (distance - center) / scale + beat
        center, scale = detector.surprise_scale_
        surprise = torch.log1p(((summaries["surprise"] - center) / scale).clamp(min=0.0))
        return (distance.square() + (SURPRISE_WEIGHT * surprise).square() + _TINY).sqrt()

    def expect(self, signals: Tensor) -> tuple[Tensor, Tensor]:
        """Return the network's reconstruction and how far normals are from theirs, in mV.

        The second is the standard deviation that the network gives each sample, at the level that
        residuals of the training normals have in that lead.
        """
        residual_scale = torch.from_numpy(np.asarray(self.detector.residual_scale_, float))
        with torch.no_grad():
            output = self.module(self._scaled(signals))
        variance = output.log_var.exp() * residual_scale[:, None]
        # the slope of sinh takes small deviations back to mV
        expected = output.mean.sinh() * self.scale + self.center
        return expected, variance.sqrt() * output.mean.cosh() * self.scale

    def _scaled(self, signals: Tensor) -> Tensor:
        return ((signals - self.center) / self.scale).arcsinh()

    def _distance(self, pooled: Tensor) -> Tensor:
        points = (pooled - self.reference["center"]) @ self.reference["projection"]
        normals = self.reference["neighbours"]
        with torch.no_grad():
            nearest = torch.cdist(points, normals).topk(
                min(self.detector.n_neighbors, len(normals)), largest=False
            )[1]
        apart = points[:, None] - normals[nearest]
        return (apart.square().sum(-1) + _TINY).sqrt().mean(1)

    def integrated_gradients(self, record: Tensor, restored: Tensor, n_steps: int) -> Tensor:
        """Return what each sample adds to the score, along the line from `restored` to `record`.

        Sums to the difference of the two scores but for the error of the midpoint rule.

        Parameters
        ----------
        record, restored : Tensor of shape (n_leads, n_samples)
            In mV.
        n_steps : int

        Returns
        -------
        Tensor of shape (n_leads, n_samples)

        References
        ----------
        Sundararajan, Taly and Yan, "Axiomatic attribution for deep networks", ICML 2017.
        """
        shares = (torch.arange(n_steps, dtype=torch.float64) + 0.5) / n_steps
        change = record - restored
        points = (restored + shares[:, None, None] * change).requires_grad_(True)
        with torch.enable_grad():
            (slopes,) = torch.autograd.grad(self(points).sum(), points)
        return change * slopes.mean(0)
