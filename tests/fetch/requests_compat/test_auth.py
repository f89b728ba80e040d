"""Requests with an auth object of requests, as rows and archives see them."""

from __future__ import annotations

import hashlib

import msgspec
import pytest

from fetcher.errors import ConfigError
from fetcher.fetch.body.capture import Keep
from fetcher.fetch.http.client import CurlFetcher
from fetcher.fetch.requests_compat.auth import Auth, _prepared
from fetcher.fetch.transfer.message import Request
from fetcher.model import Outcome, Result, Task
from fetcher.settings.schema import Settings
from support.fetching import fetch_here
from support.scripted import Script, answer, scripted

CHALLENGE = answer(
    b"who?", 'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"', status="401 Unauthorized"
)
BODY = b"for you alone"


def settings(auth: str) -> Settings:
    return msgspec.convert(
        {
            "http": {"auth": auth},
            "guard": {"allow": ["127.0.0.0/8"]},
            "polite": {"enabled": False},
            "retry": {"attempts": 1},
        },
        Settings,
    )


def asked(auth: str, *scripts: Script) -> tuple[Result, list[bytes]]:
    """The row of one line, and the heads of its requests."""
    answers = iter(scripts)
    with scripted({"/": lambda _: next(answers)}) as server:
        (result,) = fetch_here(settings(auth), server.url("/"))
        return result, server.heads


def test_each_exchange_that_an_auth_object_needs_is_made() -> None:
    result, heads = asked("support.auths:digest", Script(CHALLENGE), Script(answer(BODY)))
    assert (result.outcome, result.status, result.attempts) == (Outcome.OK, 200, 1)
    assert (result.body_bytes, result.sha256) == (len(BODY), hashlib.sha256(BODY).hexdigest())
    assert [b"authorization: digest" in head.lower() for head in heads] == [False, True]


def test_a_request_is_signed_as_it_is_sent() -> None:
    result, heads = asked("support.auths:basic", Script(answer(BODY)))
    assert result.outcome is Outcome.OK
    assert [b"authorization: basic" in head.lower() for head in heads] == [True]


def test_a_body_that_is_cut_is_recorded_as_far_as_it_came() -> None:
    result, _ = asked("support.auths:basic", Script(answer(BODY)[:-3]))
    assert (result.outcome, result.body_bytes) == (Outcome.PROTOCOL, len(BODY) - 3)
    assert (result.sha256, result.truncated) == (None, True)


def test_an_auth_object_that_fails_is_the_failure_of_its_line() -> None:
    result, heads = asked("support.auths:broken", Script(answer(BODY)))
    assert (result.outcome, heads) == (Outcome.PROTOCOL, [])
    assert "there is no such token" in (result.error or "")


def test_all_exchanges_are_kept_for_an_archive() -> None:
    answers = iter([Script(CHALLENGE), Script(answer(BODY))])
    with scripted({"/": lambda _: next(answers)}) as server:
        fetcher = CurlFetcher(settings("support.auths:digest"), "w")
        fetcher.keep = Keep.WIRE | Keep.BODY
        fetch = fetcher.begin(Task(1, server.url("/")))
        while fetch.result is None:
            fetch.step()
    assert [capture.body for capture in fetch.captures] == [b"who?", BODY]
    assert fetch.body == BODY


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("support.auths:missing", r"http\.auth = 'support\.auths:missing': AttributeError"),
        ("support.echo:USER", r"http\.auth = 'support\.echo:USER': TypeError"),
    ],
)
def test_a_name_that_makes_no_auth_object_is_a_wrong_setting(name: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Auth(name, None)  # type: ignore[arg-type]


def test_a_request_keeps_its_url_and_headers() -> None:
    request = Request("http://a.test/%7e?b=1&a=2", "POST", (("X", "1"),), b"body")
    prepared = _prepared(request, {"X": "1"})
    assert (prepared.url, prepared.method, prepared.body) == (request.url, "POST", b"body")
    assert prepared.headers["X"] == "1"
