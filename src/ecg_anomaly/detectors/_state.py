"""What a detector is when it is pickled or saved: arrays, from which its network is built anew."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.base import BaseEstimator

from .._training import device_or_cpu
from ..errors import SignalError
from ._departures import DeparturesMixin


class StateMixin(DeparturesMixin, BaseEstimator):
    """The state of a fitted detector, and checks of one that came out of a file."""

    def __getstate__(self):
        state = super().__getstate__().copy()
        module = state.pop("module_", None)
        if module is not None:
            state["weights_"] = {
                name: tensor.cpu().numpy().astype(np.float32)
                for name, tensor in module.state_dict().items()
            }
        return state

    def __setstate__(self, state):
        weights = state.pop("weights_", None) if "weights_" in state else None
        super().__setstate__(state)
        if weights is not None:
            self._load_weights(weights)

    def _load_weights(self, weights: dict[str, np.ndarray]) -> None:
        super()._check_state()
        # what it was fitted with: parameters may have been set since
        builder = type(self)(**self.architecture_)
        builder._validate_params()
        # without memory first: a file may claim any size
        with torch.device("meta"):
            module = builder._build_module(self.n_leads_in_)
        tensors = {name: torch.tensor(value) for name, value in weights.items()}
        module.load_state_dict(tensors, assign=True)
        self.device_ = str(device_or_cpu(self.device))
        self.module_ = module.eval().to(self.device_)

    def _check_state(self) -> None:
        super()._check_state()
        shapes = {name: np.shape(value) for name, value in self.reference_.items()}
        n_features, n_axes = shapes["projection"]
        n_kept = len(self.reference_["neighbours"])
        scales = [self.surprise_scale_, self.distance_scale_]
        if hasattr(self, "directions_"):
            self._check_directions_state()
            scales.append(self.departure_scale_)
        consistent = (
            shapes["center"] == (n_features,)
            and shapes["neighbours"] == (n_kept, n_axes)
            and shapes.get("ids", (n_kept,)) == (n_kept,)
            and n_kept > 0
            and n_features == 3 * self._n_states()
            and isinstance(self.history_, list)
            and np.isfinite([self.offset_, self.fs_, *np.ravel(scales)]).all()
            and min(self.fs_, self.scale_.min(), self.residual_scale_.min()) > 0
            and min(scale for _, scale in scales) > 0
        )
        if not consistent:
            raise SignalError(f"the fitted arrays of {type(self).__name__} do not fit together.")

    def _n_states(self) -> int:
        probe = torch.zeros(1, self.n_leads_in_, 1, device=self.device_)
        with torch.no_grad():
            return self.module_(probe).states.shape[-1]

    def _state_shapes(self) -> dict[str, tuple[int, ...]]:
        lead = (self.n_leads_in_,)
        return {"center_": lead, "scale_": lead, "residual_scale_": lead}
