"""Where the cookies and headers of a log-in go."""

from __future__ import annotations

import pytest

from fetcher.fetch.body.capture import Capture
from fetcher.fetch.cookies.jar import Cookie
from fetcher.fetch.http.site_session import SiteSession
from fetcher.fetch.urls import target_of
from fetcher.protocol.login_messages import Secrets, SessionCookie, SessionHeader

SESSION = SiteSession(
    3,
    Secrets(
        [
            SessionCookie("sid", "new", "a.test", False, "/", False),
            SessionCookie("old", "1", "old.test", True, "/", False, 1.0),
        ],
        [
            SessionHeader("api.test", "X-Any-Port", "1"),
            SessionHeader("https://api.test:443", "X-Token", "2"),
            SessionHeader("http://plain.test:8080", "X-Plain", "3"),
        ],
    ),
    [Cookie("sid", "file", "a.test", False, "/", False, None)],
)


@pytest.mark.parametrize(
    ("url", "names"),
    [
        ("https://api.test/x", ["X-Token", "X-Any-Port"]),
        ("https://api.test:8443/", ["X-Any-Port"]),
        ("http://api.test/", []),
        ("https://www.api.test/", []),
        ("http://plain.test:8080/", ["X-Plain"]),
        ("http://plain.test/", []),
    ],
)
def test_headers_go_to_their_place_alone(url: str, names: list[str]) -> None:
    assert [name for name, _ in SESSION.headers_for(target_of(url, 8192))] == names


def test_cookies_replace_those_of_the_file_and_follow_the_rules() -> None:
    assert SESSION.cookies.header_for("https://www.a.test/") == "sid=new"
    assert SESSION.cookies.header_for("https://b.test/") is None


@pytest.mark.parametrize(
    ("url", "is_covered"),
    [
        ("https://www.a.test/", True),
        ("http://old.test/", True),
        ("https://api.test/", True),
        ("http://api.test/", False),
        ("https://b.test/", False),
    ],
)
def test_a_host_is_covered_by_a_cookie_even_an_expired_one_or_by_a_header(
    url: str, is_covered: bool
) -> None:
    assert SESSION.covers(target_of(url, 8192)) is is_covered


def test_before_the_first_log_in_there_are_the_cookies_of_the_file() -> None:
    session = SiteSession(others=SESSION.cookies)
    assert session.generation == 0 and not session.covers(target_of("https://a.test/", 8192))
    assert session.cookies.header_for("https://a.test/") == "sid=new"


def test_an_archive_does_not_show_the_headers_of_a_log_in() -> None:
    capture = Capture("https://a.test/", 0.0, frozenset({"x-token"}))
    capture.note_sent(b"GET / HTTP/1.1\r\nHost: a.test\r\nX-TOKEN: hush\r\nX: 1\r\n\r\n")
    capture.end(b"X-Token: body", None)
    assert capture.request == b"GET / HTTP/1.1\r\nHost: a.test\r\nX: 1\r\n\r\nX-Token: body"
