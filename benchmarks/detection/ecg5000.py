"""One-class detection on ECG5000: our detectors beside simple ones, pyod, aeon and an MLP VAE.

    python -m benchmarks.detection.ecg5000 DIR [--seeds 0 1 2 3 4] [--only NAME ...]

DIR holds ECG5000 as ``ecg5000/``. Everything is fitted on the 292 normals of TRAIN (class 1) and
measured on the rows of TEST at hand, where class 1 stands against the others. All beats are of one
patient: nothing here says how a detector does on the next one, and intervals come from draws of
rows.

Parameters are chosen on TRAIN alone, for simple detectors and ours alike: three folds of its
normals, each fitted on two, and scored on the third beside the 208 anomalies of TRAIN; the highest
mean AUROC counts. All that was tried is in the result. Peers keep the parameters that they were
published with. Writes benchmarks/results/ecg5000.json and ecg5000.csv; with ``--only``, the rows of
these detectors anew.
"""

import argparse
import json
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
from benchmarks.peers import MLPVAEPeer, library_peers
from benchmarks.peers.circumstances import circumstances
from sklearn.ensemble import IsolationForest
from sklearn.model_selection import KFold
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM

from ecg_anomaly import CAEDetector, VAEBiLSTMDetector, VAEMHADetector
from ecg_anomaly.baselines import (
    DistanceDetector,
    NearestNormals,
    RandomKernels,
    ResidualDetector,
)
from ecg_anomaly.datasets import load_ecg5000
from ecg_anomaly.metrics import (
    anomaly_auprc,
    anomaly_auroc,
    bootstrap_interval,
    sensitivity_at_specificity,
)

RESULTS = Path(__file__).parents[1] / "results"
N_FOLDS = 3
# Nominal: beats were stretched to 140 samples.
FS = 180.0
#: Of a network: stride, share hidden in training, epochs, copies of each beat, other parameters.
NETWORK_TRIES = [
    (8, 0.3, 30, 1, {}),
    (8, 0.3, 30, 1, {"channels": 32}),
    (8, 0.0, 30, 1, {}),
    (8, 0.3, 10, 6, {}),
    (8, 0.0, 10, 6, {}),
    (4, 0.3, 30, 1, {}),
    (35, 0.0, 30, 1, {}),
    (35, 0.3, 10, 6, {}),
]
NEIGHBOURS = (1, 2, 5)


def jittered(X, copies, seed):
    """Return the beats and copies of them, moved by up to 2 samples, rescaled, with noise."""
    rng = np.random.default_rng(seed)
    times = np.arange(X.shape[-1])
    parts = [X]
    for _ in range(copies - 1):
        shifts = rng.uniform(-2, 2, len(X))
        moved = [np.interp(times + s, times, beat[0]) for s, beat in zip(shifts, X, strict=True)]
        gain = 1 + 0.03 * rng.normal(size=(len(X), 1))
        parts.append((gain * moved + 0.05 * rng.normal(size=(len(X), len(times))))[:, None])
    return np.concatenate(parts).astype(np.float32)


class Flat:
    """A detector of scikit-learn, given the samples."""

    def __init__(self, detector):
        self.detector = detector

    def fit(self, X):
        """Fit on beats of shape (n, 1, n_samples)."""
        self.detector.fit(X[:, 0])
        return self

    def score_samples(self, X):
        """Return its scores: higher = more normal."""
        return self.detector.score_samples(X[:, 0])


def network(detector, methods):
    """Return what to try of one of our detectors: (label, make, copies, what scoring may vary)."""
    scorings = [
        {"score_method": method, **({"n_neighbors": k} if k else {})}
        for method in methods
        for k in (NEIGHBOURS if method in ("latent", "combined") else (0,))
    ]

    def attempt(stride, mask, epochs, copies, others):
        params = {"stride": stride, "mask_fraction": mask, "max_epochs": epochs, **others}
        fixed = {"lead_mask_fraction": 0.0, "crop": None, "fs": FS}
        return (
            params | {"copies": copies},
            lambda seed: detector(**params, **fixed, random_state=seed),
            copies,
            scorings,
        )

    return [attempt(*one) for one in NETWORK_TRIES]


