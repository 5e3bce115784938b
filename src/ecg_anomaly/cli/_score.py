"""Score records."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import ECGError
from ._arguments import check_aggregate, check_out, model_file, reader
from ._options import (
    DEFAULT_MODEL,
    AggregateOption,
    Format,
    JobsOption,
    LeadsOption,
    ModelOption,
    QuietOption,
    RateOption,
    SchedulerOption,
    UnitOption,
)
from ._output import counter, show_problems, tracked, write_table
from ._workers import workers


def score(
    records: Annotated[
        list[Path],
        typer.Argument(help="Records, folders and zip archives of them, or one packed store."),
    ],
    model: ModelOption = DEFAULT_MODEL,
    format: Annotated[Format, typer.Option(help="How to write the scores.")] = Format.TABLE,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="File to write; .csv and .sqlite grow as scores come, and are resumed."),
    ] = None,
    aggregate: AggregateOption = "min",
    n_jobs: JobsOption = 1,
    scheduler: SchedulerOption = None,
    fs: RateOption = None,
    leads: LeadsOption = None,
    unit: UnitOption = None,
    quiet: QuietOption = False,
) -> None:
    """Score records; what cannot be scored is reported, and the rest goes on."""
    from ..io import unzipped
    from ..persistence import load
    from ..records import RecordSet, is_store
    from ..scoring import STREAMED, score_records, score_to_file

    check_aggregate(aggregate)
    if out is not None:
        check_out(out)
    format = Format.JSON if as_json else format
    streams = out is not None and out.suffix in STREAMED
    if not streams and (scheduler is not None or n_jobs != 1):
        raise ECGError("--n-jobs and --scheduler need --out scores.csv or scores.sqlite.")
    if streams and format is Format.JSON:
        raise ECGError(f"{out}: JSON does not go into .csv or .sqlite; name another file.")
    detector = load(model_file(model))
    packed = len(records) == 1 and is_store(records[0])
    with unzipped([] if packed else records, reader(fs, leads, unit)) as (files, read):
        found: Any = RecordSet.from_store(records[0]) if packed else files
        options: dict[str, Any] = {"aggregate": aggregate, "read": read}
        if out is not None and streams:
            with workers(scheduler, n_jobs) as jobs, counter("scoring", quiet) as progress:
                counts = score_to_file(
                    detector, found, out, n_jobs=jobs, progress=progress, **options
                )
            told = ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items()))
            print(f"{out}: {told or 'no records'}")
            nothing = set(counts) <= {"not scorable"}
        else:
            if not packed:
                found = tracked(found, quiet)
            table = score_records(detector, found, errors="report", **options)
            write_table(table, format, out)
            show_problems(table)
            nothing = set(table["verdict"]) <= {"not scorable"}
    if nothing:
        raise typer.Exit(2)
