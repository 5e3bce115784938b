"""Scores of any number of records, written as they come."""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from joblib import Parallel, delayed

from ..datasets import ECGDataset
from ..errors import StoreError
from ..folders import printable
from ..io import read_record
from ..records import Record, RecordSet
from ._records import check_aggregate, opened, score_opened

if TYPE_CHECKING:
    import pandas as pd

# Records of one task, after which all is on the disk.
_AT_A_TIME = 128
#: Kinds of files, by their suffix.
STREAMED = (".csv", ".sqlite")
#: What a file that is not finished is called behind its name.
PARTIAL = ".part"
# Scores of the same model are equal to the last bit; a CSV file keeps 17 digits.
_SAME = 1e-12


def score_to_file(
    model: Any,
    records: Iterable[Record | str | Path] | RecordSet | ECGDataset,
    out: str | Path,
    *,
    aggregate: str = "min",
    n_jobs: int | None = None,
    read: Callable[[str | Path], Record] = read_record,
    progress: Callable[[int, int | None], Any] | None = None,
) -> dict[str, int]:
    """Score any number of records into a file, in memory that does not grow.

    Rows are those of `score_records` with ``errors="report"``, findings joined by "; ". Until all
    are there the file bears ``.part`` behind its name; after a kill or a full disk the same call
    goes on behind the last whole row, having checked that this model gives the last score there.

    Parameters
    ----------
    model : detector, Pipeline or search
        Fitted.
    records : RecordSet, ECGDataset of one, or iterable of Record, str or Path
        The same, in the same order, when a call goes on.
    out : str or Path
        ``.csv``, or ``.sqlite`` with a table ``scores``. A file that is there already is replaced
        once the new one is complete.
    aggregate : {"min", "mean", "median"}, default="min"
        As in `score_records`.
    n_jobs : int, optional
        Processes that score, as in joblib, whose `parallel_config` may name other machines; this
        one writes.
    read : callable, default=`ecg_anomaly.io.read_record`
        How paths are read.
    progress : callable, optional
        Told how many are done, and of how many, None where that is not known.

    Returns
    -------
    dict of str to int
        Records by verdict.

    Raises
    ------
    StoreError
        If the file cannot be written, or holds scores of another model or of other records.
    ECGError
        If the model is none that scores.

    Examples
    --------
    >>> import tempfile
    >>> from ecg_anomaly import CAEDetector, RecordSet, make_ecg
    >>> records = RecordSet(make_ecg(40, duration=4, random_state=0).X)
    >>> detector = CAEDetector(max_epochs=1, random_state=0).fit(records)
    >>> counts = score_to_file(detector, records, Path(tempfile.mkdtemp()) / "scores.csv")
    >>> sum(counts.values())
    40
    """
    check_aggregate(aggregate)
    out = Path(out)
    kinds: dict[str, type[_CSV] | type[_SQLite]] = dict(zip(STREAMED, (_CSV, _SQLite), strict=True))
    if out.suffix not in kinds:
        raise StoreError(f"{out}: scores are written to .csv or .sqlite; name such a file.")
    if isinstance(records, ECGDataset):
        records = records.X
    n_all = len(records) if isinstance(records, RecordSet | Sequence) else None
    partial = out.with_name(out.name + PARTIAL)
    with _written(out), closing(kinds[out.suffix](partial)) as rows:
        n_done, last = rows.found()
        if n_done:
            _check_same(model, records, n_done, last, aggregate, read, partial)
        task = _ScorePiece(model, aggregate, read)
        run = Parallel(n_jobs=n_jobs, return_as="generator")
        with closing(run(delayed(task)(piece) for piece in _pieces(records, n_done))) as tables:
            for table in tables:
                rows.append(table)
                n_done += len(table)
                if progress is not None:
                    progress(n_done, n_all)
        if not n_done:
            rows.append(task([]))
        counts = rows.verdicts()
    with _written(out):
        os.replace(partial, out)
    return counts


@dataclass(frozen=True)
class _ScorePiece:
    """Scores a few records, here or in another process."""

    model: Any
    aggregate: str
    read: Callable[[str | Path], Record]

    def __call__(self, records: RecordSet | Sequence) -> pd.DataFrame:
        return _plain(score_opened(self.model, opened(records, self.read), self.aggregate))


def _pieces(records: Any, start: int) -> Iterator[Any]:
    """Yield a few records at a time, from the given one on."""
    if isinstance(records, RecordSet | Sequence):
        for first in range(start, len(records), _AT_A_TIME):
            yield records[first : first + _AT_A_TIME]
        return
    rest = islice(records, start, None)
    while piece := list(islice(rest, _AT_A_TIME)):
        yield piece


