"""Measure whether maps point at known anomalies in real ECGs, and whether they are faithful.

    python benchmarks/localisation.py DIR [--records 100] [--train 3000] [--detectors cae vae_mha]

DIR holds PTB-XL as ``ptbxl/``. Detectors with their defaults, but 3 epochs, behind a band-pass of
0.5 to 40 Hz learn from normals of folds 1 to 6; each kind of anomaly is put into the same normals
of fold 8. Maps: the score map of `ecg_anomaly.inspection`, the detector's residual `anomaly_map`,
and two baselines that know nothing of normals, all as means over 0.16 s but the edges. They are
judged on the changed record alone ("injected") and as the difference to the map of the record
before ("difference"); the latter is nearly trivial for a map that is local, as it is zero wherever
the record was not changed. Intervals are bootstrap ones over records, one a patient here.
Writes benchmarks/results/localisation.json, after each detector.
"""

import argparse
import json
import os
import platform
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
from sklearn.pipeline import make_pipeline

from ecg_anomaly import BandpassFilter, CAEDetector, RecordSet, VAEBiLSTMDetector, VAEMHADetector
from ecg_anomaly.datasets import INJECTIONS, inject_anomalies, load_ptbxl
from ecg_anomaly.inspection import explain, faithfulness, score_map
from ecg_anomaly.inspection._restoration import smooth
from ecg_anomaly.metrics import amplitude_map, anomaly_auroc, localisation_table, paste_edge_map

RESULTS = Path(__file__).parent / "results" / "localisation.json"
DETECTORS = {
    "cae": CAEDetector,
    "vae_bilstm": VAEBiLSTMDetector,
    "vae_mha": VAEMHADetector,
}
FS = 100.0


def normals(folder, folds, n):
    """Return n normal records, one a patient, in memory."""
    dataset = load_ptbxl(folder, folds=folds)
    rows = np.flatnonzero(dataset.y == 1)
    rows = rows[np.unique(dataset.groups[rows], return_index=True)[1]]
    rows = np.sort(np.random.default_rng(0).permutation(rows)[:n])
    X = dataset.X[rows]
    return RecordSet(
        X.load(), fs=X.fs, leads=X.leads, record_ids=X.record_ids, patient_ids=X.patient_ids
    )


def injected(X):
    """Return each kind put into the records that take all of them."""
    kinds = {kind: inject_anomalies(X, kind, random_state=0) for kind in INJECTIONS}
    common = set.intersection(*(set(data.table["row"]) for data in kinds.values()))
    return {kind: data[data.table["row"].isin(common).to_numpy()] for kind, data in kinds.items()}


def rounded(table):
    return {
        name: {key: round(float(value), 4) for key, value in row.items()}
        for name, row in table.to_dict("index").items()
    }


def local_maps(model, signals):
    filtered = model[:-1].transform(signals)
    return {
        "residual": smooth(model[-1].anomaly_map(filtered).astype(float), FS),
        "amplitude": smooth(amplitude_map(filtered), FS),
        "paste edges": paste_edge_map(signals),
    }


def measure(name, train, kinds):
    model = make_pipeline(
        BandpassFilter(lowcut=0.5, highcut=40.0), DETECTORS[name](max_epochs=3, random_state=0)
    )
    started = time.perf_counter()
    model.fit(train)
    fit_seconds = time.perf_counter() - started
    twins = next(iter(kinds.values())).twins
    before = {"score": score_map(model, twins), **local_maps(model, twins)}
    of_twins = model.score_samples(twins)
    found, seconds, n_explained = {}, 0.0, 0
    for kind, data in kinds.items():
        signals = data.X.load()
        started = time.perf_counter()
        explanations = explain(model, signals)
        seconds += time.perf_counter() - started
        n_explained += len(explanations)
        maps = np.stack([explanation.map for explanation in explanations]).astype(float)
        other = [k for k, item in enumerate(explanations) if item.label != "score"]
        if other:
            maps[other] = score_map(model, signals[other])
        after = {"score": maps, **local_maps(model, signals)}
        difference = {key: after[key] - before[key] for key in after}
        scores = model.score_samples(signals)
        labels = np.repeat([1, -1], len(scores))
        found[kind] = {
            "n_records": len(explanations),
            "detection_auroc": round(anomaly_auroc(labels, np.append(of_twins, scores)), 4),
            "mean_score_before_and_after": [
                round(float(-values.mean()), 3) for values in (of_twins, scores)
            ],
            "faithful_share": round(float(np.mean([item.faithful for item in explanations])), 4),
            "injected": rounded(localisation_table(after, data.masks, random_state=0)),
            "difference": rounded(localisation_table(difference, data.masks, random_state=0)),
            "faithfulness": rounded(faithfulness(model, signals, explanations, random_state=0)),
        }
        row = found[kind]
        print(name, kind, row["detection_auroc"], row["faithful_share"])
        for part in ("injected", "difference"):
            for key, values in row[part].items():
                print("  ", part, key, values["pointing"], values["auroc"], values["lead_auroc"])
        print("  ", row["faithfulness"], flush=True)
    return {
        "fit_seconds": round(fit_seconds, 1),
        "explain_seconds_per_record": round(seconds / n_explained, 3),
        "kinds": found,
    }


def known(value):
    """Return plain values with None for NaN, which JSON does not have."""
    if isinstance(value, dict):
        return {key: known(item) for key, item in value.items()}
    if isinstance(value, list):
        return [known(item) for item in value]
    return None if isinstance(value, float) and np.isnan(value) else value


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--records", type=int, default=100)
    parser.add_argument("--train", type=int, default=3000)
    parser.add_argument("--detectors", nargs="+", choices=DETECTORS, default=list(DETECTORS))
    arguments = parser.parse_args()
    folder = arguments.data / "ptbxl"
    train = normals(folder, range(1, 7), arguments.train)
    kinds = injected(normals(folder, [8], arguments.records))
    document = {
        "machine": {
            "processor": platform.machine(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "torch": version("torch"),
        },
        "n_train": len(train),
        "detectors": {},
    }
    for name in arguments.detectors:
        document["detectors"][name] = measure(name, train, kinds)
        RESULTS.write_text(json.dumps(known(document), indent=1, allow_nan=False) + "\n")


if __name__ == "__main__":
    main()
