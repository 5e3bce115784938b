"""PTB-XL 1.0.3 from PhysioNet."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from ...errors import DatasetError
from .._tables import read_table, relative_paths, whole_numbers
from ..ptbxl import _FILE_COLUMN, _checked_folds
from ._physionet import Database, Fetcher, checked_number

PTBXL = Database("PTB-XL", "ptb-xl", "1.0.3")
_TABLE, _STATEMENTS = "ptbxl_database.csv", "scp_statements.csv"


def fetch_ptbxl(
    folder: str | Path | None = None,
    *,
    fs: int = 100,
    folds: Iterable[int] | None = None,
    n_records: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    tell: Callable[[str], None] | None = None,
    base_url: str | None = None,
) -> Path:
    """Download PTB-XL, or a part of it, for `load_ptbxl`.

    Parameters
    ----------
    folder : str or Path, optional
        To write to; what is there and whole is not fetched again. A fetched file that changed
        since is fetched anew and kept with ``.old`` added to its name. By default
        ``ptb-xl/1.0.3`` below ``$ECG_ANOMALY_CACHE`` or the user's cache folder.
    fs : {100, 500}, default=100
        Which of the two sets of files, in Hz.
    folds : iterable of int, optional
        Records of these folds alone, 1 to 10.
    n_records : int, optional
        The first so many of these records, by the table; by default all.
    progress : callable, optional
        Called with the bytes done and in all, from several threads, one at a time. How many there
        are is reckoned from some files and corrected on the way.
    tell : callable, optional
        Told, in a sentence, how many files and bytes are fetched before they are, which changed
        files are kept, and that another process is waited for; by default this is logged, at level
        INFO.
    base_url : str, optional
        Of a mirror that serves the files as PhysioNet does.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    DatasetError
        If a parameter makes no sense, the server cannot be reached or refuses, a file arrives with
        another checksum than announced twice, there is no room, or `folder` holds a file of the
        same name that was not fetched. What came is kept: the same call goes on.

    See Also
    --------
    is_fetched : Which records of a dataset are there, after a part was fetched.

    References
    ----------
    Wagner et al., "PTB-XL, a large publicly available electrocardiography dataset" (version
    1.0.3), PhysioNet 2022, doi:10.13026/kfzx-aw45.

    Examples
    --------
    >>> folder = fetch_ptbxl(folds=[10], n_records=100)  # doctest: +SKIP
    >>> test = load_ptbxl(folder, folds=[10])  # doctest: +SKIP
    >>> test = test[is_fetched(test)]  # doctest: +SKIP
    """
    try:
        file_column = _FILE_COLUMN[fs]
    except (KeyError, TypeError):  # TypeError: of a list
        raise DatasetError(f"PTB-XL has files at 100 and 500 Hz, not at fs={fs!r}.") from None
    chosen = None if folds is None else _checked_folds(folds)
    first = checked_number(n_records)
    fetcher = Fetcher(PTBXL, folder, progress=progress, tell=tell, base_url=base_url)
    fetcher.get([_TABLE, _STATEMENTS], "tables")
    path = fetcher.folder / _TABLE
    table = read_table(path, ["strat_fold", file_column], "PTB-XL")
    if chosen is not None:
        table = table[whole_numbers(table["strat_fold"], path, low=1, high=10).isin(chosen)]
    names = [name.decode() for name in relative_paths(table[file_column][:first], path)]
    fetcher.get([f"{name}{end}" for name in names for end in (".hea", ".dat")], "files of records")
    return fetcher.folder
