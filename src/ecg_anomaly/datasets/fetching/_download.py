"""One file over HTTP: resumed, tried again, and checked before it gets its name."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

from ...errors import DatasetError
from ._checksums import digest

#: Seconds for a connection, and for the next bytes of one.
TIMEOUT = (10.0, 60.0)
#: Seconds before each further try; bytes that arrive start the row anew.
PAUSES = (1.0, 2.0, 4.0, 8.0)
#: Longest that a server may ask us to wait, in seconds.
LONGEST_PAUSE = 60.0
#: Bytes of a file whose size the server does not announce.
LARGEST_UNANNOUNCED = 2**28
# what a connection that breaks off loses at most
_CHUNK = 2**13
_NUMBER = "[0-9]{1,18}"
_TRANSIENT = (408, 425, 429, 500, 502, 503, 504)
# answers of servers that do not know HEAD
_NO_HEAD = (405, 501)

T = TypeVar("T")


class StoppedError(Exception):
    """Another connection failed, or the user stopped it: this one gives up."""


class _BrokenError(Exception):
    """A try that failed for a reason that may pass."""

    def __init__(self, reason: str, pause: float = 0.0):
        super().__init__(reason)
        self.pause = pause


class Connection:
    """A connection to the server of one database, kept open over files.

    Parameters
    ----------
    base_url : str
        Of the database's files.
    page : str
        Where people read about the database and ask for access.
    stop : Event
        Ends what is under way; nothing is written once it is set, whatever still arrives.
    """

    def __init__(self, base_url: str, page: str, stop: threading.Event):
        import requests

        from ... import __version__

        self._base_url = base_url.rstrip("/") + "/"
        self._page = page
        self._stop = stop
        self._session = requests.Session()
        # the bytes as they are stored: sizes, ranges and checksums are of these
        self._session.headers.update(
            {"User-Agent": f"ecg-anomaly/{__version__}", "Accept-Encoding": "identity"}
        )

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def url(self, name: str) -> str:
        """Return the address of a file."""
        return self._base_url + quote(name)

    def size(self, name: str) -> int | None:
        """Return the size of a file in bytes, None where the server does not tell."""

        def ask() -> int | None:
            with self._answer("HEAD", name) as answer:
                return None if answer.status_code in _NO_HEAD else _length(answer)

        return self._patiently(ask, name, lambda: 0)

    def fetch(self, name: str, path: Path, sha256: str | None, moved: Callable[[int], None]) -> int:
        """Download a file, going on where an earlier try or call ended.

        Parameters
        ----------
        name : str
            Path below the database's folder.
        path : Path
            Of the file to write; until it is whole and checked, ``.part`` is added to its name.
            A file that is there is kept, with ``.old`` added to its name.
        sha256 : str or None
            Its checksum, None where there is none.
        moved : callable
            Told how many more bytes are there; fewer than 0 where some had to go.

        Returns
        -------
        int
            Size in bytes.

        Raises
        ------
        DatasetError
            If the file cannot be fetched or written, or has another checksum twice.
        StoppedError
            If `stop` was set.
        """
        part = path.with_name(path.name + ".part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if sha256 is None:
                part.unlink(missing_ok=True)  # nothing would tell that its start is another file's
            moved(_n_bytes(part))
            for last in (False, True):
                self._patiently(
                    lambda: self._receive(name, part, moved), name, lambda: _n_bytes(part)
                )
                size = _n_bytes(part)
                whole = sha256 is None or digest(part) == sha256
                self._go_on()
                if whole:
                    _keep(path)
                    part.replace(path)
                    return size
                # bytes of an earlier try may be of another file: once more, from the start
                part.unlink()
                moved(-size)
                if last:
                    break
        except OSError as error:
            raise DatasetError(
                f"{path} cannot be written ({error.strerror or error}); make room or choose "
                "another folder. What is there is kept: the same call goes on."
            ) from None
        raise DatasetError(
            f"{self.url(name)}: what arrives has another SHA-256 than the list of checksums says, "
            "twice. Try later or from another network; if it stays, delete SHA256SUMS.txt in "
            "the folder, which may be of another version."
        )

    def _receive(self, name: str, part: Path, moved: Callable[[int], None]) -> None:
        import requests

        offset = _n_bytes(part)
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        with self._answer("GET", name, headers) as answer:
            start, total = _range(answer)
            if answer.status_code == 416 and total == offset:
                return  # whole already
            if start not in (0, offset):
                part.unlink(missing_ok=True)
                moved(-offset)
                raise _BrokenError("it does not go on where the file ended")
            if start != offset:
                moved(start - offset)
                offset = start
            if total is None:
                length = _length(answer)
                total = None if length is None else offset + length
            if total is not None and total - offset > shutil.disk_usage(part.parent).free:
                raise DatasetError(
                    f"{part.parent} has no room for the {_mb(total - offset)} of {name}; make room "
                    "or choose another folder."
                )
            limit = LARGEST_UNANNOUNCED if total is None else total
            with open(part, "ab" if offset else "wb") as file:
                try:
                    for chunk in answer.iter_content(_CHUNK):
                        self._go_on()
                        if offset + len(chunk) > limit:
                            raise DatasetError(
                                f"{self.url(name)}: more than the {_mb(limit)} announced or "
                                "allowed arrive; try later, or tell the site."
                            )
                        file.write(chunk)
                        file.flush()  # else a thread that was left writes when it closes the file
                        offset += len(chunk)
                        moved(len(chunk))
                except requests.RequestException as error:
                    raise _BrokenError(_reason(error)) from None
            if total is not None and offset < total:
                raise _BrokenError(f"the connection ended after {offset} of {total} bytes")

    def _answer(self, method: str, name: str, headers: dict[str, str] | None = None) -> Any:
        """Return the server's answer if it is one to read on."""
        import requests

        url = self.url(name)
        try:
            answer = self._session.request(
                method, url, headers=headers, stream=True, timeout=TIMEOUT, allow_redirects=True
            )
        except (requests.ConnectionError, requests.Timeout) as error:
            if isinstance(error, requests.exceptions.SSLError):
                raise DatasetError(
                    f"{url}: the connection is not secure ({_reason(error)}); check the network, "
                    "the clock and the certificates of this machine."
                ) from None
            raise _BrokenError(_reason(error)) from None
        except (requests.RequestException, ValueError) as error:  # ValueError: of odd addresses
            raise DatasetError(
                f"{url} cannot be fetched ({_reason(error)}); check the address."
            ) from None
        try:
            self._go_on()
            self._check(answer, url, name)
        except BaseException:
            answer.close()
            raise
        return answer

    def _check(self, answer: Any, url: str, name: str) -> None:
        status = answer.status_code
        if status in _NO_HEAD and answer.request.method == "HEAD":
            return
        if status in _TRANSIENT:
            wait = answer.headers.get("Retry-After", "")
            pause = float(wait) if wait.isascii() and wait.isdigit() else 0.0
            raise _BrokenError(f"the server answers {status} {answer.reason}", pause)
        if status in (401, 403):
            raise DatasetError(
                f"{url}: the server answers {status}, access is refused; sign in and ask for "
                f"access at {self._page}, then get the files from there."
            )
        if status in (404, 410):
            raise DatasetError(
                f"{url} is not there (the server answers {status}); see {self._page} for where "
                "the files are now."
            )
        if status not in (200, 206, 416):
            raise DatasetError(f"{url}: the server answers {status} {answer.reason}.")
        if urlsplit(url).scheme == "https" and urlsplit(answer.url).scheme != "https":
            raise DatasetError(
                f"{url} leads to {answer.url}, which is not secure; check the network."
            )
        kind = answer.headers.get("Content-Type", "")
        if kind.startswith("text/html") and not name.endswith((".html", ".htm")):
            raise DatasetError(
                f"{url}: a web page comes instead of the file, as for a login; check the network, "
                f"and whether {self._page} asks to sign in."
            )

    def _patiently(self, attempt: Callable[[], T], name: str, far: Callable[[], int]) -> T:
        """Return what an attempt returns, tried again as long as it gets further."""
        furthest, pauses = far(), iter(PAUSES)
        while True:
            self._go_on()
            try:
                return attempt()
            except _BrokenError as error:
                if far() > furthest:
                    furthest, pauses = far(), iter(PAUSES)
                pause = next(pauses, None)
                if pause is None:
                    raise DatasetError(
                        f"{self.url(name)} cannot be fetched after {len(PAUSES) + 1} tries "
                        f"({error}); check the network or try later. What is there is kept: the "
                        "same call goes on."
                    ) from None
                self._stop.wait(max(pause, min(error.pause, LONGEST_PAUSE)))

    def _go_on(self) -> None:
        if self._stop.is_set():
            raise StoppedError


def _n_bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _keep(path: Path) -> None:
    """Move a file that is there out of the way, to a name that is free."""
    if os.path.lexists(path):
        names = (path.with_name(f"{path.name}.old{k or ''}") for k in itertools.count())
        path.replace(next(name for name in names if not os.path.lexists(name)))


def _length(answer: Any) -> int | None:
    text = answer.headers.get("Content-Length", "")
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        return None
    return int(text) if re.fullmatch(_NUMBER, text) else None


def _range(answer: Any) -> tuple[int, int | None]:
    """Return where the bytes of an answer start, and the size of the whole file where told."""
    if answer.status_code == 200:
        return 0, _length(answer)
    text = answer.headers.get("Content-Range", "")
    match = re.fullmatch(rf"bytes (?:({_NUMBER})-{_NUMBER}|\*)/({_NUMBER}|\*)", text.strip())
    if match is None:
        return -1, None
    return int(match[1] or -1), None if match[2] == "*" else int(match[2])


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _mb(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:.1f} MB"
