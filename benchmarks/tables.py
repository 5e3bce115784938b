"""Write the tables of the README and the docs from benchmarks/results, and nothing else.

python benchmarks/tables.py
"""

import json
from pathlib import Path

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PAGES = {
    "ptbxl": [ROOT / "README.md", ROOT / "docs" / "results.md"],
    "score_methods": [ROOT / "docs" / "scores.md"],
    "io": [ROOT / "docs" / "files.md"],
    "files": [ROOT / "docs" / "files.md"],
    "quality": [ROOT / "docs" / "quality.md"],
}
COLUMNS = ["AUROC", "matched AUROC", "AUPRC", "sens. at 95 % spec.", "false alarms"]


def ptbxl(document):
    """Return the table of the three experiments on PTB-XL."""
    experiments = document["experiments"]
    lines = [
        "| detector | " + " | ".join(COLUMNS) + " | fit | peak memory |",
        "|---|" + "---|" * (len(COLUMNS) + 2),
    ]
    age_only = None
    for experiment in experiments.values():
        for name, row in experiment["results"].items():
            cells = " | ".join("" if row[c] is None else f"{row[c]:.3f}" for c in COLUMNS)
            if "AUROC low" in row:
                interval = f" ({row['AUROC low']:.3f} to {row['AUROC high']:.3f})"
                cells = cells.replace(" |", f"{interval} |", 1)
            if name == "age only":
                age_only = f"| age only | {cells} | | |"
            else:
                cost = f"{experiment['fit_seconds']:.0f} s | {experiment['fit_peak_gb']:.1f} GB"
                lines.append(f"| `{name}` | {cells} | {cost} |")
    return "\n".join([*lines, age_only])


def score_methods(document):
    """Return the table of every score of every detector."""
    columns = list(next(iter(next(iter(document.values())).values())))
    lines = [
        "| detector | score | " + " | ".join(columns) + " |",
        "|---|" + "---|" * (len(columns) + 1),
    ]
    for detector, rows in document.items():
        for method, row in rows.items():
            cells = " | ".join(f"{row[column]:.3f}" for column in columns)
            lines.append(f"| `{detector}` | {method} | {cells} |")
    return "\n".join(lines)


def io(document):
    """Return the table of reading beside wfdb."""
    lines = ["| what | records per second | wfdb | ratio |", "|---|---|---|---|"]
    for case, row in document["cases"].items():
        ours, theirs = row["records_per_second"], row["wfdb_records_per_second"]
        lines.append(f"| {case} | {ours:,.0f} | {theirs:,.0f} | {row['ratio']:.1f} |")
    return "\n".join(lines)


def files(document):
    """Return the table of what came out of real files."""

    def listed(counts):
        return ", ".join(f"{name}: {count}" for name, count in counts.items())

    lines = [
        "| folder | files | clean | with findings | refused |",
        "|---|---|---|---|---|",
    ]
    for name, row in document["records"].items():
        noted = f"{row['with findings']} ({listed(row['findings'])})" if row["findings"] else "0"
        refused = listed(row["refused"]) or "0"
        lines.append(f"| {name} | {row['records']:,} | {row['clean']:,} | {noted} | {refused} |")
    for name, row in document["ucr"].items():
        for suffix, what in row.items():
            lines.append(f"| {name} | `{suffix}` | {what} | | |")
    return "\n".join(lines)


def quality(document):
    """Return the tables of the gate: PTB-XL, noise stress, speed."""
    groups = ["all", "without remark", "NORM", "MI", "STTC", "CD", "HYP", "AFIB", "PVC", "CLBBB"]
    lines = ["| PTB-XL, share of records | " + " | ".join(groups) + " |",
             "|---|" + "---|" * len(groups)]  # fmt: skip
    for folds in ("folds 1 to 8", "fold 9"):
        outcomes = document[f"PTB-XL, {folds}"]["outcomes"]
        for outcome in ("not scorable", "leads imputed"):
            cells = " | ".join(f"{outcomes[group][outcome]:.2%}" for group in groups)
            lines.append(f"| {folds}: {outcome} | {cells} |")
    stress = document["noise stress, fold 9"]
    levels = [24, 18, 12, 6, 0, -6]
    head = " | ".join(f"{level} dB" for level in levels)
    lines += ["", f"| noise added, share of records | {head} |", "|---|" + "---|" * len(levels)]
    for noise, name in (("ma", "muscle"), ("bw", "baseline wander")):
        for what in ("not scorable", "leads imputed", "noise", "baseline wander"):
            cells = " | ".join(f"{stress[f'{noise} {level} dB'][what]:.1%}" for level in levels)
            shown = what if what in ("not scorable", "leads imputed") else f"finding: {what}"
            lines.append(f"| {name}, {shown} | {cells} |")
    lines += ["", "| speed, one core | records per second | times "
              "as fast as three indices lead by lead | times as fast as neurokit2 |",
              "|---|---|---|---|"]  # fmt: skip
    for rate, row in document["speed"].items():
        ratio = row["ratio_of_gate"]
        neurokit = ratio.get("neurokit2 ecg_quality")
        lines.append(
            f"| 12 leads, 10 s, {rate} | {row['records_per_second']['gate']:,.0f} | "
            f"{ratio['pSQI, basSQI, kSQI']:.1f} | {'' if neurokit is None else f'{neurokit:.0f}'} |"
        )
    return "\n".join(lines)


TABLES = {
    "ptbxl": ptbxl,
    "score_methods": score_methods,
    "io": io,
    "files": files,
    "quality": quality,
}


def replace(page, marker, table):
    """Put a table between the two comments that bear its marker."""
    begin, end = f"<!-- {marker} -->", f"<!-- /{marker} -->"
    text = page.read_text()
    before, rest = text.split(begin)
    after = rest.split(end)[1]
    page.write_text(f"{before}{begin}\n{table}\n{end}{after}")


def main():
    for marker, make in TABLES.items():
        result = RESULTS / f"{marker}.json"
        if result.exists():
            table = make(json.loads(result.read_text()))
            for page in PAGES[marker]:
                replace(page, marker, table)


if __name__ == "__main__":
    main()
