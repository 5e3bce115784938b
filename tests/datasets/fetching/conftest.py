"""A server on this machine in PhysioNet's layout, with faults; nothing else is ever asked."""

import hashlib
import re
import socket
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import pytest

from ecg_anomaly.datasets.fetching import _download


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self._answer(with_body=False)

    def do_GET(self):
        self._answer(with_body=True)

    def _answer(self, with_body):
        site = self.server.site
        name = unquote(self.path).removeprefix("/files/db/1.0/")
        if with_body:
            site.gets[name] += 1
            site.ranges.append((name, self.headers.get("Range")))
        else:
            site.heads[name] += 1
        fault = site.next_fault(name, with_body)
        if fault is not None and fault(self, with_body):
            return
        path = site.folder / name
        if not path.is_file():
            self.plain(404)
            return
        body = path.read_bytes()
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if match is None or site.ignores_range:
            self.plain(200, body, with_body)
        elif int(match[1]) >= len(body):
            self.plain(416, b"", with_body, {"Content-Range": f"bytes */{len(body)}"})
        else:
            start = int(match[1])
            told = {"Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"}
            self.plain(206, body[start:], with_body, told)

    def plain(self, status, body=b"", with_body=True, headers=()):
        self.send_response(status)
        for key, value in ({"Content-Length": len(body)} | dict(headers)).items():
            if value is not None:
                self.send_header(key, value)
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def hang_up(self):
        self.wfile.flush()
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass  # clients hang up here


class Site:
    """A database that is served; faults are planned for each request of a file in turn."""

    def __init__(self, folder, url):
        self.folder = folder
        self.url = url
        self.ignores_range = False
        self.quit = threading.Event()
        self.gets, self.heads, self.ranges = Counter(), Counter(), []
        self._faults, self._always, self._lock = {}, {}, threading.Lock()

    def plan(self, name, *faults):
        """Answer the next requests for the bytes of a file with these faults."""
        self._faults[name] = list(faults)

    def always(self, name, fault):
        self._always[name] = fault

    def next_fault(self, name, with_body):
        with self._lock:
            if with_body and self._faults.get(name):
                return self._faults[name].pop(0)
            return self._always.get(name)

    def write(self, name, content):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return content

    def list_files(self):
        """Write the list of checksums as PhysioNet does."""
        listing = self.folder / "SHA256SUMS.txt"
        files = sorted(p for p in self.folder.rglob("*") if p.is_file() and p != listing)
        sums = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
        names = [file.relative_to(self.folder).as_posix() for file in files]
        lines = [f"{sha256} {name}\n" for sha256, name in zip(sums, names, strict=True)]
        listing.write_text("".join(lines))


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.setattr(_download, "TIMEOUT", (0.5, 0.2))
    monkeypatch.setattr(_download, "PAUSES", (0.001, 0.002, 0.003))
    monkeypatch.setattr(_download, "LONGEST_PAUSE", 0.01)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("ECG_ANOMALY_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "served"
    folder.mkdir()
    server = _Server(("127.0.0.1", 0), _Handler)
    server.site = Site(folder, f"http://127.0.0.1:{server.server_port}/files/db/1.0/")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server.site
    server.site.quit.set()
    server.shutdown()
    thread.join()
    server.server_close()
