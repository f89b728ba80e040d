"""robots.txt as servers have it, and as they fail to."""

from __future__ import annotations

from typing import Any

import pytest

from fetcher.model import Outcome, Result
from support.fetching import Fetched, fetch
from support.scripted import Script, ScriptedServer, answer, head, scripted

PAGE = Script(answer(b"page"))
OBEY: dict[str, dict[str, Any]] = {
    "polite": {"robots": True, "delay_s": 0.0},
    "retry": {"attempts": 1},
}
FORBID = b"User-agent: *\nDisallow: /private\nAllow: /private/but\nCrawl-delay: 0.5\n"
MINE = b"User-agent: fetcher\nDisallow: /mine\n\nUser-agent: *\nDisallow: /\n"


def visit(robots: Script, *paths: str) -> tuple[Fetched, ScriptedServer]:
    with scripted({"/robots.txt": robots, **dict.fromkeys(paths, PAGE)}) as server:
        sections = {**OBEY, "guard": {"allow": ["127.0.0.0/8"]}}
        done = fetch([server.url(path) for path in paths], sections=sections)
    return done, server


def outcomes(done: Fetched) -> dict[str, str]:
    def path(result: Result) -> str:
        return "/" + result.url.split("/", 3)[3]

    return {path(result): result.outcome.value for result in done.results}


def test_what_is_disallowed_is_not_asked_for_and_the_rules_are_asked_for_once() -> None:
    paths = ["/", "/private", "/private/x", "/private/but"]
    done, server = visit(Script(answer(FORBID)), *paths)
    assert outcomes(done) == {
        "/": "ok",
        "/private": "robots",
        "/private/x": "robots",
        "/private/but": "ok",
    }
    asked = [raw.split(b" ")[1] for raw in server.heads]
    assert sorted(asked) == [b"/", b"/private/but", b"/robots.txt"]


def test_the_group_of_our_own_name_goes_first() -> None:
    done, _ = visit(Script(answer(MINE)), "/", "/mine")
    assert outcomes(done) == {"/": "ok", "/mine": "robots"}


@pytest.mark.parametrize(
    ("robots", "outcome"),
    [
        (Script(answer(b"no such page", status="404 Not Found")), "ok"),
        (Script(answer(b"no", status="403 Forbidden")), "ok"),
        (Script(answer(b"", status="200 OK")), "ok"),
        (Script(answer(b"\xff\xfe\0\0 what is this", status="200 OK")), "ok"),
        (Script(answer(b"oops", status="503 Service Unavailable")), "robots"),
        (Script(head("Location: /elsewhere", "Content-Length: 0", status="302 Found")), "ok"),
        (Script(head("Location: /robots.txt", "Content-Length: 0", status="302 Found")), "ok"),
        (Script(b"HTTP/1.1 2"), "protocol"),
    ],
)
def test_rules_that_are_not_there_allow_and_rules_that_fail_forbid(
    robots: Script, outcome: str
) -> None:
    done, _ = visit(robots, "/", "/elsewhere")
    assert outcomes(done)["/"] == outcome, done.results


def test_endless_rules_are_read_to_their_cap() -> None:
    endless = Script(head("Content-Type: text/plain"), FORBID, endless=b"# nothing\n" * 1000)
    sections = {**OBEY, "guard": {"allow": ["127.0.0.0/8"]}}
    with scripted({"/robots.txt": endless, "/": PAGE}) as server:
        done = fetch([server.url("/")], sections=sections, total_timeout_s=20.0)
    (result,) = done.results
    assert result.outcome in {Outcome.OK, Outcome.TOO_LARGE}
    assert done.took_s < 15
    assert done.peak_bytes < 150e6
