"""Abnormal heartbeats of MIT-BIH between patients: HeartbeatDetector beside simpler detectors.

    python -m benchmarks.detection.mitbih DIR

DIR holds the MIT-BIH Arrhythmia Database as ``mitdb/``. Everything is fitted on normals of DS1 of
de Chazal et al. (lead MLII, at most 300 beats of a record, so that each patient counts alike) and
measured on the beats of DS2 whose records are at hand, without 202, whose patient is that of 201 in
DS1. All rows see the same beats: windows of 10 s around them, or their middle 1 or 2 s. Normal is
class N of AAMI EC57, with the beats of bundle branch block (L, R); "L/R abnormal" trains without
those and counts them as anomalies.

Features and weights of HeartbeatDetector were chosen on DS1 alone, leaving one record out at a
time; that figure is "DS1". DS2 was read twice while the detector was made, for two states of it;
the run of this script was the third read, and nothing was chosen by it. Baselines have the
parameters of `make_baseline`, but 32 components for residuals of 1 s, which are one beat: their
"median beat" is the beat itself. Networks have their defaults, without crops and hidden leads, at
100 Hz.

Intervals draw records with replacement: there are few, and one of them, 232, has most of the
supraventricular beats; "SVEB without 232" leaves that one out. Writes
benchmarks/results/mitbih.json and mitbih.csv.
"""

import argparse
import json
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
from benchmarks.peers.circumstances import circumstances
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM

from ecg_anomaly import CAEDetector, HeartbeatDetector, Resampler, VAEMHADetector
from ecg_anomaly.baselines import DistanceDetector, NearestNormals, make_baseline
from ecg_anomaly.datasets import load_mitbih
from ecg_anomaly.detectors._heartbeat_features import NAMES
from ecg_anomaly.metrics import anomaly_auroc, bootstrap_interval

RESULTS = Path(__file__).parents[1] / "results"
FS = 360.0
N_SAMPLES = 3600
PER_RECORD = 300
N_DRAWS = 200
# Anomalies of fewer records have no interval.
FEWEST_RECORDS = 3
READS_OF_DS2 = 3
#: The patient of 202 in DS2 is that of 201 in DS1.
LEFT_OUT = "202"
#: Holds 96 % of the supraventricular beats at hand in DS2.
DOMINANT = "232"
NETWORK = {"crop": None, "lead_mask_fraction": 0.0, "random_state": 0}


def beats(folder, subset, r_peaks="annotated"):
    """Return windows around the beats of DS1 ("train") or DS2 ("test"), and their table."""
    data = load_mitbih(folder / "mitdb", subset=subset, r_peaks=r_peaks, n_samples=N_SAMPLES)
    kept = np.flatnonzero((data.table["record"] != LEFT_OUT).to_numpy())
    return data.X[kept], data.table.iloc[kept].reset_index(drop=True)


def is_normal(table, bundle_branch_block="normal"):
    """Tell which beats are normal."""
    normal = (table["aami"] == "N").to_numpy()
    if bundle_branch_block == "abnormal":
        normal = normal & ~table["symbol"].isin(["L", "R"]).to_numpy()
    return normal


def evenly(table, rows, seed=0):
    """Return at most 300 of the rows of each record."""
    rng, record = np.random.default_rng(seed), table["record"].to_numpy()[rows]
    parts = [rows[record == name] for name in np.unique(record)]
    chosen = [rng.choice(part, min(PER_RECORD, len(part)), replace=False) for part in parts]
    return np.sort(np.concatenate(chosen))


def middle(X, n_samples):
    """Return the middle of each window, of shape (n, 1, n_samples)."""
    start = (X.shape[2] - n_samples) // 2
    return np.concatenate([batch[..., start : start + n_samples] for batch in X.batches(256)])


