"""What the published figure on MIT-BIH beats is worth: its protocol, and the same by patient.

    python -m benchmarks.detection.mitbih_intra DIR [--seeds 0] [--beats 20000] [--minutes 2.5]

DIR holds the MIT-BIH Arrhythmia Database as ``mitdb/``. The published convolutional autoencoder
(720 samples of one lead around an annotated beat, code of 32 numbers, 583,361 parameters; AUROC
.972 by the mean squared error and .975 by its 99th percentile) is trained on normal beats of 70 %,
and measured on 15 %. Its protocol leaks:

1. Beats of all patients are split at random: every patient, and with 720-sample windows (2 s)
   every other beat, is on both sides: neighbouring windows share more than half of their samples.
2. Beats of bundle branch block (L, R) are normal: whole records of an abnormal shape are learnt.
   That is AAMI's grouping, but in EC57 it is used with splits by patient.
3. Paced records (102, 104, 107, 217), which EC57 leaves out, are taken in: half of the anomalies
   are beats of these four patients, which look like nobody else's.
4. The epoch is chosen by the test AUROC.
5. The threshold is the one of the best F1 on the test beats.

"published" has all five. The next rows take them away one after another: the epoch and the
threshold come from the remaining 15 %; paced records go; then beats are split by patient, training
and validation on DS1 and test on DS2 of de Chazal et al. Last, L and R are anomalies. Network, time
and number of drawn beats are the same in all rows.
To keep to minutes, beats are a random draw of `--beats` of those at hand. Each window is scaled by
its own mean and deviation, which the published text leaves open. AUROC does not depend on the
threshold; F1, sensitivity and specificity do. Writes benchmarks/results/mitbih_intra.json and
mitbih_intra.csv.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd
from benchmarks.peers import BeatAutoencoderPeer
from benchmarks.peers.circumstances import circumstances
from sklearn.model_selection import GroupShuffleSplit

from ecg_anomaly.datasets import load_mitbih
from ecg_anomaly.metrics import alarm_rates, anomaly_auprc, anomaly_auroc
from ecg_anomaly.model_selection import FBeta

RESULTS = Path(__file__).parents[1] / "results"
N_SAMPLES = 720
SCORES = {"mse": "mean squared error", "percentile": "99th percentile"}
#: What each training does, by the name of its row.
ROWS = {
    "epoch and threshold from other beats": {},
    "without paced records": {"paced": False},
    "split by patient": {"paced": False, "by_patient": True},
    "bundle branch block abnormal": {
        "paced": False,
        "by_patient": True,
        "bundle_branch_block": "abnormal",
    },
}
#: The row of the first training, when the test itself chooses.
PUBLISHED = "published"


def beats(folder, paced, bundle_branch_block, n_beats, rng):
    """Return windows scaled by their own mean and deviation, labels, patients and side of DS1."""
    # paced records 102 and 104 have no MLII: V5 stands in for it
    sources = [
        load_mitbih(
            folder,
            split="inter-patient-strict",
            n_samples=N_SAMPLES,
            paced=paced,
            bundle_branch_block=bundle_branch_block,
        )
    ]
    if paced:
        of_v5 = load_mitbih(folder, n_samples=N_SAMPLES, paced=True, leads=("V5",))
        sources.append(of_v5[np.isin(of_v5.table["record"].to_numpy(str), ["102", "104"])])
    sizes = [len(part) for part in sources]
    chosen = np.sort(rng.permutation(sum(sizes))[:n_beats])
    X, y, groups, in_ds1, start = [], [], [], [], 0
    for part, size in zip(sources, sizes, strict=True):
        some = part[chosen[(chosen >= start) & (chosen < start + size)] - start]
        X.append(some.X.load())
        y.append(some.y)
        groups.append(some.groups)
        in_ds1.append(some.table["subset"].to_numpy() == "train")
        start += size
    X = np.concatenate(X)
    X -= X.mean(-1, keepdims=True)
    X /= np.maximum(X.std(-1, keepdims=True), 1e-6)
    return X, np.concatenate(y), np.concatenate(groups), np.concatenate(in_ds1)


def parts(groups, in_ds1, by_patient, seed):
    """Return training, validation and test rows: 70, 15 and 15 %, or DS1 without and with, DS2."""
    rows = np.arange(len(groups))
    units = groups if by_patient else rows
    if by_patient:
        others, test = np.flatnonzero(in_ds1), np.flatnonzero(~in_ds1)
    else:
        halves = GroupShuffleSplit(1, test_size=0.15, random_state=seed)
        others, test = next(halves.split(rows, groups=units))
    halves = GroupShuffleSplit(1, test_size=0.15 / 0.85, random_state=seed)
    training, validation = next(halves.split(others, groups=units[others]))
    return others[training], others[validation], test


def run(X, y, groups, in_ds1, seed, minutes, n_epochs, by_patient):
    """Return measures by score and by who chooses epoch and threshold, and counts."""
    training, validation, test = parts(groups, in_ds1, by_patient, seed)
    normals = training[y[training] == 1]
    peer = BeatAutoencoderPeer(max_epochs=n_epochs, minutes=minutes, random_state=seed)
    best: dict[tuple[str, str], tuple] = {}
    for epoch, _ in enumerate(peer.fit_by_epoch(X[normals]), 1):
        for method in SCORES:
            peer.set_params(score_method=method)
            scores = {name: peer.score_samples(X[rows])
                      for name, rows in (("validation", validation), ("test", test))}  # fmt: skip
            for judge, rows in (("validation", validation), ("test", test)):
                auroc = anomaly_auroc(y[rows], scores[judge])
                if (method, judge) not in best or auroc > best[method, judge][0]:
                    best[method, judge] = auroc, epoch, scores[judge], y[rows], scores["test"]
    found = {}
    for (method, judge), (_, epoch, of_judge, y_judge, of_test) in best.items():
        is_normal = y_judge == 1
        threshold = FBeta().threshold(of_judge[is_normal], of_judge[~is_normal])
        rates = alarm_rates(y[test], of_test, threshold)
        found[method, judge] = {
            "AUROC": anomaly_auroc(y[test], of_test),
            "AUPRC": anomaly_auprc(y[test], of_test),
            "F1": rates.f1,
            "sensitivity": rates.sensitivity,
            "specificity": rates.specificity,
            "epoch": epoch,
        }
    counts = {
        "training normals": len(normals),
        "test beats": len(test),
        "test anomalies": int(np.sum(y[test] == -1)),
        "test patients": len(np.unique(groups[test])),
        "patients on both sides": len(np.intersect1d(groups[training], groups[test])),
        "epochs": peer.epochs_,
        "fit s": peer.seconds_,
    }
    return found, counts


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--beats", type=int, default=20_000)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--minutes", type=float, default=2.5, help="of each training")
    arguments = parser.parse_args()
    results = []
    for name, protocol in ROWS.items():
        for seed in arguments.seeds:
            drawn = beats(
                arguments.data / "mitdb",
                protocol.get("paced", True),
                protocol.get("bundle_branch_block", "normal"),
                arguments.beats,
                np.random.default_rng(seed),
            )
            by_patient = protocol.get("by_patient", False)
            found, counts = run(*drawn, seed, arguments.minutes, arguments.epochs, by_patient)
            for (method, judge), numbers in found.items():
                if judge == "test" and protocol:
                    continue
                row = PUBLISHED if judge == "test" else name
                results.append({"protocol": row, "score": SCORES[method], "seed": seed,
                                **numbers, **counts})  # fmt: skip
                print(results[-1], flush=True)
    results.sort(key=lambda row: [PUBLISHED, *ROWS].index(row["protocol"]))
    document = {
        "published": {"mean squared error": 0.9721, "99th percentile": 0.975},
        "beats": arguments.beats,
        "seeds": arguments.seeds,
        "results": results,
        **circumstances(),
    }
    (RESULTS / "mitbih_intra.json").write_text(json.dumps(document, indent=1) + "\n")
    pd.DataFrame(results).to_csv(RESULTS / "mitbih_intra.csv", index=False)


if __name__ == "__main__":
    main()
