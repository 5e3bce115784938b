"""The contract of every detector: fit on normals, score, flag, localise."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator, OutlierMixin, _fit_context
from sklearn.model_selection import GroupShuffleSplit
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Tensor
from torch.nn import functional as F

from .._training import (
    BatchReader,
    TrainingPlan,
    resolve_device,
    seeded,
    threads,
    train,
)
from ..errors import SignalError
from ..nn import Output, hide
from ..nn.pooling import pool
from ..nn.summary import residual, summarise
from ..preprocessing import LeadNormalizer
from ..records import RecordSet
from ..signal.checks import check_rate
from . import _directions, _reference
from ._rows import joined
from ._state import StateMixin

# Records read at a time: bounds memory, changes no result.
_CHUNK = 64
# Records whose hidden states are kept at a time in scoring, likewise.
_SCORED_AT_A_TIME = 1024
# Convolutions in single precision depend on the size of the batch, so all batches have this one,
# padded where records run out: scores are then the same in any company (benchmarks/precision.py).
BATCH_IN_SCORING = 8
# Training records that say what is usual, where there are more: what is learnt of so many has
# settled, and memory does not grow.
MOST_RECORDS = 15_000
# Chosen on PTB-XL fold 8 and synthetic ECGs (benchmarks/detection/score_methods.py).
SURPRISE_WEIGHT = 4.0
# Scores that need no reconstruction.
_OF_STATES = ("latent", "latent_beat")


class BaseDetector(StateMixin, OutlierMixin, BaseEstimator, metaclass=ABCMeta):
    """Base class of the detectors; a subclass declares parameters and builds its network."""

    #: Parameters that shape the network: with them, its weights can be put into a new one.
    _architecture: tuple[str, ...]
    architecture_: dict[str, int | str]
    score_method: str
    random_state: int | np.random.RandomState | None

    @abstractmethod
    def _build_module(self, n_leads: int) -> torch.nn.Module:
        """Return the untrained network, its weights drawn from torch's generator."""

    @abstractmethod
    def _build_criterion(self, n_steps: int) -> torch.nn.Module:
        """Return what training minimises, given the number of steps to come."""

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn what normal ECGs look like.

        Parameters
        ----------
        X : RecordSet or array-like of shape (n_records, n_leads, n_samples) or \
                (n_records, n_leads * n_samples)
            Normal ECGs. A RecordSet is read batch by batch and may be larger than memory.
        y : None
            Ignored: leave the anomalies out yourself, or cross-validate with `NormalsOnly`.

        Returns
        -------
        self : object
            Fitted detector.

        Raises
        ------
        SignalError
            If `X` has NaN or infinite samples, or training diverges.
        """
        with self._all_or_nothing():
            self._fit(X)
        return self

    def _fit(self, X) -> None:
        X, _ = self._fit_input(X)
        n_leads = X.shape[1]
        self.fs_ = X.fs if isinstance(X, RecordSet) else check_rate(self.fs)
        beat_leads = self._beat_leads(X.shape[1], X.shape[2])
        rng = check_random_state(self.random_state)
        seed = rng.randint(np.iinfo(np.int32).max)
        device = resolve_device(self.device)
        self.device_ = str(device)
        architecture = {name: getattr(self, name) for name in self._architecture}
        previous = getattr(self, "module_", None) if self.warm_start else None
        if previous is None:
            normalizer = LeadNormalizer(method="population").fit(X)
            self.center_, self.scale_ = normalizer.center_, normalizer.scale_
            self.history_: list[dict[str, float]] = []
        elif len(self.center_) != n_leads or architecture != self.architecture_:
            raise SignalError(
                f"warm_start goes on with a network for {len(self.center_)} leads and "
                f"{self.architecture_}, but now there are {n_leads} and {architecture}; "
                "give the same, or set warm_start=False."
            )
        self.architecture_ = architecture
        with seeded(seed, device), threads():
            module = deepcopy(previous) or self._build_module(n_leads)
            module = module.to(device).train()
            self.history_ = self.history_ + self._train(module, X, device, rng)
        self.n_leads_in_ = n_leads
        self.module_ = module.eval()
        self.__dict__.pop("directions_", None)
        self._fit_scores(X, beat_leads, rng)

    def _fit_scores(self, X, beat_leads: tuple[str, ...], rng) -> None:
        """Learn from some or all of the training records what is usual for the trained network."""
        rows = np.arange(len(X))
        if len(X) > MOST_RECORDS:
            rows = np.sort(rng.choice(len(X), MOST_RECORDS, replace=False))
            X = X[rows]
        summaries = self._summaries(X)
        features, halves = summaries["pooled"], summaries["halves"]
        if not np.isfinite(features).all():
            raise SignalError(
                "training diverged in its last step: the hidden states are not finite. Lower lr."
            )
        self.reference_ = _reference.fit_reference(
            features,
            halves if np.isfinite(halves).all() else None,
            X.record_ids if isinstance(X, RecordSet) else rows,
        )
        self.residual_scale_ = np.maximum(summaries["residual"].mean(0), 1e-12)
        self.surprise_scale_ = _reference.usual(summaries["surprise"])
        self.distance_scale_ = _reference.usual(_reference.among(self.reference_, self.n_neighbors))
        if beat_leads:
            along = self._fit_directions(X, beat_leads, rng)
            self.departure_scale_ = _reference.usual(_directions.joint_departure(along))
            summaries["along"] = along
        self.offset_ = np.percentile(self._score(summaries), 100 * self.contamination)

    def score_samples(self, X):
        """Return how normal each record is.

        Parameters
        ----------
        X : RecordSet or array-like
            Records with the leads and the length of those in `fit`.

        Returns
        -------
        ndarray of float64 of shape (n_records,)
            Higher = more normal. What it measures depends on `score_method`.
        """
        X = self._check_fitted_input(X)
        read = self._state_summaries if self.score_method in _OF_STATES else self._summaries
        scores = np.empty(len(X))
        for start in range(0, len(X), _SCORED_AT_A_TIME):
            some = slice(start, start + _SCORED_AT_A_TIME)
            scores[some] = self._score(read(X[some]))
        return scores

    def decision_function(self, X):
        """Return ``score_samples(X) - offset_``: negative where a record is flagged."""
        return self.score_samples(X) - self.offset_

    def predict(self, X):
        """Return +1 (not flagged) or -1 (flagged) for each record.

        `offset_` comes from `contamination`, which is a share of the training records and no
        false-alarm rate on new ones; see `threshold_at_false_alarm_rate`.
        """
        return np.where(self.decision_function(X) >= 0, 1, -1)

    def reconstruct(self, X):
        """Return the network's reconstruction, in the unit and shape of `X`.

        Returns
        -------
        ndarray of float32
        """
        X, generic = self._check_input(self._fitted(X))
        out = np.concatenate(
            [_single(self._signal(output.mean.numpy())) for _, _, output in self._outputs(X)]
        )
        return out.reshape(len(out), -1) if generic else out

    def anomaly_map(self, X):
        """Return where a record departs from what the network takes for normal.

        Returns
        -------
        ndarray of float32 of shape (n_records, n_leads, n_samples)
            Squared residual over the variance that the network gives that lead and sample, and
            over the mean of this in the training normals: non-negative, around 1 in normals,
            comparable across leads.
        """
        X = self._check_fitted_input(X)
        return np.concatenate(
            [
                _single(residual(x, output).numpy() / self.residual_scale_[:, None])
                for _, x, output in self._outputs(X)
            ]
        )

    def latent(self, X):
        """Return each record's coordinates among the training normals.

        Returns
        -------
        ndarray of float64 of shape (n_records, n_axes)
            Whitened and weighted by reliability: distances between records are Euclidean here,
            and the latent score is the negative mean distance to the nearest normals.
        """
        pooled = self._state_summaries(self._check_fitted_input(X))["pooled"]
        return _reference.project(self.reference_, pooled)

    def _fitted(self, X):
        check_is_fitted(self, "module_")
        return X

    def _check_fitted_input(self, X):
        return self._check_input(self._fitted(X))[0]

    def _check_input(self, X):
        if isinstance(X, RecordSet) and len(X) == 0:
            raise SignalError(f"{type(self).__name__} cannot score the empty {X!r}.")
        self._check_fitted_rate(X)
        return super()._check_input(X)

    def _tensor(self, batch: np.ndarray) -> Tensor:
        scaled = (batch.astype(np.float64) - self.center_[:, None]) / self.scale_[:, None]
        # compressed, else tall QRS complexes rule over P and T: +.008 of AUROC on PTB-XL fold 8
        return torch.from_numpy(np.arcsinh(scaled)).float()

    def _signal(self, mean: np.ndarray) -> np.ndarray:
        """Return what the network reconstructs in the unit of `X`: the inverse of `_tensor`."""
        return np.sinh(np.clip(mean, -80, 80)) * self.scale_[:, None] + self.center_[:, None]

    def _train(self, module, X, device, rng) -> list[dict[str, float]]:
        fit_rows, validation_rows = np.arange(len(X)), None
        if self.early_stopping and len(X) > 2:
            groups = X.patient_ids if isinstance(X, RecordSet) else fit_rows
            if len(np.unique(groups)) < 2:
                raise SignalError(
                    "early_stopping holds patients out, but all records are of one patient; give "
                    "patient_ids, or set early_stopping=False."
                )
            splitter = GroupShuffleSplit(1, test_size=self.validation_fraction, random_state=rng)
            fit_rows, validation_rows = next(splitter.split(fit_rows, groups=groups))
        plan = TrainingPlan(
            max_epochs=self.max_epochs,
            batch_size=self.batch_size,
            lr=self.lr,
            patience=None if validation_rows is None else self.patience,
            verbose=int(self.verbose),
        )
        n_steps = -(-len(fit_rows) // plan.batch_size) * plan.max_epochs
        return train(
            module,
            self._build_criterion(n_steps),
            plan,
            self._reader(X, fit_rows),
            None if validation_rows is None else self._reader(X, validation_rows),
            device,
        )

    def _reader(self, X, rows: np.ndarray) -> BatchReader:
        def read(batch_rows):
            chosen = rows[batch_rows]
            batch = X[chosen]
            if isinstance(batch, RecordSet):
                ids, batch = batch.record_ids, batch.load()
                self._check_finite(batch, self.leads_, ids)
            return self._tensor(batch)

        return BatchReader(read, len(rows), self._corrupt)

    def _corrupt(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return a random crop with parts hidden, and the crop."""
        n_samples = x.shape[-1]
        n_crop = n_samples if self.crop is None else max(1, round(self.crop * self.fs_))
        if n_crop < n_samples:
            start = int(torch.randint(0, n_samples - n_crop + 1, (1,)))
            x = x[..., start : start + n_crop]
        hidden = hide(
            x,
            time_fraction=self.mask_fraction,
            segment=self.stride,
            lead_fraction=self.lead_mask_fraction,
        )
        return hidden, x

    def _outputs(self, X) -> Iterator[tuple[np.ndarray, Tensor, Output]]:
        """Yield records, what the network is given and what it says of them, chunk by chunk."""
        for signals in self._batches(X, _CHUNK):
            x = self._tensor(signals)
            yield signals, x.double(), Output.join(self._run(self.module_, x), len(x))

    def _run(self, network: Callable[[Tensor], Any], x: Tensor) -> list[Any]:
        """Run the network or a part of it on batches of one size, the last one padded."""
        device = next(self.module_.parameters()).device
        padded = F.pad(x, (0, 0, 0, 0, 0, -len(x) % BATCH_IN_SCORING)).to(device)
        with torch.no_grad(), threads():
            return [network(part) for part in padded.split(BATCH_IN_SCORING)]

    def _summaries(self, X) -> dict[str, np.ndarray]:
        """Return what scores are made of, one row a record."""
        stride = int(self.architecture_["stride"])
        rows = (
            {name: value.numpy() for name, value in summarise(x, output, self.fs_, stride).items()}
            | self._beat_summaries(signals)
            for signals, x, output in self._outputs(X)
        )
        return joined(rows, len(X))

    def _state_summaries(self, X) -> dict[str, np.ndarray]:
        """Return what the scores `_OF_STATES` are made of: as `_summaries`, without the decoder."""

        def pooled(signals):
            x = self._tensor(signals)
            states = torch.cat(self._run(self.module_.encode, x))[: len(x)]
            return pool(states.cpu().double()).numpy()

        rows = (
            {"pooled": pooled(signals)} | self._beat_summaries(signals)
            for signals in self._batches(X, _CHUNK)
        )
        return joined(rows, len(X))

    def _beat_summaries(self, signals: np.ndarray) -> dict[str, np.ndarray]:
        if self.score_method == "latent_beat" and hasattr(self, "directions_"):
            return {"along": self._along(signals)}
        return {}

    def _score(self, summaries: dict[str, np.ndarray]) -> np.ndarray:
        method = self.score_method
        if method == "reconstruction":
            return -summaries["error"]
        if method == "elbo":
            return -summaries["negative_elbo"]
        if method == "attention":
            return -summaries["attended"]
        distance = _reference.distance(self.reference_, summaries["pooled"], self.n_neighbors)
        if method == "latent":
            return -distance
        if method == "latent_beat":
            self._check_directions()
            departure = _directions.joint_departure(summaries["along"])
            # both in deviations from the usual: unequal weights gain less than .001 on fold 8
            far = _reference.standing(distance, self.distance_scale_)
            return -(far + _reference.standing(departure, self.departure_scale_))
        center, scale = self.surprise_scale_
        # the logarithm keeps artefacts from ruling: it cost half as much on PTB-XL
        surprise = np.log1p(np.maximum(0.0, (summaries["surprise"] - center) / scale))
        return -np.hypot(distance, SURPRISE_WEIGHT * surprise)


def _single(x: np.ndarray) -> np.ndarray:
    """Return the array in single precision, huge numbers as the largest that it holds."""
    limits = np.finfo(np.float32)
    return np.clip(x, limits.min, limits.max).astype(np.float32)
