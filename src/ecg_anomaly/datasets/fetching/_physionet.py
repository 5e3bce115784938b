"""Files of one database of PhysioNet into a folder, several at a time."""

from __future__ import annotations

import logging
import os
import shutil
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np

from ...errors import DatasetError
from ._checksums import LIST, read_checksums
from ._download import Connection
from ._verified import Verified

#: Files at a time, as wfdb's own download has it.
N_CONNECTIONS = 4
#: Files of one kind whose sizes are asked for; those of more are reckoned from as many.
N_ASKED = 16
#: Seconds that threads have to end once stopped; one that waits for a server is left behind.
GRACE = 1.0
#: Seconds to wait for another process before that is told.
UNTOLD = 1.0
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
        Told what is fetched and how much it is, before it starts, which changed files are kept,
        and what is waited for; by default it is logged.
    base_url : str or None
        Of a mirror.

    Raises
    ------
    DatasetError
        If `folder` is no path, or the list of files cannot be fetched.
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
        self.folder = database.cache_folder() if folder is None else _checked_folder(folder)
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
            If a file is not in the list of checksums or cannot be fetched, or another file, that
            was not fetched, has its name.
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
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with self._alone():
                self._download_alone(files, what, len(files) if n_all is None else n_all)
        except OSError as error:
            raise DatasetError(
                f"{self.folder} cannot be written ({error.strerror or error}); choose another "
                "folder."
            ) from None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes from fetching into the folder meanwhile."""
        from filelock import FileLock, Timeout

        lock = FileLock(self.folder / ".fetching.lock")
        try:
            lock.acquire(timeout=UNTOLD)
        except Timeout:
            self._tell(
                f"{self.database.name}: another process fetches into {self.folder}; waiting for it"
            )
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

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
        self._spare(list(files))
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

    def _spare(self, names: Sequence[str]) -> None:
        """Refuse where files in the way are not of the database; tell which changed ones are kept.

        A file that was right once and is not any more is damaged, or the user's edit: who knows.
        """
        there = [name for name in names if os.path.lexists(self.folder / name)]
        others = [name for name in there if not self._verified.ever_held(name)]
        if others:
            raise DatasetError(
                f"{self.folder / others[0]}{_and_more(others)} is another file than "
                f"{self.database.name} has; move it or choose another folder."
            )
        if there:
            self._tell(
                f"{self.database.name}: {self.folder / there[0]}{_and_more(there)} changed since "
                "it was fetched; it is fetched anew and kept with .old added to its name"
            )

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
        ended: SimpleQueue[BaseException | None] = SimpleQueue()

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
            except BaseException as error:
                ended.put(error)
            else:
                ended.put(None)

        n_threads = min(N_CONNECTIONS, len(items))
        threads = [threading.Thread(target=worker, daemon=True) for _ in range(n_threads)]
        try:
            for thread in threads:
                thread.start()
            for _ in threads:
                error = ended.get()
                if error is not None:
                    raise error
        except BaseException:  # Ctrl-C too: what is there is kept
            self._stop.set()
            _leave(threads)
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


def chosen_names(names: str | Iterable[str]) -> list[str]:
    """Return names as a list; what is no iterable of names, as a string, is one name."""
    if isinstance(names, str) or not isinstance(names, Iterable):
        names = [names]
    return [str(name) for name in names]


def _checked_folder(folder: str | Path) -> Path:
    try:
        path = Path(folder)
        with suppress(OSError):
            path.lstat()
    except (TypeError, ValueError) as error:
        raise DatasetError(
            f"folder must be a path, got {folder!r} ({error}); choose another."
        ) from None
    return path


def _leave(threads: Sequence[threading.Thread]) -> None:
    """Wait for threads to end, but not for those that wait for a server."""
    deadline = time.monotonic() + GRACE
    for thread in threads:
        if thread.is_alive():
            thread.join(max(0.0, deadline - time.monotonic()))


def _and_more(names: Sequence[str]) -> str:
    return f" (and {len(names) - 1} more)" if len(names) > 1 else ""


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
