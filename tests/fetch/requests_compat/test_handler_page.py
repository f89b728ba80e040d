"""The page that a handler gets."""

from __future__ import annotations

import pytest

from fetcher.fetch.requests_compat.handler_page import Page
from fetcher.model import Outcome, Result

ROW = Result(
    1,
    "http://a.test/x",
    Outcome.OK,
    200,
    "http://a.test/y",
    headers=[("Content-Type", "text/html"), ("X", "1"), ("X", "2")],
    content_type="text/html",
    http_version="2",
)


@pytest.mark.parametrize(
    ("content_type", "body", "text"),
    [
        ("text/html; charset=iso-8859-1", b"caf\xe9", "café"),
        ("text/html", "café".encode(), "café"),
        ("text/html; charset=unknown", "café".encode(), "café"),
        (None, b"a\xff", "a\ufffd"),
        ("text/html; charset=koi8-r", b"\xc1", "\u0430"),
    ],
)
def test_the_text_is_in_the_charset_of_the_content_type(
    content_type: str | None, body: bytes, text: str
) -> None:
    row = Result(1, "u", Outcome.OK, 200, content_type=content_type)
    assert Page(row, body, "GET").text == text


def test_without_a_body_there_is_no_text() -> None:
    assert Page(ROW, None, "GET").text is None
    assert Page(ROW, b"", "GET").text == ""


def test_the_response_has_the_answer_and_its_request() -> None:
    response = Page(ROW, b"body", "POST", "list").response
    assert response is not None
    assert (response.status_code, response.reason, response.url) == (200, "OK", "http://a.test/y")
    assert (response.content, response.headers["X"]) == (b"body", "1, 2")
    assert (response.request.method, response.request.url) == ("POST", "http://a.test/y")
    assert response.raw.version_string == "HTTP/2"


def test_a_body_that_is_packed_in_the_headers_is_decoded_already() -> None:
    row = Result(
        *(1, "u", Outcome.OK, 200, "http://a.test/"), headers=[("Content-Encoding", "gzip")]
    )
    response = Page(row, b"plain", "GET").response
    assert response is not None
    assert response.content == b"plain"


def test_without_an_answer_there_is_no_response() -> None:
    assert Page(Result(1, "u", Outcome.DNS), None, "GET").response is None


def test_a_status_without_a_name_has_no_reason() -> None:
    response = Page(Result(1, "u", Outcome.OK, 299, "http://a.test/"), b"", "GET").response
    assert response is not None
    assert response.reason == ""
