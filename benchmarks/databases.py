"""Measure how long the largest databases take to load, on synthetic tables of their size.

    python benchmarks/databases.py [--mimic 800035] [--cinc 88253]

Writes a MIMIC-IV-ECG record list with reports, and headers of the CinC Challenge, into a temporary
folder, loads them and writes benchmarks/results/databases.json.
"""

from __future__ import annotations

import argparse
import json
import pickle
import platform
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd

from ecg_anomaly.datasets import load_cinc, load_mimic_iv_ecg
from ecg_anomaly.leads import STANDARD_LEADS

RESULTS = Path(__file__).parent / "results" / "databases.json"


def write_mimic(folder, n):
    rng = np.random.default_rng(0)
    study = rng.permutation(np.arange(40_000_000, 40_000_000 + n))
    subject = 10_000_000 + rng.integers(0, max(n // 5, 1), n)
    seconds = pd.to_timedelta(rng.integers(0, 10**9, n), unit="s")
    when = (pd.Timestamp("2150-01-01") + seconds).strftime("%Y-%m-%d %H:%M:%S")
    s, p = pd.Series(study).astype(str), pd.Series(subject).astype(str)
    common = {"subject_id": subject, "study_id": study}
    path = "files/p" + p.str[:4] + "/p" + p + "/s" + s + "/" + s
    records = common | {"file_name": study, "ecg_time": when, "path": path}
    pd.DataFrame(records).to_csv(folder / "record_list.csv", index=False)
    findings = [f"Finding {k} in several words" for k in range(3000)]
    rhythm = [
        "Sinus rhythm",
        "Sinus bradycardia",
        "Warning: Data quality may affect interpretation",
    ]
    verdict = ["Normal ECG", "Abnormal ECG", "Borderline ECG", "Otherwise normal ECG"]
    n_findings = rng.integers(0, 6, n)
    reports = common | {"cart_id": 1, "ecg_time": when}
    for k in range(18):
        if k == 0:
            reports["report_0"] = rng.choice(rhythm, n, p=[0.6, 0.35, 0.05])
            continue
        last = np.where(k == n_findings + 1, rng.choice(verdict, n), "")
        reports[f"report_{k}"] = np.where(k <= n_findings, rng.choice(findings, n), last)
    for name in ("rr_interval", "p_onset", "p_end", "qrs_onset", "qrs_end", "t_end"):
        reports[name] = rng.integers(0, 900, n)
    pd.DataFrame(reports).to_csv(folder / "machine_measurements.csv", index=False)


def write_cinc(folder, n):
    signals = "".join(f"X.mat 16+24 1000/mV 16 0 0 0 0 {lead}\n" for lead in STANDARD_LEADS)
    tail = f"{signals}#Age: 63\n#Sex: Female\n#Dx: 426783006,164889003\n#Rx: Unknown\n"
    for k in range(n):
        part = folder / f"g{k // 1000}"
        part.mkdir(exist_ok=True)
        (part / f"HR{k:05}.hea").write_text(f"HR{k:05} 12 500 5000\n{tail}")


def peak_memory_mb():
    """Return the most memory that this process has held; getrusage would tell the parent's too."""
    path = Path("/proc/self/status")
    lines = path.read_text().splitlines() if path.exists() else []
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), None)


def measure(load, folder):
    start = time.perf_counter()
    dataset = load(folder)
    return {
        "seconds": time.perf_counter() - start,
        "records": len(dataset) + sum(dataset.excluded.values()),
        "peak_memory_mb": peak_memory_mb(),
        "pickled_mb": len(pickle.dumps(dataset.X)) / 1e6,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mimic", type=int, default=800_035)
    parser.add_argument("--cinc", type=int, default=88_253)
    arguments = parser.parse_args()
    results = {"platform": platform.platform()}
    with tempfile.TemporaryDirectory() as temporary:
        for name, write, load, n in (
            ("CinC Challenge headers", write_cinc, load_cinc, arguments.cinc),
            ("MIMIC-IV-ECG tables", write_mimic, load_mimic_iv_ecg, arguments.mimic),
        ):
            folder = Path(temporary) / load.__name__
            folder.mkdir()
            write(folder, n)
            # in a process of its own, so that its peak of memory is the loading's
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
                results[name] = pool.submit(measure, load, folder).result()
            print(name, results[name], flush=True)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
