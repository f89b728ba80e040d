"""Which methods, headers, bodies and ids a line may give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fetcher.input import request_fields
from fetcher.input.request_fields import LineError


def refused(check: Callable[..., Any], *values: Any) -> str:
    """The words with which the check refuses the value."""
    with pytest.raises(LineError) as caught:
        check(*values)
    assert caught.value.fault == ("field", str(caught.value))
    return str(caught.value)


def test_a_method_is_a_token_in_upper_case() -> None:
    for given, method in (("get", "GET"), ("Post", "POST"), ("M-SEARCH", "M-SEARCH")):
        assert request_fields.method(given) == method
    assert request_fields.method("x" * 32) == "X" * 32
    for wrong in ("", "A B", "GET\r\n", "Ä", "x" * 33):
        assert "is not an HTTP method" in refused(request_fields.method, wrong)
    assert refused(request_fields.method, 5) == "method: must be a text"
    assert "makes a tunnel" in refused(request_fields.method, "connect")


def test_a_long_wrong_name_is_shortened_in_the_message() -> None:
    assert len(refused(request_fields.method, "x y" * 1000)) < 100


def test_headers_are_an_object_or_pairs_in_order() -> None:
    expected = (("B", "2"), ("a", "1"))
    assert request_fields.headers({"B": " 2 ", "a": "1"}) == expected
    assert request_fields.headers([["B", "2"], ["a", "1"]]) == expected
    assert request_fields.headers([["a", "1"], ["a", "2"]]) == (("a", "1"), ("a", "2"))
    assert request_fields.headers({}) == request_fields.headers([]) == ()


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("A: b", "headers: must be an object or a list of [name, value]"),
        (None, "headers: must be an object or a list of [name, value]"),
        (["A: b"], "headers: each must be a pair [name, value]"),
        ([["A"]], "headers: each must be a pair [name, value]"),
        ([["A", "b", "c"]], "headers: each must be a pair [name, value]"),
        ([[1, "b"]], "headers: names and values must be texts"),
        ({"A": 1}, "headers: names and values must be texts"),
        ({"A": None}, "headers: names and values must be texts"),
        ({"": "b"}, "headers: '' is not a header name"),
        ({"A b": "c"}, "headers: 'A b' is not a header name"),
        ({"A:": "c"}, "headers: 'A:' is not a header name"),
        ({"A": "b\r\nC: d"}, "headers: 'A' holds a control character 0x0d"),
        ({"A": "b\x00"}, "headers: 'A' holds a control character 0x00"),
        ({"A": "b\x7f"}, "headers: 'A' holds a control character 0x7f"),
    ],
)
def test_headers_that_cannot_be_sent_are_refused(value: Any, words: str) -> None:
    assert refused(request_fields.headers, value) == words


@pytest.mark.parametrize(
    "name", ["Host", "content-length", "Transfer-Encoding", "Connection", "TE"]
)
def test_headers_of_the_connection_are_refused_in_any_case(name: str) -> None:
    said = f"headers: {name} is set by the fetcher and cannot be given"
    assert refused(request_fields.headers, {name: "x"}) == said


def test_a_body_is_a_text_or_base64() -> None:
    assert request_fields.body("ä", "POST") == "ä".encode()
    assert request_fields.body({"base64": "AP8="}, "PUT") == b"\x00\xff"
    assert request_fields.body("", "POST") == b""


@pytest.mark.parametrize(
    "value", [5, ["x"], {}, {"base64": 1}, {"base64": "AP8=", "more": 1}, {"text": "x"}]
)
def test_a_body_of_another_form_is_refused(value: Any) -> None:
    said = 'body: must be a text or {"base64": text}'
    assert refused(request_fields.body, value, "POST") == said


@pytest.mark.parametrize("coded", ["AP8", "AP8=\n", "A*8=", "ÄÄÄÄ"])
def test_what_is_not_base64_is_refused(coded: str) -> None:
    said = "body: is not valid base64"
    assert refused(request_fields.body, {"base64": coded}, "POST") == said


def test_get_and_head_have_no_body_except_an_empty_one() -> None:
    for method in ("GET", "HEAD"):
        assert request_fields.body("", method) is None
        assert request_fields.body({"base64": ""}, method) is None
        said = f'body: a {method} request has no body; give a method such as "POST"'
        assert refused(request_fields.body, "x", method) == said


def test_an_id_is_a_text_or_a_number_of_64_bits() -> None:
    for value in ("", "a", 0, -(1 << 63), (1 << 64) - 1):
        assert request_fields.name(value) == value
    others: tuple[Any, ...] = (True, 1.5, None, ["a"], {})
    for wrong in others:
        assert refused(request_fields.name, wrong) == "id: must be a text or a whole number"
    for number in (-(1 << 63) - 1, 1 << 64):
        assert refused(request_fields.name, number) == "id: the number has more than 64 bits"
