"""The head of a response is parsed into a status and headers."""

from __future__ import annotations

import pytest

from fetcher.error_kinds import ErrorKind
from fetcher.fetch.failures import Failure
from fetcher.fetch.header_text import Headers
from fetcher.fetch.transfer import head
from fetcher.fetch.transfer.head import parse_head


@pytest.mark.parametrize(
    ("line", "version", "status", "reason"),
    [
        (b"HTTP/1.1 200 OK\r\n", "1.1", 200, "OK"),
        (b"HTTP/1.1 200\r\n", "1.1", 200, ""),
        (b"HTTP/1.0 404 Not  Found\n", "1.0", 404, "Not  Found"),
        (b"HTTP/2 301 \r\n", "2", 301, ""),
        (b"HTTP/1.1   999 x\r\n", "1.1", 999, "x"),
        (b"HTTP/1.1 200 caf\xe9\r\n", "1.1", 200, "caf\xe9"),
    ],
)
def test_a_status_line_has_a_status_and_maybe_a_reason(
    line: bytes, version: str, status: int, reason: str
) -> None:
    found = parse_head([line])
    assert (found.version, found.status, found.reason) == (version, status, reason)
    assert found.headers == []


@pytest.mark.parametrize(
    "line", [b"HTTP/1.1 20\r\n", b"HTTP/1.1 2000 OK\r\n", b"HTTP/1.1 099 x\r\n", b"ICY 200 OK\r\n"]
)
def test_another_first_line_is_a_failure_that_shows_it(line: bytes) -> None:
    with pytest.raises(Failure, match=r"malformed status line: '.*(HTTP|ICY)") as caught:
        parse_head([line])
    assert caught.value.kind is ErrorKind.PROTOCOL_BAD_HEAD


def test_a_head_without_lines_is_a_failure() -> None:
    with pytest.raises(Failure, match="malformed status line: none"):
        parse_head([])


@pytest.fixture(autouse=True)
def _knows_nothing() -> None:
    for known in (head._known, head._known_notable):
        known.clear()


def headers_of(*lines: bytes) -> Headers:
    return parse_head([b"HTTP/1.1 200 OK\r\n", *lines]).headers


@pytest.mark.parametrize(
    ("lines", "headers"),
    [
        ([], []),
        ([b"A: 1\r\n"], [("A", "1")]),
        ([b"A: 1\r\n", b"a: 2\r\n", b"A: 1\r\n"], [("A", "1"), ("a", "2"), ("A", "1")]),
        ([b"A : 1 \r\n"], [("A", "1")]),
        ([b"A:\r\n", b":\r\n"], [("A", ""), ("", "")]),
        ([b"A: b:c\r\n"], [("A", "b:c")]),
        ([b"A: caf\xe9\r\n"], [("A", "caf\xe9")]),
        ([b"A: voil\xc3\xa0 \r\n"], [("A", "voil\xc3\xa0")]),
        ([b"A: \xd1\x85\r\n", b" \xc3\xa0\r\n"], [("A", "\xd1\x85 \xc3\xa0")]),
        ([b"A: 1\r\n", b" 2\r\n", b"\t3\r\n", b"B: 4\r\n"], [("A", "1 2 3"), ("B", "4")]),
        ([b" 2\r\n", b"A: 1\r\n"], [("A", "1")]),
        ([b"no colon\r\n", b"A: 1\r\n"], [("A", "1")]),
        ([b"A: 1\r\n", b"no colon\r\n"], [("A", "1")]),
        ([b"A: 1\r\n", b" b: 2\r\n"], [("A", "1 b: 2")]),
        ([b"A: 1\r\n", b"B: " + b"x" * 200 + b"\r\n"], [("A", "1"), ("B", "x" * 200)]),
    ],
)
def test_headers_stay_as_they_were_sent_in_their_order(
    lines: list[bytes], headers: Headers
) -> None:
    for _ in "parsed", "remembered":
        found = parse_head([b"HTTP/1.1 200 OK\r\n", *lines])
        assert found.headers == headers


def test_a_folded_line_changes_no_head_that_is_remembered() -> None:
    assert headers_of(b"Z: 1\r\n", b" 2\r\n") == [("Z", "1 2")]
    assert headers_of(b"Z: 1\r\n") == [("Z", "1")]


def test_short_lines_are_remembered_up_to_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(head, "_MOST_KNOWN", 2)
    headers_of(b"A: 1\r\n", b"B: " + b"x" * 200 + b"\r\n", b"C: 3\r\n")
    for known in (head._known, head._known_notable):
        assert list(known) == [b"A: 1\r\n", b"C: 3\r\n"]
    headers_of(b"D: 4\r\n")
    assert list(head._known) == [b"D: 4\r\n"]


def test_long_status_lines_are_not_remembered() -> None:
    before = head._known_status.cache_info().currsize
    for n in range(3):
        assert parse_head([b"HTTP/1.1 200 %s%d\r\n" % (b"x" * 200, n)]).reason[-1] == str(n)
    assert head._known_status.cache_info().currsize == before


def test_the_headers_that_we_act_on_are_found_whatever_their_case() -> None:
    lines = [b"HTTP/1.1 200 OK\r\n", b"CONTENT-type: a\r\n", b"X: b\r\n", b"location: /c\r\n"]
    lines.append(b"Location: /" + b"d" * 200 + b"\r\n")
    found = [("content-type", "a"), ("location", "/c"), ("location", "/" + "d" * 200)]
    for _ in "parsed", "remembered":
        made = parse_head(lines)
        assert (made.notable, made.last) == (found, dict(found))


@pytest.mark.parametrize("line", [b"X: caf\xe9\r\n", b"caf\xe9: x\r\n"])
def test_a_head_knows_whether_it_is_ascii(line: bytes) -> None:
    assert parse_head([b"HTTP/1.1 200 OK\r\n", b"A: b\r\n"]).is_ascii
    assert not parse_head([b"HTTP/1.1 200 OK\r\n", line]).is_ascii
