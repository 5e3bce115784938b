"""The main job, start to end."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ._options import QuietOption
from ._output import print_table


def demo(
    data: Annotated[
        Path | None,
        typer.Option(envvar="ECG_ANOMALY_DATA", help="Folder with ptbxl/; else synthetic ECGs."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the pictures.")] = Path("demo_output"),
    quiet: QuietOption = False,
) -> None:
    """Train two detectors on normals, score ECGs they never saw, print a table, draw pictures."""
    from ..demo import run_demo

    result = run_demo(data, out, verbose=0 if quiet or not sys.stderr.isatty() else 1)
    print(result.description)
    print_table(result.table)
    print("false alarms: normals flagged that neither training nor threshold saw; 5 % was asked.")
    print("Written: " + ", ".join(str(file) for file in result.files))
