"""Measure what noise, hum, other rates, lost and swapped leads do to a detector on PTB-XL.

    python benchmarks/robustness.py FOLDER [--records 600] [--figure robustness.png]

FOLDER holds ptbxl/ and nstdb/ (records bw and ma; em too, where it is there). The experiment "cae"
of the package is fitted on folds 1 to 3, behind its quality gate and once more without one, with a
threshold for 5 % false alarms on a fifth of the patients; both are tested on records drawn at
random from fold 8. Folds 9 and 10 are not read.
"""

import argparse
import json
import os
import time
from importlib.metadata import version
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from ecg_anomaly.datasets import load_ptbxl
from ecg_anomaly.evaluation import describe, robustness
from ecg_anomaly.experiment import load_config
from ecg_anomaly.io import read_record
from ecg_anomaly.model_selection import FalseAlarmRate, TunedThresholdDetector

NOISE = {"bw": "baseline wander", "ma": "muscle noise", "em": "electrode motion"}
TRAINING, TEST = [1, 2, 3], [8]


def fitted(detector, normals):
    model = TunedThresholdDetector(detector, FalseAlarmRate(0.05), random_state=0)
    return model.fit(normals.X, groups=normals.groups)


def plain(value):
    if isinstance(value, float):
        return None if np.isnan(value) else round(value, 4)
    return value


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--records", type=int, default=600)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/robustness.json"))
    parser.add_argument("--figure", type=Path, help="where to draw it, such as robustness.png")
    arguments = parser.parse_args()

    training = load_ptbxl(arguments.folder / "ptbxl", folds=TRAINING)
    test = load_ptbxl(arguments.folder / "ptbxl", folds=TEST)
    rows = np.random.default_rng(0).choice(len(test), arguments.records, replace=False)
    test = test[np.sort(rows)]
    noise = {
        told: read_record(arguments.folder / "nstdb" / name)
        for name, told in NOISE.items()
        if (arguments.folder / "nstdb" / f"{name}.hea").is_file()
    }
    normals = training[training.y == 1]
    gated = load_config("cae").build()
    models = {"CAE, gated": fitted(gated, normals), "CAE": fitted(gated.detector, normals)}
    started = time.perf_counter()
    result = robustness(models, test, noise=noise, progress=lambda *done: print(*done, flush=True))
    frame = result.to_frame()
    seconds = time.perf_counter() - started
    print(frame.to_string(float_format="{:.3f}".format))
    if arguments.figure:
        result.plot().savefig(arguments.figure, dpi=120)
    document = {
        "training": describe(training),
        "test": describe(test),
        "seconds": round(seconds, 1),
        "versions": {name: version(name) for name in ("numpy", "scipy", "scikit-learn", "torch")},
        "results": [
            {key: plain(value) for key, value in row.items()} for row in frame.to_dict("records")
        ],
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n")


if __name__ == "__main__":
    main()
