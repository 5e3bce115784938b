"""Draw accuracy against cost from benchmarks/results, and nothing else: docs/cost.svg.

python benchmarks/cost_figure.py
"""

import json
from pathlib import Path

import matplotlib as mpl
import numpy as np
from detection_tables import OUR_OWN
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
# Labels are so far apart in AUROC that they can be read.
_APART = 0.014
GROUPS = {"ours": "#1b6ca8", "simple": "#7a7a7a", "published or of libraries": "#c8553d"}


def points():
    """Return group, name, AUROC, seconds of the fit and records scored in a second."""
    found = []
    for source in ("ptbxl", "peers"):
        file = RESULTS / f"{source}.json"
        if not file.exists():
            continue
        document = json.loads(file.read_text())
        for row in document["results"]:
            if not row.get("fit s") or not row.get("score s"):
                continue  # age alone costs nothing
            of = "simple" if source == "ptbxl" else "published or of libraries"
            group = "ours" if row["detector"] in OUR_OWN else of
            speed = document["n_test"] / row["score s"]
            found.append((group, row["detector"], row["AUROC"], row["fit s"], speed))
    return found


def main():
    mpl.rcParams["svg.hashsalt"] = "ecg-anomaly"
    figure = Figure(figsize=(11, 6), layout="constrained")
    by_fit, by_speed = figure.subplots(1, 2, sharey=True)
    for axes, column, label in (
        (by_fit, 3, "seconds to fit"),
        (by_speed, 4, "records scored in a second"),
    ):
        for group, colour in GROUPS.items():
            of_group = [row for row in points() if row[0] == group]
            if of_group:
                x, y = [row[column] for row in of_group], [row[2] for row in of_group]
                axes.scatter(x, y, color=colour, label=group)
        # labels stand towards the middle, one above another
        middle = np.sqrt(np.prod([f(row[column] for row in points()) for f in (min, max)]))
        lowest = 0.0
        for row in sorted(points(), key=lambda row: row[2]):
            side = "left" if row[column] < middle else "right"
            lowest = max(row[2], lowest + _APART)
            axes.annotate(
                row[1].removesuffix("Detector"),
                (row[column], row[2]),
                xytext=(row[column] * (1.12 if side == "left" else 1 / 1.12), lowest),
                ha=side,
                va="center",
                fontsize=8,
                arrowprops={"arrowstyle": "-", "lw": 0.4, "color": "0.6"},
            )
        axes.set(xscale="log", xlabel=label)
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.margins(x=0.3, y=0.1)
        axes.grid(alpha=0.3)
    by_fit.set_ylabel("AUROC, PTB-XL fold 9")
    by_fit.legend(loc="lower right", fontsize=8)
    figure.savefig(ROOT / "docs" / "cost.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