def measured(table, scores, bundle_branch_block="normal"):
    """Return counts and AUROC with intervals over records, for all anomalies and by class."""
    normal = is_normal(table, bundle_branch_block)
    record, aami = (table[name].to_numpy() for name in ("record", "aami"))
    kinds = {
        "all": ~normal,
        "VEB": aami == "V",
        "SVEB": aami == "S",
        "SVEB without 232": (aami == "S") & (record != DOMINANT),
        "F": aami == "F",
    }
    if bundle_branch_block == "abnormal":
        kinds["bundle branch block"] = table["symbol"].isin(["L", "R"]).to_numpy()
    found = {"normals": int(normal.sum()), "records": len(np.unique(record))}
    for kind, anomalies in kinds.items():
        rows = normal | anomalies
        if kind == "SVEB without 232":
            rows &= record != DOMINANT
        if not anomalies[rows].any():
            continue
        y, own = np.where(anomalies, -1, 1)[rows], scores[rows]
        found[kind] = {"n": int(anomalies[rows].sum()), "AUROC": anomaly_auroc(y, own)}
        if len(np.unique(record[anomalies & rows])) < FEWEST_RECORDS:
            continue
        interval = bootstrap_interval(
            anomaly_auroc, y, own, groups=record[rows], n_resamples=N_DRAWS, random_state=0
        )
        found[kind] |= {"low": interval.low, "high": interval.high}
    return found


def by_record(table, scores):
    """Return for each record its counts, and the AUROC of its anomalies among all normals."""
    normal, aami = is_normal(table), table["aami"].to_numpy()
    threshold = np.percentile(scores[normal], 10)
    found = {}
    for name, rows in table.groupby("record").indices.items():
        own = normal[rows]
        found[name] = {"normals": int(own.sum())}
        if own.any():
            below = scores[rows][own] < threshold
            found[name]["share of its normals among the lowest tenth"] = round(below.mean(), 4)
        for kind in "VS":
            anomalies = rows[aami[rows] == kind]
            if len(anomalies):
                chosen = np.concatenate([np.flatnonzero(normal), anomalies])
                y = np.where(normal[chosen], 1, -1)
                auroc = anomaly_auroc(y, scores[chosen])
                found[name][kind] = {"n": len(anomalies), "AUROC": round(auroc, 4)}
    return found


def fitted(features):
    """Return a detector fitted on features: those of a window are the same for every fit."""
    detector = HeartbeatDetector(random_state=0)
    detector._learn(features)
    return detector


def left_out(features, table, bundle_branch_block):
    """Return scores of DS1, each record's by a detector fitted on the others."""
    record = table["record"].to_numpy()
    normals = evenly(table, np.flatnonzero(is_normal(table, bundle_branch_block)))
    scores = np.empty(len(table))
    for name in np.unique(record):
        detector = fitted(features[normals[record[normals] != name]])
        scores[record == name] = detector._score(features[record == name])
    return scores


def simple(seed=0):
    """Return by name the seconds of the window and the detector."""
    short = make_baseline("PCA residual", fs=FS, random_state=seed)
    rows = {"PCA residual, 1 s": (1, short.set_params(residualdetector__n_components=32))}
    for name in ("mean distance", "median beat", "k nearest neighbours", "one-class SVM",
                 "isolation forest"):  # fmt: skip
        rows[f"{name}, 1 s"] = 1, make_baseline(name, fs=FS, random_state=seed)
    for cls in (CAEDetector, VAEMHADetector):
        at_100_hz = make_pipeline(Resampler(fs_in=FS, fs_out=100), cls(**NETWORK))
        rows[f"{cls.__name__}, 2 s"] = 2, at_100_hz
    return rows


def on_features():
    """Return by name detectors on the 28 features, to tell what the score itself adds."""
    return {
        "Mahalanobis, 28 features": DistanceDetector(metric="mahalanobis"),
        "k nearest neighbours, 28 features": make_pipeline(StandardScaler(), NearestNormals()),
        "one-class SVM, 28 features": make_pipeline(StandardScaler(), OneClassSVM(nu=0.1)),
    }


