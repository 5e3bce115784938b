"""Download a database from PhysioNet."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from ..errors import ECGError
from ._options import QuietOption
from ._output import ERRORS


class Database(StrEnum):
    """What can be fetched; each is the name of a function ``fetch_*``."""

    PTBXL = "ptbxl"
    MITDB = "mitdb"
    NSTDB = "nstdb"
    CINC = "cinc"
    CPSC2018 = "cpsc2018"
    MIMIC_IV_ECG = "mimic-iv-ecg"


def fetch(
    database: Annotated[Database, typer.Argument(help="Which database.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder to write to; else one in the cache.")
    ] = None,
    n_records: Annotated[
        int | None, typer.Option(help="The first so many records; of cinc, of each source.")
    ] = None,
    fs: Annotated[
        int | None, typer.Option(help="Files of which rate, in Hz: ptbxl, 100 (else) or 500.")
    ] = None,
    folds: Annotated[str | None, typer.Option(help="Folds of ptbxl to take, as in 1-8,10.")] = None,
    records: Annotated[
        str | None, typer.Option(help="Records of mitdb or nstdb to take, as in 100,119.")
    ] = None,
    sources: Annotated[
        str | None, typer.Option(help="Parts of cinc to take, as in georgia,ptb.")
    ] = None,
    base_url: Annotated[
        str | None, typer.Option(help="Of a mirror with the files as PhysioNet serves them.")
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Download a database from PhysioNet, or a part; after a break the same call goes on."""
    from .. import datasets

    function = getattr(datasets, f"fetch_{database.value.replace('-', '_')}")
    given: dict[str, Any] = {
        "n_records": n_records,
        "fs": fs,
        "folds": None if folds is None else _folds(folds),
        "records": None if records is None else _names(records),
        "sources": None if sources is None else _names(sources),
    }
    given = {name: value for name, value in given.items() if value is not None}
    for name in given:
        if name not in inspect.signature(function).parameters:
            raise ECGError(f"--{name.replace('_', '-')} does not apply to {database.value}.")
    with _bytes(quiet) as progress:
        folder = function(out, progress=progress, tell=ERRORS.print, base_url=base_url, **given)
    print(folder)


@contextmanager
def _bytes(quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Give a function that shows how many bytes are done of how many."""
    columns = (TextColumn("fetching"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    hidden = quiet or not sys.stderr.isatty()
    with Progress(*columns, console=ERRORS, disable=hidden) as progress:
        task = progress.add_task("", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]


def _folds(text: str) -> list[int]:
    """Return folds written as in 1-8,10."""
    folds: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        try:
            low, high = int(first), int(last or first)
        except ValueError:
            low = high = 0
        if not 1 <= low <= high <= 10:
            raise ECGError(f"--folds must be numbers from 1 to 10 as in 1-8,10, got {text!r}.")
        folds += range(low, high + 1)
    return folds
