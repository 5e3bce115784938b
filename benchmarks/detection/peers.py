"""Published networks, and detectors of pyod and aeon, on PTB-XL: the protocol of all the others.

    python -m benchmarks.detection.peers DIR [--out FOLDER] [--only NAME ...]

DIR holds PTB-XL as ``ptbxl/``. Everything but the detectors is as configs/comparisons/ptbxl.yaml
has it: normals of folds 1-8 behind the quality gate and a band-pass, thresholds on held-out
patients of these, fold 9 read once for each detector; the seed is one. Networks train for 40
minutes at most, or for their epochs; "epochs" says how far they came. What is done is kept in
FOLDER, so that the same command goes on with the next detector after a break. Writes
benchmarks/results/peers.json and peers.csv, or with other folds FOLDER/peers.json and peers.csv.

The recurrent networks pass one or two records a second in training and four in scoring: with the
records that set the threshold each takes an hour on one core.
"""

import argparse
import json
from pathlib import Path

from benchmarks.peers import NETWORKS, library_peers
from benchmarks.peers.circumstances import circumstances
from sklearn.pipeline import make_pipeline

from ecg_anomaly import BandpassFilter, GatedDetector
from ecg_anomaly.comparison import load_comparison
from ecg_anomaly.evaluation import Protocol, evaluate
from ecg_anomaly.experiment import PTBXLConfig, load_datasets
from ecg_anomaly.quality import QualityGate

RESULTS = Path(__file__).parents[1] / "results"


def detectors(config, out, minutes, only=None):
    """Return the unfitted peers by name behind the comparison's gate, and where networks report."""
    fs = float(config.data.fs)
    reports = {name: out / "training" / f"{k}.json" for k, name in enumerate(NETWORKS)}
    peers = library_peers() | {
        name: peer(**params, minutes=minutes, report=str(reports[name]))
        for name, (peer, params) in NETWORKS.items()
    }
    chosen = peers if only is None else {name: peers[name] for name in only}
    return {
        name: GatedDetector(
            make_pipeline(BandpassFilter(lowcut=0.5, highcut=40, fs=fs), peer),
            QualityGate(**(config.gate or {})),
            fs=fs,
        )
        for name, peer in chosen.items()
    }, reports


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("evaluation-peers"))
    parser.add_argument("--minutes", type=float, default=40.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", metavar="NAME")
    parser.add_argument("--train-folds", type=int, nargs="+")
    parser.add_argument("--test-folds", type=int, nargs="+")
    arguments = parser.parse_args()

    config = load_comparison("ptbxl")
    folds = {"train_folds": arguments.train_folds, "test_folds": arguments.test_folds}
    given = {name: value for name, value in folds.items() if value is not None}
    data = PTBXLConfig(**(config.data.model_dump() | given))
    protocol = Protocol(**{**vars(config.protocol()), "seeds": (arguments.seed,)})
    out = arguments.out.resolve()
    (out / "training").mkdir(parents=True, exist_ok=True)
    models, reports = detectors(config, out, arguments.minutes, arguments.only)

    def tell(cell, n_done, n_all):
        seconds = f"fit {cell.fit_seconds:.0f} s, score {cell.score_seconds:.0f} s"
        print(f"{n_done} of {n_all}: {cell.detector}, seed {cell.seed}, {seconds}", flush=True)

    # one at a time: the time budget counts seconds of a core that is not shared
    result = evaluate(
        models,
        load_datasets(config.model_copy(update={"data": data}), arguments.data),
        protocol,
        folder=out / "cells",
        progress=tell,
    )
    table = result.to_frame()
    for name in table.index.intersection(list(reports)):
        told = json.loads(reports[name].read_text())
        table.loc[name, ["epochs", "of epochs"]] = told["epochs"], told["of"]
    document = result.to_dict() | {
        "results": table.astype(object)
        .where(table.notna(), None)
        .rename_axis("detector")
        .reset_index()
        .to_dict("records"),
        "minutes of training": arguments.minutes,
        "folds": {"train": data.train_folds, "test": data.test_folds},
        **circumstances(),
    }
    folder = RESULTS if data == config.data and arguments.only is None else out
    print(table.T.to_string())
    (folder / "peers.json").write_text(json.dumps(document, indent=1, default=float) + "\n")
    table.rename_axis("detector").to_csv(folder / "peers.csv")


if __name__ == "__main__":
    main()
