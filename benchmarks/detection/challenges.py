"""The pretrained model on records of the CinC Challenges and CPSC 2018: does it run, and on what.

    python benchmarks/detection/challenges.py DIR

DIR holds ``cinc2021/`` and ``cpsc2018/``. Counts of records flagged by `load_pretrained()`, by
label: a smoke test of readers, rates and lengths that the model was not trained on, and with so few
records no measure of it. Writes benchmarks/results/challenges.json.
"""

import argparse
import json
from pathlib import Path

from ecg_anomaly import load_pretrained, score_records
from ecg_anomaly.datasets import load_cinc, load_cpsc2018

RESULTS = Path(__file__).parents[1] / "results" / "challenges.json"
LOADERS = {"CinC Challenge 2021": ("cinc2021", load_cinc), "CPSC 2018": ("cpsc2018", load_cpsc2018)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    data = parser.parse_args().data
    model, document = load_pretrained(), {}
    for name, (folder, load) in LOADERS.items():
        dataset = load(data / folder)
        table = score_records(model, dataset, errors="report")
        rows = {}
        for label, title in ((1, "normal"), (-1, "anomaly")):
            said = table["verdict"][dataset.y == label].value_counts()
            rows[title] = {what: int(said.get(what, 0)) for what in
                           ("flagged", "not flagged", "not scorable")}  # fmt: skip
        document[name] = {
            "rule": dataset.label_rule,
            "excluded": dict(dataset.excluded),
            "problems": sorted(set(table["problem"]) - {""}),
            "records": rows,
        }
        print(name, rows, document[name]["problems"], flush=True)
    RESULTS.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