def simple(make, **grid):
    """Return what to try of a simple detector: each value of its one parameter, or nothing."""
    ((name, values),) = grid.items() if grid else (("", (None,)),)
    tries = []
    for value in values:
        params = {} if value is None else {name: value}
        tries.append((params, lambda seed, params=params: make(seed, **params), 1, [{}]))
    return tries


def rows():
    """Return by name what to try of each detector."""
    methods = ["latent", "combined", "reconstruction"]
    ours = {
        detector.__name__: network(detector, methods)
        for detector in (CAEDetector, VAEBiLSTMDetector, VAEMHADetector)
    }
    neighbours = {"n_neighbors": NEIGHBOURS}
    simple_ones = {
        "nearest neighbours": simple(lambda _, **p: Flat(NearestNormals(**p)), **neighbours),
        "LOF": simple(
            lambda _, **p: Flat(LocalOutlierFactor(novelty=True, **p)),
            n_neighbors=(3, 5, 10, 20, 35),
        ),
        "one-class SVM": simple(lambda _, **p: Flat(OneClassSVM(**p)), nu=(0.01, 0.05, 0.1, 0.5)),
        "PCA residual": simple(
            lambda seed, **p: Flat(ResidualDetector(**p, random_state=seed)),
            n_components=(2, 4, 8, 16, 32, 64),
        ),
        "Mahalanobis": simple(lambda _: Flat(DistanceDetector(metric="mahalanobis"))),
        "mean distance": simple(lambda _: Flat(DistanceDetector())),
        "isolation forest": simple(lambda seed: Flat(IsolationForest(random_state=seed))),
        "random kernels, PCA residual": simple(
            lambda seed, **p: make_pipeline(
                RandomKernels(fs=FS, random_state=seed),
                StandardScaler(),
                ResidualDetector(**p, random_state=seed),
            ),
            n_components=(16, 32, 64, 128),
        ),
    }
    peers = {"MLP VAE (published)": simple(lambda seed: MLPVAEPeer(random_state=seed))}
    for name in library_peers():
        # pipelines begin with transforms of aeon, which read arrays of beats too
        peers[name] = simple(lambda seed, name=name: library_peers(seed)[name])
    return ours | simple_ones | peers


def chosen(tries, X, y):
    """Return the best try with how to score, and the cross-validated AUROC of all of them."""
    normals, anomalies = np.flatnonzero(y == 1), np.flatnonzero(y == -1)
    folds = list(KFold(N_FOLDS, shuffle=True, random_state=0).split(normals))
    told, best = [], None
    for params, make, copies, scorings in tries:
        found = np.zeros((len(folds), len(scorings)))
        for fold, (fit_rows, held_out) in enumerate(folds):
            model = make(fold).fit(jittered(X[normals[fit_rows]], copies, fold))
            test = np.concatenate([normals[held_out], anomalies])
            for k, scoring in enumerate(scorings):
                if scoring:
                    model.set_params(**scoring)
                found[fold, k] = anomaly_auroc(y[test], model.score_samples(X[test]))
        for scoring, auroc in zip(scorings, found.mean(0).tolist(), strict=True):
            told.append({**params, **scoring, "AUROC on TRAIN": round(auroc, 5)})
            if best is None or auroc > best[0]:
                best = auroc, make, copies, scoring, told[-1]
    return best, told


def measured(y, scores):
    """Return the measures of one seed on the test rows."""
    interval = bootstrap_interval(anomaly_auroc, y, scores, n_resamples=1000, random_state=0)
    return {
        "AUROC": anomaly_auroc(y, scores),
        "AUROC low": interval.low,
        "AUROC high": interval.high,
        "AUPRC": anomaly_auprc(y, scores),
        "sens. at 95 % spec.": sensitivity_at_specificity(y, scores, 0.95),
    }


