"""Many detectors, one protocol."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from joblib.externals.loky.process_executor import TerminatedWorkerError

from ..datasets import ECGDataset
from ..errors import DatasetError, ECGError
from ..metrics import check_labels
from ..model_selection import assert_disjoint
from ..model_selection.disjoint import record_digests
from .cells import Cell, cell_key, cell_path, is_ready, load_cell, run_cell, save_cell
from .protocol import Protocol
from .result import Evaluation, test_facts
from .scores import AGE_ONLY, describe

logger = logging.getLogger(__name__)
Task = tuple[str, Any, int | None]


def evaluate(
    detectors: Mapping[str, Any],
    data: tuple[ECGDataset, ECGDataset],
    protocol: Protocol | None = None,
    *,
    folder: str | Path | None = None,
    n_jobs: int = 1,
    progress: Callable[[Cell, int, int], None] | None = None,
) -> Evaluation:
    """Compare detectors: the same splits, several seeds, thresholds from held-out patients.

    Parameters
    ----------
    detectors : mapping of str to estimator
        Detectors, Pipelines, `GatedDetector`, baselines. They are cloned, their `random_state` set
        to the seed, and fitted on training normals; `TunedThresholdDetector` and
        `ConformalDetector` set their own thresholds, others get the protocol's. A fitted
        `TunedThresholdDetector` or `ConformalDetector` is taken as it is.
    data : (ECGDataset, ECGDataset)
        For training and threshold, and for the test. No patient may be in both; training records
        that are identical with a test record are left out.
    protocol : Protocol, optional
    folder : str or Path, optional
        Where each detector and seed is kept as soon as it is done: after a break the same call goes
        on with the rest. Data, parameters, protocol and versions tell whether it is the same; after
        a change of a detector's code take another folder.
    n_jobs : int, default=1
        Detectors fitted at a time, in processes of their own.
    progress : callable, optional
        Called with each `Cell`, how many are done, and how many there are.

    Returns
    -------
    Evaluation

    Raises
    ------
    DatasetError
        If a patient is in training and test, or a threshold was set on test records.
    LabelError
        If labels are other than +1 and -1.
    ECGError
        If a detector fails; the message names it. What was done is kept in `folder`.

    Examples
    --------
    >>> from ecg_anomaly import CAEDetector, make_ecg
    >>> from ecg_anomaly.baselines import make_baseline
    >>> training = make_ecg(120, duration=4, random_state=0)
    >>> test = make_ecg(60, duration=4, anomalies="lvh", random_state=1)
    >>> test.groups = test.groups + 1000  # other patients
    >>> detectors = {"CAE": CAEDetector(max_epochs=1), "mean": make_baseline("mean distance")}
    >>> result = evaluate(detectors, (training, test), Protocol(seeds=(0,), n_resamples=20))
    >>> result.to_frame().index.tolist()
    ['CAE', 'mean', 'age only']
    """
    from joblib import Parallel, delayed

    protocol = Protocol() if protocol is None else protocol
    training, test = data
    if not detectors:
        raise ECGError("there is no detector to evaluate; give one or more by name.")
    if AGE_ONLY in detectors:
        raise ECGError(f"{AGE_ONLY!r} is the name of a row that every table has; choose another.")
    check_labels(test.y, np.zeros(len(test)))
    facts = test_facts(test, protocol)
    training, test_digests, digest = _apart(training, test)
    tasks: list[Task] = [
        (name, estimator, seed)
        for name, estimator in detectors.items()
        for seed in ((None,) if is_ready(estimator) else protocol.seeds)
    ]
    kept = None if folder is None else _folder(folder)
    cells: dict[tuple[str, int | None], Cell] = {}
    waiting = []
    for name, estimator, seed in tasks:
        found, key = None, ""
        if kept is not None:
            key = cell_key(estimator, seed, digest, protocol)
            found = load_cell(cell_path(kept, name, seed), key)
        if found is None:
            waiting.append((name, estimator, seed, key))
        else:
            cells[name, seed] = found
            _tell(progress, found, len(cells), len(tasks))

    def work(name: str, estimator: Any, seed: int | None, key: str) -> Cell:
        cell = run_cell(name, estimator, seed, training, test, test_digests, protocol)
        if kept is not None:
            save_cell(cell_path(kept, name, seed), cell, key)
        return cell

    parallel = Parallel(n_jobs=n_jobs, return_as="generator_unordered")
    try:
        for cell in parallel(delayed(work)(*task) for task in waiting):
            cells[cell.detector, cell.seed] = cell
            _tell(progress, cell, len(cells), len(tasks))
    except TerminatedWorkerError as error:
        raise ECGError(
            "a process was ended from outside, most likely for want of memory; run the same again "
            "with fewer n_jobs, and what is done will be kept."
        ) from error
    return Evaluation(
        protocol=protocol,
        cells=[cells[name, seed] for name, _, seed in tasks],
        test=facts,
        training_description=describe(training),
        test_description=describe(test),
    )


def _apart(training: ECGDataset, test: ECGDataset) -> tuple[ECGDataset, np.ndarray, str]:
    """Return the training data without test records, digests of these, and one of everything."""
    assert_disjoint(training.groups, test.groups, names=["training", "test"])
    values = set(np.unique(training.y).tolist())
    if not values <= {-1, 1} or 1 not in values:
        raise DatasetError(
            f"training labels are {sorted(values)}; they must be +1 (normal) and -1 (anomaly), "
            "with normals among them."
        )
    of_training, of_test = record_digests(training.X), record_digests(test.X)
    twins = np.isin(of_training, of_test)
    if twins.any():
        training = training[~twins]
        reason = "identical with a test record"
        training.excluded[reason] = training.excluded.get(reason, 0) + int(twins.sum())
        logger.info("%d training records are %s and left out", twins.sum(), reason)
    everything = hashlib.sha256()
    for digests, dataset in ((of_training[~twins], training), (of_test, test)):
        groups = np.unique(dataset.groups, return_inverse=True)[1]
        for part in (digests, dataset.y.astype(np.int64), groups.astype(np.int64)):
            everything.update(part.tobytes())
        told = (dataset.fs, getattr(dataset.X, "leads", None), dataset.X.shape)
        everything.update(repr(told).encode())
        # detectors may look at these columns too, such as age
        everything.update(dataset.table.astype(str).to_csv(index=False).encode())
    return training, of_test, everything.hexdigest()


def _folder(folder: str | Path) -> Path:
    # whole: processes may have another working directory
    folder = Path(folder).resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ECGError(f"{folder}: cannot be made ({error.strerror}); choose another.") from None
    return folder


def _tell(progress, cell: Cell, n_done: int, n_all: int) -> None:
    seconds = cell.fit_seconds + cell.score_seconds
    logger.info("%d of %d: %s, seed %s, %.0f s", n_done, n_all, cell.detector, cell.seed, seconds)
    if progress is not None:
        progress(cell, n_done, n_all)
