"""One detector with one seed: fitted, threshold set, test records scored; kept in a file."""

from __future__ import annotations

import hashlib
import io
import json
import re
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from .. import __version__
from ..datasets import ECGDataset
from ..errors import DatasetError, ECGError
from ..metrics import Interval
from ..model_selection import TunedThresholdDetector, scores_or_nan
from ..model_selection._held_out import HeldOutDetector
from ..persistence import write_whole
from .protocol import Protocol

_ARRAYS = ("scores", "thresholds", "calibration")
# Databases hold a few records twice, under two patients: such a share of them is no leak.
_STRAY_TWINS = 0.01
_LIBRARIES = ("numpy", "scipy", "scikit-learn", "torch")
_FACTS = ("detector", "seed", "expected", "fit_seconds", "score_seconds", "is_oracle")


@dataclass(frozen=True, eq=False)
class Cell:
    """What one detector gave with one seed.

    Attributes
    ----------
    detector : str
    seed : int or None
        None for a model that came fitted.
    scores, thresholds : ndarray of shape (n_test,)
        NaN scores where a record is not scorable; below its threshold a record is flagged.
    calibration : ndarray of shape (n_held_out_normals,)
        Scores of the normals that set the threshold.
    expected : Interval
        False-alarm rate that was predicted for the test normals.
    fit_seconds, score_seconds : float
    is_oracle : bool
        Whether the threshold was set on test records.
    """

    detector: str
    seed: int | None
    scores: np.ndarray
    thresholds: np.ndarray
    calibration: np.ndarray
    expected: Interval
    fit_seconds: float
    score_seconds: float
    is_oracle: bool = False


def is_ready(estimator: Any) -> bool:
    """Return whether an estimator came fitted, with a threshold of its own."""
    if not isinstance(estimator, HeldOutDetector):
        return False
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        return False
    return True


def run_cell(
    name: str,
    estimator: Any,
    seed: int | None,
    training: ECGDataset,
    test: ECGDataset,
    test_digests: np.ndarray,
    protocol: Protocol,
) -> Cell:
    """Fit a detector, set its threshold, score the test records.

    Raises
    ------
    ECGError
        If the detector cannot be fitted or used; the message names it.
    DatasetError
        If its threshold was set on test records.
    """
    started = time.perf_counter()
    try:
        model = estimator if seed is None else _fitted(estimator, seed, training, protocol)
        fitted = time.perf_counter()
        scores = scores_or_nan(model, test.X)
        thresholds = model.thresholds(test.X)
    except Exception as error:  # whatever a detector raises, the message must name it
        told = "" if seed is None else f" with seed {seed}"
        problem = str(error) or type(error).__name__
        raise ECGError(f"{name!r}{told} fails: {problem}") from error
    scored = time.perf_counter()
    is_oracle = tuned_on(model, test_digests)
    if is_oracle and not protocol.oracle:
        refuse_oracle(name)
    expected = model.predicted_rates(n_normals=int(np.sum(test.y == 1)))
    return Cell(
        detector=name,
        seed=seed,
        scores=scores,
        thresholds=thresholds,
        calibration=model.calibration_scores,
        expected=expected["false_alarm_rate"],
        fit_seconds=fitted - started,
        score_seconds=scored - fitted,
        is_oracle=is_oracle,
    )


def tuned_on(model: Any, digests: np.ndarray) -> bool:
    """Return whether a model's threshold was set on these records, but for stray twins."""
    return bool(np.isin(digests, getattr(model, "tuned_on_", ())).mean() > _STRAY_TWINS)


def refuse_oracle(name: str) -> None:
    """Refuse a model whose threshold was set on test records.

    Raises
    ------
    DatasetError
        Always.
    """
    raise DatasetError(
        f"the threshold of {name!r} was set on test records; set it on others, or ask for "
        "Protocol(oracle=True), which labels it."
    )


def cell_key(estimator: Any, seed: int | None, data_digest: str, protocol: Protocol) -> str:
    """Return a digest of everything that a cell depends on but the code of the detector."""
    # what came fitted is told by the scores that set its threshold
    came_with = estimator.calibration_scores.tolist() if seed is None else None
    parts = {
        "class": f"{type(estimator).__module__}.{type(estimator).__qualname__}",
        "params": joblib.hash(estimator.get_params(deep=True)),
        "calibration": came_with,
        "seed": seed,
        "data": data_digest,
        "target": repr(protocol.target),
        "holdout": protocol.holdout,
        "oracle": protocol.oracle,
        "versions": [__version__, *(version(name) for name in _LIBRARIES)],
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def cell_path(folder: Path, name: str, seed: int | None) -> Path:
    """Return the file of a cell."""
    told = "fitted" if seed is None else f"seed{seed}"
    # two names may differ in what a file name cannot have
    digest = hashlib.sha256(name.encode()).hexdigest()[:6]
    return folder / f"{re.sub(r'[^A-Za-z0-9]+', '_', name)[:60]}-{digest}-{told}.npz"


def save_cell(path: Path, cell: Cell, key: str) -> None:
    """Write a cell, whole or not at all.

    Raises
    ------
    ECGError
        If it cannot be written.
    """
    facts = {name: getattr(cell, name) for name in _FACTS} | {"key": key}
    arrays = {name: getattr(cell, name) for name in _ARRAYS}
    content = io.BytesIO()
    np.savez(content, facts=np.array(json.dumps(facts)), **arrays)
    write_whole(path, content.getvalue())


def load_cell(path: Path, key: str) -> Cell | None:
    """Return the cell in a file, None if there is none, or one of something else."""
    try:
        # opened here: of a damaged file, numpy would leave it open
        with path.open("rb") as file, np.load(file, allow_pickle=False) as content:
            facts = json.loads(str(content["facts"]))
            arrays = {name: content[name] for name in _ARRAYS}
        if facts.pop("key") != key or set(facts) != set(_FACTS):
            return None
        return Cell(**{**facts, "expected": Interval(*facts["expected"])}, **arrays)
    except Exception:  # damaged in whatever way: it is computed again
        return None


def _fitted(estimator: Any, seed: int, training: ECGDataset, protocol: Protocol) -> HeldOutDetector:
    model = clone(estimator)
    if not isinstance(model, HeldOutDetector):
        model = TunedThresholdDetector(model, protocol.target, holdout=protocol.holdout)
    states = [key for key in model.get_params() if key.split("__")[-1] == "random_state"]
    model.set_params(**dict.fromkeys(states, seed))
    target = getattr(model, "target", None)
    if target is None or not target.uses_anomalies:  # scoring them would cost time for nothing
        training = training[training.y == 1]
    return model.fit(training.X, training.y, groups=training.groups)
