"""MIT-BIH Arrhythmia and Noise Stress Test databases from PhysioNet."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from ...errors import DatasetError
from ..mitbih import RECORDS
from ._physionet import Database, Fetcher, checked_number, chosen_names

MITDB = Database("MIT-BIH Arrhythmia Database", "mitdb", "1.0.0")
NSTDB = Database("MIT-BIH Noise Stress Test Database", "nstdb", "1.0.0")
#: Electrode motion, baseline wander and muscle artifact; then two records with noise added.
NOISES = ("bw", "em", "ma")
NSTDB_RECORDS = (
    *NOISES,
    *(f"{name}e{snr}" for name in ("118", "119") for snr in ("00", "06", "12", "18", "24", "_6")),
)


def fetch_mitdb(
    folder: str | Path | None = None,
    *,
    records: str | Iterable[str] | None = None,
    n_records: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    tell: Callable[[str], None] | None = None,
    base_url: str | None = None,
) -> Path:
    """Download the MIT-BIH Arrhythmia Database, or a part of it, for `load_mitbih`.

    Parameters
    ----------
    folder : str or Path, optional
        To write to; by default ``mitdb/1.0.0`` in the cache, see `fetch_ptbxl`.
    records : str or iterable of str, optional
        Names of records, as in ``["100", "114"]``; by default all 48.
    n_records : int, optional
        The first so many of them; by default all.
    progress, tell, base_url : optional
        See `fetch_ptbxl`.

    Returns
    -------
    Path
        The folder, with header, signals and annotations of each record.

    Raises
    ------
    DatasetError
        If there is no such record, or as `fetch_ptbxl` does.

    References
    ----------
    Moody and Mark, "The impact of the MIT-BIH Arrhythmia Database", IEEE Eng in Med and Biol 2001.

    Examples
    --------
    >>> beats = load_mitbih(fetch_mitdb(records=["100", "119"]))  # doctest: +SKIP
    """
    names = _chosen(MITDB, RECORDS, records, n_records)
    fetcher = Fetcher(MITDB, folder, progress=progress, tell=tell, base_url=base_url)
    files = [f"{name}{end}" for name in names for end in (".hea", ".dat", ".atr")]
    fetcher.get(files, "files of records")
    return fetcher.folder


def fetch_nstdb(
    folder: str | Path | None = None,
    *,
    records: str | Iterable[str] | None = None,
    n_records: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    tell: Callable[[str], None] | None = None,
    base_url: str | None = None,
) -> Path:
    """Download the MIT-BIH Noise Stress Test Database, or a part of it.

    Its noises, ``bw``, ``em`` and ``ma``, are read by `ecg_anomaly.io.read_record`.

    Parameters
    ----------
    folder : str or Path, optional
        To write to; by default ``nstdb/1.0.0`` in the cache, see `fetch_ptbxl`.
    records : str or iterable of str, optional
        Names of records, as in ``["ma"]``; by default all 15.
    n_records : int, optional
        The first so many of them, noises first; by default all.
    progress, tell, base_url : optional
        See `fetch_ptbxl`.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    DatasetError
        If there is no such record, or as `fetch_ptbxl` does.

    References
    ----------
    Moody, Muldrow and Mark, "A noise stress test for arrhythmia detectors", Computers in Cardiology
    1984.

    Examples
    --------
    >>> noise = read_record(fetch_nstdb(records=["ma"]) / "ma")  # doctest: +SKIP
    """
    names = _chosen(NSTDB, NSTDB_RECORDS, records, n_records)
    fetcher = Fetcher(NSTDB, folder, progress=progress, tell=tell, base_url=base_url)
    files = [
        f"{name}{end}"
        for name in names
        for end in (".hea", ".dat", ".atr")
        if end != ".atr" or name not in NOISES  # noise has no beats
    ]
    fetcher.get(files, "files of records")
    return fetcher.folder


def _chosen(
    database: Database,
    every: tuple[str, ...],
    records: str | Iterable[str] | None,
    n_records: int | None,
) -> list[str]:
    names = list(every) if records is None else chosen_names(records)
    unknown = sorted(set(names) - set(every))
    if unknown or not names:
        raise DatasetError(
            f"{database.name} has the records {', '.join(every)}, got {unknown or names}."
        )
    return list(dict.fromkeys(names))[: checked_number(n_records)]
