"""Tables of rates and memory."""

RUNTIMES = ("torch", "onnx")


def store(document):
    """Return the tables of the packed store: each step, and what a hospital's archive takes."""
    lines = [
        "| step | records | records per second | peak GB | of a helper |",
        "|---|---|---|---|---|",
    ]
    for name, row in document["steps"].items():
        helper = row["peak GB of a helper"]
        lines.append(
            f"| {name} | {row['records']:,} | {row['records per second']:,.0f} | "
            f"{row['peak GB']:.2f} | {f'{helper:.2f}' if helper > 0.01 else ''} |"
        )
    minutes = next(value for name, value in document.items() if name.startswith("minutes for"))
    memory = next(value for name, value in document.items() if name.startswith("GB for"))
    lines += ["", "| 800,000 records | minutes | GB, all processes |", "|---|---|---|"]
    for name, value in minutes.items():
        taken = f"{memory[name]:.1f}" if name in memory else ""
        lines.append(f"| {name} | {value:.0f} | {taken} |")
    growth = document["seconds a record, all over a quarter"]
    read = document["read beside wfdb"]
    lines += [
        "",
        f"Reading is {read['ratio']:.0f} times as fast as `wfdb.rdrecord`. Where there are four "
        "times as many, a record takes "
        + " and ".join(
            f"{value:.2f} times as long to {name.split(',')[0]}" for name, value in growth.items()
        )
        + f" ({document['n_jobs']} processes).",
    ]
    return "\n".join(lines)


def preprocessing(document):
    """Return the table of filter chains."""
    rates = document["records_per_second"]
    lines = ["| chain | records per second | fused chain, times as fast |", "|---|---|---|"]
    (fused,) = [
        name
        for name in rates
        if name.startswith("BandpassFilter to") and name.endswith("Normalizer")
    ]
    lines.append(f"| {fused} | {rates[fused]:,.0f} | 1 |")
    for name, ratio in document["fused_ratio"].items():
        lines.append(f"| {name} | {rates[name]:,.0f} | {ratio:.1f} |")
    return "\n".join(lines)


def scoring(document):
    """Return the table of torch and ONNX Runtime side by side."""
    lines = [
        "| model, score | one record: median (p99), torch | ONNX Runtime | ratio | "
        "records per second, batches of 64: torch | ONNX Runtime | "
        "network and head alone: torch | ONNX Runtime |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, row in document["models"].items():
        alone = row["end to end"]
        cells = [f"{alone[k]['median_ms']:.1f} ms ({alone[k]['p99_ms']:.1f})" for k in RUNTIMES]
        cells.append(f"{alone['ratio_of_medians']:.1f}")
        for what in ("detector", "network and head"):
            rates = row[f"{what}, records per second"]["64"]
            cells += [f"{rates[kind]:,}" for kind in RUNTIMES]
        lines.append(f"| `{name}`, {row['score_method']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
