"""The table of docs/onnx.md."""

KINDS = ("torch", "onnx")


def onnx(document):
    """Return the table of torch and ONNX Runtime side by side."""
    lines = [
        "| model, score | one record: median (p99), torch | ONNX Runtime | ratio | "
        "records per second, batches of 64: torch | ONNX Runtime | "
        "network and head alone: torch | ONNX Runtime |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, row in document["models"].items():
        alone = row["end to end"]
        cells = [f"{alone[k]['median_ms']:.1f} ms ({alone[k]['p99_ms']:.1f})" for k in KINDS]
        cells.append(f"{alone['ratio_of_medians']:.1f}")
        for what in ("detector", "network and head"):
            rates = row[f"{what}, records per second"]["64"]
            cells += [f"{rates[kind]:,}" for kind in KINDS]
        lines.append(f"| `{name}`, {row['score_method']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
