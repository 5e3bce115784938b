"""Training of a network by skorch: the one file that imports it.

Detectors hand over a module, a criterion and their training parameters; nothing of skorch shows
in what they are or save.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from skorch import NeuralNet
from skorch.callbacks import (
    Callback,
    EarlyStopping,
    GradientNormClipping,
    LRScheduler,
)
from skorch.helper import predefined_split
from torch.utils.data import BatchSampler, Dataset, RandomSampler, SequentialSampler
from tqdm.auto import tqdm

from .errors import SignalError

_MAX_GRADIENT_NORM = 1.0
_WEIGHT_DECAY = 1e-2
#: Torch threads around training and scoring. Two save up to a quarter of the time on idle cores,
#: but double it as soon as something else wants one, since they wait for each other at every layer
#: (benchmarks/precision.py). n_jobs uses the cores.
THREADS = 1
# torch's generator and its number of threads belong to the whole process: Python threads take turns
_LOCK = threading.RLock()


@dataclass(frozen=True)
class TrainingPlan:
    """How long and how fast to train.

    Attributes
    ----------
    max_epochs, batch_size : int
    lr : float
        Peak of the one-cycle schedule, or the constant rate under early stopping.
    patience : int or None
        Epochs without a better validation loss after which training stops and the best weights
        come back; None trains all epochs in one cycle (Smith and Topin 2019).
    verbose : int
        1 shows a progress bar, which tells what is left.
    """

    max_epochs: int
    batch_size: int
    lr: float
    patience: int | None
    verbose: int


class BatchReader(Dataset):
    """Whole batches of (input, target), read when they are asked for.

    Parameters
    ----------
    read : callable
        From row numbers to a tensor (n, n_leads, n_samples) ready for the network.
    n_records : int
    corrupt : callable
        From the target tensor to the pair (input, target); draws from torch's generator.
    """

    def __init__(
        self,
        read: Callable[[np.ndarray], torch.Tensor],
        n_records: int,
        corrupt: Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]],
    ):
        self.read = read
        self.n_records = n_records
        self.corrupt = corrupt

    def __len__(self) -> int:
        return self.n_records

    def __getitem__(self, rows):
        return self.corrupt(self.read(np.atleast_1d(rows)))


class _StopWhenDiverged(Callback):
    def on_epoch_end(self, net, **kwargs):
        loss = net.history[-1, "train_loss"]
        if not np.isfinite(loss):
            raise SignalError(
                f"training diverged: the loss is {loss} in epoch {len(net.history)}. "
                "Lower lr, or scale the signals (LeadNormalizer) and remove extreme artefacts."
            )


class _Progress(Callback):
    """One bar over all epochs: skorch's begins anew with each, and knows not when all is done."""

    def __init__(self, n_batches: int, n_epochs: int):
        self.n_batches = n_batches
        self.n_epochs = n_epochs

    def on_train_begin(self, net, **kwargs):
        self.bar_ = tqdm(total=self.n_batches * self.n_epochs, desc="training", unit="batch")

    def on_batch_end(self, net, training=False, **kwargs):
        if training:
            loss = net.history[-1, "batches", -1, "train_loss"]
            self.bar_.set_postfix({"epoch": f"{len(net.history)}/{self.n_epochs}", "loss": loss})
        self.bar_.update()

    def on_train_end(self, net, **kwargs):
        self.bar_.close()


def train(
    module: torch.nn.Module,
    criterion: torch.nn.Module,
    plan: TrainingPlan,
    training: BatchReader,
    validation: BatchReader | None,
    device: torch.device,
) -> list[dict[str, float]]:
    """Train `module` in place.

    Parameters
    ----------
    module, criterion : torch.nn.Module
        ``criterion(module(input), target)`` is minimised.
    plan : TrainingPlan
    training, validation : BatchReader
        `validation` may be None.
    device : torch.device

    Returns
    -------
    list of dict
        One an epoch: ``epoch``, ``train_loss`` and, with `validation`, ``valid_loss``.

    Raises
    ------
    SignalError
        If the loss is no longer finite.
    """
    if plan.max_epochs == 0:
        return []
    callbacks: list[Callback] = [
        GradientNormClipping(_MAX_GRADIENT_NORM),
        _StopWhenDiverged(),
    ]
    n_steps = -(-len(training) // plan.batch_size) * plan.max_epochs
    early_stopping = None
    if plan.patience is not None and validation is not None:
        early_stopping = EarlyStopping(patience=plan.patience, load_best=True, sink=_silent)
        callbacks.append(early_stopping)
    # a cycle of fewer than four steps has no rise: the schedule divides by its length
    elif n_steps >= 4:
        callbacks.append(
            LRScheduler(
                torch.optim.lr_scheduler.OneCycleLR,
                step_every="batch",
                max_lr=plan.lr,
                total_steps=n_steps,
            )
        )
    if plan.verbose:
        readers = [training] if validation is None else [training, validation]
        n_batches = sum(-(-len(reader) // plan.batch_size) for reader in readers)
        callbacks.append(_Progress(n_batches, plan.max_epochs))
    net = NeuralNet(
        module,
        criterion,
        optimizer=torch.optim.AdamW,
        optimizer__weight_decay=_WEIGHT_DECAY,
        lr=plan.lr,
        max_epochs=plan.max_epochs,
        train_split=None if validation is None else predefined_split(validation),
        iterator_train__batch_size=None,
        iterator_train__sampler=BatchSampler(RandomSampler(training), plan.batch_size, False),
        iterator_valid__batch_size=None,
        callbacks=callbacks,
        device=device,
        verbose=0,
    )
    if validation is not None:
        net.set_params(
            iterator_valid__sampler=BatchSampler(
                SequentialSampler(validation), plan.batch_size, False
            )
        )
    # not net.fit: it swallows every KeyboardInterrupt and passes a half-trained network off as done
    net.initialize()
    net.notify("on_train_begin", X=training, y=None)
    try:
        net.fit_loop(training, None)
    except KeyboardInterrupt:
        # EarlyStopping stops by this exception too
        if early_stopping is None or early_stopping.misses_ < early_stopping.patience:
            raise
    net.notify("on_train_end", X=training, y=None)
    columns = ["epoch", "train_loss"] + ["valid_loss"] * (validation is not None)
    return [{name: float(row[name]) for name in columns} for row in net.history]


def _silent(*_args):
    pass


@contextlib.contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch inside the block and give the global generators back untouched."""
    devices = [device] if device.type == "cuda" else []
    with _LOCK, torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield


@contextlib.contextmanager
def threads() -> Iterator[None]:
    """Run the block with `THREADS` torch threads, then put the number back."""
    with _LOCK:
        before = torch.get_num_threads()
        torch.set_num_threads(THREADS)
        try:
            yield
        finally:
            torch.set_num_threads(before)


def resolve_device(device: str) -> torch.device:
    """Return the device a name stands for; ``"auto"`` is CUDA where there is one, else the CPU.

    Raises
    ------
    ValueError
        If torch knows no such device, or it is not on this machine.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        resolved = torch.device(device)
        torch.zeros(1, device=resolved).item()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ValueError(f"device={device!r} cannot be used here: {error}") from None
    return resolved


def device_or_cpu(device: str) -> torch.device:
    """Return the device a name stands for, or the CPU where this machine does not have it."""
    try:
        return resolve_device(device)
    except ValueError:
        return torch.device("cpu")
