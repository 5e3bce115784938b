"""Write the tables of the README and the docs from benchmarks/results, and nothing else.

python benchmarks/tables.py
"""

import json
from pathlib import Path

from detection_tables import (
    challenges,
    ecg5000,
    mitbih,
    mitbih_intra,
    peers,
    ptbxl,
    shift,
    superclasses,
)
from speed_tables import preprocessing, scoring, store

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PAGES = {
    "ptbxl": [ROOT / "README.md", ROOT / "docs" / "results.md"],
    "superclasses": [ROOT / "docs" / "results.md"],
    "peers": [ROOT / "docs" / "results.md"],
    "shift": [ROOT / "docs" / "results.md"],
    "challenges": [ROOT / "docs" / "results.md"],
    "ecg5000": [ROOT / "docs" / "results.md"],
    "mitbih": [ROOT / "docs" / "results.md"],
    "mitbih_intra": [ROOT / "docs" / "results.md"],
    "cards": [ROOT / "docs" / "models.md"],
    "score_methods": [ROOT / "docs" / "scores.md"],
    "io": [ROOT / "docs" / "files.md"],
    "files": [ROOT / "docs" / "files.md"],
    "each_file": [ROOT / "docs" / "each_file.md"],
    "quality": [ROOT / "docs" / "quality.md"],
    "leaks": [ROOT / "README.md", ROOT / "docs" / "evaluation.md"],
    "thresholds": [ROOT / "docs" / "thresholds.md"],
    "localisation": [ROOT / "docs" / "scores.md"],
    "localisation_beats": [ROOT / "docs" / "scores.md"],
    "robustness": [ROOT / "docs" / "evaluation.md"],
    "store": [ROOT / "docs" / "size.md"],
    "preprocessing": [ROOT / "docs" / "size.md"],
    "scoring": [ROOT / "docs" / "onnx.md"],
}


def thresholds(document):
    """Return the table of stated and found false-alarm rates."""
    lines = [
        "| threshold | normals | n | stated (95 %) | found |",
        "|---|---|---|---|---|",
    ]
    for name, rows in document["results"].items():
        for row in rows:
            if row["group"] == "all" and name not in ("tuned", "conformal by all"):
                continue  # the few whose age is not known
            low = f"{row['stated_low']:.3f} to " if row["stated_low"] else "at most "
            lines.append(
                f"| {name} | {row['group']} | {row['n_normals']} | {low}{row['stated_high']:.3f} | "
                f"{row['rate']:.3f}{'' if row['holds'] else ' (broken)'} |"
            )
    return "\n".join(lines)


def leaks(document):
    """Return the table of what leaks add, in points of a hundredth."""
    columns = [
        (database, name)
        for database, row in document["results"].items()
        for name in row["detectors"]
    ]
    lines = [
        "| AUROC / F1 | " + " | ".join(f"{d}, {n}" for d, n in columns) + " |",
        "|---|" + "---|" * len(columns),
    ]
    rows = {}
    for database, name in columns:
        of_detector = document["results"][database]["detectors"][name]
        for what, numbers in of_detector.items():
            if what != "seconds":
                rows.setdefault(what, {})[database, name] = numbers
    rows["all together"] = rows.pop("all together")  # last
    for what, cells in rows.items():
        shown = []
        for column in columns:
            numbers = cells.get(column)
            if numbers is None:
                shown.append("")
            elif what == "honest":
                shown.append(" / ".join(f"{numbers[k]['mean']:.3f}" for k in ("AUROC", "F1")))
            else:
                auroc = f"{100 * numbers['AUROC']['mean']:+.1f}" if "AUROC" in numbers else "none"
                shown.append(f"{auroc} / {100 * numbers['F1']['mean']:+.1f}")
        title = "honest" if what == "honest" else f"{what}, points"
        lines.append(f"| {title} | " + " | ".join(shown) + " |")
    return "\n".join(lines)


def localisation(document):
    """Return the table of what maps of one detector point at, and how faithful they are."""
    maps = ["score", "residual", "amplitude", "paste edges"]
    spans = ["first span", "random spans", "QRS spans"]
    head = ["injected into normals", "detection AUROC", *(f"{name} map" for name in maps), "chance"]
    head += ["shown faithful", *(f"fall: {name}" for name in spans)]
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---|" * (len(head) - 1)]
    rows = {}
    for kind, row in document["detectors"]["vae_mha"]["kinds"].items():
        hits = [row["injected"][name]["hit"] for name in maps]
        chance = row["injected"]["score"]["chance"]
        falls = [row["faithfulness"][name]["fall"] for name in spans]
        rows[kind] = [row["detection_auroc"], *hits, chance, row["faithful_share"], *falls]
    rows["mean"] = [sum(of_kinds) / len(rows) for of_kinds in zip(*rows.values(), strict=True)]
    for kind, cells in rows.items():
        digits = [3 if k >= len(cells) - len(spans) else 2 for k in range(len(cells))]
        shown = [f"{cell:.{n}f}" for cell, n in zip(cells, digits, strict=True)]
        lines.append(f"| {kind} | " + " | ".join(shown) + " |")
    return "\n".join(lines)


