"""One file from a server that misbehaves."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from ecg_anomaly.datasets.fetching import _download
from ecg_anomaly.datasets.fetching._download import Connection
from ecg_anomaly.errors import DatasetError

NAME = "records/00 1.dat"
CONTENT = bytes(range(256)) * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def breaks_after(n_bytes):
    def fault(handler, with_body):
        handler.send_response(200)
        handler.send_header("Content-Length", len(CONTENT))
        handler.end_headers()
        handler.wfile.write(CONTENT[:n_bytes])
        handler.hang_up()
        return True

    return fault


def answers(status, body=b"", **headers):
    headers = {key.replace("_", "-"): value for key, value in headers.items()}

    def fault(handler, with_body):
        handler.plain(status, body, with_body, headers)
        return True

    return fault


def stalls(handler, with_body):
    handler.send_response(200)
    handler.send_header("Content-Length", len(CONTENT))
    handler.end_headers()
    handler.wfile.write(CONTENT[:10_000])
    handler.wfile.flush()
    handler.server.site.quit.wait(2)
    handler.close_connection = True
    return True


def never_ends(handler, with_body):
    handler.send_response(200)
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.close_connection = True
    try:
        while not handler.server.site.quit.is_set():
            handler.wfile.write(CONTENT)
    except OSError:
        pass
    return True


@pytest.fixture
def target(site, tmp_path):
    site.write(NAME, CONTENT)
    return tmp_path / "here" / "001.dat"


def fetch(site, target, sha256=SHA256):
    moves = []
    page = "https://physionet.org/content/db/1.0/"
    with Connection(site.url, page, threading.Event()) as connection:
        size = connection.fetch(NAME, target, sha256, moves.append)
    assert target.read_bytes() == CONTENT
    assert size == sum(moves) == len(CONTENT)
    assert [path.name for path in target.parent.iterdir()] == [target.name]


def asked(site):
    return [start for _, start in site.ranges]


def part_of(target):
    return target.with_name(target.name + ".part")


def test_a_whole_file(site, target):
    fetch(site, target)
    assert asked(site) == [None]


def test_goes_on_after_breaks(site, target):
    site.plan(NAME, breaks_after(100_000))
    fetch(site, target)
    assert asked(site)[0] is None
    assert asked(site)[1].startswith("bytes=")
    assert 0 < int(asked(site)[1][6:-1]) <= 100_000


def test_more_breaks_than_tries_where_each_gets_further(site, target):
    def breaks(handler, with_body):
        start = int(handler.headers.get("Range", "bytes=0-")[6:-1])
        handler.send_response(206 if start else 200)
        handler.send_header("Content-Length", len(CONTENT) - start)
        told = f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"
        if start:
            handler.send_header("Content-Range", told)
        handler.end_headers()
        handler.wfile.write(CONTENT[start : start + 30_000])
        if start + 30_000 < len(CONTENT):
            handler.hang_up()
        return True

    site.always(NAME, breaks)
    fetch(site, target)
    assert site.gets[NAME] > len(_download.PAUSES) + 1


def test_goes_on_from_an_earlier_call(site, target):
    target.parent.mkdir()
    part_of(target).write_bytes(CONTENT[:77_777])
    fetch(site, target)
    assert asked(site) == ["bytes=77777-"]


def test_a_part_that_is_whole_is_taken(site, target):
    target.parent.mkdir()
    part_of(target).write_bytes(CONTENT)
    fetch(site, target)
    assert asked(site) == [f"bytes={len(CONTENT)}-"]


@pytest.mark.parametrize("start", [b"wrong" * 1000, b"x" * len(CONTENT), b"x" * 999_999])
def test_a_part_of_another_file_is_fetched_anew(site, target, start):
    target.parent.mkdir()
    part_of(target).write_bytes(start)
    fetch(site, target)
    assert asked(site)[-1] is None


@pytest.mark.parametrize("start", [b"wrong" * 1000, CONTENT[:70_000]])
def test_a_server_that_ignores_range(site, target, start):
    site.ignores_range = True
    target.parent.mkdir()
    part_of(target).write_bytes(start)
    fetch(site, target)
    assert len(asked(site)) == 1


def test_a_range_from_elsewhere(site, target):
    target.parent.mkdir()
    part_of(target).write_bytes(CONTENT[:1000])
    told = f"bytes 5-{len(CONTENT) - 1}/{len(CONTENT)}"
    site.plan(NAME, answers(206, CONTENT[5:], Content_Range=told))
    fetch(site, target)
    assert asked(site) == ["bytes=1000-", None]


def test_a_range_that_ends_early(site, target):
    target.parent.mkdir()
    part_of(target).write_bytes(CONTENT[:1000])
    told = f"bytes 1000-1999/{len(CONTENT)}"
    site.plan(NAME, answers(206, CONTENT[1000:2000], Content_Range=told))
    fetch(site, target)
    assert asked(site) == ["bytes=1000-", "bytes=2000-"]


def test_without_a_checksum_no_earlier_part_is_trusted(site, target):
    target.parent.mkdir()
    part_of(target).write_bytes(b"wrong")
    fetch(site, target, sha256=None)
    assert asked(site) == [None]


def test_wrong_bytes_once(site, target):
    site.plan(NAME, answers(200, b"\0" * len(CONTENT)))
    fetch(site, target)
    assert site.gets[NAME] == 2


def test_wrong_bytes_always(site, target):
    site.always(NAME, answers(200, b"\0" * len(CONTENT)))
    with pytest.raises(DatasetError, match=r"00%201\.dat: .* another SHA-256 .*, twice"):
        fetch(site, target)
    assert list(target.parent.iterdir()) == []
    assert site.gets[NAME] == 2


def test_busy_twice(site, target):
    site.plan(NAME, answers(503), answers(429, Retry_After="3600"))
    fetch(site, target)
    assert site.gets[NAME] == 3


@pytest.mark.parametrize(
    "fault",
    [
        answers(503),
        stalls,
        breaks_after(0),
        breaks_after(50_000),
        answers(416),
        answers(206, CONTENT),
        answers(206, CONTENT, Content_Range="bytes 7-9/" + "9" * 5000),
    ],
)
def test_faults_that_stay_end_after_some_tries(site, target, fault):
    site.ignores_range = True
    site.always(NAME, fault)
    with pytest.raises(DatasetError, match=r"00%201\.dat cannot be fetched after 4 tries"):
        fetch(site, target)
    assert not target.exists()
    # where the first try got further than nothing, the tries are counted from it
    assert site.gets[NAME] in (4, 5)


def test_a_stall_passes(site, target):
    site.plan(NAME, stalls)
    fetch(site, target)
    assert asked(site) == [None, "bytes=8192-"]


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (answers(403), r"403, access is refused; .*https://physionet\.org/content/db/1\.0/"),
        (answers(401), r"401, access is refused"),
        (answers(404), r"is not there \(the server answers 404\)"),
        (answers(418), r"418"),
        (
            answers(200, b"<html>Log in</html>", Content_Type="text/html; charset=utf-8"),
            r"a web page comes instead of the file",
        ),
    ],
)
def test_answers_that_will_not_change(site, target, fault, message):
    site.always(NAME, fault)
    with pytest.raises(DatasetError, match=message):
        fetch(site, target)
    assert site.gets[NAME] == 1
    assert not target.exists()
    assert not part_of(target).exists()


def test_a_redirect_to_a_login_page(site, target):
    site.always(NAME, answers(302, Location="/files/db/1.0/login"))
    site.always("login", answers(200, b"<html>", Content_Type="text/html"))
    with pytest.raises(DatasetError, match=r"a web page comes instead"):
        fetch(site, target)


def test_a_redirect_to_where_all_can_read():
    answer = SimpleNamespace(status_code=200, url="http://elsewhere.org/a", headers={})
    connection = Connection("https://physionet.org/files/db/1.0/", "page", threading.Event())
    with connection, pytest.raises(DatasetError, match=r"leads to http://.*, which is not secure"):
        connection._check(answer, connection.url("a"), "a")


def test_an_endless_stream(site, target, monkeypatch):
    monkeypatch.setattr(_download, "LARGEST_UNANNOUNCED", 500_000)
    site.always(NAME, never_ends)
    with pytest.raises(DatasetError, match=r"more than the 0\.5 MB announced or allowed"):
        fetch(site, target)
    assert part_of(target).stat().st_size <= 500_000


def test_more_than_announced_is_not_read(site, target):
    def sends_more(handler, with_body):
        handler.plain(200, CONTENT, with_body)
        handler.wfile.write(b"HTTP more" * 1000)
        handler.hang_up()
        return True

    site.plan(NAME, sends_more)
    fetch(site, target)


def test_a_size_that_is_not_announced(site, target):
    def closes(handler, with_body):
        handler.plain(200, CONTENT, with_body, {"Content-Length": None, "Connection": "close"})
        handler.close_connection = True
        return True

    site.plan(NAME, closes)
    fetch(site, target)


@pytest.mark.parametrize("status", [405, 501])
def test_a_server_without_head_tells_no_size(site, target, status):
    site.always(NAME, answers(status, b"No such method"))
    with Connection(site.url, "page", threading.Event()) as connection:
        assert connection.size(NAME) is None
    with pytest.raises(DatasetError, match=rf"the server answers {status}"):
        fetch(site, target)


@pytest.mark.parametrize(
    "url", [f"http://{'a' * 70}.com/", "http://[::1", "http://127.0.0.1:99999/", "nonsense"]
)
def test_addresses_that_are_none(target, url):
    with (
        Connection(url, "page", threading.Event()) as connection,
        pytest.raises(DatasetError, match=r"1\.dat cannot be fetched \(.*; check the address\."),
    ):
        connection.fetch(NAME, target, SHA256, lambda _: None)


def test_a_redirect_to_an_address_that_is_none(site, target):
    site.always(NAME, answers(302, Location=f"http://{'a' * 70}.com/"))
    with pytest.raises(DatasetError, match=r"cannot be fetched \(.*check the address"):
        fetch(site, target)


def test_a_file_in_the_way_is_kept(site, target):
    target.parent.mkdir()
    for content in (b"mine", b"mine too"):
        target.write_bytes(content)
        with Connection(site.url, "page", threading.Event()) as connection:
            connection.fetch(NAME, target, SHA256, lambda _: None)
        assert target.read_bytes() == CONTENT
    kept = {path.name: path.read_bytes() for path in target.parent.iterdir() if path != target}
    assert kept == {"001.dat.old": b"mine", "001.dat.old1": b"mine too"}


def test_no_room_for_what_is_announced(site, target):
    site.always(NAME, answers(200, b"", Content_Length=str(10**17)))
    with pytest.raises(DatasetError, match=r"has no room for the 100000000000\.0 MB"):
        fetch(site, target)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
def test_a_full_disk(site, target):
    target.parent.mkdir()
    part_of(target).symlink_to("/dev/full")
    with pytest.raises(DatasetError, match=r"001\.dat cannot be written \(No space left on device"):
        fetch(site, target)
    assert not target.exists()


def test_no_server(tmp_path, site, target):
    site.url = "http://127.0.0.1:9/"  # discard: nobody listens
    with pytest.raises(DatasetError, match=r"cannot be fetched after 4 tries .*check the network"):
        fetch(site, target)


@pytest.mark.parametrize("told", [True, False])
def test_what_arrives_after_a_stop_is_not_written(site, target, monkeypatch, told):
    """Neither after the silent server told its headers and some bytes, nor before."""
    monkeypatch.setattr(_download, "TIMEOUT", (10.0, 60.0))
    monkeypatch.setattr(_download, "_CHUNK", 1000)  # less than Python keeps before it writes
    target.parent.mkdir()
    part_of(target).write_bytes(CONTENT[:1000])
    silent, goes_on = threading.Event(), threading.Event()

    def pauses(handler, with_body):
        handler.send_response(200)
        handler.send_header("Content-Length", len(CONTENT))
        handler.end_headers()
        handler.wfile.write(CONTENT[:9000])
        handler.wfile.flush()
        silent.set()
        goes_on.wait(30)
        handler.wfile.write(CONTENT[9000:])
        return True

    def is_late(handler, with_body):
        silent.set()
        goes_on.wait(30)
        handler.plain(200, CONTENT, with_body)
        return True

    site.plan(NAME, pauses if told else is_late)
    moves, arrived, stop = [], threading.Event(), threading.Event()
    with Connection(site.url, "page", stop) as connection, ThreadPoolExecutor(1) as pool:

        def moved(n_bytes):
            moves.append(n_bytes)
            if sum(moves) == 9000:
                arrived.set()

        future = pool.submit(connection.fetch, NAME, target, SHA256, moved)
        assert silent.wait(30)
        assert not told or arrived.wait(30)
        stop.set()
        before = part_of(target).read_bytes()
        goes_on.set()
        with pytest.raises(_download.StoppedError):
            future.result(30)
    assert before == CONTENT[: 9000 if told else 1000]
    assert part_of(target).read_bytes() == before
    assert not target.exists()


def test_another_thread_ends_it(site, target):
    stop = threading.Event()
    with (
        Connection(site.url, "page", stop) as connection,
        pytest.raises(_download.StoppedError),
    ):
        connection.fetch(NAME, target, SHA256, lambda n: stop.set() if n else None)
    assert 0 < part_of(target).stat().st_size < len(CONTENT)
    fetch(site, target)
    assert asked(site)[1].startswith("bytes=")
