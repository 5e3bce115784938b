"""Score records."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ._arguments import check_aggregate, check_out, model_file, reader
from ._options import (
    DEFAULT_MODEL,
    AggregateOption,
    Format,
    LeadsOption,
    ModelOption,
    QuietOption,
    RateOption,
    UnitOption,
)
from ._output import show_problems, tracked, write_table


def score(
    records: Annotated[
        list[Path], typer.Argument(help="WFDB, .npy or .csv records, or folders of them.")
    ],
    model: ModelOption = DEFAULT_MODEL,
    format: Annotated[Format, typer.Option(help="How to write the scores.")] = Format.TABLE,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    out: Annotated[Path | None, typer.Option(help="File to write; else standard output.")] = None,
    aggregate: AggregateOption = "min",
    fs: RateOption = None,
    leads: LeadsOption = None,
    unit: UnitOption = None,
    quiet: QuietOption = False,
) -> None:
    """Score records; what cannot be scored is reported, and the rest goes on."""
    from ..io import find_records
    from ..persistence import load
    from ..scoring import score_records

    check_aggregate(aggregate)
    if out is not None:
        check_out(out)
    detector = load(model_file(model))
    found = find_records(records)
    table = score_records(
        detector,
        tracked(found, quiet),
        aggregate=aggregate,
        errors="report",
        read=reader(fs, leads, unit),
    )
    format = Format.JSON if as_json else format
    write_table(table, format, out)
    show_problems(table)
    if (table["verdict"] == "not scorable").all():
        raise typer.Exit(2)
