"""Requests that a kept connection lost: sent once more, on a new one, where that does no harm."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pycurl
import pytest

from fetcher.fetch.http.connections import Connections
from fetcher.model import Outcome, Result
from fetcher.settings.schema import Settings
from support import auths
from support.fetching import Fetched, fetch
from support.names import at, name_server
from support.scripted import Asked, Script, ScriptedServer, answer, scripted, self_signed
from support.secure import Http2, context_of, http2_server
from tools.certificates import Authority

PAGE = Script(answer(b"page"), end="keep")
KEPT = 8  # connections: more than libcurl itself tries, one after the other
TRIED = 6  # … and how many that are
FIRST = [f"/first?{number}" for number in range(KEPT)]

Script_ = Callable[[Asked], Script]


def keeps(later: Script_) -> Script_:
    """FIRST open KEPT connections, as all wait for each other; `later` has what comes then."""
    all_are_there = threading.Barrier(KEPT)

    def script(asked: Asked) -> Script:
        if "/first" not in asked.path:
            return later(asked)
        all_are_there.wait(30)
        return PAGE

    return script


def loses(asked: Asked) -> Script:
    """A kept connection is reset by its second request, a new one gives the page."""
    return PAGE if asked.nth == 1 else Script(end="reset")


def play(server: ScriptedServer, path: str, host: str = "127.0.0.1", **more: Any) -> Fetched:
    """FIRST, then this path."""
    to_host = [server.url(each).replace("127.0.0.1", host) for each in [*FIRST, path]]
    settings: dict[str, Any] = {"verify_tls": False, "total_timeout_s": 30.0, **more}
    return fetch(to_host[KEPT:], pool=KEPT, first=to_host[:KEPT], **settings)


def after_first(server: ScriptedServer) -> list[str]:
    return [asked.path for asked in server.asked if asked.path not in FIRST]


def both(script: Script_) -> dict[str, Script_]:
    return {"/first": script, "/": script}


@pytest.mark.parametrize("is_tls", [False, True])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
def test_it_is_sent_once_more_on_a_new_connection(
    tmp_path: Path, is_tls: bool, method: str
) -> None:
    script = keeps(loses)
    with scripted(both(script), self_signed(tmp_path) if is_tls else None) as server:
        *first, result = play(server, "/", method=method).results
    assert {each.attempts for each in first} == {1}
    assert (result.outcome, result.status, result.attempts) == (Outcome.OK, 200, 2)
    assert after_first(server) == ["/"] * (TRIED + 1)
    assert server.connections == KEPT + 1


def test_it_is_sent_once_more_and_not_again() -> None:
    with scripted(both(keeps(lambda _: Script(end="reset")))) as server:
        *_, result = play(server, "/").results
    assert (result.outcome, result.attempts) == (Outcome.PROTOCOL, 2)
    assert len(after_first(server)) == TRIED + 1


def test_a_post_is_not_sent_again() -> None:
    with scripted(both(keeps(lambda _: Script(end="reset")))) as server:
        *_, result = play(server, "/", method="POST").results
    assert (result.outcome, result.attempts) == (Outcome.PROTOCOL, 1)
    assert after_first(server) == ["/"]


def test_it_is_not_sent_again_once_its_answer_began() -> None:
    with scripted(both(keeps(lambda _: Script(b"HTTP/1.1 200 OK\r\n")))) as server:
        *_, result = play(server, "/").results
    assert (result.outcome, result.attempts) == (Outcome.PROTOCOL, 1)
    assert after_first(server) == ["/"]


def test_both_tries_together_have_the_time_of_one() -> None:
    def later(asked: Asked) -> Script:
        return Script(end="hang") if asked.nth == 1 else Script(0.15, end="reset")

    with scripted(both(keeps(later))) as server:
        *_, result = play(server, "/", total_timeout_s=4.0, low_speed_s=30.0).results
    assert (result.outcome, result.attempts) == (Outcome.TIMEOUT, 2), result
    assert result.timings_ms is not None
    assert (result.timings_ms.total or 0) < 7500, "each try with a time of its own would take 8 s"


def test_its_capture_has_the_request_that_was_answered() -> None:
    with scripted(both(keeps(loses))) as server:
        done = play(server, "/?captured", capture=True)
    (sent,) = done.sent[server.url("/?captured")]
    assert sent.count("GET /?captured HTTP/1.1\r\n") == 1
    assert sent.endswith("\r\n\r\n")


def test_the_new_connection_goes_where_the_name_was_found_to_be() -> None:
    zone = {("a.test", "A"): [at("127.0.0.1"), at("127.0.0.2")]}
    with scripted(both(keeps(loses))) as server, name_server(zone) as names:
        dns = {"servers": [f"127.0.0.1:{names.port}"]}
        allow = {"guard": {"allow": ["127.0.0.1/32"]}, "dns": dns}
        *_, result = play(server, "/", "a.test", sections=allow).results
    assert (result.outcome, result.attempts) == (Outcome.OK, 2), result
    assert (result.remote_ip, names.asked["a.test", "A"]) == ("127.0.0.1", 1)


def test_requests_that_go_through_requests_are_sent_again_too() -> None:
    auth = f"{auths.__name__}:{auths.basic.__name__}"
    with scripted(both(keeps(loses))) as server:
        *_, result = play(server, "/", auth=auth).results
    assert (result.outcome, result.attempts) == (Outcome.OK, 2), result
    assert len(after_first(server)) == TRIED + 1


def test_robots_txt_is_asked_for_again_too() -> None:
    rules = Script(answer(b"User-agent: *\nDisallow: /secret\n"), end="keep")

    def robots(asked: Asked) -> Script:
        return Script(end="reset") if asked.nth > 1 else rules

    script = keeps(loses)
    with scripted({**both(script), "/secret": script, "/robots.txt": robots}) as server:
        # So short that it is asked for again after FIRST.
        polite = {"polite": {"robots": True, "robots_cache_s": 0.001}}
        *_, result = play(server, "/secret", sections=polite).results
    assert (result.outcome, result.error) == (Outcome.ROBOTS, "robots.txt disallows it")


def test_a_proxy_that_lost_it_is_asked_on_a_new_connection() -> None:
    site = "http://name.invalid"
    with scripted({f"{site}{path}": it for path, it in both(keeps(loses)).items()}) as server:
        proxy = f"http://127.0.0.1:{server.port}"
        urls = [f"{site}{path}" for path in [*FIRST, "/"]]
        done = fetch(urls[KEPT:], pool=KEPT, first=urls[:KEPT], proxy=proxy, total_timeout_s=30.0)
    result = done.results[-1]
    assert (result.outcome, result.attempts) == (Outcome.OK, 2), result


@pytest.mark.parametrize("limit", [1, 3])
def test_streams_beyond_a_goaway_are_asked_for_elsewhere(tmp_path: Path, limit: int) -> None:
    authority = Authority(tmp_path)
    with http2_server(context_of(*authority.issue(["127.0.0.1"])), limit) as port:
        urls = [f"https://127.0.0.1:{port}/{number}" for number in range(150)]
        results = fetch(urls, pool=20, ca_file=str(authority.ca_file)).results
        assert _unlike(results) == []
        assert Counter(f"/{number}" for number in range(150)) == Http2.answered


def _unlike(results: list[Result]) -> list[Result]:
    return [each for each in results if (each.outcome, each.body_bytes) != (Outcome.OK, 1000)]


def test_a_transfer_that_waited_too_long_for_memory_does_not_blame_the_server() -> None:
    exchange = Connections(Settings()).lend()
    late = (pycurl.E_OPERATION_TIMEDOUT, "Operation timed out")
    exchange._waits_for_memory = True
    assert "worker.max_body_memory" in exchange._failure(*late).message
    exchange._waits_for_memory = False
    assert "worker" not in exchange._failure(*late).message


def test_a_transfer_that_ends_in_a_pause_does_not_wait_for_memory_any_more() -> None:
    transport = Connections(Settings())
    memory, exchange = transport.memory, transport.lend()
    memory.put_row(row_bytes := Settings().worker.max_body_memory)
    exchange._account = memory.open_account()
    assert exchange._on_body(b"a piece") == pycurl.WRITEFUNC_PAUSE
    assert memory.paused == 1
    exchange._release()
    assert (memory.paused, memory.used_bytes) == (0, row_bytes)
