"""Do thresholds keep their promise? Set on PTB-XL folds 1-8, read on the normals of fold 9.

    python benchmarks/thresholds.py DIR [--experiment vae_mha] [--test-folds 9]

A fifth of the patients with normals in folds 1-8 is held out. On it a threshold is tuned for a
false-alarm rate of 5 % (`TunedThresholdDetector`) and p-values are calibrated, for all and within
sex, age band, and both (`ConformalDetector`). The first states between which rates the false alarms
among the normals of the test fold will lie, the second how many there will be at most, in 95 %
intervals that join the errors of calibration and test; both are printed beside what is found.
Writes benchmarks/results/thresholds.json.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from ecg_anomaly import ConformalDetector, TunedThresholdDetector
from ecg_anomaly.datasets import load_ptbxl
from ecg_anomaly.experiment import load_config
from ecg_anomaly.metrics import p_value_calibration, predicted_rate
from ecg_anomaly.model_selection import FalseAlarmRate, split_holdout

RESULTS = Path(__file__).parent / "results" / "thresholds.json"
RATE = 0.05
AGES = [40, 60, 75]
GROUPS = {"all": [], "sex": ["sex"], "age": ["age"], "sex and age": ["sex", "age"]}


def stated(name, flagged, interval, *, at_most=False):
    """Return what was stated and what was found; `at_most` promises nothing below."""
    rate = float(np.mean(flagged))
    _, low, high = interval
    low = 0.0 if at_most else low
    return {
        "group": name,
        "n_normals": len(flagged),
        "stated_low": low,
        "stated_high": high,
        "rate": rate,
        "holds": bool(low <= rate <= high),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--experiment", default="vae_mha")
    parser.add_argument("--test-folds", type=int, nargs="+", default=[9])
    arguments = parser.parse_args()
    folder = arguments.data / "ptbxl"
    training = load_ptbxl(folder, folds=[f for f in range(1, 9) if f not in arguments.test_folds])
    test = load_ptbxl(folder, folds=arguments.test_folds)
    normals, test = training[training.y == 1], test[test.y == 1]
    fit_rows, held_rows = split_holdout(normals.groups, 0.2, random_state=0)
    model = load_config(arguments.experiment).build().fit(normals.X[fit_rows])
    held = normals.X[held_rows]

    tuned = TunedThresholdDetector(model, FalseAlarmRate(RATE), cv="prefit").fit(held)
    flagged = tuned.predict(test.X) == -1
    rates = tuned.predicted_rates(n_normals=len(test))
    rows = {"tuned": [stated("all", flagged, rates["false_alarm_rate"])]}
    for name, columns in GROUPS.items():
        conformal = ConformalDetector(
            model,
            RATE,
            cv="prefit",
            group_by=columns or None,
            bands={"age": AGES} if "age" in columns else None,
            random_state=0,
        ).fit(held)
        flagged = conformal.predict(test.X) == -1
        names = np.array(conformal.names_of(test.X.table, len(test)))
        thresholds = {"": conformal.offset_, **conformal.group_offsets_}
        found = []
        for group in sorted(set(names)):
            part = names == group
            of_group = conformal.calibration_[group if group in thresholds else ""]
            below = int(np.sum(of_group < thresholds[group if group in thresholds else ""]))
            interval = predicted_rate(below, len(of_group), int(part.sum()))
            found.append(stated(group or "all", flagged[part], interval, at_most=True))
        rows[f"conformal by {name}"] = found
        if not columns:
            p_values = conformal.p_values(test.X)
            table = p_value_calibration(p_values, n_calibration=len(conformal.calibration_[""]))
            calibration = table.astype(object).to_dict("records")
    document = {
        "experiment": arguments.experiment,
        "test_folds": arguments.test_folds,
        "asked": RATE,
        "n_held_out": tuned.n_normals_,
        "results": rows,
        "p_values": calibration,
    }
    for name, found in rows.items():
        for row in found:
            print(f"{name:26s} {row['group']:22s} n {row['n_normals']:4d}  stated "
                  f"{row['stated_low']:.3f} to {row['stated_high']:.3f}  found {row['rate']:.3f}  "
                  f"{'holds' if row['holds'] else 'BROKEN'}")  # fmt: skip
    print(table.to_string())
    RESULTS.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
