"""Files of a hospital into a packed store: read, assessed, filtered, in parallel."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed

from .errors import ECGError
from .folders import printable
from .io import read_record, unzipped
from .leads import canonical_leads
from .quality import QualityGate
from .records import Record
from .records._store import Packed, StoreWriter, packed
from .signal.checks import check_rate
from .signal.filters import bandpass, check_band
from .signal.resampling import over_gaps, resample_gaps

# Files of one task: many enough that handing them over costs nothing.
_FILES_AT_A_TIME = 16
_GATE = QualityGate()
# Above that of any recorder.
_ANY_RATE = 1e9


@dataclass(frozen=True)
class PackResult:
    """What is in a store.

    Attributes
    ----------
    n_records : int
        Records in it, those of earlier calls too.
    skipped : list of (str, str)
        File and problem of what could not be read or packed.
    """

    n_records: int
    skipped: list[tuple[str, str]]


@dataclass(frozen=True)
class _Skipped:
    key: str
    problem: str


@dataclass(frozen=True)
class _Preparation:
    """How each record is prepared."""

    fs: float | None
    band: tuple[float, float] | None
    leads: tuple[str, ...] | None
    gate: QualityGate | None
    read: Callable[[str | Path], Record]

    def __call__(self, paths: Sequence[Path]) -> list[Packed | _Skipped]:
        done: dict[str, Packed | _Skipped] = {}
        records: dict[str, Record] = {}
        for key, path in ((key_of(path), path) for path in paths):
            try:
                records[key] = self.read(path)
            except ECGError as error:
                done[key] = _Skipped(key, printable(str(error)))
        for (key, record), scorable in zip(*self._assessed(records), strict=True):
            try:
                done[key] = packed(key, self._prepared(record), scorable=scorable)
            except ECGError as error:
                done[key] = _Skipped(key, printable(str(error)))
        return [done[key_of(path)] for path in paths]

    def _assessed(self, records: dict[str, Record]) -> tuple[list[tuple[str, Record]], list[bool]]:
        """Return records with what the gate finds in them, and whether they can be scored."""
        if self.gate is None:
            return list(records.items()), [True] * len(records)
        # as they were recorded: filters hide noise
        assessments = self.gate.assess_each(
            [(record.signal, record.fs, record.leads, record.age) for record in records.values()]
        )
        told = [
            (key, replace(record, quality=(*record.quality, *assessment.findings)))
            for (key, record), assessment in zip(records.items(), assessments, strict=True)
        ]
        return told, [assessment.is_scorable for assessment in assessments]

    def _prepared(self, record: Record) -> Record:
        signal, fs = record.signal, record.fs
        names = record.leads
        if self.leads is not None:
            signal, names = record.select_leads(self.leads, missing="nan"), self.leads
        fs_out = fs if self.fs is None else self.fs
        try:
            if self.band is not None:
                low, high = self.band
                step = partial(bandpass, fs=fs, lowcut=low, highcut=high, fs_out=fs_out)
                signal = over_gaps(step, signal, fs / fs_out)
            elif fs_out != fs:
                signal = resample_gaps(signal, fs_in=fs, fs_out=fs_out)
        except ECGError as error:
            raise type(error)(f"record {record.record_id!r}: {error}") from None
        return replace(
            record,
            signal=signal,
            fs=fs_out,
            leads=names,
            record_id=printable(record.record_id),
            source=printable(record.source),
            extra={},
        )


def pack(
    paths: str | Path | Iterable[str | Path],
    folder: str | Path,
    *,
    fs: float | None = None,
    band: tuple[float, float] | None = None,
    leads: Sequence[str] | None = None,
    gate: QualityGate | None = _GATE,
    n_jobs: int | None = None,
    read: Callable[[str | Path], Record] = read_record,
    progress: Callable[[int, int], Any] | None = None,
) -> PackResult:
    """Read any number of files into a packed store, which opens as a RecordSet.

    Each record is read, assessed by the quality gate as it was recorded, filtered and resampled if
    asked, and stored as 16-bit integers. A file that cannot be read is listed and left out. What is
    there already is left alone: after a kill, a full disk or new files the same call goes on, and
    loses and doubles nothing.

    Parameters
    ----------
    paths : str or Path, or iterable of them
        Files, folders, searched throughout, and zip archives: see `ecg_anomaly.io.unzipped`.
    folder : str or Path
        Of the store: new, or begun by a call with the same preparation.
    fs : float, optional
        Sampling rate in Hz to bring all records to; by default each keeps its own.
    band : (float, float), optional
        Pass band in Hz, such as (0.5, 40): see `BandpassFilter`.
    leads : sequence of str, optional
        Leads by name and order, limb leads derived where two of them are there, NaN where a lead
        lacks; by default those of each file.
    gate : QualityGate or None, default=QualityGate()
        What it refuses is packed too, and left out by ``RecordSet.from_store(folder)``; None
        assesses nothing.
    n_jobs : int, optional
        Processes that read, as in joblib; one writes.
    read : callable, default=`ecg_anomaly.io.read_record`
        How files are read; picklable.
    progress : callable, optional
        Told after each few files how many are done, and of how many.

    Returns
    -------
    PackResult

    Raises
    ------
    StoreError
        If the folder holds another store, one packed otherwise, or cannot be written.
    ECGError
        If a parameter is wrong, or a folder holds no record.

    Examples
    --------
    >>> import tempfile
    >>> from ecg_anomaly import RecordSet, make_ecg, pack
    >>> from ecg_anomaly.io import write_record
    >>> folder = Path(tempfile.mkdtemp())
    >>> (folder / "files").mkdir()
    >>> for record in RecordSet(make_ecg(3, fs=500, random_state=0).X, fs=500):
    ...     _ = write_record(record, folder / "files" / record.record_id)
    >>> pack(folder / "files", folder / "store", fs=100, band=(0.5, 40)).n_records
    3
    >>> RecordSet.from_store(folder / "store")
    <RecordSet of 3 records, 12 leads, 1000 samples, 100 Hz>
    """
    if fs is not None:
        check_rate(fs)
    if band is not None:  # without a rate, at the highest
        check_band(_ANY_RATE if fs is None else fs, *band)
    preparation = _Preparation(
        fs=None if fs is None else float(fs),
        band=None if band is None else (float(band[0]), float(band[1])),
        leads=None if leads is None else canonical_leads(leads),
        gate=gate,
        read=read,
    )
    settings = {
        "made by": "pack",
        "fs": preparation.fs,
        "band": preparation.band,
        "leads": preparation.leads,
        "gate": None if gate is None else gate.as_dict(),
    }
    with unzipped(paths, read) as (found, reader), StoreWriter(folder, settings) as store:
        files = {key_of(path): path for path in found}  # each once, though named twice
        todo = [path for key, path in files.items() if key not in store.keys]
        done = len(files) - len(todo)
        for item in _in_parallel(replace(preparation, read=reader), todo, n_jobs):
            if isinstance(item, _Skipped):
                store.skip(item.key, item.key, item.problem)
            else:
                store.add_packed(item)
            done += 1
            if progress is not None:
                progress(done, len(files))
        store.commit()
        return PackResult(len(store), store.skipped())


def key_of(path: Path) -> str:
    """Return the name under which a file stands in a store: its whole path, as text."""
    return printable(os.path.abspath(path))


def _in_parallel(
    preparation: _Preparation, paths: Sequence[Path], n_jobs: int | None
) -> Iterator[Packed | _Skipped]:
    pieces = [
        paths[start : start + _FILES_AT_A_TIME] for start in range(0, len(paths), _FILES_AT_A_TIME)
    ]
    run = Parallel(n_jobs=n_jobs, return_as="generator")
    for items in run(delayed(preparation)(piece) for piece in pieces):
        yield from items
