"""Export a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ._arguments import check_out, model_file
from ._options import DEFAULT_MODEL, ModelOption


def export(
    out: Annotated[Path, typer.Option(help="ONNX file to write.")],
    model: ModelOption = DEFAULT_MODEL,
) -> None:
    """Write a model's network with its score as one ONNX file."""
    from ..persistence import load
    from ..runtime import export_onnx, load_onnx

    check_out(out)
    export_onnx(load(model_file(model)), out)
    told = load_onnx(out).properties_
    print(
        f"{out}: {told.detector} with score_method={told.score_method!r}, {told.n_leads} leads, "
        f"{told.n_samples} samples at {told.fs:g} Hz; flagged below {told.threshold:.4g}."
    )
    if told.outside:
        print(f"Not in the file: {', '.join(told.outside)}.")