def localisation_beats(document):
    """Return the table of what maps point at: annotated ventricular beats and synthetic kinds."""
    maps = ["score", "residual", "amplitude", "paste edges"]
    head = ["detector", "anomaly", "records", "chance", *(f"{m}: hit, AUROC" for m in maps)]
    lines = ["| " + " | ".join(head) + " |", "|---|---|" + "---|" * (len(head) - 2)]
    for name, title in {"cae": "`CAEDetector`", "vae_bilstm": "`VAEBiLSTMDetector`"}.items():
        of_hearts = document["mitbih"][name]["both"]
        rows = {"ventricular beat, MIT-BIH": of_hearts, **document["synthetic"][name]}
        for kind, row in rows.items():
            found = [row["maps"][m] for m in maps]
            shown = [f"{one['hit']:.2f}, {one['auroc']:.2f}" for one in found]
            cells = [title, kind, str(row["n_records"]), f"{found[0]['chance']:.2f}", *shown]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def robustness(document):
    """Return the table of what perturbations change."""
    lines = [
        "| perturbation | level | change of AUROC (95 %) | false alarms | not scorable |",
        "|---|---|---|---|---|",
    ]
    for row in document["results"]:
        if row["model"] != "CAE, gated":
            continue
        level = f"{row['level']} {row['unit']}".strip()
        if row["AUROC change"] is None:
            lines.append(f"| {row['perturbation']} | {level} | | | {row['not scorable']:.3f} |")
            continue
        change = f"{row['AUROC change']:+.3f} ({row['low']:+.3f} to {row['high']:+.3f})"
        if row["perturbation"] == "clean":
            change = f"AUROC {row['AUROC']:.3f}"
        lines.append(
            f"| {row['perturbation']} | {level} | {change} | {row['false alarms']:.3f} | "
            f"{row['not scorable']:.3f} |"
        )
    return "\n".join(lines)


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


def each_file(document):
    """Return what came out of every test file."""
    lines = [
        "| file | leads | Hz | s | mV | findings |",
        "|---|---|---|---|---|---|",
    ]
    for row in sorted(document["each"], key=lambda row: row["file"].startswith("wfdb")):
        folder, *between, name = row["file"].split("/")
        name = f"{folder}/{'.../' if between else ''}{name}".removesuffix(".hea")
        if "refused" in row:
            lines.append(f"| {name} | refused: {row['refused']} | | | | |")
            continue
        low, high = row["mv"]
        others = f"; {row['others']} others" if row["others"] else ""
        lines.append(
            f"| {name} | {row['leads']}{others} | {row['fs']:g} | {row['seconds']:g} | "
            f"{low:g} to {high:g} | {', '.join(row['findings'])} |"
        )
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
    "superclasses": superclasses,
    "peers": peers,
    "shift": shift,
    "challenges": challenges,
    "ecg5000": ecg5000,
    "mitbih": mitbih,
    "mitbih_intra": mitbih_intra,
    "score_methods": score_methods,
    "io": io,
    "files": files,
    "each_file": each_file,
    "quality": quality,
    "leaks": leaks,
    "thresholds": thresholds,
    "localisation": localisation,
    "localisation_beats": localisation_beats,
    "robustness": robustness,
    "store": store,
    "preprocessing": preprocessing,
    "scoring": scoring,
}


# Tables of other results than those of their own name.
SOURCES = {"superclasses": "ptbxl", "each_file": "files"}


def replace(page, marker, table):
    """Put a table between the two comments that bear its marker."""
    begin, end = f"<!-- {marker} -->", f"<!-- /{marker} -->"
    text = page.read_text()
    before, rest = text.split(begin)
    after = rest.split(end)[1]
    page.write_text(f"{before}{begin}\n{table}\n{end}{after}")


def cards():
    """Return the cards of the models that come with the package."""
    from ecg_anomaly.pretrained import PRETRAINED, model_card

    lines = []
    for name in PRETRAINED:
        card = model_card(name)
        lines += [f"## {card['name']}", ""]
        for key, value in card.items():
            if key == "name":
                continue
            if isinstance(value, dict):
                value = "; ".join(f"{what}: {of}" for what, of in value.items())
            if isinstance(value, list):
                lines += [f"- **{key}**:", *(f"  - {item}" for item in value)]
            else:
                lines.append(f"- **{key}**: {value}")
        lines.append("")
    return "\n".join(lines).rstrip()


def main():
    for marker, make in TABLES.items():
        result = RESULTS / f"{SOURCES.get(marker, marker)}.json"
        if result.exists():
            table = make(json.loads(result.read_text()))
            for page in PAGES[marker]:
                replace(page, marker, table)
    for page in PAGES["cards"]:
        replace(page, "cards", cards())


if __name__ == "__main__":
    main()
