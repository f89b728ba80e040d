"""robots.txt of real servers: when it is asked for, how far, and what its absence means."""

from __future__ import annotations

from typing import Any

import pytest

from fetcher.model import Outcome
from support.fetching import Fetched, fetch
from support.scripted import Asked, Script, ScriptedServer, answer, head, scripted

RULES = b"User-agent: *\nDisallow: /closed\n"
PAGES = {"/open": Script(answer(b"open"), end="keep"), "/closed": Script(answer(b"closed"))}


def serve(robots: Any) -> Any:
    return scripted({"/robots.txt": robots, **PAGES})


def ask(
    server: ScriptedServer,
    *paths: str,
    first: str = "",
    polite: dict[str, Any] | None = None,
    **http: Any,
) -> Fetched:
    return fetch(
        [server.url(path) for path in paths or ("/open", "/closed")],
        sections={"polite": {"robots": True, **(polite or {})}},
        first=[server.url(first)] if first else [],
        **http,
    )


def outcomes(done: Fetched) -> dict[str, Outcome]:
    """By path."""
    return {"/" + row.url.split("/", 3)[3]: row.outcome for row in done.results}


OBEYED = {"/open": Outcome.OK, "/closed": Outcome.ROBOTS}
ALL_OPEN = {"/open": Outcome.OK, "/closed": Outcome.OK}
ALL_CLOSED = {"/open": Outcome.ROBOTS, "/closed": Outcome.ROBOTS}


def test_it_is_asked_for_once_however_many_want_to_know() -> None:
    with serve(Script(0.2, answer(RULES))) as server:
        done = ask(server, *(f"/open?{number}" for number in range(30)), "/closed")
        assert set(outcomes(done).values()) == {Outcome.OK, Outcome.ROBOTS}
        assert [asked.path for asked in server.asked].count("/robots.txt") == 1
        assert "/closed" not in [asked.path for asked in server.asked]


def test_it_is_asked_for_again_when_it_has_grown_old() -> None:
    for cache_s, times in ((3600.0, 1), (0.001, 2)):
        with serve(Script(answer(RULES))) as server:
            ask(server, "/open", first="/open?first", polite={"robots_cache_s": cache_s})
            assert [asked.path for asked in server.asked].count("/robots.txt") == times


@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        ("404 Not Found", ALL_OPEN),
        ("401 Unauthorized", ALL_OPEN),
        ("403 Forbidden", ALL_OPEN),
        ("500 Internal Server Error", ALL_CLOSED),
        ("503 Service Unavailable", ALL_CLOSED),
    ],
)
def test_one_that_is_not_there_forbids_nothing_and_one_that_fails_all(
    status: str, wanted: dict[str, Outcome]
) -> None:
    with serve(Script(answer(b"User-agent: *\nDisallow: /", status=status))) as server:
        assert outcomes(ask(server)) == wanted
        assert len(server.asked) == (1 if wanted is ALL_CLOSED else 3)


def test_a_server_that_does_not_answer_gives_its_own_error() -> None:
    with serve(Script()) as server:
        done = ask(server)
    for row in done.results:
        assert row.outcome is Outcome.PROTOCOL
        assert row.error == "robots.txt: the server closed the connection without an answer"


def hopping(hops: int) -> Any:
    """A robots.txt that is so many redirects away."""

    def script(asked: Asked) -> Script:
        done = int(asked.path.partition("?")[2] or 0)
        if done == hops:
            return Script(answer(RULES))
        location = f"Location: /robots.txt?{done + 1}"
        return Script(answer(b"", location, status="302 Found"))

    return script


@pytest.mark.parametrize(("hops", "wanted"), [(1, OBEYED), (5, OBEYED), (6, ALL_OPEN)])
def test_five_redirects_are_followed_whatever_the_limit_for_pages(
    hops: int, wanted: dict[str, Outcome]
) -> None:
    with serve(hopping(hops)) as server:
        assert outcomes(ask(server, max_redirects=0)) == wanted


def test_a_redirect_passes_the_guard_and_the_schemes() -> None:
    for location, outcome in (
        ("http://169.254.169.254/robots.txt", Outcome.BLOCKED),
        ("file:///etc/passwd", Outcome.BLOCKED),
        ("http://a..b/", Outcome.PROTOCOL),
    ):
        with serve(Script(answer(b"", f"Location: {location}", status="302 Found"))) as server:
            done = ask(server)
        for row in done.results:
            assert row.outcome is outcome, row
            assert (row.error or "").startswith("robots.txt: "), row


def test_of_one_without_an_end_the_beginning_holds() -> None:
    endless = Script(head("Content-Type: text/plain") + RULES, endless=b"# filler\n" * 1000)
    with serve(endless) as server:
        done = ask(server, total_timeout_s=20.0)
    assert outcomes(done) == OBEYED
    assert done.peak_bytes < 120e6


def test_the_caps_for_pages_do_not_cut_it() -> None:
    long = b"# " + b"x" * 5000 + b"\n" + RULES
    with serve(Script(answer(long))) as server:
        done = ask(server, max_body_bytes=6, max_wire_bytes=6)
    assert outcomes(done) == OBEYED


def test_each_origin_has_its_own() -> None:
    with serve(Script(answer(RULES))) as one, serve(Script(answer(b""))) as other:
        done = fetch(
            [one.url("/closed"), other.url("/closed")], sections={"polite": {"robots": True}}
        )
    assert done.by_url[one.url("/closed")].outcome is Outcome.ROBOTS
    assert done.by_url[other.url("/closed")].outcome is Outcome.OK
