"""What the commands print: tables, progress, errors."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress

from ..folders import printable
from ._options import Format

_NAMES = ("record_id", "source", "problem")
ERRORS = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)


def tracked(items: list, quiet: bool) -> Iterator:
    """Yield the items, and show how many were taken."""
    with counter("scoring", quiet) as show:
        for done, item in enumerate(items):
            show(done, len(items))
            yield item
        show(len(items), len(items))


@contextmanager
def counter(what: str, quiet: bool) -> Iterator[Callable[[int, int | None], None]]:
    """Give a function that shows how much is done of how much, and when the rest will be."""
    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    hidden = quiet or not sys.stderr.isatty()
    with Progress(*columns, console=ERRORS, disable=hidden) as progress:
        task = progress.add_task(what, total=None)

        def show(done: int, n_all: int | None) -> None:
            progress.update(task, completed=done, total=n_all)

        yield show


def print_table(table) -> None:
    """Print a table of detectors, one line a measure."""

    def number(digits):
        return lambda value: f"{value:.{digits}f}"

    formatters = {column: number(1 if column.endswith(" s") else 3) for column in table.columns}
    shown = table.transform({name: lambda v, f=f: v.map(f) for name, f in formatters.items()})
    print(shown.where(table.notna(), "").T.to_string())


def write_table(table, format: Format, out: Path | None) -> None:
    """Write a table of scores to a file or standard output."""
    from ..persistence import write_whole

    table = table.assign(**{column: table[column].map(printable) for column in _NAMES})
    if format is Format.TABLE:
        table = table.drop(columns=[c for c in ("findings", "problem") if c in table])
    text = as_text(table, format)
    if out is None:
        print(text)
    else:
        write_whole(out, f"{text}\n".encode())


def show_problems(table) -> None:
    """Print a line for each row with a problem on standard error."""
    for name, source, verdict, problem in table[[*_NAMES[:2], "verdict", "problem"]].itertuples(
        index=False
    ):
        if problem:
            where = "" if source and source in problem else f"{source or name}: "
            ERRORS.print(printable(f"{verdict}: {where}{problem}"))


def as_text(table, format: Format) -> str:
    """Return a table as text in a format."""
    if format is Format.CSV:
        if "findings" in table:
            table = table.assign(findings=table["findings"].map("; ".join))
        return table.to_csv(index=False).rstrip("\n")
    if format is Format.JSON:
        rows = table.astype(object).where(table.notna(), None).to_dict("records")
        return json.dumps(rows, indent=1, ensure_ascii=False)
    return table.to_string(index=False, na_rep="")
