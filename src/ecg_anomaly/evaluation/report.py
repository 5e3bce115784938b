"""The page of an evaluation: one HTML file with everything in it."""

from __future__ import annotations

import base64
import io
from html import escape
from typing import TYPE_CHECKING, Any

from ..plotting import (
    plot_p_value_calibration,
    plot_precision_recall,
    plot_roc,
    plot_score_histogram,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from .result import Evaluation

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1a1a1a; max-width: 72rem; margin: 2rem auto;
       padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 13px; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid #ddd; text-align: right;
         white-space: nowrap; }
th:first-child, td:first-child { text-align: left; position: sticky; left: 0; background: #fff; }
thead th { border-bottom: 2px solid #888; white-space: normal; vertical-align: bottom; }
figure { display: inline-block; margin: 0 1rem 1rem 0; }
figure img { max-width: 34rem; width: 100%; }
.note { color: #595959; }
"""
# Columns of the first table; all of them are in the second.
_MAIN = (
    "AUROC", "AUROC low", "AUROC high", "AUROC sd", "matched AUROC", "within-device AUROC",
    "AUPRC", "prevalence", "sens. at 95 % spec.", "false alarms", "expected low", "expected high",
    "sensitivity", "fit s",
)  # fmt: skip
_FEWEST_OF_A_DIAGNOSIS = 20


def page(result: Evaluation) -> str:
    """Return an evaluation as one self-contained HTML page."""
    frame = result.to_frame()
    best = result.best
    y = result.test.y[result.scorable]
    scores = result.first_scores()
    of_best = next(cell for cell in result.cells if cell.detector == best)
    figures: list[Figure] = [
        plot_roc(y, scores),
        plot_precision_recall(y, scores),
        plot_score_histogram(y, scores[best], float(of_best.thresholds.min()), title=best),
        plot_p_value_calibration(
            {best: result.p_values(best)}, n_calibration=len(of_best.calibration)
        ),
    ]
    protocol = result.protocol
    parts = [
        "<h1>Evaluation of ECG anomaly detectors</h1>",
        _paragraph(f"Test: {result.test_description}"),
        _paragraph(f"Training: {result.training_description}"),
        _paragraph(
            f"Seeds {', '.join(map(str, protocol.seeds))}; thresholds for {protocol.target!r} on "
            f"{protocol.holdout:.0%} of the training patients, held out; intervals of "
            f"{protocol.confidence:.0%} from {protocol.n_resamples} draws of patients. "
            f"{int(result.scorable.sum())} of {len(result.scorable)} test records were "
            "scorable by all detectors, and measured on."
        ),
        "<h2>Results</h2>",
        _table(frame[[column for column in _MAIN if column in frame]].sort_values("AUROC")[::-1]),
        _note(
            "Means over seeds. Matched: within age band and sex, since age alone scores well. "
            "Expected: where the false-alarm rate was predicted to lie before the test was read. "
            "For research; not flagged is not normal."
        ),
        *(_figure(figure) for figure in figures),
        "<h2>All measures</h2>",
        _table(frame.drop(columns=[column for column in _MAIN if column in frame])),
    ]
    if len(result.detectors) > 1:
        parts += [
            f"<h2>Difference of AUROC from {escape(best)}, the highest</h2>",
            _table(result.differences(best)),
        ]
    for name in result.detectors:
        parts += [f"<h2>{escape(name)}</h2>", _note("Of the first seed.")]
        groups = result.subgroups(name)
        if len(groups):
            parts.append(_table(groups.set_index("column"), "Subgroups"))
        if result.test.labels is not None:
            diagnoses = result.diagnoses(name)
            parts.append(_table(diagnoses[diagnoses["n"] >= _FEWEST_OF_A_DIAGNOSIS], "Diagnoses"))
        parts.append(_table(result.calibration(name), "p-values of test normals"))
    versions: dict[str, Any] = result.to_dict()["versions"]
    parts.append(_note(", ".join(f"{name} {number}" for name, number in versions.items())))
    body = "\n".join(parts)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Evaluation: {escape(result.test.name)}</title><style>{_STYLE}</style></head>\n"
        f"<body>\n{body}\n</body></html>\n"
    )


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _note(text: str) -> str:
    return f'<p class="note">{escape(text)}</p>'


def _table(table: pd.DataFrame, title: str = "") -> str:
    shown = table.copy()
    for column in shown.columns:
        if shown[column].dtype.kind == "f":
            digits = 1 if str(column).endswith(" s") or "per hour" in str(column) else 3
            shown[column] = shown[column].map(
                lambda value, digits=digits: "" if value != value else f"{value:.{digits}f}"
            )
    heading = f"<h3>{escape(title)}</h3>" if title else ""
    return f'{heading}<div class="wide">{shown.to_html(border=0, na_rep="")}</div>'


def _figure(figure: Figure) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    coded = base64.b64encode(buffer.getvalue()).decode()
    alt = escape(figure.axes[0].get_xlabel() + " / " + figure.axes[0].get_ylabel())
    return f'<figure><img alt="{alt}" src="data:image/png;base64,{coded}"></figure>'
