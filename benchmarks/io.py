"""Measure the reading of WFDB records beside wfdb itself.

Run as ``python benchmarks/io.py``. Both read the same files in turns within one run, so that a busy
machine slows both; the ratios compare the fastest turn of each. What is measured includes the
header check, file sizes, checksums, initial values, units and lead names; wfdb checks none of them.
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
import warnings
from functools import partial
from pathlib import Path

import numpy as np
from timing import in_turns

from ecg_anomaly.io import read_record
from ecg_anomaly.leads import STANDARD_LEADS

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # wfdb uses what pandas is about to drop
    import wfdb

CASES = {
    "format 16, 12 leads x 5,000": ("16", 500, 12, 5000, 1000.0, 100),
    "MATLAB v4, 12 leads x 5,000": ("mat", 500, 12, 5000, 1000.0, 100),
    "format 16, 12 leads x 1,000": ("16", 100, 12, 1000, 1000.0, 200),
    "format 24, 12 leads x 5,000": ("24", 500, 12, 5000, 10_000.0, 50),
    "format 32, 12 leads x 5,000": ("32", 500, 12, 5000, 10_000.0, 50),
    "format 80, 2 leads x 75,000": ("80", 250, 2, 75_000, 40.0, 20),
    "format 212, 2 leads x 650,000": ("212", 360, 2, 650_000, 200.0, 3),
}


def write(folder, name, fmt, fs, n_leads, n_samples, gain):
    rng = np.random.default_rng(0)
    largest = {"80": 100, "212": 2000}.get(fmt, 30_000)
    steps = rng.integers(-largest // 50 - 1, largest // 50 + 2, (n_samples, n_leads))
    stored = "16" if fmt == "mat" else fmt
    wfdb.wrsamp(
        name,
        fs=fs,
        units=["mV"] * n_leads,
        sig_name=list(STANDARD_LEADS[:n_leads]),
        d_signal=steps.cumsum(axis=0).clip(-largest, largest),
        fmt=[stored] * n_leads,
        adc_gain=[gain] * n_leads,
        baseline=[0] * n_leads,
        write_dir=str(folder),
    )
    if fmt == "mat":  # the same samples behind the header of a matrix
        data, header = folder / f"{name}.dat", folder / f"{name}.hea"
        start = np.array([30, n_leads, n_samples, 0, 4], "<i4").tobytes() + b"val\0"
        data.with_suffix(".mat").write_bytes(start + data.read_bytes())
        header.write_text(header.read_text().replace(f"{name}.dat 16 ", f"{name}.mat 16+24 "))


def read_often(read, path, n_reads):
    for _ in range(n_reads):
        read(str(path))


def measure(path, n_reads, repeats):
    """Return the shortest times of one reading by us and by wfdb, in seconds."""
    readers = {"ours": read_record, "wfdb": wfdb.rdrecord}
    runs = {name: partial(read_often, read, path, n_reads) for name, read in readers.items()}
    times = in_turns(runs, repeats)
    return times["ours"] / n_reads, times["wfdb"] / n_reads


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/io.json"))
    arguments = parser.parse_args()
    rows = {}
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folder = Path(name)
        for number, (case, (*how, n_reads)) in enumerate(CASES.items()):
            write(folder, f"case{number}", *how)
            ours, theirs = measure(folder / f"case{number}", n_reads, arguments.repeats)
            rows[case] = {
                "records_per_second": 1 / ours,
                "wfdb_records_per_second": 1 / theirs,
                "ratio": theirs / ours,
            }
            print(
                f"{case:32s} {1 / ours:8,.0f} records/s, wfdb {1 / theirs:7,.0f}: "
                f"{theirs / ours:.1f} times as fast"
            )
    arguments.out.write_text(
        json.dumps(
            {
                "repeats": arguments.repeats,
                "cases": rows,
                "versions": {
                    "python": platform.python_version(),
                    "numpy": np.__version__,
                    "wfdb": wfdb.__version__,
                },
            },
            indent=2,
        )
        + "\n"
    )


if __name__ == "__main__":
    main()
