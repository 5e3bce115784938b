"""MIMIC-IV-ECG 1.0 from PhysioNet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from .._tables import read_table, relative_paths
from ._physionet import Database, Fetcher, checked_number

MIMIC_IV_ECG = Database("MIMIC-IV-ECG", "mimic-iv-ecg", "1.0")
_RECORDS, _MEASUREMENTS = "record_list.csv", "machine_measurements.csv"


def fetch_mimic_iv_ecg(
    folder: str | Path | None = None,
    *,
    n_records: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    tell: Callable[[str], None] | None = None,
    base_url: str | None = None,
) -> Path:
    """Download MIMIC-IV-ECG, or a part of it, for `load_mimic_iv_ecg`.

    Parameters
    ----------
    folder : str or Path, optional
        To write to; by default ``mimic-iv-ecg/1.0`` in the cache, see `fetch_ptbxl`. Its
        signals are 96 GB.
    n_records : int, optional
        The first so many by ``record_list.csv``, so all ECGs of the first patients; by default
        all 800,035. Both tables and the list of checksums, which are large too, are always
        fetched.
    progress, tell, base_url : optional
        See `fetch_ptbxl`.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    DatasetError
        As `fetch_ptbxl` does.

    See Also
    --------
    is_fetched : Which records of a dataset are there, after a part was fetched.

    References
    ----------
    Gow et al., "MIMIC-IV-ECG: Diagnostic electrocardiogram matched subset" (version 1.0),
    PhysioNet 2023, doi:10.13026/4nqg-sb35.

    Examples
    --------
    >>> dataset = load_mimic_iv_ecg(fetch_mimic_iv_ecg(n_records=1000))  # doctest: +SKIP
    >>> dataset = dataset[is_fetched(dataset)]  # doctest: +SKIP
    """
    first = checked_number(n_records)
    fetcher = Fetcher(MIMIC_IV_ECG, folder, progress=progress, tell=tell, base_url=base_url)
    fetcher.get([_RECORDS, _MEASUREMENTS], "tables")
    path = fetcher.folder / _RECORDS
    table = read_table(path, ["path"], MIMIC_IV_ECG.name, usecols=["path"], nrows=first)
    names = [name.decode() for name in relative_paths(table["path"], path)]
    fetcher.get([f"{name}{end}" for name in names for end in (".hea", ".dat")], "files of records")
    return fetcher.folder
