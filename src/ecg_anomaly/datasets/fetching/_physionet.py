"""Files of one database of PhysioNet into a folder, several at a time."""

from __future__ import annotations

import logging
import shutil
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import DatasetError
from ._checksums import LIST, read_checksums
from ._download import Connection, StoppedError
from ._verified import Verified

#: Files at a time, as wfdb's own download has it.
N_CONNECTIONS = 4
#: Files of one kind whose sizes are asked for; those of more are reckoned from as many.
N_ASKED = 16
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Database:
    """A database of PhysioNet."""

    name: str
    slug: str
    version: str

    @property
    def page(self) -> str:
        """Where it is described."""
        return f"https://physionet.org/content/{self.slug}/{self.version}/"

    @property
    def base_url(self) -> str:
        """Where its files are."""
        return f"https://physionet.org/files/{self.slug}/{self.version}/"

    def cache_folder(self) -> Path:
        """Return its folder below ``$ECG_ANOMALY_CACHE`` or the user's cache folder."""
        import os

        import platformdirs

        root = os.environ.get("ECG_ANOMALY_CACHE")
        cache = Path(root) if root else Path(platformdirs.user_cache_dir("ecg-anomaly", False))
        return cache / self.slug / self.version


class Fetcher:
    """Brings files of a database into a folder.

    Parameters
    ----------
    database : Database
    folder : str, Path or None
        By default the cache folder.
    progress : callable or None
        Called with the bytes done and in all, one call at a time but from several threads.
    tell : callable or None
        Told what is fetched and how much it is, before it starts; by default it is logged.
    base_url : str or None
        Of a mirror.
    """

    def __init__(
        self,
        database: Database,
        folder: str | Path | None,
        *,
        progress: Callable[[int, int], None] | None,
        tell: Callable[[str], None] | None,
        base_url: str | None,
    ):
        self.database = database
        self.folder = database.cache_folder() if folder is None else Path(folder)
        self._tell = _log.info if tell is None else tell
        self._base_url = base_url or database.base_url
        self._tally = _Tally(progress)
        self._verified = Verified(self.folder)
        self._stop = threading.Event()
        if not (self.folder / LIST).is_file():
            self._download({LIST: None}, "list of files")

    def listed(self, wanted: Callable[[str], bool]) -> dict[str, str]:
        """Return the wanted files of the database and their SHA-256."""
        return read_checksums(self.folder / LIST, wanted)

    def get(self, names: Iterable[str], what: str) -> None:
        """Bring files into the folder that are not there with the right checksum.

        Parameters
        ----------
        names : iterable of str
            Paths below the folder.
        what : str
            Kind of the files, for messages.

        Raises
        ------
        DatasetError
            If a file is not in the list of checksums or cannot be fetched.
        """
        names = list(names)
        checksums = self.listed(set(names).__contains__)
        for name in names:
            if name not in checksums:
                raise DatasetError(
                    f"{self.folder / LIST} does not list {name}, which {self.database.name} should "
                    "have; delete the list and fetch again, or fetch into an empty folder."
                )
        missing: dict[str, str | None] = {
            name: checksums[name]
            for name in names
            if not self._verified.holds(name, checksums[name])
        }
        if missing:
            self._download(missing, what, n_all=len(names))

    def _download(self, files: dict[str, str | None], what: str, n_all: int | None = None) -> None:
        from filelock import FileLock

        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.folder / ".fetching.lock")
            with lock:
                self._download_alone(files, what, len(files) if n_all is None else n_all)
        except OSError as error:
            raise DatasetError(
                f"{self.folder} cannot be written ({error.strerror or error}); choose another "
                "folder."
            ) from None

    def _download_alone(self, files: dict[str, str | None], what: str, n_all: int) -> None:
        # another process may have brought them while this one waited
        verified = Verified(self.folder)
        files = {
            name: sha256
            for name, sha256 in files.items()
            if not (
                (self.folder / name).is_file() if sha256 is None else verified.holds(name, sha256)
            )
        }
        if not files:
            return
        self._verified = verified
        sizes, exact = self._sizes(list(files))
        total = sum(sizes.values())
        there = n_all - len(files)
        self._tell(
            f"{self.database.name}: {len(files)} {what} to fetch from {self._base_url}, "
            f"{_told(total, exact)}, into {self.folder}" + (f"; {there} are there" if there else "")
        )
        free = shutil.disk_usage(self.folder).free
        if total > free:
            raise DatasetError(
                f"{self.folder} has {_readable(free)} free, {self.database.name} needs "
                f"{_readable(total)} more; make room, choose another folder or fetch fewer records."
            )
        self._tally.expect(total)

        def fetch(connection: Connection, item: tuple[str, str | None]) -> None:
            name, sha256 = item
            size = connection.fetch(name, self.folder / name, sha256, self._tally.move)
            self._tally.expect(size - sizes[name])
            if sha256 is not None:
                verified.add(name, sha256)

        self._each(fetch, list(files.items()))

    def _sizes(self, names: Sequence[str]) -> tuple[dict[str, int], bool]:
        """Return the sizes of files in bytes, and whether all were asked for."""
        kinds: dict[str, list[str]] = defaultdict(list)
        for name in names:
            # tables differ from one another; records of a kind do not
            kinds[Path(name).suffix if len(names) > N_ASKED else name].append(name)
        asked = []
        for group in kinds.values():
            rows = np.linspace(0, len(group) - 1, min(len(group), N_ASKED)).round().astype(int)
            asked += [group[row] for row in rows]
        known: dict[str, int | None] = {}

        def ask(connection: Connection, name: str) -> None:
            known[name] = connection.size(name)

        self._each(ask, asked)
        sizes = {}
        for group in kinds.values():
            told = [size for name in group if (size := known.get(name)) is not None]
            mean = round(sum(told) / len(told)) if told else 0
            for name in group:
                size = known.get(name)
                sizes[name] = mean if size is None else size
        return sizes, len(asked) == len(names) and None not in known.values()

    def _each(self, work: Callable[[Connection, Any], None], items: Sequence) -> None:
        """Do some work for each item over several connections; the first error ends all."""
        waiting = iter(items)
        lock = threading.Lock()
        self._stop.clear()

        def next_items() -> Iterator:
            while not self._stop.is_set():
                with lock:
                    item = next(waiting, None)
                if item is None:
                    return
                yield item

        def worker() -> None:
            try:
                with Connection(self._base_url, self.database.page, self._stop) as connection:
                    for item in next_items():
                        work(connection, item)
            except StoppedError:
                pass
            except BaseException:
                self._stop.set()
                raise

        with ThreadPoolExecutor(min(N_CONNECTIONS, len(items))) as pool:
            try:
                done = [pool.submit(worker) for _ in range(min(N_CONNECTIONS, len(items)))]
                for future in done:
                    future.result()
            except BaseException:
                self._stop.set()  # Ctrl-C too: what is there is kept
                raise


