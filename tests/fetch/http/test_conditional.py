"""Validators go to the URL whose answer they belong to, and a 304 counts only as their answer."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from fetcher.fetch.body.capture import Keep
from fetcher.fetch.http.client import CurlFetcher
from fetcher.fetch.http.conditional import is_of_version
from fetcher.fetch.http.line_fetch import CurlFetch
from fetcher.model import Outcome, Result, Task
from fetcher.settings.schema import Settings
from support.scripted import Asked, Script, ScriptedServer, answer, head, scripted

SETTINGS = msgspec.convert(
    {
        "guard": {"allow": ["127.0.0.0/8"]},
        "retry": {"attempts": 2, "backoff_s": 0.01},
        "polite": {"enabled": False},
    },
    Settings,
)
FULL = Script(answer(b"new", 'ETag: "2"'))
ETAG, DATE = 'If-None-Match: "1"', "If-Modified-Since: Mon, 01 Jan 2024 00:00:00 GMT"


class Earlier:
    """An earlier answer with both validators."""

    etag = '"1"'
    conditions: tuple[tuple[str, str], ...] = (
        ("If-None-Match", '"1"'),
        ("If-Modified-Since", "Mon, 01 Jan 2024 00:00:00 GMT"),
    )

    def __init__(self, url: str, *, is_there: bool = True) -> None:
        self.url = url
        self.body: bytes | None = None
        self._is_there = is_there

    def load(self) -> bool:
        self.body = b"old" if self._is_there else None
        return self._is_there


def not_modified(*lines: str) -> Script:
    return Script(head(*lines, status="304 Not Modified"))


def done(
    earlier: Earlier | None, url: str, own: tuple[str, ...] = (), **task: Any
) -> tuple[CurlFetch, Result]:
    """The fetch of a line in a refresh, at its end. `own`: headers that the settings have."""
    http = msgspec.structs.replace(SETTINGS.http, headers=own)
    settings = msgspec.structs.replace(SETTINGS, http=http)
    fetcher = CurlFetcher(settings, "test")
    fetcher.keep = Keep.BODY
    fetcher.previous_of = lambda _: earlier
    fetch = fetcher.begin(Task(1, url, **task))
    for _ in range(10):
        if fetch.result is not None:
            return fetch, fetch.result
        fetch.step()
    raise AssertionError("it does not end")


def asked_with(server: ScriptedServer) -> list[tuple[str, bool]]:
    """Path of each request, and whether it had both validators; one alone is wrong."""
    found = []
    for asked, sent in zip(server.asked, server.heads, strict=True):
        has = {line.encode() in sent for line in (ETAG, DATE)}
        assert len(has) == 1
        found.append((asked.path, has.pop()))
    return found


@pytest.mark.parametrize("lines", [(), ('ETag: "1"',), ('ETag: W/"1"',)])
def test_a_304_to_the_validators_confirms_the_earlier_answer(lines: tuple[str, ...]) -> None:
    with scripted({"/": not_modified(*lines)}) as server:
        earlier = Earlier(server.url("/#part"))
        fetch, result = done(earlier, server.url("/"))
        assert asked_with(server) == [("/", True)]
    assert (result.outcome, result.status) == (Outcome.OK, 304)
    assert fetch.confirmed is earlier
    assert fetch.body == b"old"


def test_a_page_that_has_changed_is_an_ordinary_answer() -> None:
    with scripted({"/": FULL}) as server:
        fetch, result = done(Earlier(server.url("/")), server.url("/"))
        assert asked_with(server) == [("/", True)]
    assert (fetch.confirmed, fetch.body, result.status) == (None, b"new", 200)


def after(first: Script, path: str = "/") -> dict[str, Script]:
    """A server whose second answer for the path is in full."""

    def script(asked: Asked) -> Script:
        script.count += 1  # type: ignore[attr-defined]
        return first if script.count == 1 else FULL  # type: ignore[attr-defined]

    script.count = 0  # type: ignore[attr-defined]
    return {path: script}  # type: ignore[dict-item]


def test_a_304_about_another_version_is_asked_again_in_full() -> None:
    with scripted(after(not_modified('ETag: "7"'))) as server:
        fetch, result = done(Earlier(server.url("/")), server.url("/"))
        assert asked_with(server) == [("/", True), ("/", False)]
    assert (fetch.confirmed, fetch.body, result.status) == (None, b"new", 200)
    assert result.attempts == 1


def test_a_page_whose_earlier_body_is_gone_is_asked_again_in_full() -> None:
    with scripted(after(not_modified())) as server:
        fetch, _ = done(Earlier(server.url("/"), is_there=False), server.url("/"))
        assert asked_with(server) == [("/", True), ("/", False)]
    assert (fetch.confirmed, fetch.body) == (None, b"new")


def test_a_server_that_answers_304_to_everything_is_not_believed_and_not_asked_for_ever() -> None:
    with scripted({"/": not_modified('ETag: "7"')}) as server:
        fetch, result = done(Earlier(server.url("/")), server.url("/"))
        assert asked_with(server) == [("/", True), ("/", False)]
    assert (fetch.confirmed, fetch.body, result.status) == (None, b"", 304)


def test_a_304_that_nobody_asked_for_is_an_ordinary_answer() -> None:
    with scripted({"/": not_modified()}) as server:
        fetch, result = done(None, server.url("/"))
    assert (fetch.confirmed, result.outcome, result.status) == (None, Outcome.OK, 304)


def test_validators_go_to_the_target_of_a_redirect_and_not_to_what_redirects() -> None:
    moved = Script(answer(b"", "Location: /new", status="301 Moved"))
    with scripted({"/old": moved, "/new": not_modified()}) as server:
        fetch, result = done(Earlier(server.url("/new")), server.url("/old"))
        assert asked_with(server) == [("/old", False), ("/new", True)]
    assert fetch.confirmed is not None
    assert result.final_url == server.url("/new")


def test_a_304_in_place_of_the_redirect_confirms_nothing() -> None:
    with scripted({"/old": not_modified()}) as server:
        fetch, _ = done(Earlier(server.url("/new")), server.url("/old"))
        assert asked_with(server) == [("/old", False)]
    assert fetch.confirmed is None


def test_a_redirect_to_another_target_than_before_gets_no_validators() -> None:
    moved = Script(answer(b"", "Location: /newer", status="302 Found"))
    with scripted({"/old": moved, "/newer": FULL}) as server:
        done(Earlier(server.url("/new")), server.url("/old"))
        assert asked_with(server) == [("/old", False), ("/newer", False)]


def test_another_attempt_has_the_validators_again() -> None:
    with scripted(after(Script(answer(b"", status="503 Busy")))) as server:
        fetch, _ = done(Earlier(server.url("/")), server.url("/"))
        assert asked_with(server) == [("/", True), ("/", True)]
    assert fetch.confirmed is None


@pytest.mark.parametrize(
    "own",
    [
        {"method": "POST", "body": b"x"},
        {"headers": (("Range", "bytes=0-9"),)},
        {"headers": (("if-none-match", '"mine"'),)},
        {"own": ("If-Modified-Since: Tue, 02 Jan 2024 00:00:00 GMT",)},
    ],
)
def test_requests_with_conditions_or_methods_of_their_own_stay_as_they_are(
    own: dict[str, Any],
) -> None:
    with scripted({"/": not_modified()}) as server:
        fetch, _ = done(Earlier(server.url("/")), server.url("/"), **own)
        assert asked_with(server) == [("/", False)]
    assert fetch.confirmed is None


def test_a_304_names_the_version_by_any_spelling_of_its_etag() -> None:
    assert is_of_version([("Etag", 'W/"1"')], '"1"')
    assert is_of_version([("ETag", '"1"')], 'W/"1"')
    assert is_of_version([], '"1"')
    assert is_of_version([("ETag", '"1"')], "")
    assert not is_of_version([("ETag", '"2"')], '"1"')
    assert not is_of_version([("ETag", '"1"'), ("ETag", '"2"')], '"1"')
