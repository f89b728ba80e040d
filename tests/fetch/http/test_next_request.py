"""The request of a line's next hop: the line's own, and after redirects."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from fetcher.error_kinds import ErrorKind
from fetcher.fetch.failures import Failure
from fetcher.fetch.http.next_request import NextRequest
from fetcher.fetch.http.shared import Shared
from fetcher.fetch.transfer.message import NO_ANSWER, Answer, Request
from fetcher.model import Fault, Task
from fetcher.settings.schema import Settings

TOKEN = ("X-Token", "secret")


def first(url: str = "http://a.example/", /, http: Any = None, **task: Any) -> NextRequest:
    shared = Shared(msgspec.convert({"http": http or {}}, Settings), "w")
    return NextRequest(shared, Task(1, url, **task), cookies=None)


def made(by: NextRequest) -> Request:
    return by.made(by.target(), None, None)


def redirect(to: str, status: int = 302, **headers: str) -> Answer:
    given = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return msgspec.structs.replace(NO_ANSWER, status=status, headers=given, redirect_to=to)


def test_the_first_request_is_that_of_the_line() -> None:
    by = first(method="POST", body=b"body", headers=(TOKEN,))
    assert made(by) == Request("http://a.example/", "POST", (TOKEN,), b"body")
    assert (by.is_home, by.hops) == (True, ())


@pytest.mark.parametrize(("is_foreign", "is_sent"), [(True, False), (False, True)])
def test_headers_of_the_settings_go_only_to_hosts_that_the_user_named(
    is_foreign: bool, is_sent: bool
) -> None:
    by = first(is_foreign=is_foreign, http={"headers": ["X-Token: secret", "Accept: text/html"]})
    assert (TOKEN in made(by).headers) is is_sent
    assert ("Accept", "text/html") in made(by).headers


@pytest.mark.parametrize(
    ("status", "method", "body"), [(302, "GET", None), (303, "GET", None), (307, "POST", b"b")]
)
def test_the_status_of_a_redirect_decides_what_goes_on(
    status: int, method: str, body: bytes | None
) -> None:
    by = first(method="POST", body=b"b", headers=(TOKEN,))
    assert by.follow(by.target(), redirect("/next", status)).url == "http://a.example/next"
    assert made(by) == Request("http://a.example/next", method, (TOKEN,), body)


def test_after_another_origin_the_credentials_stay_away_also_from_home() -> None:
    by = first(headers=(TOKEN,))
    by.follow(by.target(), redirect("http://b.example/"))
    assert (made(by).headers, by.is_home) == ((), False)
    by.follow(by.target(), redirect("http://a.example/home"))
    assert (made(by).headers, by.is_home) == ((), False)
    assert by.hops == ("http://b.example/", "http://a.example/home")


def test_a_cookie_of_a_redirect_is_sent_with_the_next_request_to_its_host() -> None:
    by = first()
    by.follow(by.target(), redirect("/next", Set_Cookie="a=1"))
    assert made(by).headers == (("Cookie", "a=1"),)
    by.follow(by.target(), redirect("http://b.example/"))
    assert made(by).headers == ()


def test_a_body_goes_to_no_other_origin_where_the_settings_forbid_it() -> None:
    by = first(method="POST", body=b"b", http={"cross_origin_bodies": False})
    with pytest.raises(Failure) as raised:
        by.follow(by.target(), redirect("http://b.example/", 307))
    assert raised.value.kind is ErrorKind.BLOCKED_BODY


@pytest.mark.parametrize(
    ("second", "kind"),
    [("/2", ErrorKind.REDIRECTS_TOO_MANY), ("/", ErrorKind.REDIRECTS_LOOP)],
)
def test_too_many_redirects_are_a_loop_if_a_url_came_twice(second: str, kind: ErrorKind) -> None:
    by = first(http={"max_redirects": 2})
    for to in ("/1", second):
        by.follow(by.target(), redirect(to))
    with pytest.raises(Failure) as raised:
        by.follow(by.target(), redirect("/3"))
    assert raised.value.kind is kind


def test_a_line_without_a_url_fails_with_its_fault() -> None:
    fault = Fault("record", "no URL in the line")
    with pytest.raises(Failure) as raised:
        first("", fault=fault).target()
    assert "no URL in the line" in raised.value.message
