"""Training data of the PhysioNet/CinC Challenge 2021, and CPSC 2018 as a part of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from ...errors import DatasetError
from ._checksums import LIST
from ._physionet import Database, Fetcher, checked_number, chosen_names

CHALLENGE = Database("PhysioNet/CinC Challenge 2021", "challenge-2021", "1.0.3")
#: Folders below ``training/``.
SOURCES = (
    "chapman_shaoxing", "cpsc_2018", "cpsc_2018_extra", "georgia", "ningbo", "ptb", "ptb-xl",
    "st_petersburg_incart",
)  # fmt: skip


def fetch_cinc(
    folder: str | Path | None = None,
    *,
    sources: str | Iterable[str] = SOURCES,
    n_records: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    tell: Callable[[str], None] | None = None,
    base_url: str | None = None,
) -> Path:
    """Download the training data of the CinC Challenge 2021, or a part of it, for `load_cinc`.

    Parameters
    ----------
    folder : str or Path, optional
        To write to; by default ``challenge-2021/1.0.3`` in the cache, see `fetch_ptbxl`.
    sources : str or iterable of str, optional
        Of ``"chapman_shaoxing"``, ``"cpsc_2018"``, ``"cpsc_2018_extra"``, ``"georgia"``,
        ``"ningbo"``, ``"ptb"``, ``"ptb-xl"`` and ``"st_petersburg_incart"``; by default all.
    n_records : int, optional
        The first so many of **each** source, in the order of the list of files; by default all.
    progress, tell, base_url : optional
        See `fetch_ptbxl`.

    Returns
    -------
    Path
        The folder. `load_cinc` reads all that it holds, also what an earlier call fetched.

    Raises
    ------
    DatasetError
        If there is no such source, or as `fetch_ptbxl` does.

    References
    ----------
    Reyna et al., "Will two do? Varying dimensions in electrocardiography: the
    PhysioNet/Computing in Cardiology Challenge 2021", CinC 2021.

    Examples
    --------
    >>> dataset = load_cinc(fetch_cinc(sources=["georgia"], n_records=50))  # doctest: +SKIP
    """
    chosen = chosen_names(sources)
    unknown = sorted(set(chosen) - set(SOURCES))
    if unknown or not chosen:
        raise DatasetError(
            f"{CHALLENGE.name} has the sources {', '.join(SOURCES)}, got {unknown or chosen}."
        )
    first = checked_number(n_records)
    fetcher = Fetcher(CHALLENGE, folder, progress=progress, tell=tell, base_url=base_url)
    files = []
    headers = fetcher.listed(lambda name: name.endswith(".hea"))
    for source in dict.fromkeys(chosen):
        of_source = [name for name in headers if name.startswith(f"training/{source}/")]
        if not of_source:
            raise DatasetError(
                f"{fetcher.folder / LIST} lists no record of {source}; delete the list and fetch "
                "again, or fetch into an empty folder."
            )
        for header in of_source[:first]:
            files += [header, header.removesuffix(".hea") + ".mat"]
    fetcher.get(files, "files of records")
    return fetcher.folder


def fetch_cpsc2018(
    folder: str | Path | None = None,
    *,
    n_records: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    tell: Callable[[str], None] | None = None,
    base_url: str | None = None,
) -> Path:
    """Download CPSC 2018 as a part of the CinC Challenge 2021, for `load_cpsc2018`.

    Parameters
    ----------
    folder : str or Path, optional
        To write to; by default that of `fetch_cinc`.
    n_records : int, optional
        The first so many; by default all.
    progress, tell, base_url : optional
        See `fetch_ptbxl`.

    Returns
    -------
    Path
        The folder of its records below `folder`, ``training/cpsc_2018``.

    Raises
    ------
    DatasetError
        As `fetch_ptbxl` does.

    References
    ----------
    Liu et al., "An open access database for evaluating the algorithms of electrocardiogram rhythm
    and morphology abnormality detection", J Med Imaging Health Inform 2018.

    Examples
    --------
    >>> dataset = load_cpsc2018(fetch_cpsc2018(n_records=100))  # doctest: +SKIP
    """
    top = fetch_cinc(
        folder,
        sources=["cpsc_2018"],
        n_records=n_records,
        progress=progress,
        tell=tell,
        base_url=base_url,
    )
    return top / "training" / "cpsc_2018"