def timed(detector, training, test):
    """Fit, score, and return the scores and the seconds of both."""
    started = perf_counter()
    detector.fit(training)
    fitted = perf_counter()
    scores = detector.score_samples(test)
    return scores, {"fit s": round(fitted - started, 2),
                    "score s": round(perf_counter() - fitted, 2)}  # fmt: skip


def all_rows(folder):
    """Yield one row after another: name, what was tested on, and what was found."""
    train, of_train = beats(folder, "train")
    test, of_test = beats(folder, "test")
    detected, of_detected = beats(folder, "test", "detected")
    reader = HeartbeatDetector()
    reader.fs_ = FS
    started = perf_counter()
    features = reader._features(train)
    seconds = {"features s": round(perf_counter() - started, 1)}
    ours = {"detector": "HeartbeatDetector"}
    normals = {}
    for kind in ("normal", "abnormal"):
        normals[kind] = evenly(of_train, np.flatnonzero(is_normal(of_train, kind)))
        scores = left_out(features, of_train, kind)
        row = {**ours, "L/R": kind, "on": "DS1, one record left out", **seconds}
        row |= measured(of_train, scores, kind)
        yield row | ({"by record": by_record(of_train, scores)} if kind == "normal" else {})

    rows = normals["normal"]
    on_ds2 = {"L/R": "normal", "on": "DS2", "training": len(rows)}
    detector = HeartbeatDetector(random_state=0)
    scores, seconds = timed(detector, train[rows], test)
    by = {"by record": by_record(of_test, scores)}
    yield {**ours, **on_ds2, **measured(of_test, scores), **seconds, **by}
    scores = detector.score_samples(detected)
    yield {**ours, **on_ds2, "on": "DS2, detected R peaks", **measured(of_detected, scores)}
    tested = reader._features(test)
    scores = fitted(features[normals["abnormal"]])._score(tested)
    row = {**ours, "L/R": "abnormal", "on": "DS2", "training": len(normals["abnormal"])}
    yield row | measured(of_test, scores, "abnormal")

    scores = tested[:, NAMES.index("pre")]
    yield {"detector": "RR interval before, over the median", **on_ds2, **measured(of_test, scores)}
    for name, detector in on_features().items():
        scores, seconds = timed(detector, features[rows], tested)
        yield {"detector": name, **on_ds2, **measured(of_test, scores), **seconds}
    windows: dict = {}
    for name, (span, detector) in simple().items():
        if span not in windows:
            windows = {span: [middle(X, round(span * FS)) for X in (train[rows], test)]}
        scores, seconds = timed(detector, *windows[span])
        yield {"detector": name, **on_ds2, **measured(of_test, scores), **seconds}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    arguments = parser.parse_args()
    results, started = [], perf_counter()
    for row in all_rows(arguments.data):
        results.append(row)
        told = {kind: v["AUROC"] for kind, v in row.items() if isinstance(v, dict) and "AUROC" in v}
        print(row["detector"], row["L/R"], row["on"], told,
              round(perf_counter() - started), "s", flush=True)  # fmt: skip
    document = {
        "protocol": "MLII; normals of DS1, at most 300 a record; beats of DS2 at hand without 202",
        "reads of DS2": READS_OF_DS2,
        "intervals": f"95 %, {N_DRAWS} draws of records",
        "results": results,
        "seconds": round(perf_counter() - started),
        **circumstances(),
    }
    (RESULTS / "mitbih.json").write_text(json.dumps(document, indent=1, default=float) + "\n")
    flat = [
        {key: row[key] for key in ("detector", "L/R", "on")}
        | {f"{kind} {name}": row.get(kind, {}).get(name)
           for kind in ("all", "VEB", "SVEB", "SVEB without 232")
           for name in ("n", "AUROC", "low", "high")}
        for row in results
    ]  # fmt: skip
    pd.DataFrame(flat).to_csv(RESULTS / "mitbih.csv", index=False)


if __name__ == "__main__":
    main()
