"""Connections that end in every way there is: each URL has its row, and no worker dies of it.

A process that dies is a failed test: `fetch` sees to it.
"""

from __future__ import annotations

import gc
import socket
import ssl
from pathlib import Path
from typing import Any

import gevent
import pytest

from fetcher.fetch.transfer.curl_loop import _READ
from fetcher.model import Outcome
from support.fetching import Fetched, fetch
from support.scripted import Asked, Script, answer, chunked, head, scripted, self_signed
from support.secure import context_of, http2_server
from tools.certificates import Authority

WHOLE = answer(b"page")
LONG = answer(b"x" * 100_000)
WAYS: dict[str, bytes] = {
    "/nothing": b"",
    "/in-the-status": WHOLE[:7],
    "/in-the-head": WHOLE[:30],
    "/in-the-body": WHOLE[:-1],
    "/in-a-long-body": LONG[:70_000],
    "/in-a-chunk": head("Transfer-Encoding: chunked") + chunked(b"abcdef")[:6],
    "/in-a-redirect": answer(b"moved", "Location: /whole?close", status="302 Found")[:-2],
    "/whole": WHOLE,
    "/long": LONG,
    "/kept": WHOLE,
}
ENDS = ("close", "reset", "notify")
KEPT = 4  # requests that a connection answers on /kept, before it ends


def ending(asked: Asked) -> Script:
    """The answer that the path names, then the end of the connection that its query names."""
    path, _, query = asked.path.partition("?")
    is_kept = path == "/kept" and asked.nth < KEPT
    end = "keep" if is_kept else query.partition("&")[0]
    return Script(WAYS[path], end=end)  # type: ignore[arg-type]


def run(count: int, tls: ssl.SSLContext | None, **http: Any) -> Fetched:
    """So many URLs of each way and end, neighbours of different kinds."""
    with scripted(dict.fromkeys(WAYS, ending), tls) as server:
        urls = [
            server.url(f"{way}?{end}&{number}")
            for number in range(count)
            for way in WAYS
            for end in ENDS
        ]
        done = fetch(urls, pool=40, verify_tls=False, http2=False, **http)
    assert set(done.by_url) == set(urls)
    return done


def check(done: Fetched) -> None:
    for url, result in done.by_url.items():
        if "/long?reset" in url:
            continue  # a reset throws away what the server has not sent yet
        is_whole = any(way in url for way in ("/whole", "/long", "/kept", "/in-a-redirect"))
        expected = Outcome.OK if is_whole else Outcome.PROTOCOL
        assert result.outcome is expected, result


def test_a_stopped_watcher_whose_events_are_set_watches_a_new_socket_of_its_number() -> None:
    """CurlLoop uses the watcher of a closed connection for the next one."""
    seen: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        first = socket.create_connection(server.getsockname())
        number = first.fileno()
        watcher = gevent.get_hub().loop.io(number, _READ)
        watcher.start(seen.append, 1)
        gevent.sleep(0.001)  # the loop registers the socket
        watcher.stop()
        first.close()
        with socket.create_connection(server.getsockname()) as second:
            assert second.fileno() == number
            watcher.events = _READ
            watcher.start(seen.append, 2)
            for _ in range(2):
                server.accept()[0].close()
            with gevent.Timeout(30):
                while not seen:
                    gevent.sleep(0.001)
            watcher.stop()
            watcher.close()
    assert set(seen) == {2}


@pytest.mark.parametrize("is_tls", [False, True])
def test_every_ending_is_a_row(tmp_path: Path, is_tls: bool) -> None:
    check(run(12, self_signed(tmp_path) if is_tls else None, total_timeout_s=30.0))


@pytest.mark.parametrize("is_tls", [False, True])
def test_deadlines_in_the_middle_of_it_are_rows(tmp_path: Path, is_tls: bool) -> None:
    for timeout_s in (0.003, 0.02):
        done = run(6, self_signed(tmp_path) if is_tls else None, total_timeout_s=timeout_s)
        outcomes = {result.outcome for result in done.results}
        assert outcomes <= {Outcome.OK, Outcome.PROTOCOL, Outcome.TIMEOUT}, outcomes


# asyncio's own server leaves handshakes open whose clients have gone.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_deadlines_in_the_middle_of_http2_are_rows(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    for timeout_s in (0.01, 0.02):
        with http2_server(context_of(*authority.issue(["127.0.0.1"])), limit=3) as port:
            urls = [f"https://127.0.0.1:{port}/{number}" for number in range(200)]
            done = fetch(urls, pool=40, verify_tls=False, total_timeout_s=timeout_s)
        assert set(done.by_url) == set(urls)
        gc.collect()  # else the warnings come in a later test


@pytest.mark.slow
def test_thousands_of_every_ending_are_rows(tmp_path: Path) -> None:
    for tls in (None, self_signed(tmp_path)):
        for _ in range(3):
            check(run(100, tls, total_timeout_s=60.0))
