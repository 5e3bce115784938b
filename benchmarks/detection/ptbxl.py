"""Train and test the shipped experiments on PTB-XL by the command line, with time and memory.

    python benchmarks/detection/ptbxl.py DIR [--experiments cae vae_bilstm vae_mha]

DIR holds PTB-XL as ``ptbxl/``. Fold 9 is read once for each experiment. Writes
benchmarks/results/ptbxl.json.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

EXPERIMENTS = ["cae", "vae_bilstm", "vae_mha"]
RESULTS = Path(__file__).parents[1] / "results" / "ptbxl.json"


def timed(command):
    """Run a command; return its output, seconds and peak memory in GB."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    return output, time.perf_counter() - started, usage.ru_maxrss / 1e6


def run(name, data, folder):
    model = str(Path(folder) / f"{name}.safetensors")
    cli = [sys.executable, "-m", "ecg_anomaly.cli"]
    fit = ["fit", "--config", name, "--data", str(data), "--out", model, "--quiet"]
    evaluate = ["evaluate", model, "--data", str(data), "--format", "json"]
    said, fit_seconds, fit_gb = timed(cli + fit)
    print(said.strip(), flush=True)
    rows, evaluate_seconds, evaluate_gb = timed(cli + evaluate)
    rows = {row.pop("detector"): row for row in json.loads(rows)}
    print(json.dumps(rows, indent=1), flush=True)
    return {
        "commands": [
            f"ecg-anomaly fit --config {name} --data DIR --out {name}.safetensors",
            f"ecg-anomaly evaluate {name}.safetensors --data DIR",
        ],
        "results": rows,
        "fit_seconds": round(fit_seconds, 1),
        "fit_peak_gb": round(fit_gb, 2),
        "evaluate_seconds": round(evaluate_seconds, 1),
        "evaluate_peak_gb": round(evaluate_gb, 2),
        "model_mb": round(os.path.getsize(model) / 1e6, 1),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--experiments", nargs="+", default=EXPERIMENTS)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        experiments = {name: run(name, arguments.data, folder) for name in arguments.experiments}
    document = {
        "machine": {
            "processor": platform.machine(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "torch": version("torch"),
            "scikit-learn": version("scikit-learn"),
        },
        "experiments": experiments,
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