def write(training, test, seeds, results, tries):
    """Write what there is so far, in the order of `rows`."""
    order = list(rows())
    results = sorted(results, key=lambda row: order.index(row["detector"]))
    n_normals, n_anomalies = (int(np.sum(test.y == label)) for label in (1, -1))
    document = {
        "training": f"{int(np.sum(training.y == 1))} normals of TRAIN",
        "test": f"{n_normals} normals and {n_anomalies} anomalies of TEST; {test.excluded}; "
        "one patient: intervals from draws of rows, for the first seed",
        "rule": f"parameters by mean AUROC over {N_FOLDS} folds of TRAIN; test rows unseen",
        "seeds": seeds,
        "results": results,
        "tries": tries,
        **circumstances(),
    }
    (RESULTS / "ecg5000.json").write_text(json.dumps(document, indent=1, default=float) + "\n")
    table = pd.DataFrame(results).drop(columns="AUROC of seeds")
    table.to_csv(RESULTS / "ecg5000.csv", index=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--only", nargs="+", metavar="NAME")
    arguments = parser.parse_args()
    training = load_ecg5000(arguments.data / "ecg5000", split="train")
    test = load_ecg5000(arguments.data / "ecg5000", split="test")
    X, y = training.X.load(), training.y
    X_test = test.X.load()
    # a detector without anything random gives the same with every seed
    fixed = {"nearest neighbours", "LOF", "one-class SVM", "Mahalanobis", "mean distance",
             "pyod ECOD", "aeon Catch22, Mahalanobis"}  # fmt: skip
    results, all_tries = [], {}
    if arguments.only is not None:
        before = json.loads((RESULTS / "ecg5000.json").read_text())
        results = [row for row in before["results"] if row["detector"] not in arguments.only]
        all_tries = before["tries"]
    for name, tries in rows().items():
        if arguments.only is not None and name not in arguments.only:
            continue
        started = perf_counter()
        (auroc, make, copies, scoring, what), all_tries[name] = chosen(tries, X, y)
        searched = perf_counter() - started
        seeds = arguments.seeds[:1] if name in fixed else arguments.seeds
        of_seeds, fit_seconds, score_seconds = [], [], []
        for seed in seeds:
            started = perf_counter()
            model = make(seed).fit(jittered(X[y == 1], copies, seed))
            fitted = perf_counter()
            if scoring:
                model.set_params(**scoring)
            scores = model.score_samples(X_test)
            score_seconds.append(perf_counter() - fitted)
            fit_seconds.append(fitted - started)
            of_seeds.append(measured(test.y, scores))
        frame = pd.DataFrame(of_seeds)
        row = {"detector": name, "AUROC": float(frame["AUROC"].mean())}
        # of the first seed
        row |= {key: of_seeds[0][key] for key in ("AUROC low", "AUROC high")}
        row |= {
            "AUROC sd": float(frame["AUROC"].std()) if len(seeds) > 1 else None,
            "AUROC on TRAIN": auroc,
            **frame[["AUPRC", "sens. at 95 % spec."]].mean().to_dict(),
            "seeds": len(seeds),
            "fit s": float(np.median(fit_seconds)),
            "records/s": len(test) / float(np.median(score_seconds)),
            "search s": searched,
            "chosen": {key: value for key, value in what.items() if key != "AUROC on TRAIN"},
            "AUROC of seeds": frame["AUROC"].round(5).tolist(),
        }
        results.append(row)
        print({key: round(v, 4) if isinstance(v, float) else v for key, v in row.items()},
              flush=True)  # fmt: skip
        write(training, test, arguments.seeds, results, all_tries)


if __name__ == "__main__":
    main()
