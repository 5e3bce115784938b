"""Train the models that come with the package, with their cards.

    python -m benchmarks.pretrain DIR [--only ptbxl-100hz]

DIR holds PTB-XL as ``ptbxl/`` and the MIT-BIH Arrhythmia Database as ``mitdb/``. Writes
src/ecg_anomaly/pretrained/NAME.safetensors; the same files come out on the same machine. No test
data is read: the figures of the cards come from benchmarks/results, measured with the same
experiments.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from benchmarks.detection.mitbih import beats, evenly, is_normal

from ecg_anomaly import HeartbeatDetector, TunedThresholdDetector, save
from ecg_anomaly.experiment import fit_experiment, load_config, load_datasets
from ecg_anomaly.model_selection import FalseAlarmRate
from ecg_anomaly.model_selection.disjoint import record_digests
from ecg_anomaly.scoring import calibrate, detector_of

ROOT = Path(__file__).parents[1]
OUT = ROOT / "src" / "ecg_anomaly" / "pretrained"
RESULTS = ROOT / "benchmarks" / "results"
ALPHA = 0.05
EXPERIMENT = "vae_bilstm"
USE = "Research use only. Not a medical device, and not for decisions about patients."
PHYSIONET = (
    "Goldberger et al., PhysioBank, PhysioToolkit, and PhysioNet, Circulation 101(23), e215-e220, "
    "2000."
)


def ptbxl(data):
    config = load_config(EXPERIMENT)
    training, _ = load_datasets(config, data)
    fitted = fit_experiment(config, training, verbose=1)
    held_out = np.isin(record_digests(training.X), fitted.model.tuned_on_) & (training.y == 1)
    model = calibrate(fitted.model, training[held_out].X, alpha=ALPHA, random_state=0)
    card = {
        "name": "ptbxl-100hz",
        "use": USE,
        "takes": "the twelve standard leads, 10 s or longer; other rates become 100 Hz",
        "trained on": f"{fitted.n_train} ECGs of PTB-XL 1.0.1, folds 1-8, with no diagnostic "
        "superclass but NORM",
        "calibrated on": f"{len(model.calibration_[''])} other such ECGs, one a patient, for a "
        f"false-alarm rate of {ALPHA:.0%}",
        "population": population(training[training.y == 1].table)
        + "; devices of Schiller AG, 1989 to 1996",
        "figures": figures(type(detector_of(model)).__name__),
        "limits": [
            "PTB-XL's normals are younger than its other patients, and age alone separates them "
            "well: the AUROC within age band and sex is the fairer one.",
            "Rhythm counts little: atrial fibrillation with narrow beats and single premature "
            "beats may not be flagged.",
            "The false-alarm rate holds for normals like those it was calibrated on; elsewhere, "
            "calibrate on local normals (ecg-anomaly calibrate).",
            "Not flagged does not mean normal.",
        ],
        "made by": "python -m benchmarks.pretrain DIR --only ptbxl-100hz",
        "licence of the data": "CC BY 4.0",
        "cite": [
            "Wagner et al., PTB-XL, a large publicly available electrocardiography dataset, "
            "Scientific Data 7, 154, 2020, and PhysioNet, doi:10.13026/x4td-x982 (version 1.0.1).",
            PHYSIONET,
        ],
    }
    return model, {"card": card} | fitted.metadata(config)


def mitbih(data):
    train, table = beats(data, "train")
    rows = evenly(table, np.flatnonzero(is_normal(table)))
    windows = np.concatenate(list(train[rows].batches(256)))
    model = TunedThresholdDetector(
        HeartbeatDetector(random_state=0), FalseAlarmRate(ALPHA), holdout=0.2, random_state=0
    )
    model.fit(windows, groups=table["record"].to_numpy()[rows])
    document = json.loads((RESULTS / "mitbih.json").read_text())
    (row,) = (
        row for row in document["results"]
        if (row["detector"], row["L/R"], row["on"]) == ("HeartbeatDetector", "normal", "DS2")
    )  # fmt: skip
    found = {}
    for kind in ("all", "VEB", "SVEB", "SVEB without 232"):
        of_kind = row[kind]
        found[f"AUROC, {kind} ({of_kind['n']})"] = round(of_kind["AUROC"], 3)
        if "low" in of_kind:
            found[f"95 % interval over records, {kind}"] = (
                f"{of_kind['low']:.3f} to {of_kind['high']:.3f}"
            )
    card = {
        "name": "mitbih-360hz",
        "use": USE,
        "takes": "windows of 10 s of one lead, II or a modified II, each with an R peak in its "
        "middle, at 360 Hz",
        "trained on": f"{len(rows) - model.n_normals_} "
        "normal beats (class N of AAMI EC57, with bundle branch block) of DS1 of the MIT-BIH "
        "Arrhythmia Database, at most 300 a record",
        "calibrated on": f"{model.n_normals_} such beats of other records of DS1, for a "
        f"false-alarm rate of {ALPHA:.0%}",
        "population": "22 patients of Beth Israel Hospital, Boston, recorded 1975 to 1979",
        "figures": {"test": f"{row['normals']} normal beats of {row['records']} records of DS2"}
        | found,
        "limits": [
            "Between patients the scores of normal beats differ more than within one: the "
            "false-alarm rate is that of many patients together, and one of them may have half of "
            "all false alarms.",
            "Runs of ectopic beats that fill the window look usual there; supraventricular beats "
            "of one record, 232, are such.",
            "Bundle branch block counts as normal, and one lead can hardly tell it.",
            "No p-values: beats of one patient are not exchangeable with those of another.",
            "Not flagged does not mean normal.",
        ],
        "made by": "python -m benchmarks.pretrain DIR --only mitbih-360hz",
        "licence of the data": "ODC-By 1.0",
        "cite": [
            "Moody and Mark, The impact of the MIT-BIH Arrhythmia Database, IEEE Eng in Med and "
            "Biol 20(3), 45-50, 2001, and PhysioNet, doi:10.13026/C2F305.",
            PHYSIONET,
        ],
    }
    return model, {"card": card}


def population(table):
    """Say how old the patients are, and how many are women."""
    low, middle, high = np.nanpercentile(table["age"], (5, 50, 95))
    women = float((table["sex"] == 1).mean())
    return f"aged {middle:.0f} in the median ({low:.0f} to {high:.0f} for 90 %), {women:.0%} women"


def figures(detector):
    """Return what the benchmark measured for the same experiment: means over its seeds."""
    document = json.loads((RESULTS / "ptbxl.json").read_text())
    (row,) = (row for row in document["results"] if row["detector"] == detector)
    told = {name: round(float(row[name]), 3) for name in row if name in MEASURES}
    return {"test": document["test"]} | told


MEASURES = (
    "AUROC", "AUROC low", "AUROC high", "matched AUROC", "within-device AUROC", "AUPRC",
    "prevalence", "sens. at 95 % spec.", "false alarms",
)  # fmt: skip
MODELS = {"ptbxl-100hz": ptbxl, "mitbih-360hz": mitbih}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", choices=list(MODELS))
    arguments = parser.parse_args()
    for name in [arguments.only] if arguments.only else MODELS:
        model, metadata = MODELS[name](arguments.data)
        file = OUT / f"{name}.safetensors"
        save(model, file, metadata=metadata)
        print(f"{file}: {file.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
