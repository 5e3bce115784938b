"""Compare all detectors and baselines on PTB-XL, as shipped in configs/comparisons/ptbxl.yaml.

    python benchmarks/detection/ptbxl.py DIR [--out FOLDER] [--n-jobs 2]

DIR holds PTB-XL as ``ptbxl/``. Trained on folds 1-8, thresholds on held-out patients of these; fold
9 is read once for each detector and seed. What is done is kept in FOLDER, so that the same command
goes on after a break. Writes benchmarks/results/ptbxl.json and ptbxl.csv.
"""

import argparse
import json
import resource
import time
from pathlib import Path

import numpy as np

from ecg_anomaly.comparison import load_comparison, run_comparison
from ecg_anomaly.metrics import anomaly_auroc

RESULTS = Path(__file__).parents[1] / "results"


def one_superclass(result):
    """Return the AUROC of records with one superclass alone against the normals, by detector."""
    labels, rows = result.test.labels, result.scorable
    classes = labels.columns[labels.loc[result.test.y == -1].any().to_numpy()]
    alone = labels[classes].sum(axis=1).to_numpy() == 1
    found = {}
    for name in result.detectors:
        cells = [cell for cell in result.cells if cell.detector == name]
        found[name] = {}
        for kind in classes:
            chosen = rows & ((result.test.y == 1) | (alone & labels[kind].to_numpy()))
            found[name][kind] = {
                "n": int((chosen & (result.test.y == -1)).sum()),
                "AUROC": float(
                    np.mean([anomaly_auroc(result.test.y[chosen], c.scores[chosen]) for c in cells])
                ),
            }
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("evaluation"))
    parser.add_argument("--n-jobs", type=int, default=2)
    arguments = parser.parse_args()

    def tell(cell, n_done, n_all):
        seconds = f"fit {cell.fit_seconds:.0f} s, score {cell.score_seconds:.0f} s"
        print(f"{n_done} of {n_all}: {cell.detector}, seed {cell.seed}, {seconds}", flush=True)

    started = time.perf_counter()
    result = run_comparison(
        load_comparison("ptbxl"),
        arguments.data,
        arguments.out,
        n_jobs=arguments.n_jobs,
        progress=tell,
    )
    peak = max(
        resource.getrusage(who).ru_maxrss
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    document = result.to_dict() | {
        "seconds_of_this_run": round(time.perf_counter() - started),
        "seconds_of_all_cells": round(
            sum(cell.fit_seconds + cell.score_seconds for cell in result.cells)
        ),
        "peak_gb_of_a_process": round(peak / 1e6, 2),
        "diagnoses": {
            name: result.diagnoses(name).astype(object).to_dict("records")
            for name in result.detectors
        },
        "one superclass": one_superclass(result),
        "differences from random kernels": result.differences("random kernels").to_dict("index"),
    }
    print(result.to_frame().T.to_string())
    (RESULTS / "ptbxl.json").write_text(json.dumps(document, indent=1, default=float) + "\n")
    result.to_frame().rename_axis("detector").to_csv(RESULTS / "ptbxl.csv")


if __name__ == "__main__":
    main()
