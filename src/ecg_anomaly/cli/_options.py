"""Options that several commands have."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

DataOption = Annotated[
    Path | None,
    typer.Option("--data", help="Folder of PTB-XL, or one that holds it as ptbxl/."),
]
#: Default model: the first of `ecg_anomaly.pretrained.PRETRAINED`, which is not imported for it.
DEFAULT_MODEL = "ptbxl-100hz"
ModelOption = Annotated[
    str, typer.Option("--model", help="Model file, or the name of one that comes with us.")
]
AggregateOption = Annotated[str, typer.Option(help="Over windows: min, mean or median.")]
RateOption = Annotated[
    float | None,
    typer.Option("--fs", help="Sampling rate in Hz of .npy and .csv that do not tell it."),
]
LeadsOption = Annotated[
    str | None,
    typer.Option("--leads", help="Their leads, as in I,II,V1; else a side-car .json tells."),
]
UnitOption = Annotated[str | None, typer.Option("--unit", help="Their unit: mV, uV, nV or V.")]
JobsOption = Annotated[
    int, typer.Option("--n-jobs", help="Processes at work; -1: one for each core.")
]
SchedulerOption = Annotated[
    str | None,
    typer.Option("--scheduler", help="Dask cluster to work on instead, as in tcp://host:8786."),
]
QuietOption = Annotated[bool, typer.Option("--quiet", help="No progress bars.")]


class Format(StrEnum):
    """How scores are written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
