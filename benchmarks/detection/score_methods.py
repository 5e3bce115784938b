"""Which score? Every score method of every detector, on PTB-XL fold 8 and on synthetic ECGs.

    python benchmarks/detection/score_methods.py DIR

Trained on the normals of folds 1-7 with the shipped experiments' parameters, but without the gate,
read on fold 8: the defaults were chosen by it. "PVC among normals" is the AUROC of records that the
superclass rule calls normal although they hold premature ventricular beats, against the other
normals. The synthetic column takes 2,000 normals and the detectors' defaults. Writes
benchmarks/results/score_methods.json.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from ecg_anomaly import make_ecg
from ecg_anomaly.datasets import load_ptbxl
from ecg_anomaly.experiment import load_config
from ecg_anomaly.metrics import age_band, anomaly_auroc, matched_auroc

RESULTS = Path(__file__).parents[1] / "results" / "score_methods.json"
METHODS = {
    "cae": ["latent", "latent_beat", "combined", "reconstruction"],
    "vae_bilstm": ["latent", "latent_beat", "combined", "elbo", "reconstruction"],
    "vae_mha": ["latent", "latent_beat", "combined", "elbo", "attention", "reconstruction"],
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    folder = parser.parse_args().data / "ptbxl"
    training, test = load_ptbxl(folder, folds=range(1, 8)), load_ptbxl(folder, folds=[8])
    normals = training.X[training.y == 1]
    strata = age_band(test.table["age"]), test.table["sex"].to_numpy()
    pvc = np.array(["PVC" in codes for codes in test.table["scp_codes"]])
    among_normals = test.y == 1
    synthetic_normals = make_ecg(2000, random_state=0).X
    synthetic = make_ecg(800, anomalies="all", random_state=1)
    document = {}
    for name, methods in METHODS.items():
        model = load_config(name).model_copy(update={"gate": None}).build().fit(normals)
        # fitted for the score that needs most, they can give any
        detector = type(model[-1])("latent_beat", random_state=0).fit(synthetic_normals)
        rows = {}
        for method in methods:
            model[-1].set_params(score_method=method)
            detector.set_params(score_method=method)
            scores = model.score_samples(test.X)
            rows[method] = {
                "AUROC": anomaly_auroc(test.y, scores),
                "matched AUROC": matched_auroc(test.y, scores, *strata),
                "PVC among normals": anomaly_auroc(
                    np.where(pvc, -1, 1)[among_normals], scores[among_normals]
                ),
                "synthetic AUROC": anomaly_auroc(synthetic.y, detector.score_samples(synthetic.X)),
            }
            print(name, method, rows[method], flush=True)
        document[type(model[-1]).__name__] = rows
    RESULTS.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
