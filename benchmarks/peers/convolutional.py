"""Convolutional autoencoder of arXiv 2510.05919: 12-32-64-128 channels, kernels of 7, 5 and 3."""

from __future__ import annotations

from itertools import pairwise

from torch import nn

from .network import NetworkPeer

CHANNELS = (32, 64, 128)
KERNELS = (7, 5, 3)


def halving(channels: tuple[int, ...], kernels: tuple[int, ...]) -> list[nn.Module]:
    """Return convolutions that each halve the length, with rectifiers."""
    layers: list[nn.Module] = []
    for (n_in, n_out), kernel in zip(pairwise(channels), kernels, strict=True):
        layers += [nn.Conv1d(n_in, n_out, kernel, stride=2, padding=kernel // 2), nn.ReLU()]
    return layers


def doubling(channels: tuple[int, ...], kernels: tuple[int, ...]) -> list[nn.Module]:
    """Return transposed convolutions that undo `halving`, the last one without a rectifier."""
    layers: list[nn.Module] = []
    backwards = list(zip(pairwise(channels), kernels, strict=True))[::-1]
    for (n_out, n_in), kernel in backwards:
        same = {"stride": 2, "padding": kernel // 2, "output_padding": 1}
        layers += [nn.ConvTranspose1d(n_in, n_out, kernel, **same), nn.ReLU()]
    return layers[:-1]


class ConvolutionalAutoencoder(nn.Module):
    """Three convolutions of stride 2 and their mirror image; the code is an eighth as long.

    Parameters
    ----------
    n_leads : int
    """

    def __init__(self, n_leads: int):
        super().__init__()
        channels = (n_leads, *CHANNELS)
        self.layers = nn.Sequential(*halving(channels, KERNELS), *doubling(channels, KERNELS))

    def forward(self, x):
        """Map (n, n_leads, n_samples) to the same shape."""
        return self.layers(x)[..., : x.shape[-1]]


class CAEPeer(NetworkPeer):
    """The convolutional autoencoder of [1]_, scored by its squared error.

    Its code holds 128 channels at an eighth of the rate: with 12 leads, more numbers than the
    record. Nothing is hidden in training, so that it may learn to copy. Parameters and attributes
    as `NetworkPeer` has them; `window` is in samples, 500 as published (there 1 s, at 100 Hz 5 s).

    References
    ----------
    .. [1] Garreta Basora and Mulayim, "An attention-augmented VAE-BiLSTM framework for anomaly
       detection in 12-lead ECG signals", arXiv 2510.05919, 2025.
    """

    def __init__(
        self,
        *,
        window=500,
        max_epochs=20,
        minutes=40.0,
        batch_size=64,
        lr=1e-3,
        report=None,
        device="auto",
        random_state=None,
    ):
        self.window = window
        self.max_epochs = max_epochs
        self.minutes = minutes
        self.batch_size = batch_size
        self.lr = lr
        self.report = report
        self.device = device
        self.random_state = random_state

    def _build(self, n_leads, n_samples):
        return ConvolutionalAutoencoder(n_leads)

    def _loss(self, module, x):
        return (module(x) - x).square().mean()

    def _window_scores(self, module, x):
        return -(module(x) - x).square().mean((1, 2))
