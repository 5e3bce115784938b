"""Measure whether maps point at synthetic anomalies and at annotated ventricular beats.

    python benchmarks/localisation_beats.py DIR [--records 30] [--stretches 300]

DIR holds the MIT-BIH Arrhythmia Database as ``mitdb/``. Detectors with their defaults, but 3
epochs, behind a band-pass of 0.5 to 40 Hz; the four maps of ``localisation.py``, on the record
alone.

Synthetic: `make_ecg`, trained on 1,000 normals, masks over leads and time.

MIT-BIH: back-to-back stretches of 10 s of MLII and V1, resampled to 100 Hz. Normal ones have beats
of class N of EC57 only, bundle branch block included; abnormal ones one ventricular beat (V or E)
besides, the mask being 0.25 s before to 0.45 s after its annotated R peak. An annotation says when,
not in which lead, so maps are summed over leads. Training is on normal stretches of one side of the
split of de Chazal et al. (DS1, DS2), maps are of the other side, then the other way round; 202 goes
with 201, who is the same man. Intervals are bootstrap ones over patients.
Writes benchmarks/results/localisation_beats.json, after each detector.
"""

import argparse
import json
import os
import platform
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
from localisation import DETECTORS, FS, known, local_maps, rounded
from sklearn.pipeline import make_pipeline

from ecg_anomaly import BandpassFilter, RecordSet, make_ecg
from ecg_anomaly.datasets import FAULTS
from ecg_anomaly.datasets.mitbih import DS1, DS2
from ecg_anomaly.inspection import score_map
from ecg_anomaly.io import read_annotations, read_record
from ecg_anomaly.metrics import (
    anomaly_auroc,
    bootstrap_interval,
    localisation_auroc,
    localisation_table,
    pointing_game,
)
from ecg_anomaly.signal.resampling import resample

RESULTS = Path(__file__).parent / "results" / "localisation_beats.json"
NAMES = ("cae", "vae_bilstm")
KINDS = ("pvc", "st_elevation", "t_inversion", "lead_off", "noise_burst")
LEADS = ("MLII", "V1")
NORMAL, VENTRICULAR = "NLRej", "VE"
# Other beats and flutter, by the codes of annot(5); anything else is no beat.
OTHER = "AaJSF/fQ![]"
DURATION, BEFORE, AFTER = 10.0, 0.25, 0.45
# Fewer normal beats in 10 s: pauses, or beats that nobody annotated.
FEWEST_NORMAL = 5
MOST_TO_TRAIN, MOST_TO_TEST = 100, 40
SIDES = {"DS1": (*DS1, "202"), "DS2": tuple(name for name in DS2 if name != "202")}
PAIRS = (("score", "amplitude"), ("residual", "amplitude"), ("score", "residual"))


def stretches(folder, name):
    """Return a record's stretches, where the ventricular beat is, NaN without, and their beats."""
    record = read_record(folder / name)
    signal = resample(record.select_leads(LEADS), fs_in=record.fs, fs_out=FS)
    marks = read_annotations(folder / name)
    symbol = np.array(marks.symbol)
    kept = np.isin(symbol, list(NORMAL + VENTRICULAR + OTHER))
    symbol, seconds = symbol[kept], marks.sample[kept] / record.fs
    width = round(DURATION * FS)
    signals, times, n_beats = [], [], []
    for start in range(0, signal.shape[1] - width + 1, width):
        since = seconds - start / FS
        normal = np.isin(symbol, list(NORMAL)) & (since >= 0) & (since < DURATION)
        # what a beat beyond the end reaches into the stretch is no part of a normal one
        odd = ~np.isin(symbol, list(NORMAL)) & (since > -AFTER) & (since < DURATION + BEFORE)
        if odd.sum() > 1 or normal.sum() < FEWEST_NORMAL:
            continue
        at = np.nan
        if odd.any():
            at = float(since[odd][0])
            inside = BEFORE <= at <= DURATION - AFTER
            if not inside or symbol[odd][0] not in VENTRICULAR:
                continue
        signals.append(signal[:, start : start + width])
        times.append(at)
        n_beats.append(normal.sum() + odd.sum())
    return signals, times, n_beats


def read_side(folder, names):
    """Return the stretches of all patients of one side: X, times, beats and patients."""
    parts = []
    for name in names:
        path = folder / f"{name}.hea"
        if path.is_file() and set(LEADS) <= set(read_record(folder / name).leads):
            patient = "201" if name == "202" else name
            parts += [(*row, patient) for row in zip(*stretches(folder, name), strict=True)]
    signals, times, n_beats, patients = zip(*parts, strict=True)
    return np.stack(signals).astype(np.float32), np.array(times), np.array(n_beats), patients


def some(rows, patients, most, rng):
    """Return at most so many of the rows of each patient."""
    rows, patients = rng.permutation(rows), np.asarray(patients)
    of = patients[rows]
    return np.sort(np.concatenate([rows[of == name][:most] for name in np.unique(of)]))


def fitted(name, train):
    bandpass = BandpassFilter(lowcut=0.5, highcut=40.0)
    return make_pipeline(bandpass, DETECTORS[name](max_epochs=3, random_state=0)).fit(train)


def maps_of(model, signals):
    return {"score": score_map(model, signals).astype(float), **local_maps(model, signals)}


