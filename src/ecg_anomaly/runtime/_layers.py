"""Layers as torch's exporter takes them, where it does not take those of the networks.

It has the LSTM as one ONNX node too, but first runs all its steps one by one without data: 18 s for
records of 10 s, and more for longer ones.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

# torch has the gates as input, forget, cell, output; ONNX as input, output, forget, cell.
_GATES = (0, 3, 1, 2)
_SINCE = 14  # the version of the operator


class OnnxLSTM(nn.Module):
    """The trained LSTM for the exporter: it cannot be run by torch.

    Parameters
    ----------
    lstm : nn.LSTM
        Batch first, without projection.
    """

    def __init__(self, lstm: nn.LSTM):
        super().__init__()
        if lstm.proj_size or not (lstm.bias and lstm.batch_first):
            raise ValueError("the LSTM must be batch first, with bias and without projection.")
        self.n_directions = 1 + lstm.bidirectional
        self.hidden = lstm.hidden_size
        self.n_layers = lstm.num_layers
        for layer in range(lstm.num_layers):
            parts = [
                [
                    _in_order(getattr(lstm, f"{name}_l{layer}{direction}"))
                    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
                ]
                for direction in ("", "_reverse")[: self.n_directions]
            ]
            weight, recurrent, *biases = (torch.stack(part) for part in zip(*parts, strict=True))
            self.register_buffer(f"weight_{layer}", weight)
            self.register_buffer(f"recurrent_{layer}", recurrent)
            self.register_buffer(f"bias_{layer}", torch.cat(biases, 1))

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        """Map (n, n_tokens, n_inputs) to the states (n, n_tokens, n_directions * hidden)."""
        n, n_tokens, _ = x.shape
        for layer in range(self.n_layers):
            weights = (getattr(self, f"{name}_{layer}") for name in ("weight", "recurrent", "bias"))
            states = torch.onnx.ops.symbolic(
                "LSTM",
                (x.transpose(0, 1), *weights),
                {
                    "hidden_size": self.hidden,
                    "direction": "bidirectional" if self.n_directions == 2 else "forward",
                },
                dtype=x.dtype,
                shape=(n_tokens, self.n_directions, n, self.hidden),
                version=_SINCE,
            )
            x = states.permute(2, 0, 1, 3).flatten(2)
        return x, None


def exportable(network: nn.Module) -> nn.Module:
    """Return a copy of the network on the CPU, in layers that torch's exporter knows."""
    network = copy.deepcopy(network).cpu().eval()
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.LSTM):
                setattr(module, name, OnnxLSTM(child))
    return network


def _in_order(weight: Tensor) -> Tensor:
    gates = weight.detach().chunk(4)
    return torch.cat([gates[k] for k in _GATES])
