"""What four leaks of published evaluations add, on MIT-BIH and PTB-XL.

    python benchmarks/leaks.py DIR [--seeds 0]

DIR holds ``mitdb`` and ``ptbxl``. Every leak is made on purpose and measured beside the honest way
on the same windows:

- window-level split: windows of one patient on both sides, where the honest split is by patient;
- threshold on test: that of the best F1 on the test labels, not on held-out training patients;
- scaler on test: features standardised with the test windows, anomalies too;
- checkpoint on test: the epoch of the best AUROC on the test windows, not on held-out patients;
- all of them together.

MIT-BIH: single beats of 2 s, of all patients without pacemakers. PTB-XL: windows of 2.5 s that
overlap by half, of normal and abnormal records of folds 1 to 8. Three folds a seed; the detector is
`CAEDetector` for the checkpoint, and both it and random kernels for the split and the threshold.
Writes benchmarks/results/leaks.json.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ecg_anomaly import BandpassFilter, CAEDetector, TunedThresholdDetector
from ecg_anomaly.baselines import RandomKernels, ResidualDetector
from ecg_anomaly.datasets import load_mitbih, load_ptbxl
from ecg_anomaly.metrics import alarm_rates, anomaly_auroc
from ecg_anomaly.model_selection import FBeta

RESULTS = Path(__file__).parent / "results" / "leaks.json"
N_FOLDS = 3
BEATS_A_RECORD = 100
PTBXL_RECORDS = 500
WINDOW_SECONDS = 2.5
EPOCHS = 6


def mitbih(folder, rng):
    """Return windows, labels, patients and the rate of a sample of beats."""
    beats = load_mitbih(folder / "mitdb", split="inter-patient-strict")
    record = beats.table["record"].to_numpy()
    chosen = np.sort(np.concatenate([
        rng.permutation(np.flatnonzero(record == name))[:BEATS_A_RECORD]
        for name in np.unique(record)
    ]))  # fmt: skip
    some = beats[chosen]
    return some.X.load(), some.y, some.groups, some.fs


def ptbxl(folder, rng):
    """Return windows, labels, patients and the rate of a sample of records."""
    records = load_ptbxl(folder / "ptbxl", folds=range(1, 9))
    chosen = np.sort(rng.permutation(len(records))[:PTBXL_RECORDS])
    some = records[chosen]
    length = round(WINDOW_SECONDS * some.fs)
    signals = some.X.load()
    starts = range(0, signals.shape[-1] - length + 1, length // 2)
    X = np.concatenate([signals[..., start : start + length] for start in starts])
    return X, np.tile(some.y, len(starts)), np.tile(some.groups, len(starts)), some.fs


def splits(y, groups, seed, by_patient):
    if by_patient:
        return StratifiedGroupKFold(N_FOLDS, shuffle=True, random_state=seed).split(y, y, groups)
    return StratifiedKFold(N_FOLDS, shuffle=True, random_state=seed).split(y, y)


def measured(y, scores, threshold):
    """Return AUROC, F1 at a threshold, and the F1 of the threshold that the test labels choose."""
    best = FBeta().threshold(scores[y == 1], scores[y == -1])
    return {
        "AUROC": anomaly_auroc(y, scores),
        "F1": alarm_rates(y, scores, threshold).f1,
        "F1 of the test's threshold": alarm_rates(y, scores, best).f1,
    }


def tuned(detector, X, y, groups, seed):
    model = TunedThresholdDetector(detector, FBeta(), holdout=0.25, random_state=seed)
    return model.fit(X, y, groups=groups)


def random_kernels(X, y, groups, fs, train, test, seed):
    """Return results with the scaler of the training windows and with that of all."""
    kernels = make_pipeline(
        BandpassFilter(lowcut=0.5, highcut=40, fs=fs), RandomKernels(2000, fs=fs, random_state=seed)
    ).fit(X[train][y[train] == 1])
    features = kernels.transform(X)
    residual = ResidualDetector(128, random_state=seed)
    honest = tuned(
        make_pipeline(StandardScaler(), residual), features[train], y[train], groups[train], seed
    )
    of_all = StandardScaler().fit(features)
    leaky = tuned(residual, of_all.transform(features[train]), y[train], groups[train], seed)
    return {
        "honest": measured(y[test], honest.score_samples(features[test]), honest.offset_),
        "scaler": measured(
            y[test], leaky.score_samples(of_all.transform(features[test])), leaky.offset_
        ),
    }


def network(X, y, groups, fs, train, test, seed):
    """Return results of the epoch that held-out patients choose, and of that of the test."""
    rng = np.random.RandomState(seed)
    patients = np.unique(groups[train])
    held_out = np.isin(groups[train], rng.permutation(patients)[: len(patients) // 4])
    fit_rows, tune_rows = train[~held_out & (y[train] == 1)], train[held_out]
    filtered = BandpassFilter(lowcut=0.5, highcut=40, fs=fs).fit(X).transform(X)
    detector = CAEDetector(max_epochs=1, warm_start=True, lr=1e-3, fs=fs, random_state=seed)
    epochs = []
    for _ in range(EPOCHS):
        detector.fit(filtered[fit_rows])
        of_tuning = detector.score_samples(filtered[tune_rows])
        is_normal = y[tune_rows] == 1
        threshold = FBeta().threshold(of_tuning[is_normal], of_tuning[~is_normal])
        of_epoch = measured(y[test], detector.score_samples(filtered[test]), threshold)
        epochs.append(of_epoch | {"held out": anomaly_auroc(y[tune_rows], of_tuning)})
    return {
        "honest": max(epochs, key=lambda epoch: epoch["held out"]),
        "checkpoint": max(epochs, key=lambda epoch: epoch["AUROC"]),
    }


DETECTORS = {
    "CAEDetector": (network, "checkpoint"),
    "random kernels": (random_kernels, "scaler"),
}


def compared(by_patient, by_window, leak):
    """Return the honest result and what each leak adds, of one fold."""
    honest = by_patient["honest"]
    best = "F1 of the test's threshold"
    return {
        "honest": {"AUROC": honest["AUROC"], "F1": honest["F1"]},
        "window-level split": {
            key: by_window["honest"][key] - honest[key] for key in ("AUROC", "F1")
        },
        "threshold on test": {"F1": honest[best] - honest["F1"]},
        f"{leak} on test": {key: by_patient[leak][key] - honest[key] for key in ("AUROC", "F1")},
        "all together": {
            "AUROC": by_window[leak]["AUROC"] - honest["AUROC"],
            "F1": by_window[leak][best] - honest["F1"],
        },
    }


def summarised(folds):
    """Return mean and standard deviation over folds of each number."""
    return {
        what: {
            key: {
                "mean": float(np.mean([fold[what][key] for fold in folds])),
                "sd": float(np.std([fold[what][key] for fold in folds], ddof=1)),
            }
            for key in folds[0][what]
        }
        for what in folds[0]
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    arguments = parser.parse_args()
    document = {"seeds": arguments.seeds, "n_folds": N_FOLDS, "results": {}}
    for database, load in {"MIT-BIH": mitbih, "PTB-XL": ptbxl}.items():
        X, y, groups, fs = load(arguments.data, np.random.default_rng(0))
        counts = {"windows": len(y), "anomalies": int(np.sum(y == -1))}
        counts["patients"] = len(np.unique(groups))
        results = {}
        for name, (run, leak) in DETECTORS.items():
            folds, started = [], time.perf_counter()
            for seed in arguments.seeds:
                of_both = []
                for by_patient in (True, False):
                    units = groups if by_patient else np.arange(len(y))
                    of_both.append([
                        run(X, y, units, fs, train, test, seed)
                        for train, test in splits(y, units, seed, by_patient)
                    ])  # fmt: skip
                folds += [compared(*pair, leak) for pair in zip(*of_both, strict=True)]
            results[name] = summarised(folds) | {"seconds": time.perf_counter() - started}
            print(database, counts, name, json.dumps(results[name], indent=1), flush=True)
        document["results"][database] = counts | {"detectors": results}
    RESULTS.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
