"""Measure the quality gate: its speed, whom it refuses, and what it finds.

python benchmarks/quality.py FOLDER

FOLDER holds ptbxl/ and, as far as they are there, ptbxl500/, mitdb/ and nstdb/. Thresholds were
chosen on folds 1 to 8 of PTB-XL; fold 9 is reported beside them. With neurokit2 installed, its
quality index is timed too.
"""

import argparse
import importlib.util
import json
import os
import platform
import warnings
from collections import Counter
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
import scipy
from quality_faults import CHEST, ROW, add_noise, add_pulses, read_noise, swap
from scipy import signal as sps
from scipy import stats
from sklearn.metrics import roc_auc_score
from timing import in_turns

from ecg_anomaly.datasets import load_ptbxl, make_ecg
from ecg_anomaly.findings import FindingKind
from ecg_anomaly.io import read_record
from ecg_anomaly.leads import STANDARD_LEADS
from ecg_anomaly.preprocessing import LeadImputer
from ecg_anomaly.quality import Outcome, QualityGate
from ecg_anomaly.quality._limb_leads import arms_swapped, swing_of_lead_ii
from ecg_anomaly.quality._measures import agreement, measure
from ecg_anomaly.signal.resampling import resample
from ecg_anomaly.signal.runs import runs

GATE = QualityGate()
TUNING, REPORT = tuple(range(1, 9)), (9,)
REMARKS = {
    "baseline_drift": FindingKind.BASELINE_WANDER,
    "static_noise": FindingKind.NOISE,
    "burst_noise": FindingKind.NOISE,
    "electrodes_problems": FindingKind.DISCONNECTED,
}
LEAD_FAULTS = {
    FindingKind.DISCONNECTED,
    FindingKind.OUT_OF_STEP,
    FindingKind.FLAT,
    FindingKind.AMPLITUDE,
}


def classic_indices(X, fs):
    """Compute pSQI, basSQI and kSQI of Li, Mark and Clifford (2008), lead by lead."""
    out = np.empty((*X.shape[:2], 3))
    for k, record in enumerate(X):
        for j, lead in enumerate(record):
            f, power = sps.welch(lead, fs, nperseg=min(len(lead), round(4 * fs)))
            band = {
                (a, b): power[(f >= a) & (f <= b)].sum()
                for a, b in ((5, 15), (5, 40), (0, 1), (0, 40))
            }
            out[k, j] = (
                band[5, 15] / band[5, 40],
                1 - band[0, 1] / band[0, 40],
                stats.kurtosis(lead),
            )
    return out


def neurokit(X, fs):
    import neurokit2

    for record in X:
        for lead in record:
            neurokit2.ecg_quality(lead, sampling_rate=int(fs), method="zhao2018")


