"""What the peers have in common: training under a time budget, scores by window."""

from __future__ import annotations

import json
from abc import ABCMeta, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from ecg_anomaly import RecordSet
from ecg_anomaly._training import resolve_device, seeded, threads
from ecg_anomaly.errors import SignalError

CONTAMINATION = 0.1
# Training records whose scores set `offset_`: all of them would take longer than training.
_OFFSET_RECORDS = 256
_MAX_GRADIENT_NORM = 1.0


def signals(X) -> np.ndarray:
    """Return records as an array of shape (n_records, n_leads, n_samples); a table has one lead."""
    x = X.load() if isinstance(X, RecordSet) else np.asarray(X, np.float32)
    return x[:, None] if x.ndim == 2 else x


class NetworkPeer(OutlierMixin, BaseEstimator, metaclass=ABCMeta):
    """Base class of the published networks; a subclass declares parameters, builds and scores.

    Every peer has these parameters; `window` only where records are cut into windows.

    Parameters
    ----------
    max_epochs : int
    minutes : float
        Training stops after so many, in the middle of an epoch if need be; `epochs_` says how far
        it came.
    batch_size : int
        In windows.
    lr : float
        Of Adam.
    report : str or None
        JSON file that is told after every epoch how far training has come.
    device : str
        ``"auto"`` is CUDA where there is one, else the CPU.
    random_state : int, RandomState or None

    Attributes
    ----------
    epochs_ : float
        Passes through the training windows.
    losses_ : list of float
        Mean loss of each epoch, also of the one that time cut short.
    seconds_ : float
        Of training.
    offset_ : float
        Tenth percentile of the scores of 256 training records.
    n_parameters_ : int
    module_ : torch.nn.Module
    """

    window: int | None = None
    max_epochs: int
    minutes: float
    batch_size: int
    lr: float
    report: str | None
    device: str
    random_state: int | np.random.RandomState | None

    @abstractmethod
    def _build(self, n_leads: int, n_samples: int) -> nn.Module:
        """Return the untrained network for windows of this shape."""

    @abstractmethod
    def _loss(self, module: nn.Module, x: Tensor) -> Tensor:
        """Return what training minimises, of a batch of windows."""

    @abstractmethod
    def _window_scores(self, module: nn.Module, x: Tensor) -> Tensor:
        """Return one score a window, higher = more normal."""

    def fit(self, X, y=None):
        """Learn from normal ECGs.

        Parameters
        ----------
        X : RecordSet or array-like of shape (n_records, n_leads, n_samples) or \
                (n_records, n_samples)
        y : None
            Ignored.

        Returns
        -------
        self : object

        Raises
        ------
        SignalError
            If the loss is no longer finite.
        """
        x = signals(X)
        for _ in self.fit_by_epoch(x):
            pass
        self.offset_ = np.percentile(self.score_samples(x[:_OFFSET_RECORDS]), 100 * CONTAMINATION)
        return self

    def fit_by_epoch(self, X):
        """Train as `fit` does, and yield self after every epoch, ready to score."""
        x = signals(X)
        self.center_ = x.mean((0, 2), dtype=np.float64)
        self.scale_ = np.maximum(x.std((0, 2), dtype=np.float64), 1e-6)
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        device = resolve_device(self.device)
        windows = self._windows(x)
        with seeded(seed, device), threads():
            self.module_ = self._build(*windows.shape[1:]).to(device)
            self.n_parameters_ = sum(p.numel() for p in self.module_.parameters())
            for _ in self._epochs(windows, device):
                self.module_.eval()
                yield self
                self.module_.train()
        self.module_.eval()

    def score_samples(self, X):
        """Return how normal each record is: the mean over its windows, higher = more normal."""
        check_is_fitted(self, "module_")
        x = signals(X)
        device = next(self.module_.parameters()).device
        scores = []
        with torch.no_grad(), threads():
            for start in range(0, len(x), self.batch_size):
                windows = self._windows(x[start : start + self.batch_size])
                of_windows = self._window_scores(self.module_, windows.to(device))
                n_records = min(self.batch_size, len(x) - start)
                scores.append(of_windows.reshape(n_records, -1).double().mean(1).cpu())
        return torch.cat(scores).numpy()

    def decision_function(self, X):
        """Return ``score_samples(X) - offset_``: negative where a record is flagged."""
        return self.score_samples(X) - self.offset_

    def predict(self, X):
        """Return +1 (not flagged) or -1 (flagged) for each record."""
        return np.where(self.decision_function(X) >= 0, 1, -1)

    def _windows(self, x: np.ndarray) -> Tensor:
        """Return scaled windows, those of a record one after another; what is over is left out."""
        n_records, n_leads, n_samples = x.shape
        length = n_samples if self.window is None else min(self.window, n_samples)
        scaled = (x - self.center_[:, None]) / self.scale_[:, None]
        cut = scaled[..., : n_samples // length * length].reshape(n_records, n_leads, -1, length)
        return torch.from_numpy(cut.astype(np.float32)).transpose(1, 2).flatten(0, 1)

    def _epochs(self, windows: Tensor, device: torch.device) -> Iterator[None]:
        module = self.module_
        optimizer = torch.optim.Adam(module.parameters(), lr=self.lr)
        self.epochs_, self.losses_, self.seconds_ = 0.0, [], 0.0
        out_of_time = False
        while len(self.losses_) < self.max_epochs and not out_of_time:
            # what is done between epochs does not count
            started = perf_counter() - self.seconds_
            seen, total = 0, 0.0
            for rows in torch.randperm(len(windows)).split(self.batch_size):
                optimizer.zero_grad()
                loss = self._loss(module, windows[rows].to(device))
                if not torch.isfinite(loss):
                    raise SignalError(
                        f"{type(self).__name__}: the loss is {loss.item()} in epoch "
                        f"{len(self.losses_) + 1}; lower lr."
                    )
                loss.backward()
                nn.utils.clip_grad_norm_(module.parameters(), _MAX_GRADIENT_NORM)
                optimizer.step()
                seen += len(rows)
                total += loss.item() * len(rows)
                out_of_time = perf_counter() - started > 60 * self.minutes
                if out_of_time:
                    break
            self.epochs_ += seen / len(windows)
            self.losses_.append(total / seen)
            self.seconds_ = perf_counter() - started
            if self.report is not None:
                told = {"epochs": self.epochs_, "of": self.max_epochs, "seconds": self.seconds_,
                        "losses": self.losses_}  # fmt: skip
                Path(self.report).write_text(json.dumps(told) + "\n")
            yield
