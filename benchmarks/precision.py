"""How scores are made independent of the batch, and how many threads to train with: both measured.

    python benchmarks/precision.py [--out benchmarks/results/precision.json]

1. Double precision against single precision padded to one constant batch: time for one record and
   for a thousand. Both give scores that agree to 1e-7 whatever the batch.
2. Training with one thread against two, on an idle machine and beside a process that holds a core.
"""

import argparse
import copy
import json
import multiprocessing
import statistics
import time
from pathlib import Path

import torch

from ecg_anomaly import _training, make_ecg
from ecg_anomaly.detectors import DETECTORS

REPEATS = 5


def seconds(function, *arguments):
    started = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - started


def padded_single(module, x, size):
    """Run in single precision, every batch padded to one size."""
    with torch.no_grad():
        for part in torch.nn.functional.pad(x, (0, 0, 0, 0, 0, -len(x) % size)).split(size):
            module(part)


def double(module, x):
    with torch.no_grad():
        for part in x.double().split(64):
            module(part)


def precision(detector, x):
    single, twin = detector.module_, copy.deepcopy(detector.module_).double()
    result = {}
    for n in (1, 1000):
        times = {"double": [], "padded to 8": [], "padded to 64": []}
        for _ in range(REPEATS):
            times["double"].append(seconds(double, twin, x[:n]))
            for size in (8, 64):
                times[f"padded to {size}"].append(seconds(padded_single, single, x[:n], size))
        medians = {name: statistics.median(values) for name, values in times.items()}
        result[f"{n} records"] = {
            "ms": {name: round(1000 * value, 1) for name, value in medians.items()},
            "against double": {
                name: round(value / medians["double"], 2) for name, value in medians.items()
            },
        }
    return result


def burn():
    while True:
        pass


def thread_times(cls, X, busy):
    """Return seconds of training with one and two threads, beside `busy` other processes."""
    others = [multiprocessing.Process(target=burn, daemon=True) for _ in range(busy)]
    for other in others:
        other.start()
    times = {1: [], 2: []}
    for _ in range(3):
        for n_threads, values in times.items():
            _training.THREADS = n_threads
            values.append(seconds(cls(max_epochs=2, random_state=0).fit, X))
    for other in others:
        other.terminate()
    one, two = statistics.median(times[1]), statistics.median(times[2])
    return {"one_s": round(one, 2), "two_s": round(two, 2), "two / one": round(two / one, 2)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent / "results/precision.json"
    )
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    X = make_ecg(1000, random_state=0).X
    chosen = _training.THREADS
    document = {}
    for cls in DETECTORS:
        threads = {
            "idle": thread_times(cls, X[:256], busy=0),
            "one core busy": thread_times(cls, X[:256], busy=1),
        }
        _training.THREADS = chosen
        detector = cls(max_epochs=0, random_state=0).fit(X[:64])
        document[cls.__name__] = {
            "precision": precision(detector, torch.from_numpy(X)),
            "threads": threads,
        }
        print(cls.__name__, json.dumps(document[cls.__name__], indent=1), flush=True)
    arguments.out.parent.mkdir(exist_ok=True)
    arguments.out.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
