"""ONNX Runtime beside torch, on one thread: one record end to end, and the networks in batches.

    python benchmarks/scoring.py [--calls 300] [--out benchmarks/results/scoring.json]

End to end is `score_records` of one record of 12 leads, 10 s and 500 Hz that is in memory: gate,
resampling, filter, R peaks and median beat, network and head. The others are `score_samples` of
records at the model's rate, once with everything, once without R peaks and median beats. Torch and
ONNX Runtime take turns, so that a busy machine slows both.
"""

import argparse
import json
import os
import platform
from contextlib import ExitStack
from functools import partial
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from unittest import mock

import numpy as np
import torch
from sklearn.pipeline import make_pipeline

from ecg_anomaly import BandpassFilter, GatedDetector, RecordSet, load_pretrained, make_ecg
from ecg_anomaly.detectors import DETECTORS
from ecg_anomaly.runtime import with_onnx
from ecg_anomaly.scoring import detector_of, score_records

BATCHES = (1, 8, 64, 256)
# Normals that set how long the search of neighbours takes: as many as the pretrained model has.
N_NORMALS = 1000
MOST_AT_ONCE = 512


def models():
    """Yield the pretrained model, and each detector by default behind a filter and the gate."""
    yield "ptbxl-100hz", load_pretrained("ptbxl-100hz")
    normals = RecordSet(make_ecg(N_NORMALS, random_state=0).X)
    for cls in DETECTORS:
        # the time does not depend on the weights
        detector = cls(max_epochs=0, random_state=0)
        yield cls.__name__, GatedDetector(make_pipeline(BandpassFilter(), detector)).fit(normals)


def in_turns(functions, calls):
    """Return the seconds of each call of each function; the first tenth warms up."""
    times = {name: [] for name in functions}
    for call in range(calls + calls // 10):
        for name, function in functions.items():
            start = perf_counter()
            function(call)
            if call >= calls // 10:
                times[name].append(perf_counter() - start)
    return {name: np.array(values) for name, values in times.items()}


def end_to_end(pair, calls):
    """Return the milliseconds of one record with everything."""
    records = list(RecordSet(make_ecg(50, fs=500, random_state=1).X, fs=500).each())
    tables = {name: score_records(model, records) for name, model in pair.items()}
    apart = np.abs(tables["torch"]["score"] - tables["onnx"]["score"])
    functions = {
        name: lambda call, model=model: score_records(model, records[call % len(records)])
        for name, model in pair.items()
    }
    row = {}
    for name, seconds in in_turns(functions, calls).items():
        row[name] = {
            "median_ms": round(1000 * float(np.median(seconds)), 2),
            "p99_ms": round(1000 * float(np.quantile(seconds, 0.99)), 2),
        }
    row["ratio_of_medians"] = round(row["torch"]["median_ms"] / row["onnx"]["median_ms"], 2)
    row["largest_difference"] = float(apart.max())
    row["verdicts_equal"] = bool((tables["torch"]["verdict"] == tables["onnx"]["verdict"]).all())
    return row


def per_second(detectors, calls):
    """Return the records that are scored in a second, in batches of each size."""
    X = make_ecg(max(BATCHES), random_state=2).X
    rows = {}
    for n in BATCHES:
        functions = {
            name: lambda call, score=detector.score_samples, X=X[:n]: score(X)
            for name, detector in detectors.items()
        }
        times = in_turns(functions, max(10, min(calls, MOST_AT_ONCE * 4 // n)))
        rate = {name: n / float(np.median(seconds)) for name, seconds in times.items()}
        rows[str(n)] = {name: round(value) for name, value in rate.items()}
        rows[str(n)]["ratio"] = round(rate["onnx"] / rate["torch"], 2)
    return rows


def network_alone(detectors, calls):
    """Return the same without R peaks and median beats, which do not depend on the network."""
    exported = detectors["onnx"]
    if not exported.properties_.beat_input:
        return per_second(detectors, calls)
    n_features = exported._session.get_inputs()[1].shape[1]
    n_kinds = len(detectors["torch"].directions_["bias"])
    widths = {(type(exported), "_beats"): n_features, (type(detectors["torch"]), "_along"): n_kinds}
    with ExitStack() as stack:
        for (cls, name), width in widths.items():
            nothing = partial(_nothing, width)
            stack.enter_context(mock.patch.object(cls, name, side_effect=nothing))
        return per_second(detectors, calls)


def _nothing(width, signals):
    return np.zeros((len(signals), width))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=300)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results/scoring.json")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    packages = ("torch", "onnx", "onnxscript", "onnxruntime", "numpy", "ecg-anomaly")
    document = {
        "versions": {"python": platform.python_version()} | {p: version(p) for p in packages},
        "machine": {"cores": os.cpu_count(), "processor": platform.machine(), "threads": 1},
        "calls": arguments.calls,
        "models": {},
    }
    for name, model in models():
        start = perf_counter()
        pair = {"torch": model, "onnx": with_onnx(model)}
        seconds = perf_counter() - start
        detectors = {kind: detector_of(one) for kind, one in pair.items()}
        row = {
            "detector": type(detectors["torch"]).__name__,
            "score_method": detectors["torch"].score_method,
            "export_s": round(seconds, 1),
            "bytes": len(detectors["onnx"].content_),
            "end to end": end_to_end(pair, arguments.calls),
            "detector, records per second": per_second(detectors, arguments.calls),
            "network and head, records per second": network_alone(detectors, arguments.calls),
        }
        document["models"][name] = row
        print(name, json.dumps(row, indent=1), flush=True)
    arguments.out.parent.mkdir(exist_ok=True)
    arguments.out.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
