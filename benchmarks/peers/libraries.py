"""Detectors and transforms of pyod and aeon behind the interface of this package.

Neither is needed to import this file. ``pip install pyod`` needs nothing older than what
constraints.txt pins; aeon 1.6 asks for pandas < 3.1 and numba < 0.64, but what is used here runs
with later ones: ``pip install --no-deps aeon==1.6.0`` and ``pip install deprecated numba``.

Of aeon's detectors on collections of whole series only ROCKAD can be compared:
OutlierDetectionAdapter gives labels and no scores, ClassificationAdapter learns from anomalies, and
the detectors of ``aeon.anomaly_detection.series`` look for places within one series. Its transforms
MiniRocket and Catch22 stand before a distance instead.
"""

from __future__ import annotations

import importlib
from contextlib import contextmanager

import numpy as np
import torch
from sklearn.base import BaseEstimator, OutlierMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from ecg_anomaly._training import seeded, threads

from .network import CONTAMINATION, signals

_PYOD = {
    "AutoEncoder": "auto_encoder",
    "VAE": "vae",
    "DeepSVDD": "deep_svdd",
    "ECOD": "ecod",
}
_AEON = {
    "MiniRocket": "convolution_based",
    "Rocket": "convolution_based",
    "Catch22": "feature_based",
}
# Rows that ECOD ranks at a time beside the training rows: bounds memory.
_CHUNK = 512


def _seed(random_state) -> int:
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))


@contextmanager
def _own_generator():
    """Keep torch's generator as it was: pyod seeds it and draws from it, for the whole process."""
    with seeded(0, torch.device("cpu")), threads():
        yield


class _ScoredPeer(OutlierMixin, BaseEstimator):
    """Base class: `predict` from `score_samples`."""

    def decision_function(self, X):
        """Return ``score_samples(X) - offset_``: negative where a record is flagged."""
        return self.score_samples(X) - self.offset_

    def predict(self, X):
        """Return +1 (not flagged) or -1 (flagged) for each record."""
        return np.where(self.decision_function(X) >= 0, 1, -1)


class PyODPeer(_ScoredPeer):
    """A detector of pyod with its defaults, on the samples lead after lead.

    Parameters
    ----------
    name : {"AutoEncoder", "VAE", "DeepSVDD", "ECOD"}
        ECOD ranks new records together with the training records: its scores depend a little on
        what else is scored.
    epochs : int or None, default=None
        None: pyod's own (10, 30 and 100). ECOD has none.
    random_state : int, RandomState or None, default=None

    Attributes
    ----------
    detector_ : object
        That of pyod.
    offset_ : float

    References
    ----------
    Zhao, Nasrullah and Li, "PyOD: a Python toolbox for scalable outlier detection", JMLR 2019.
    """

    def __init__(self, name="AutoEncoder", *, epochs=None, random_state=None):
        self.name = name
        self.epochs = epochs
        self.random_state = random_state

    def fit(self, X, y=None):
        """Learn from normal ECGs, arrays (2-D or 3-D) or a RecordSet."""
        module = importlib.import_module(f"pyod.models.{_PYOD[self.name]}")
        table = signals(X).reshape(len(X), -1)
        params = {"contamination": CONTAMINATION}
        if self.name != "ECOD":
            params |= {"random_state": _seed(self.random_state), "verbose": 0}
        if self.name == "DeepSVDD":
            params["n_features"] = table.shape[1]
        if self.name in ("AutoEncoder", "VAE"):  # which drop a batch that is not full
            params["batch_size"] = min(32, len(table))
        if self.epochs is not None and self.name != "ECOD":
            params["epochs" if self.name == "DeepSVDD" else "epoch_num"] = self.epochs
        with _own_generator():
            self.detector_ = getattr(module, self.name)(**params).fit(table)
        self.offset_ = -np.percentile(self.detector_.decision_scores_, 100 * (1 - CONTAMINATION))
        return self

    def score_samples(self, X):
        """Return minus pyod's outlier scores: higher = more normal."""
        check_is_fitted(self, "detector_")
        x = signals(X)
        table = x.reshape(len(x), -1)
        parts = (table[k : k + _CHUNK] for k in range(0, len(table), _CHUNK))
        with _own_generator():
            return -np.concatenate([self.detector_.decision_function(part) for part in parts])


class RockadPeer(_ScoredPeer):
    """ROCKAD of aeon: distances to the nearest normals, on power-transformed random kernels.

    Parameters
    ----------
    n_kernels : int, default=100
        As in aeon.
    random_state : int, RandomState or None, default=None

    Attributes
    ----------
    detector_ : object
        That of aeon.
    offset_ : float

    References
    ----------
    Theissler, Wengert and Gerschner, "ROCKAD: transferring ROCKET to whole time series anomaly
    detection", IDA 2023. Middlehurst et al., "aeon: a Python toolkit for learning from time
    series", JMLR 2024.
    """

    def __init__(self, n_kernels=100, *, random_state=None):
        self.n_kernels = n_kernels
        self.random_state = random_state

    def fit(self, X, y=None):
        """Learn from normal ECGs, arrays (2-D or 3-D) or a RecordSet."""
        from aeon.anomaly_detection.collection import ROCKAD

        x = signals(X)
        seed = _seed(self.random_state)
        self.detector_ = ROCKAD(n_kernels=self.n_kernels, random_state=seed).fit(x)
        self.offset_ = np.percentile(self.score_samples(x), 100 * CONTAMINATION)
        return self

    def score_samples(self, X):
        """Return minus ROCKAD's scores: higher = more normal."""
        check_is_fitted(self, "detector_")
        return -self.detector_.predict(signals(X))


class AeonFeatures(TransformerMixin, BaseEstimator):
    """A transform of aeon on collections, as a step before a distance.

    Parameters
    ----------
    name : {"MiniRocket", "Rocket", "Catch22"}
    random_state : int, RandomState or None, default=None
        Catch22 has nothing random.

    Attributes
    ----------
    transform_ : object
        That of aeon.
    """

    def __init__(self, name="MiniRocket", *, random_state=None):
        self.name = name
        self.random_state = random_state

    def fit(self, X, y=None):
        """Learn what the transform needs, such as the biases of the kernels."""
        module = importlib.import_module(f"aeon.transformations.collection.{_AEON[self.name]}")
        params = {} if self.name == "Catch22" else {"random_state": _seed(self.random_state)}
        self.transform_ = getattr(module, self.name)(**params).fit(self._collection(X))
        return self

    def transform(self, X):
        """Return features of shape (n_records, n_features); NaN of constant leads become 0."""
        check_is_fitted(self, "transform_")
        return np.nan_to_num(np.asarray(self.transform_.transform(self._collection(X))))

    def _collection(self, X) -> np.ndarray:
        x = signals(X)
        # Catch22 is compiled for double precision only
        return x.astype(np.float64) if self.name == "Catch22" else x
