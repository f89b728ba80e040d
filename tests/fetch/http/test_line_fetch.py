"""The fetch of one line, step by step, against scripted servers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
import msgspec
import pytest

from fetcher.error_kinds import ErrorKind
from fetcher.fetch.body.capture import Keep
from fetcher.fetch.http.client import CurlFetcher
from fetcher.fetch.http.line_fetch import CurlFetch
from fetcher.model import Fault, Outcome, Result, Task
from fetcher.settings.schema import Settings
from support.names import at, name_server
from support.scripted import Asked, Script, answer, scripted

GOOD = Script(answer(b"good"), end="keep")
BUSY = Script(answer(b"busy", "Retry-After: 7", status="503 Busy"))


def fetcher(**sections: Any) -> CurlFetcher:
    given = {"guard": {"allow": ["127.0.0.0/8"]}, "retry": {"attempts": 1}, **sections}
    return CurlFetcher(msgspec.convert(given, Settings), "w")


def begun(url: str, by: CurlFetcher | None = None, **task: Any) -> CurlFetch:
    fetch = (by or fetcher()).begin(Task(7, url, **task))
    assert isinstance(fetch, CurlFetch)
    return fetch


def ended(fetch: CurlFetch, steps: int = 20) -> Result:
    """The result; waits between attempts are not waited for."""
    for _ in range(steps):
        if fetch.result is None:
            fetch.step()
    assert fetch.result is not None
    return fetch.result


def moved(to: Callable[[Asked], str] | str, status: int = 302, *lines: str) -> Any:
    """A script that redirects."""

    def script(asked: Asked) -> Script:
        location = to if isinstance(to, str) else to(asked)
        return Script(answer(b"", f"Location: {location}", *lines, status=f"{status} Moved"))

    return script


def test_a_job_that_keeps_nothing_does_not_change_the_clock_of_a_fetch_under_way() -> None:
    by = fetcher()
    by.keep = Keep.BODY
    by.transport.clock._held_s += 1000.0  # as after handlers that compute for long
    with scripted({"/": Script(0.3, *GOOD.parts)}) as server:
        fetch = begun(server.url("/"), by)
        gevent.spawn_later(0.1, setattr, by, "keep", Keep.NOTHING)
        result = ended(fetch)
    assert by.keep is Keep.NOTHING
    assert result.timings_ms is not None
    assert result.timings_ms.total is not None
    assert result.timings_ms.total < 500_000, "1,000 s are not part of it"


# -- redirects -------------------------------------------------------------------------------


@pytest.mark.parametrize(("most", "outcome"), [(2, Outcome.OK), (1, Outcome.REDIRECTS)])
def test_each_redirect_is_a_step_up_to_the_limit(most: int, outcome: Outcome) -> None:
    with scripted({"/": moved("/1"), "/1": moved("/good"), "/good": GOOD}) as server:
        fetch = begun(server.url("/"), fetcher(http={"max_redirects": most}))
        fetch.step()
        assert (fetch.result, fetch.url) == (None, server.url("/1"))
        result = ended(fetch)
    assert result.outcome is outcome
    assert list(result.redirects) == [server.url(path) for path in ("/1", "/good")][:most]
    if outcome is Outcome.REDIRECTS:
        assert result.error_kind == ErrorKind.REDIRECTS_TOO_MANY.word
        assert result.error == "more than http.max_redirects (1) redirects"


def test_redirects_in_a_circle_are_a_loop() -> None:
    with scripted({"/": moved("/1"), "/1": moved("/")}) as server:
        result = ended(begun(server.url("/"), fetcher(http={"max_redirects": 3})))
    assert (result.outcome, result.error_kind) == (
        Outcome.REDIRECTS,
        ErrorKind.REDIRECTS_LOOP.word,
    )


def test_a_credential_does_not_come_back_with_a_redirect_home() -> None:
    with scripted({"/": GOOD}) as other:
        back: list[str] = []
        with scripted({"/": moved(other.url("/away")), "/home": GOOD}) as server:
            other._scripts = {"/away": moved(lambda _: back[0])}
            back.append(server.url("/home"))
            result = ended(begun(server.url("/"), headers=(("X-Token", "t"),)))
            heads = [head.lower() for head in (*server.heads, *other.heads)]
    assert result.outcome is Outcome.OK
    assert [b"x-token" in head for head in heads] == [True, False, False]


def test_cookies_of_a_redirect_are_sent_with_the_next_hop_of_this_line_alone() -> None:
    scripts = {"/": moved("/good", 302, "Set-Cookie: a=1"), "/good": GOOD}
    with scripted(scripts) as server:
        by = fetcher()
        for path in ("/", "/good"):
            ended(begun(server.url(path), by))
        assert [b"cookie: a=1" in head.lower() for head in server.heads] == [False, True, False]


@pytest.mark.parametrize(
    ("status", "method", "has_body"), [(302, b"GET", False), (307, b"POST", True)]
)
def test_a_body_goes_on_where_the_status_says_so(
    status: int, method: bytes, has_body: bool
) -> None:
    with scripted({"/": moved("/good", status), "/good": GOOD}) as server:
        ended(begun(server.url("/"), method="POST", body=b"body"))
        last = server.heads[-1]
    assert last.startswith(method + b" /good")
    assert (b"Content-Length: 4" in last) is has_body


# -- robots.txt ------------------------------------------------------------------------------


def test_a_page_has_a_turn_of_its_own_after_that_of_robots_txt() -> None:
    # The rules may have grown old when the page's turn comes; they are not read again for it.
    polite = {"robots": True, "robots_cache_s": 1e-9}
    with scripted({"/robots.txt": GOOD, "/page": GOOD}) as server:
        fetch = begun(server.url("/page"), fetcher(polite=polite))
        fetch.step()
        assert (fetch.result, fetch.is_sent, fetch.has_news, fetch.wait_s) == (None, True, True, 0)
        assert [asked.path for asked in server.asked] == ["/robots.txt"]
        fetch.step()
        assert [asked.path for asked in server.asked] == ["/robots.txt", "/page"]
    assert fetch.result is not None
    assert (fetch.result.outcome, fetch.result.attempts) == (Outcome.OK, 1)


def test_the_dns_time_is_without_the_wait_for_a_turn_after_a_look_up() -> None:
    with (
        scripted({"/": GOOD}) as server,
        name_server({("a.test", "A"): [at("127.0.0.1")]}) as names,
    ):
        by = fetcher(dns={"servers": [f"127.0.0.1:{names.port}"]}, polite={"delay_s": 1.0})
        url = server.url("/").replace("127.0.0.1", "a.test")
        _, second = ended(begun(url, by)), ended(begun(url, by))
    assert second.timings_ms is not None
    assert second.timings_ms.dns is not None and second.timings_ms.dns < 500


# -- attempts --------------------------------------------------------------------------------


def test_a_failed_attempt_waits_for_the_next_one_and_the_last_one_counts() -> None:
    answers = iter([BUSY, BUSY, GOOD])
    with scripted({"/": lambda _: next(answers)}) as server:
        fetch = begun(server.url("/"), fetcher(retry={"attempts": 3}))
        fetch.step()
        assert (fetch.result, fetch.rest_s, fetch.rest_why) == (None, 7.0, "503")
        assert fetch.wait_s >= 7.0
        result = ended(fetch)
    assert (result.outcome, result.attempts, fetch.rest_s) == (Outcome.OK, 3, None)


def test_the_last_attempt_that_fails_is_the_row() -> None:
    with scripted({"/": BUSY}) as server:
        result = ended(begun(server.url("/"), fetcher(retry={"attempts": 2})))
    assert (result.outcome, result.status, result.attempts) == (Outcome.HTTP_ERROR, 503, 2)
    assert result.error == "the server answered 503"


def test_a_host_that_cannot_be_reached_is_a_trouble() -> None:
    with scripted({"/": GOOD}) as server:
        url = server.url("/")
    fetch = begun(url)
    result = ended(fetch)
    assert (result.outcome, fetch.trouble, fetch.is_sent) == (
        *(Outcome.CONNECT, "Connection refused"),
        True,
    )


def test_a_line_that_is_given_up_ends_as_its_last_attempt_did() -> None:
    with scripted({"/": BUSY}) as server:
        fetch = begun(server.url("/"), fetcher(retry={"attempts": 3}))
        fetch.step()
        fetch.give_up("the host is given up")
    assert fetch.result is not None
    assert (fetch.result.outcome, fetch.result.error) == (
        Outcome.HTTP_ERROR,
        "the host is given up",
    )
    assert fetch.result.attempts == 1


def test_a_line_that_is_given_up_before_its_first_attempt_was_not_tried() -> None:
    fetch = begun("http://127.0.0.1:1/")
    fetch.give_up("the host is given up")
    assert fetch.result is not None
    assert (fetch.result.outcome, fetch.result.attempts) == (Outcome.CONNECT, 0)
    assert fetch.result.error_kind == ErrorKind.CONNECT_NOT_TRIED.word


# -- lines that are not sent -----------------------------------------------------------------


def test_a_line_with_a_fault_is_not_sent() -> None:
    fetch = begun("x", fault=Fault("record", "the line is not a record"))
    result = ended(fetch)
    assert (result.outcome, result.error) == (Outcome.INVALID_URL, "the line is not a record")
    assert (result.error_kind, fetch.is_sent) == ("record", False)


def test_a_private_address_is_refused_before_anything_is_sent() -> None:
    with scripted({"/": GOOD}) as server:
        fetch = begun(server.url("/"), fetcher(guard={"allow": []}))
        result = ended(fetch)
        assert (result.outcome, server.connections, fetch.is_sent) == (Outcome.BLOCKED, 0, False)


def test_a_defect_of_our_own_costs_no_line_its_row(monkeypatch: pytest.MonkeyPatch) -> None:
    fetch = begun("http://127.0.0.1:1/")
    monkeypatch.setattr(fetch, "_hop", lambda *_: 1 / 0)
    result = ended(fetch)
    assert (result.outcome, result.error_kind) == (
        Outcome.PROTOCOL,
        ErrorKind.PROTOCOL_INTERNAL.word,
    )
    assert result.error == "ZeroDivisionError: division by zero"


# -- bodies ----------------------------------------------------------------------------------


def test_the_body_of_the_last_answer_is_kept_until_it_is_released() -> None:
    with scripted({"/": moved("/good"), "/good": GOOD}) as server:
        by = fetcher()
        by.keep = Keep.BODY | Keep.WIRE
        fetch = begun(server.url("/"), by)
        ended(fetch)
    assert (fetch.body, len(fetch.captures)) == (b"good", 2)
    fetch.release()
    assert (fetch.body, fetch.captures) == (None, [])
