"""Score heartbeats."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ._arguments import check_out, model_file, reader
from ._options import Format, LeadsOption, QuietOption, RateOption, UnitOption
from ._output import show_problems, tracked, write_table


def beats(
    records: Annotated[
        list[Path], typer.Argument(help="Recordings, folders and zip archives of them.")
    ],
    model: Annotated[
        str, typer.Option("--model", help="Model file, or the name of one that comes with us.")
    ] = "mitbih-360hz",
    lead: Annotated[
        str | None, typer.Option(help="Lead to score; by default the model's, or II, else MLII.")
    ] = None,
    format: Annotated[Format, typer.Option(help="How to write the scores.")] = Format.TABLE,
    out: Annotated[Path | None, typer.Option(help="File to write; else standard output.")] = None,
    fs: RateOption = None,
    leads: LeadsOption = None,
    unit: UnitOption = None,
    quiet: QuietOption = False,
) -> None:
    """Score every heartbeat of recordings in one lead, each among the beats around it."""
    from ..io import unzipped
    from ..persistence import load
    from ..scoring import score_beats

    if out is not None:
        check_out(out)
    detector = load(model_file(model))
    with unzipped(records, reader(fs, leads, unit)) as (files, read):
        table = score_beats(detector, tracked(files, quiet), leads=lead, errors="report", read=read)
    write_table(table, format, out)
    # beats near an end of their record are no news
    show_problems(table[table["sample"].isna()])
    if (table["verdict"] == "not scorable").all():
        raise typer.Exit(2)