class _Tally:
    """Bytes done and expected, shown as they change."""

    def __init__(self, progress: Callable[[int, int], None] | None):
        self._progress = progress
        self._lock = threading.Lock()
        self._done = self._total = 0

    def move(self, n_bytes: int) -> None:
        """Count bytes that came, or had to go."""
        self._change(n_bytes, 0)

    def expect(self, n_bytes: int) -> None:
        """Count bytes that are expected, or not any more."""
        self._change(0, n_bytes)

    def _change(self, done: int, total: int) -> None:
        with self._lock:
            self._done += done
            self._total += total
            if self._progress is not None and (done or total):
                self._progress(self._done, self._total)


def checked_number(n_records: int | None) -> int | None:
    """Return a number of records, None for all."""
    if n_records is None:
        return None
    if isinstance(n_records, bool) or not isinstance(n_records, int | np.integer) or n_records < 1:
        raise DatasetError(f"n_records must be a whole number from 1 on, got {n_records!r}.")
    return int(n_records)


def _told(total: int, exact: bool) -> str:
    if exact:
        return _readable(total)
    return f"about {_readable(total)}" if total else "of unknown size"


def _readable(n_bytes: float) -> str:
    unit = "bytes"
    for larger in ("kB", "MB", "GB"):
        if n_bytes < 1000:
            break
        n_bytes, unit = n_bytes / 1000, larger
    return f"{n_bytes:.4g} {unit}"
