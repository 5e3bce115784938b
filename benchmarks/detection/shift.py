"""Other devices, other sites, stricter labels: what a detector loses where it was not trained.

    python benchmarks/detection/shift.py DIR [--experiment vae_bilstm] [--test-fold 9]

DIR holds PTB-XL as ``ptbxl/``. For each device and site with enough normals and anomalies in the
test fold, the shipped experiment, without its gate, is fitted on the normals of the folds before
it twice: on all, and on all but those of this device or site. Both are tested on the test fold's
records of that device or site. The loss is pooled less left out; its interval is a paired bootstrap
over patients. With ``labels="strict"`` normals have no other statement and full likelihood. One
seed. Writes benchmarks/results/shift.json after each row.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
from sklearn.base import clone

from ecg_anomaly.datasets import load_ptbxl
from ecg_anomaly.experiment import load_config
from ecg_anomaly.metrics import age_band, anomaly_auroc, matched_auroc

RESULTS = Path(__file__).parents[1] / "results" / "shift.json"
FEWEST = 40
DRAWS = 1000


def aurocs(data, scores, rows):
    part = data.table[rows]
    strata = age_band(part["age"]), part["sex"].to_numpy()
    return {
        "AUROC": anomaly_auroc(data.y[rows], scores[rows]),
        "matched AUROC": matched_auroc(data.y[rows], scores[rows], *strata),
    }


def loss(data, pooled, left_out, rows, rng):
    """Return the loss of AUROC with its bootstrap interval over patients."""
    y, patients = data.y[rows], data.groups[rows]
    scores = pooled[rows], left_out[rows]
    of_patient = {patient: np.flatnonzero(patients == patient) for patient in np.unique(patients)}
    names = list(of_patient)
    draws = []
    while len(draws) < DRAWS:
        drawn = rng.choice(len(names), len(names))
        chosen = np.concatenate([of_patient[names[k]] for k in drawn])
        if len(np.unique(y[chosen])) == 2:
            one, two = (anomaly_auroc(y[chosen], values[chosen]) for values in scores)
            draws.append(one - two)
    low, high = np.percentile(draws, (2.5, 97.5))
    at = anomaly_auroc(y, scores[0]) - anomaly_auroc(y, scores[1])
    return {"loss": at, "loss low": low, "loss high": high}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--experiment", default="vae_bilstm")
    parser.add_argument("--test-fold", type=int, default=9)
    arguments = parser.parse_args()
    folder = arguments.data / "ptbxl"
    folds = range(1, arguments.test_fold)
    training = load_ptbxl(folder, folds=folds)
    training = training[training.y == 1]
    test = load_ptbxl(folder, folds=[arguments.test_fold])
    config = load_config(arguments.experiment).model_copy(update={"gate": None})
    started = time.perf_counter()

    def fitted(rows):
        return clone(config.build()).fit(training[rows].X)

    def scored(rows, data):
        return fitted(rows).score_samples(data.X)

    everything = np.ones(len(training), bool)
    model = fitted(everything)
    pooled = model.score_samples(test.X)
    strict = load_ptbxl(folder, folds=[arguments.test_fold], normal="strict")
    document = {
        "experiment": arguments.experiment,
        "test_fold": arguments.test_fold,
        "pooled": aurocs(test, pooled, np.ones(len(test), bool)),
        "strict": aurocs(strict, model.score_samples(strict.X), np.ones(len(strict), bool))
        | {"normals": int((strict.y == 1).sum()), "anomalies": int((strict.y == -1).sum())},
        "left out": [],
    }
    rng = np.random.default_rng(0)
    for column in ("device", "site"):
        of_training, of_test = (data.table[column].to_numpy() for data in (training, test))
        for value in sorted(test.table[column].dropna().unique(), key=str):
            rows = of_test == value
            counts = [int((test.y[rows] == label).sum()) for label in (1, -1)]
            if min(counts) < FEWEST:
                continue
            left_out = scored(of_training != value, test)
            row = {
                "what": column,
                "value": str(value).strip(),
                "normals": counts[0],
                "anomalies": counts[1],
                "normals in training": int((of_training == value).sum()),
                "pooled": aurocs(test, pooled, rows),
                "left out": aurocs(test, left_out, rows),
            } | loss(test, pooled, left_out, rows, rng)
            document["left out"].append(row)
            document["seconds"] = round(time.perf_counter() - started)
            print(row, flush=True)
            RESULTS.write_text(json.dumps(document, indent=1, default=float) + "\n")


if __name__ == "__main__":
    main()
