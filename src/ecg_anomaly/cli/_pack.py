"""Pack files into a store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import ECGError
from ._arguments import reader
from ._options import (
    JobsOption,
    LeadsOption,
    QuietOption,
    RateOption,
    SchedulerOption,
    UnitOption,
)
from ._output import ERRORS, counter
from ._workers import workers

_TOLD = 20


def pack(
    records: Annotated[
        list[Path], typer.Argument(help="Records, folders and zip archives of them.")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the store, new or begun.")],
    to_fs: Annotated[
        float | None, typer.Option(help="Sampling rate in Hz to bring all to.")
    ] = None,
    lowcut: Annotated[float | None, typer.Option(help="Band-pass from, in Hz.")] = None,
    highcut: Annotated[float | None, typer.Option(help="Band-pass to, in Hz.")] = None,
    pick: Annotated[
        str | None, typer.Option(help="Leads to keep, in this order, as in I,II,V1.")
    ] = None,
    gate: Annotated[bool, typer.Option(help="Assess each record by the quality gate.")] = True,
    n_jobs: JobsOption = 1,
    scheduler: SchedulerOption = None,
    fs: RateOption = None,
    leads: LeadsOption = None,
    unit: UnitOption = None,
    quiet: QuietOption = False,
) -> None:
    """Pack any number of records into one store; after a break the same call goes on."""
    from ..packing import pack as pack_files
    from ..quality import QualityGate

    if (lowcut is None) != (highcut is None):
        raise ECGError("--lowcut and --highcut go together; give both, or neither.")
    with workers(scheduler, n_jobs) as jobs, counter("packing", quiet) as progress:
        result = pack_files(
            records,
            out,
            fs=to_fs,
            band=None if lowcut is None or highcut is None else (lowcut, highcut),
            leads=None if pick is None else pick.split(","),
            gate=QualityGate() if gate else None,
            n_jobs=jobs,
            read=reader(fs, leads, unit),
            progress=progress,
        )
    for _, problem in result.skipped[:_TOLD]:
        ERRORS.print(f"left out: {problem}")
    if len(result.skipped) > _TOLD:
        ERRORS.print(f"and {len(result.skipped) - _TOLD} others")
    print(f"{out}: {result.n_records} records, {len(result.skipped)} left out")
    if not result.n_records:
        raise typer.Exit(2)
