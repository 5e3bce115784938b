"""Measure how well R peaks are found on the MIT-BIH Arrhythmia Database, and how fast.

    python benchmarks/r_peaks.py DIR [--records 100 101] [--only DETECTOR ...]

DIR holds the database as ``mitdb/``. Beats within ventricular flutter are left out, as ANSI/AAMI
EC57 has it; a peak within 150 ms of a beat is found. Each rate but 360 Hz is resampled to first.
Detectors beside ours take part where they are installed. Writes benchmarks/results/r_peaks.json;
with ``--only``, the figures of these detectors anew.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
import warnings
from functools import partial
from pathlib import Path

import numpy as np

from ecg_anomaly.datasets._mitbih_beats import annotated_beats
from ecg_anomaly.io import read_record
from ecg_anomaly.signal.beats import match_peaks
from ecg_anomaly.signal.r_peaks import beat_centers, find_r_peaks
from ecg_anomaly.signal.resampling import resample

RESULTS = Path(__file__).parent / "results" / "r_peaks.json"
FS, TOLERANCE = 360, 0.15 * 360
RATES = (100, 250, 360, 500)


def xqrs(signal, fs):
    from wfdb.processing import xqrs_detect

    return xqrs_detect(signal.astype(float), fs, verbose=False)


def sleepecg(signal, fs):
    from sleepecg import detect_heartbeats

    return detect_heartbeats(signal.astype(float), fs)


def neurokit(signal, fs, method):
    import neurokit2

    clean = neurokit2.ecg_clean(signal.astype(float), sampling_rate=fs, method=method)
    return neurokit2.ecg_findpeaks(clean, sampling_rate=fs, method=method)["ECG_R_Peaks"]


DETECTORS = {
    "find_r_peaks": find_r_peaks,
    "beat_centers": lambda signal, fs: beat_centers(signal[None], fs),
    "wfdb XQRS at the signal's rate": xqrs,
    "sleepecg": sleepecg,
    "neurokit2 neurokit": partial(neurokit, method="neurokit"),
    "neurokit2 pantompkins1985": partial(neurokit, method="pantompkins1985"),
}


def measure(detector, records, fs):
    n_beats = n_found = n_pairs = 0
    offsets, seconds, per_record = [], 0.0, {}
    for name, (signal, beats, flutter) in records.items():
        at_fs = resample(signal, fs_in=FS, fs_out=fs)
        start = time.perf_counter()
        found = np.asarray(detector(at_fs, fs), float)
        seconds += time.perf_counter() - start
        found = np.rint(found * FS / fs).astype(int)
        for begin, end in flutter:
            found = found[(found < begin - TOLERANCE) | (found > end + TOLERANCE)]
        rows, peaks = match_peaks(beats, found, TOLERANCE)
        offsets.append((found[peaks] - beats[rows]) / FS * 1000)
        n_beats, n_found, n_pairs = n_beats + len(beats), n_found + len(found), n_pairs + len(rows)
        per_record[name] = [len(rows) / len(beats), len(rows) / max(len(found), 1)]
    offset = np.concatenate(offsets)
    return {
        "sensitivity": n_pairs / n_beats,
        "positive_predictive_value": n_pairs / n_found,
        "median_offset_ms": float(np.median(offset)),
        "offset_of_95_percent_ms": float(np.quantile(np.abs(offset), 0.95)),
        "seconds_per_record": seconds / len(records),
        "lowest_sensitivity": min((s, name) for name, (s, _) in per_record.items()),
        "lowest_ppv": min((p, name) for name, (_, p) in per_record.items()),
    }


def read(folder, name):
    record = read_record(folder / name)
    lead = record.leads.index("MLII") if "MLII" in record.leads else 0
    beats = annotated_beats(folder / name, record.signal.shape[1])
    inside = beats.in_flutter | (beats.symbol == "!")
    waves = beats.sample[inside]
    groups = np.split(waves, np.flatnonzero(np.diff(waves) > FS) + 1) if len(waves) else []
    return record.signal[lead], beats.sample[~inside], [(g[0], g[-1]) for g in groups]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--records", nargs="+")
    parser.add_argument("--only", nargs="+", choices=DETECTORS)
    arguments = parser.parse_args()
    folder = arguments.data / "mitdb"
    names = arguments.records or sorted(path.stem for path in folder.glob("*.atr"))
    records = {name: read(folder, name) for name in names}
    results = {"records": names, "platform": platform.platform(), "detectors": {}}
    if arguments.only:
        results["detectors"] = json.loads(RESULTS.read_text())["detectors"]
    for detector, function in DETECTORS.items():
        if arguments.only and detector not in arguments.only:
            continue
        for fs in RATES:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    measured = measure(function, records, fs)
            except ImportError:
                print(f"{detector}: not installed")
                break
            results["detectors"].setdefault(detector, {})[f"{fs} Hz"] = measured
            print(
                f"{detector}, {fs} Hz: sensitivity {measured['sensitivity']:.4f}, PPV "
                f"{measured['positive_predictive_value']:.4f}, median offset "
                f"{measured['median_offset_ms']:.1f} ms, {measured['seconds_per_record']:.2f} s "
                "for half an hour",
                flush=True,
            )
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