def on_synthetic(name, n):
    """Return the measures of each kind of anomaly."""
    model = fitted(name, make_ecg(1000, random_state=0).X)
    found = {}
    for kind in KINDS:
        asked = {"faults" if kind in FAULTS else "anomalies": kind}
        data = make_ecg(n, **asked, anomaly_fraction=1.0, return_twins=True, random_state=1)
        scores = np.append(model.score_samples(data.twins), model.score_samples(data.X))
        table = localisation_table(maps_of(model, data.X), data.masks, random_state=0)
        found[kind] = {
            "n_records": n,
            "detection_auroc": round(anomaly_auroc(np.repeat([1, -1], n), scores), 4),
            "maps": rounded(table),
        }
        report(f"{name} {kind} detection {found[kind]['detection_auroc']}", found[kind]["maps"])
    return found


def on_annotated(name, sides, n):
    """Return the measures on either side, by the model of the other one, and on both together."""
    rng = np.random.default_rng(0)
    chosen = {}
    for side, (_, times, _, patients) in sides.items():
        abnormal = np.flatnonzero(np.isfinite(times))
        chosen[side] = some(abnormal, patients, MOST_TO_TEST, rng)
    pool = [(side, row) for side, rows in chosen.items() for row in rows]
    drawn = rng.permutation(len(pool))[:n]
    document, both = {}, []
    for side, (X, times, n_beats, patients) in sides.items():
        (other,) = (sides[key] for key in sides if key != side)
        normal = some(np.flatnonzero(np.isnan(other[1])), other[3], MOST_TO_TRAIN, rng)
        model = fitted(name, RecordSet(other[0][normal], fs=FS, leads=LEADS))
        rows = np.sort([pool[k][1] for k in drawn if pool[k][0] == side])
        healthy = some(np.flatnonzero(np.isnan(times)), patients, MOST_TO_TEST, rng)
        scores = model.score_samples(X[np.append(healthy, rows)])
        groups = np.array(patients)
        interval = bootstrap_interval(
            anomaly_auroc,
            np.repeat([1, -1], [len(healthy), len(rows)]),
            scores,
            groups=groups[np.append(healthy, rows)],
            random_state=0,
        )
        maps = {key: m.sum(axis=1, keepdims=True) for key, m in maps_of(model, X[rows]).items()}
        since = np.arange(X.shape[2]) / FS - times[rows, None]
        masks = ((since >= -BEFORE) & (since <= AFTER))[:, None]
        both.append((maps, masks, groups[rows], n_beats[rows]))
        document[f"maps of {side}"] = {
            "n_train": len(normal),
            "n_train_patients": len({other[3][k] for k in normal}),
            "n_normal": len(healthy),
            "detection_auroc": [round(float(value), 4) for value in interval],
            **measured(*both[-1]),
        }
        report(f"{name} {side} detection {interval}", document[f"maps of {side}"]["maps"])
    maps = {key: np.concatenate([part[0][key] for part in both]) for key in both[0][0]}
    document["both"] = measured(maps, *(np.concatenate([p[k] for p in both]) for k in (1, 2, 3)))
    report(f"{name} both", document["both"]["maps"])
    print("  ", document["both"]["differences"], flush=True)
    return document


def measured(maps, masks, patients, n_beats):
    names, stretches_of = np.unique(patients, return_counts=True)
    return {
        "n_records": len(masks),
        "n_by_patient": dict(zip(names.tolist(), stretches_of.tolist(), strict=True)),
        # how often one of the stretch's beats, taken at random, is the ventricular one
        "hit_by_any_beat": round(float(np.mean(1 / n_beats)), 4),
        "maps": rounded(localisation_table(maps, masks, groups=patients, random_state=0)),
        "differences": differences(maps, masks, patients),
    }


def differences(maps, masks, patients, n_resamples=1000):
    """Return how much more often, and how much better, one map points than another: 95 %."""
    _, patient = np.unique(patients, return_inverse=True)
    n = int(patient.max()) + 1
    weights = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), n_resamples)[:, patient]
    found = {}
    for one, other in PAIRS:
        for measure, of in (("hit", pointing_game), ("auroc", localisation_auroc)):
            values = [
                getattr(of([maps[one][k]], [mask]), measure)
                - getattr(of([maps[other][k]], [mask]), measure)
                for k, mask in enumerate(masks)
            ]
            draws = weights @ values / weights.sum(axis=1)
            row = [np.mean(values), *np.quantile(draws, [0.025, 0.975])]
            found[f"{one} - {other}, {measure}"] = [round(float(value), 4) for value in row]
    return found


def report(title, table):
    print(title)
    for key, row in table.items():
        shown = (row[k] for k in ("hit", "chance", "pointing", "pointing_low", "pointing_high"))
        print("  ", key, *shown, row["auroc"], row["auroc_low"], row["auroc_high"], flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--records", type=int, default=30, help="of each synthetic kind")
    parser.add_argument("--stretches", type=int, default=300, help="of MIT-BIH, at most")
    arguments = parser.parse_args()
    folder = arguments.data / "mitdb"
    sides = {side: read_side(folder, names) for side, names in SIDES.items()}
    document = {
        "machine": {
            "processor": platform.machine(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "torch": version("torch"),
        },
        "synthetic": {},
        "mitbih": {},
        "cpu_seconds": {},
    }
    for name in NAMES:
        started = time.process_time()
        document["mitbih"][name] = on_annotated(name, sides, arguments.stretches)
        document["synthetic"][name] = on_synthetic(name, arguments.records)
        document["cpu_seconds"][name] = round(time.process_time() - started, 1)
        RESULTS.write_text(json.dumps(known(document), indent=1, allow_nan=False) + "\n")


if __name__ == "__main__":
    main()