def speed(repeats):
    result = {}
    for fs, n in ((500.0, 64), (100.0, 256)):
        X = make_ecg(n, fs=fs, random_state=0).X
        few = X[:4]
        functions = {
            "gate": lambda X=X, fs=fs: GATE.assess_batch(X, fs),
            "gate, one by one": lambda X=X, fs=fs: [GATE.assess_batch(x[None], fs) for x in X],
            "pSQI, basSQI, kSQI": lambda X=X, fs=fs: classic_indices(X[: len(X) // 4], fs),
        }
        counts = {"gate": n, "gate, one by one": n, "pSQI, basSQI, kSQI": n // 4}
        if importlib.util.find_spec("neurokit2"):
            functions["neurokit2 ecg_quality"] = lambda few=few, fs=fs: neurokit(few, fs)
            counts["neurokit2 ecg_quality"] = len(few)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            times = in_turns(functions, repeats)
        rates = {name: counts[name] / seconds for name, seconds in times.items()}
        ratios = {name: rates["gate"] / rate for name, rate in rates.items() if name != "gate"}
        result[f"{fs:g} Hz"] = {"records_per_second": rates, "ratio_of_gate": ratios}
    return result


def assess_set(dataset):
    ages = dataset.table["age"].to_numpy(float)
    results, start = [], 0
    for batch in dataset.X.batches(512):
        results += GATE.assess_batch(
            batch, dataset.X.fs, dataset.X.leads, ages[start:][: len(batch)]
        )
        start += len(batch)
    return results


def outcomes(results, mask=None):
    chosen = (
        [a for a, use in zip(results, mask, strict=True) if use] if mask is not None else results
    )
    count = Counter(a.outcome for a in chosen)
    n = max(len(chosen), 1)
    return {
        "n": len(chosen),
        "not scorable": count[Outcome.NOT_SCORABLE] / n,
        "leads imputed": count[Outcome.IMPUTED] / n,
    }


def has(results, kinds):
    kinds = kinds if isinstance(kinds, set) else {kinds}
    return np.array([any(f.kind in kinds for f in a.findings) for a in results])


def ptbxl(folder, folds):
    """Report outcomes by superclass, findings, and their agreement with the remarks by hand."""
    dataset = load_ptbxl(folder / "ptbxl", folds=folds)
    results = assess_set(dataset)
    table = dataset.table
    remarked = {name: table[name].notna().to_numpy() for name in REMARKS}
    clean = ~np.any(list(remarked.values()), axis=0)
    groups = {"all": np.ones(len(table), bool), "without remark": clean, "with remark": ~clean}
    groups |= {name: dataset.labels[name].to_numpy(bool) for name in dataset.labels}
    for code in ("AFIB", "AFLT", "PVC", "PACE", "CLBBB", "LVOLT", "PSVT", "BIGU"):
        groups[code] = np.array([code in codes for codes in table["scp_codes"]])
    report = {"outcomes": {k: outcomes(results, mask) for k, mask in groups.items()}}
    report["findings"] = {
        str(kind): {"all": found.mean(), "without remark": found[clean].mean()}
        for kind in FindingKind
        if (found := has(results, kind)).any()
    }
    report["remarks"] = {}
    for name, kind in REMARKS.items():
        found = has(results, LEAD_FAULTS if name == "electrodes_problems" else kind)
        report["remarks"][name] = {
            "n": int(remarked[name].sum()),
            "sensitivity": found[remarked[name]].mean(),
            "specificity": 1 - found[clean].mean(),
        }
    levels = []
    for batch in dataset.X.batches(64):
        m = measure(batch, dataset.X.fs, tuple(GATE.mains), GATE.max_mains)
        levels.append(
            np.stack(
                [
                    np.ptp(m.baseline, axis=-1).max(axis=1),
                    np.median(m.noise, axis=-1).max(axis=1),
                    m.noise.max(axis=(1, 2)),
                ],
                axis=1,
            )
        )
    for k, name in enumerate(("baseline_drift", "static_noise", "burst_noise")):
        use = clean | remarked[name]
        auroc = roc_auc_score(remarked[name][use], np.concatenate(levels)[use, k])
        report["remarks"][name]["AUROC of the level"] = auroc
    return report, dataset, results


def reversals(dataset, results):
    report = {}
    for name, wanted in (("normals", dataset.y == 1), ("anomalies", dataset.y == -1)):
        X = dataset[wanted].X.load()
        chosen = [a for a, use in zip(results, wanted, strict=True) if use]
        for electrodes, kind in (
            ("LA/RA", FindingKind.REVERSAL_LA_RA),
            ("RA/RL", FindingKind.REVERSAL_RA_RL),
        ):
            found = has(GATE.assess_batch(swap(X, electrodes), 100.0), kind)
            report[f"{electrodes}, {name}"] = {
                "n": len(X),
                "sensitivity": found.mean(),
                "false positives": has(chosen, kind).mean(),
            }
    return report


def noise_of(folder, name, fs):
    signal = read_noise(folder / "nstdb" / name)
    return resample(signal - signal.mean(axis=1, keepdims=True), fs_in=360.0, fs_out=fs)


def noise_stress(folder, dataset, n_records=200):
    remarks = dataset.table[list(REMARKS)].notna().any(axis=1).to_numpy()
    rows = np.flatnonzero(~remarks & (dataset.y == 1))[:n_records]
    X = dataset[rows].X.load()
    report = {}
    for name in ("bw", "ma"):
        noise = noise_of(folder, name, 100.0)
        for snr in (24, 18, 12, 6, 0, -6):
            results = GATE.assess_batch(add_noise(X, noise, snr), 100.0)
            report[f"{name} {snr} dB"] = outcomes(results) | {
                "noise": has(results, FindingKind.NOISE).mean(),
                "baseline wander": has(results, FindingKind.BASELINE_WANDER).mean(),
            }
    return report


def mitdb(folder):
    """Report refusals of 10-second windows, all and those of ventricular flutter or tachycardia."""
    import wfdb

    report, everything, ventricular = {}, [], []
    for header in sorted((folder / "mitdb").glob("*.hea")):
        record = read_record(header.with_suffix(""))
        length = round(10 * record.fs)
        n = record.signal.shape[1] // length
        windows = record.signal[:, : n * length].reshape(len(record.signal), n, length)
        results = GATE.assess_batch(windows.swapaxes(0, 1), record.fs, record.leads)
        report[header.stem] = outcomes(results)
        everything += results
        notes = wfdb.rdann(str(header.with_suffix("")), "atr")
        rhythm, sick = "", np.zeros(n, bool)
        for sample, symbol, aux in zip(notes.sample, notes.symbol, notes.aux_note, strict=True):
            rhythm = aux.strip("\x00") if aux.startswith("(") else rhythm
            if rhythm in ("(VFL", "(VT") or symbol in "![]":
                sick[min(sample // length, n - 1)] = True
        ventricular += [a for a, use in zip(results, sick, strict=True) if use]
    refused = {k: v["not scorable"] for k, v in report.items() if v["not scorable"]}
    return {
        "all windows": outcomes(everything),
        "ventricular flutter or tachycardia": outcomes(ventricular),
        "records with refused windows": refused,
    }


def pacing(folder):
    dataset = load_ptbxl_500(folder)
    report = {}
    if dataset is not None:
        X, is_paced = dataset
        results = GATE.assess_batch(X, 500.0)
        found = has(results, FindingKind.PACED)
        report["PTB-XL at 500 Hz"] = {
            "paced": int(is_paced.sum()),
            "found": int(found[is_paced].sum()),
            "others": int((~is_paced).sum()),
            "false alarms": int(found[~is_paced].sum()),
            "pacing visible": float(np.mean([a.pacing_visible for a in results])),
        }
    for fs in (500.0, 1000.0):
        X = make_ecg(200, fs=fs, random_state=1).X
        for height in (0.05, 0.1, 0.2, 0.5, 1.0):
            found = has(GATE.assess_batch(add_pulses(X, fs, height), fs), FindingKind.PACED)
            report[f"synthetic, {fs:g} Hz, pulses of {height} mV"] = found.mean()
        report[f"synthetic, {fs:g} Hz, no pulses"] = has(
            GATE.assess_batch(X, fs), FindingKind.PACED
        ).mean()
    return report


def load_ptbxl_500(folder):
    names = pd.read_csv(folder / "ptbxl" / "ptbxl_database.csv")
    there = [(folder / "ptbxl500" / f"{name}.hea").is_file() for name in names["filename_hr"]]
    names = names[np.array(there)]
    if names.empty:
        return None
    X = np.stack([read_record(folder / "ptbxl500" / name).signal for name in names["filename_hr"]])
    return X, names["scp_codes"].str.contains("PACE").to_numpy()


def levels(dataset):
    """Return the percentiles that the docstring of QualityGate cites."""
    seen = {name: [] for name in ("QRS height", "still", "lead II", "arms", "agreement")}
    for batch in dataset.X.batches(64):
        m = measure(batch, dataset.X.fs, tuple(GATE.mains), GATE.max_mains)
        seen["QRS height"].append(m.height.max(axis=-1))
        still = m.height < GATE.flat_level
        longest = np.zeros(still.shape[:2])
        row, start, stop = runs(still.reshape(-1, still.shape[-1]))
        np.maximum.at(longest.reshape(-1), row, (stop - start) * m.block)
        seen["still"].append(longest)
        seen["lead II"].append(swing_of_lead_ii(m, STANDARD_LEADS))
        seen["arms"].append(arms_swapped(m, STANDARD_LEADS))
        seen["agreement"].append(agreement(m.products, STANDARD_LEADS)[:, ROW["V1"] :])
    seen = {name: np.concatenate(parts) for name, parts in seen.items()}
    clean = ~dataset.table[list(REMARKS)].notna().any(axis=1).to_numpy()
    electrodes = dataset.table["electrodes_problems"].notna().to_numpy()
    low = (seen["agreement"] < GATE.min_agreement).any(axis=1)
    return {
        "largest height in 0.1 s of a lead in mV, 0.1st percentile": np.quantile(
            seen["QRS height"][clean], 0.001
        ),
        "longest still stretch of a lead in s, 99.9th percentile": np.quantile(
            seen["still"][clean], 0.999
        ),
        "swing of I + III, least of the normals": np.nanmin(seen["lead II"][dataset.y == 1]),
        "log ratio of swapped arms, 99.9th percentile of the normals": np.nanquantile(
            seen["arms"][dataset.y == 1], 0.999
        ),
        "a chest lead disagrees, without remark": low[clean].mean(),
        "a chest lead disagrees, remark on electrodes": low[electrodes].mean(),
    }


def imputation(train, test, n_records=500):
    """Report how well LeadImputer restores chest leads when some are missing."""
    fit = train[np.flatnonzero(train.y == 1)[::4]].X.load()
    X = test[:n_records].X.load()
    imputer = LeadImputer(leads=STANDARD_LEADS).fit(fit)
    rng, report = np.random.default_rng(0), {}
    for missing in range(1, 7):
        correlation = []
        broken = X.copy()
        gone = [rng.choice(6, missing, replace=False) + ROW["V1"] for _ in X]
        for record, rows in zip(broken, gone, strict=True):
            record[rows] = np.nan
        for before, after, rows in zip(X, imputer.transform(broken), gone, strict=True):
            correlation += [np.corrcoef(before[row], after[row])[0, 1] for row in rows]
        report[f"{missing} of 6 chest leads missing"] = {
            "median correlation": np.nanmedian(correlation),
            "lower quartile": np.nanquantile(correlation, 0.25),
        }
    return report


def weights(train):
    """Return leads I and II from V1 to V6, by least squares over all normals."""
    total = 0.0
    chest = [ROW[lead] for lead in CHEST]
    for batch in train[train.y == 1].X.batches(64):
        products = measure(batch, 100.0, tuple(GATE.mains), GATE.max_mains).products
        trace = np.trace(products, axis1=1, axis2=2)
        total = total + (products / trace[:, None, None]).sum(axis=0)
    solution = np.linalg.solve(total[np.ix_(chest, chest)], total[np.ix_(chest, [0, 1])])
    return solution.T.round(2).tolist()


def rounded(value):
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return round(float(value), 5) if isinstance(value, float | np.floating) else value


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/quality.json"))
    arguments = parser.parse_args()
    folder = arguments.folder

    report = {"gate": GATE.as_dict(), "speed": speed(arguments.repeats)}
    for name, result in report["speed"].items():
        print(name, {k: round(v, 1) for k, v in result["records_per_second"].items()})
        for other, ratio in result["ratio_of_gate"].items():
            print(f"  the gate is {ratio:.1f} times as fast as: {other}")
    report["PTB-XL, folds 1 to 8"], train, _ = ptbxl(folder, TUNING)
    report["PTB-XL, fold 9"], test, results = ptbxl(folder, REPORT)
    report["limb reversals, fold 9"] = reversals(test, results)
    report["levels behind thresholds, folds 1 to 8"] = levels(train)
    report["weights of the chest leads"] = weights(train)
    report["imputation, fold 9"] = imputation(train, test)
    if (folder / "nstdb").is_dir():
        report["noise stress, fold 9"] = noise_stress(folder, test)
    if (folder / "mitdb").is_dir():
        report["MIT-BIH, windows of 10 s"] = mitdb(folder)
    report["pacing"] = pacing(folder)
    report["versions"] = {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
    }
    report = rounded(report)
    for section in list(report)[2:]:
        print(f"\n{section}")
        print(json.dumps(report[section], indent=1))
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
