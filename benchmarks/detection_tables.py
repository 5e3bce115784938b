"""The tables of what detectors reach, from benchmarks/results: see tables.py."""

OUR_OWN = ("CAEDetector", "VAEBiLSTMDetector", "VAEMHADetector", "HeartbeatDetector")
CLASSES = ("MI", "STTC", "CD", "HYP")


def named(detector):
    """Return a detector's name, as code where it is a class of the package."""
    return f"`{detector}`" if detector in OUR_OWN else detector


def lined(head, rows):
    """Return a table of Markdown."""
    return "\n".join(
        ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
        + ["| " + " | ".join(row) + " |" for row in rows]
    )


def told(value, digits=3):
    """Return a number, or nothing where there is none."""
    return "" if value is None else f"{value:.{digits}f}"


def with_interval(row, name):
    """Return a number with its interval."""
    return f"{row[name]:.3f} ({row[f'{name} low']:.3f} to {row[f'{name} high']:.3f})"


def ptbxl(document):
    """Return the table of all detectors and baselines on PTB-XL, the best first."""
    columns = ["matched AUROC", "AUPRC", "sens. at 95 % spec.", "false alarms"]
    return lined(
        ["detector", "AUROC", *columns, "fit"],
        [
            [
                named(row["detector"]),
                with_interval(row, "AUROC"),
                *(told(row.get(column)) for column in columns),
                "" if row.get("fit s") is None else f"{row['fit s']:.0f} s",
            ]
            for row in sorted(document["results"], key=lambda row: -row["AUROC"])
        ],
    )


def superclasses(document):
    """Return the AUROC of one superclass alone against normals, and within devices."""
    counts = next(iter(document["one superclass"].values()))
    within = {row["detector"]: row.get("within-device AUROC") for row in document["results"]}
    best = sorted(document["results"], key=lambda row: -row["AUROC"])
    names = [row["detector"] for row in best if row["detector"] in document["one superclass"]]
    return lined(
        ["detector", *(f"only {kind} ({counts[kind]['n']})" for kind in CLASSES), "within device"],
        [
            [
                named(name),
                *(told(document["one superclass"][name][kind]["AUROC"]) for kind in CLASSES),
                told(within[name]),
            ]
            for name in names
        ],
    )


def peers(document):
    """Return the table of published networks and of the detectors of libraries, the best first."""
    columns = ["matched AUROC", "AUPRC", "sens. at 95 % spec.", "false alarms"]
    return lined(
        ["detector", "AUROC", *columns, "epochs", "fit", "records/s"],
        [
            [
                row["detector"],
                with_interval(row, "AUROC"),
                *(told(row[column]) for column in columns),
                f"{row['epochs']:.2g} of {row['of epochs']:.0f}" if row.get("epochs") else "",
                f"{row['fit s']:.0f} s",
                f"{document['n_test'] / row['score s']:.3g}",
            ]
            for row in sorted(document["results"], key=lambda row: -row["AUROC"])
            if row.get("fit s")  # age alone stands in the table above
        ],
    )


def shift(document):
    """Return the table of strict labels, and of devices and sites left out of the training."""
    strict = document["strict"]
    counts = f"{strict['normals']} + {strict['anomalies']}"
    rows = [
        ["all", "", told(document["pooled"]["AUROC"]), "", ""],
        ["all, strict labels", counts, told(strict["AUROC"]), "", ""],
    ]
    rows += [
        [
            " ".join(f"{row['what']} {row['value']}".removesuffix(".0").split()),
            f"{row['normals']} + {row['anomalies']}",
            *(told(row[part]["AUROC"]) for part in ("pooled", "left out")),
            f"{row['loss']:+.3f} ({row['loss low']:+.3f} to {row['loss high']:+.3f})",
        ]
        for row in document["left out"]
    ]
    head = ["records", "normals + anomalies", "trained on all", "trained without them", "loss"]
    return lined(head, rows)


def challenges(document):
    """Return how many records of each database and label were flagged: counts, no measure."""
    verdicts = ("flagged", "not flagged", "not scorable")
    return lined(
        ["database", "label", *verdicts],
        [
            [name, label, *(str(counts[verdict]) for verdict in verdicts)]
            for name, found in document.items()
            for label, counts in found["records"].items()
        ],
    )


def ecg5000(document):
    """Return the table of ECG5000, the best first."""
    return lined(
        ["detector", "AUROC", "sd over seeds", "sens. at 95 % spec.", "fit"],
        [
            [
                named(row["detector"]),
                with_interval(row, "AUROC"),
                told(row["AUROC sd"], 4),
                told(row["sens. at 95 % spec."]),
                f"{row['fit s']:.2g} s",
            ]
            for row in sorted(document["results"], key=lambda row: -row["AUROC"])
        ],
    )


def mitbih(document):
    """Return the table of MIT-BIH heartbeats between patients."""
    kinds = ("all", "VEB", "SVEB", "SVEB without 232")
    rows = []
    for row in document["results"]:
        cells = []
        for kind in kinds:
            found = row.get(kind)
            if not found:
                cells.append("")
            elif "low" in found:
                cells.append(f"{found['AUROC']:.3f} ({found['low']:.3f} to {found['high']:.3f})")
            else:
                cells.append(told(found["AUROC"]))
        what = row["on"] if row["L/R"] == "normal" else f"{row['on']}, L/R abnormal"
        rows.append([named(row["detector"]), what, *cells])
    ds2 = next(row for row in document["results"] if row["on"] == "DS2")
    heads = [f"{kind} ({ds2[kind]['n']})" if kind in ds2 else kind for kind in kinds]
    return lined(["detector", "on", *heads], rows)


def mitbih_intra(document):
    """Return the published protocol on MIT-BIH beats, and its leaks taken away in turn."""
    protocols = list(dict.fromkeys(row["protocol"] for row in document["results"]))
    scores = list(dict.fromkeys(row["score"] for row in document["results"]))
    found = {(row["protocol"], row["score"]): row for row in document["results"]}
    rows = []
    for protocol in protocols:
        of_protocol = [found[protocol, score] for score in scores]
        first = of_protocol[0]
        rows.append(
            [
                protocol,
                *(told(row["AUROC"]) for row in of_protocol),
                f"{first['patients on both sides']} of {first['test patients']}",
                f"{first['test beats'] - first['test anomalies']} + {first['test anomalies']}",
            ]
        )
    head = ["leaks taken away in turn", *(f"AUROC, {score}" for score in scores)]
    return lined([*head, "patients on both sides", "test beats"], rows)