def _check_same(model, records, n_done, last, aggregate, read, partial: Path) -> None:
    """Refuse to go on behind scores of another model or of other records."""
    if not isinstance(records, RecordSet | Sequence):
        return  # an iterator gives each record once
    table = _ScorePiece(model, aggregate, read)(records[n_done - 1 : n_done])
    name, score = str(last["record_id"]), last["score"]
    same = (table["record_id"].astype(str) == name) & np.isclose(
        table["score"].to_numpy(float), score, rtol=_SAME, atol=0, equal_nan=True
    )
    if not same.any():  # there may be none so far
        raise StoreError(
            f"{partial}: its last row, of record {name!r}, is of another model or of other "
            "records; delete the file to begin anew, or score with the same."
        )


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of which each row is one line of text."""
    table = table.assign(findings=table["findings"].map("; ".join))
    for column in ("record_id", "source", "findings", "problem"):
        table[column] = [" ".join(printable(text).split()) for text in table[column]]
    return table


class _CSV:
    """Rows as lines of a file."""

    def __init__(self, path: Path):
        self.path = path

    def found(self) -> tuple[int, dict[str, Any]]:
        """Return the number of whole rows and the last; what is not whole goes."""
        if not self.path.exists():
            return 0, {}
        import pandas as pd

        with self.path.open("rb+") as file:
            n_lines = whole = 0
            for line in file:
                if line.endswith(b"\n"):
                    n_lines, whole = n_lines + 1, whole + len(line)
            file.truncate(whole)
        if n_lines < 2:
            self.path.unlink()
            return 0, {}
        last = pd.read_csv(self.path, skiprows=range(1, n_lines - 1), dtype={"record_id": str},
                           keep_default_na=False, na_values={"score": [""]})  # fmt: skip
        return n_lines - 1, {str(name): value for name, value in last.iloc[0].items()}

    def append(self, table: pd.DataFrame) -> None:
        """Add rows, and wait until they lie on the disk."""
        new = not self.path.exists()
        with self.path.open("ab") as file:
            file.write(table.to_csv(index=False, header=new, float_format="%.17g").encode())
            file.flush()
            os.fsync(file.fileno())

    def verdicts(self) -> dict[str, int]:
        """Return how many records have which verdict."""
        import pandas as pd

        counts: Counter[str] = Counter()
        for part in pd.read_csv(self.path, usecols=["verdict"], chunksize=100_000):
            counts.update(part["verdict"].tolist())
        return dict(counts)

    def close(self) -> None:
        """Nothing is open between calls."""


class _SQLite:
    """Rows of a table of a database."""

    def __init__(self, path: Path):
        self._connection = sqlite3.connect(path)

    def found(self) -> tuple[int, dict[str, Any]]:
        """Return the number of rows and the last."""
        names = self._connection.execute("SELECT name FROM sqlite_master").fetchall()
        if ("scores",) not in names:
            return 0, {}
        cursor = self._connection.execute("SELECT * FROM scores ORDER BY number DESC LIMIT 1")
        row = cursor.fetchone()
        if row is None:
            return 0, {}
        last = dict(zip((column[0] for column in cursor.description), row, strict=True))
        last["score"] = np.nan if last["score"] is None else last["score"]
        return last["number"], last

    def append(self, table: pd.DataFrame) -> None:
        """Add rows, all or none."""
        names = ", ".join(f'"{name}"' for name in table.columns)
        marks = ", ".join("?" * len(table.columns))
        rows = table.astype(object).where(table.notna(), None).itertuples(index=False, name=None)
        with self._connection:
            self._connection.execute(
                f"CREATE TABLE IF NOT EXISTS scores (number INTEGER PRIMARY KEY, {names})"
            )
            self._connection.executemany(f"INSERT INTO scores ({names}) VALUES ({marks})", rows)

    def verdicts(self) -> dict[str, int]:
        """Return how many records have which verdict."""
        return dict(
            self._connection.execute("SELECT verdict, COUNT(*) FROM scores GROUP BY verdict")
        )

    def close(self) -> None:
        """Close the database."""
        self._connection.close()


@contextmanager
def _written(path: Path) -> Iterator[None]:
    """Tell what goes wrong with a file as one error with a remedy."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        told = getattr(error, "strerror", None) or error
        raise StoreError(
            f"{path}: cannot be written ({told}); free some space or check the folder, and the "
            "same call goes on."
        ) from None
