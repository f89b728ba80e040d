"""A prepared request becomes a request of ours, checked as http.client does."""

from __future__ import annotations

import io
from typing import Any

import pytest
import requests
from requests import exceptions as rx

from fetcher.fetch.requests_compat import prepared


def request_of(url: str | None = "http://a.test/", **said: Any) -> requests.PreparedRequest:
    made = requests.Request(said.pop("method", "GET"), "http://a.test/", **said).prepare()
    made.url = url
    return made


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("http://a.test/x?q=1#part", "http://a.test/x?q=1"),
        ("HTTP://A.test:80/x", "http://a.test/x"),
        ("http://user:pw@a.test/x", "http://a.test/x"),
        ("http://a.test/%7e/a%2Fb", "http://a.test/%7e/a%2Fb"),
        ("http://a.test/a b", "http://a.test/a%20b"),
        ("http://a.test?q", "http://a.test/?q"),
        ("http://[::1]:8080/x", "http://[::1]:8080/x"),
    ],
)
def test_the_target_is_built_from_the_host_that_is_judged(url: str, sent: str) -> None:
    assert prepared.target_of(request_of(url), 8192).url == sent


@pytest.mark.parametrize(
    ("url", "raised"),
    [
        (None, rx.InvalidSchema),
        ("ftp://a.test/", rx.InvalidSchema),
        ("http:///x", rx.InvalidURL),
        ("http://a.test:99999/", rx.InvalidURL),
        ("http://[::1/", rx.InvalidURL),
        ("http://a.test/" + "x" * 100, rx.InvalidURL),
    ],
)
def test_a_url_that_cannot_be_fetched_is_the_exception_of_requests(
    url: str | None, raised: type[Exception]
) -> None:
    request = request_of(url)
    with pytest.raises(raised) as caught:
        prepared.target_of(request, 100)
    assert caught.value.request is request  # type: ignore[attr-defined]


@pytest.mark.parametrize("method", ["GET\r\nX: 1", "A B", "GET\x7f"])
def test_a_method_that_would_end_its_line_is_refused(method: str) -> None:
    request = request_of()
    request.method = method
    with pytest.raises(ValueError, match="method can't contain control characters"):
        prepared.method_of(request)


def test_a_method_is_sent_as_it_is() -> None:
    request = request_of(method="purge")
    assert prepared.method_of(request) == "PURGE"
    request.method = None
    assert prepared.method_of(request) == "GET"


@pytest.mark.parametrize(
    ("method", "body", "sent"),
    [
        ("GET", None, None),
        ("delete", None, None),
        ("POST", None, b""),
        ("PURGE", None, b""),
        ("POST", "ö", "ö".encode()),
        ("POST", bytearray(b"x"), b"x"),
        ("POST", io.BytesIO(b"x"), None),
    ],
)
def test_a_body_is_bytes_or_it_is_streamed(method: str, body: Any, sent: bytes | None) -> None:
    request = request_of()
    request.body = body
    assert prepared.body_of(request, method) == sent


def headers_of(headers: dict[Any, Any], **lines: list[tuple[str, str]]) -> list[tuple[str, str]]:
    request = request_of()
    request.headers = headers  # type: ignore[assignment]
    return list(prepared.headers_of(request, lines))


def test_headers_may_be_text_or_bytes() -> None:
    assert headers_of({"A": "1", b"B": b"\xe9", "N": 5}) == [("A", "1"), ("B", "\xe9"), ("N", "5")]


@pytest.mark.parametrize(
    "headers", [{"A": "1\r\nB: 2"}, {"A\n": "1"}, {"": "1"}, {"A:": "1"}, {"A": "1\0"}, {"A": "€"}]
)
def test_a_header_that_would_end_its_line_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"Invalid header|latin-1"):
        headers_of(headers)


def test_repeated_headers_are_joined_for_requests_and_sent_as_they_were() -> None:
    given = [("A", "1"), ("B", "2"), ("a", "3")]
    held, lines = prepared.repeated(given)
    assert (held, lines) == ({"A": "1, 3", "B": "2"}, {"a": [("A", "1"), ("a", "3")]})
    assert headers_of(dict(held), **lines) == [("A", "1"), ("a", "3"), ("B", "2")]
    changed = {**held, "A": "changed"}
    assert headers_of(dict(changed), **lines) == [("A", "changed"), ("B", "2")]
