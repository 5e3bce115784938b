"""The main job, start to end: train on normals, score what was never seen, show it."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from .datasets import ECGDataset
from .detectors import GatedDetector
from .errors import ECGError
from .evaluation import describe, evaluate_scores
from .experiment import (
    FittedExperiment,
    fit_experiment,
    load_config,
    load_datasets,
)
from .model_selection import scores_or_nan
from .plotting import plot_ecg, plot_precision_recall, plot_roc, plot_score_histogram
from .records import Record, RecordSet
from .scoring import detector_of

logger = logging.getLogger(__name__)
_EXPERIMENTS = ("vae_mha", "cae")


@dataclass
class DemoResult:
    """What the demo found.

    Attributes
    ----------
    description : str
        The test data, and what normal means in it.
    table : DataFrame
        One row a detector.
    files : list of Path
        The pictures and the table.
    """

    description: str
    table: pd.DataFrame
    files: list[Path]


def run_demo(folder: Path | None, out: Path, *, verbose: int = 0) -> DemoResult:
    """Train `VAEMHADetector` and `CAEDetector`, compare them, and write pictures.

    Parameters
    ----------
    folder : Path or None
        Holds ``ptbxl/``; None takes synthetic ECGs.
    out : Path
        Folder for the pictures; made where it is missing.
    verbose : int, default=0
        1 shows progress bars.

    Returns
    -------
    DemoResult

    Raises
    ------
    ECGError
        If the data is not there or `out` cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ECGError(f"{out}: cannot be made ({error.strerror}); choose another --out.") from None
    prefix = "synthetic_" if folder is None else ""
    scores: dict[str, np.ndarray] = {}
    fitted: dict[str, FittedExperiment] = {}
    scoring_seconds = {}
    for short in _EXPERIMENTS:
        config = load_config(prefix + short)
        training, test = load_datasets(config, folder)
        experiment = fit_experiment(config, training, verbose=verbose)
        name = type(detector_of(experiment.model)).__name__
        started = time.perf_counter()
        scores[name] = scores_or_nan(experiment.model, test.X)
        scoring_seconds[name] = time.perf_counter() - started
        fitted[name] = experiment
    thresholds = {name: experiment.threshold for name, experiment in fitted.items()}
    table = evaluate_scores(test, scores, thresholds=thresholds)
    table["fit s"] = pd.Series({name: e.seconds for name, e in fitted.items()})
    table["score s"] = pd.Series(scoring_seconds)
    first = next(iter(scores))
    description = describe(test)
    scorable = np.all([np.isfinite(values) for values in scores.values()], axis=0)
    test = test[scorable]
    scores = {name: values[scorable] for name, values in scores.items()}
    figures = {
        "score_histogram": plot_score_histogram(test.y, scores[first], thresholds[first]),
        "roc": plot_roc(test.y, scores),
        "precision_recall": plot_precision_recall(test.y, scores),
        "anomalous_ecg": _plot_anomaly(fitted[first], test, scores[first]),
    }
    files = [out / "table.csv"]
    table.to_csv(files[0])
    for name, figure in figures.items():
        files.append(out / f"{name}.png")
        figure.savefig(files[-1], dpi=150)
    return DemoResult(description, table, files)


def _plot_anomaly(experiment: FittedExperiment, test: ECGDataset, scores: np.ndarray):
    """Draw a typical flagged anomaly as the network sees it, with its reconstruction and map."""
    flagged = np.flatnonzero((test.y == -1) & (scores < experiment.threshold))
    candidates = flagged if len(flagged) else np.flatnonzero(test.y == -1)
    # the median: extremes are often artefacts
    row = candidates[np.argsort(scores[candidates])[len(candidates) // 2]]
    one = test.X[[row]]
    records = one if isinstance(one, RecordSet) else RecordSet(one, fs=test.fs, record_ids=[row])
    model = experiment.model.estimator_
    if isinstance(model, GatedDetector):
        records, model = model.imputer_.transform(records), model.detector_
    detector = model[-1]
    band = None
    if len(model) > 1:
        records = model[:-1].transform(records)
        params = model[0].get_params()
        band = (params.get("lowcut"), params.get("highcut"))
    record: Record = records[0]
    details = test.table.iloc[row]
    what = details["kind"] if "kind" in details else ", ".join(details["scp_codes"])
    return plot_ecg(
        record,
        reconstruction=detector.reconstruct(records)[0],
        anomaly_map=detector.anomaly_map(records)[0],
        band=band,
        title=f"{test.name} record {record.record_id} ({what}): input of {type(detector).__name__}",
    )
