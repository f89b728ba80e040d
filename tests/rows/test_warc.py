"""WARC records of whatever servers send, read back by two readers that are not each other's."""

from __future__ import annotations

import gzip
import io

import brotli
import pytest
from fastwarc.warc import ArchiveIterator as FastIterator
from hypothesis import given
from hypothesis import strategies as st

from fetcher.fetch.body.capture import Capture
from fetcher.model import Outcome
from fetcher.rows import warc
from support.warcs import Record, read

INFO = "<urn:uuid:9a0d7a64-8f0c-4b63-8b8e-6a7d3b1e4c55>"
ASKED = b"GET /a?b HTTP/1.1\r\nHost: x.invalid\r\nUser-Agent: u\r\n\r\n"


def capture(
    *lines: bytes,
    body: bytes = b"",
    status: bytes = b"HTTP/1.1 200 OK",
    request: bytes = ASKED,
    whole: bool = True,
    url: str = "http://x.invalid/a?b",
) -> Capture:
    made = Capture(url, 1_700_000_000.25)
    made.head = [line + b"\r\n" for line in (status, *lines)]
    made.pieces = [body[:3], body[3:]]
    made.request = request
    made.remote_ip = "192.0.2.1"
    made.is_whole = whole
    return made


def records_of(*captures: Capture, outcome: Outcome = Outcome.OK) -> list[Record]:
    made = warc.records(captures, outcome, INFO)
    assert made is not None
    _, data, record_id = made
    found = read(data)
    assert found[0].headers["WARC-Record-ID"] == record_id
    return found


def response_of(*captures: Capture, outcome: Outcome = Outcome.OK) -> Record:
    return records_of(*captures, outcome=outcome)[0]


def test_a_response_and_its_request_are_recorded_in_full() -> None:
    response, request = records_of(capture(b"Server: s", b"Content-Length: 4", body=b"body"))
    assert response.kind == "response"
    assert response.block == b"HTTP/1.1 200 OK\r\nServer: s\r\nContent-Length: 4\r\n\r\nbody"
    assert response.payload == b"body"
    assert response.headers["WARC-Target-URI"] == "http://x.invalid/a?b"
    assert response.headers["WARC-Date"] == "2023-11-14T22:13:20.250000Z"
    assert response.headers["WARC-IP-Address"] == "192.0.2.1"
    assert "WARC-Truncated" not in response.headers
    assert (request.kind, request.block) == ("request", ASKED)
    assert request.headers["WARC-Concurrent-To"] == response.headers["WARC-Record-ID"]
    assert request.headers["WARC-Target-URI"] == response.headers["WARC-Target-URI"]


@pytest.mark.parametrize("line", [b"Content-Length: 4", b"content-length:4 ", b"CONTENT-LENGTH: 4"])
def test_a_head_is_as_it_was_sent(line: bytes) -> None:
    lines = (b"x-LOWER:no space", b"Set-Cookie: a=1", b"Set-Cookie: b=2", b"Empty:", line)
    block = response_of(capture(*lines, body=b"body")).block
    assert block == b"\r\n".join([b"HTTP/1.1 200 OK", *lines, b"", b"body"])


CODED = {
    "gzip": gzip.compress(b"text" * 50),
    "br": brotli.compress(b"text" * 50),
    "x-unknown": b"whatever it is",
}


@pytest.mark.parametrize("coding", CODED)
def test_content_coding_stays(coding: str) -> None:
    found = response_of(capture(b"Content-Encoding: " + coding.encode(), body=CODED[coding]))
    assert found.payload == CODED[coding]
    assert found.http["content-encoding"] == coding


def test_transfer_coding_is_undone_and_said() -> None:
    found = response_of(capture(b"Transfer-Encoding: chunked", b"A: b", body=b"joined"))
    assert found.block == (
        b"HTTP/1.1 200 OK\r\nX-Orig-Transfer-Encoding: chunked\r\nA: b\r\n"
        b"Content-Length: 6\r\n\r\njoined"
    )


@pytest.mark.parametrize("said", [b"9", b"-1", b"", b"6, 6", b"0x6", b"\xe0"])
def test_a_length_that_is_not_the_records_gets_another_name(said: bytes) -> None:
    found = response_of(capture(b"Content-Length: " + said, body=b"joined"))
    assert found.block.startswith(b"HTTP/1.1 200 OK\r\nX-Orig-Content-Length: " + said)
    assert found.http["content-length"] == "6"


def test_of_two_lengths_one_stays() -> None:
    found = response_of(capture(b"Content-Length: 6", b"Content-Length: 6", body=b"joined"))
    assert found.block.count(b"\r\nContent-Length: 6") == 1
    assert found.block.count(b"X-Orig-Content-Length: 6") == 1


def test_the_length_of_an_answer_to_head_is_another_answers() -> None:
    request = b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n"
    found = response_of(capture(b"Content-Length: 1000", request=request))
    assert found.block == b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"


ODD_HEADS: dict[str, list[bytes]] = {
    "UTF-8": ["Größe: größer".encode()],
    "latin-1": [b"N\xe4me: W\xe4rt", b"Content-Disposition: attachment; filename=\xe4.txt"],
    "any byte": [b"X-Bytes: " + bytes(n for n in range(1, 256) if n not in (10, 13))],
    "no colon": [b"this is no header", b"A: b"],
    "no name": [b": value", b":", b"A: b"],
    "folded": [b"A: b", b"\tand: on", b" and on", b"C: d"],
    "a blank line": [b"A: b", b" ", b"\t \t", b"C: d"],
    "what a reader takes for blank": [b"\xa0", b"\x85\x1c", "\u3000\u2003".encode(), b"C: d"],
    "a bare carriage return": [b"A: b\rC: d", b"E: f"],
    "doubled": [b"A: b"] * 3,
    "long": [b"A: " + b"b" * 100_000],
}


@pytest.mark.parametrize("name", ODD_HEADS)
@pytest.mark.parametrize("body", [b"", b"body", b"A: b\r\n\r\n\r\n"])
def test_odd_heads_are_records_all_the_same(name: str, body: bytes) -> None:
    found = response_of(capture(*ODD_HEADS[name], body=body))
    assert found.payload == body
    for line in ODD_HEADS[name]:
        assert not line.strip(b" \t\x85\x1c\xa0\xe3\x80\x83\xe2") or line in found.block


def test_thousands_of_headers_are_all_there() -> None:
    lines = [b"H-%d: %d" % (n, n) for n in range(5000)]
    found = response_of(capture(*lines, body=b"x"))
    assert found.block.split(b"\r\n")[1:5001] == lines


@pytest.mark.parametrize(
    "status",
    [
        b"HTTP/1.0 200",
        b"HTTP/1.1 999 \xc3\xa4",
        b"HTTP/1.1 404 W\xe4s",
    ],
)
def test_any_status_line_that_a_fetch_takes_is_a_records(status: bytes) -> None:
    found = response_of(capture(b"a: b", body=b"x", status=status))
    assert found.block.startswith(status)
    assert found.payload == b"x"


@pytest.mark.parametrize(("version", "protocol"), [("HTTP/2", "h2"), ("HTTP/3", "h3")])
def test_what_came_by_a_later_http_has_lines_of_http_1(version: str, protocol: str) -> None:
    asked = ASKED.replace(b"HTTP/1.1", version.encode())
    made = capture(b"a: HTTP/2", body=b"x", status=f"{version} 200 ".encode(), request=asked)
    response, request = records_of(made)
    assert response.block == b"HTTP/1.1 200 \r\na: HTTP/2\r\nContent-Length: 1\r\n\r\nx"
    assert request.block == ASKED
    assert [each.headers["WARC-Protocol"] for each in (response, request)] == [protocol] * 2


def test_records_name_what_made_them() -> None:
    for record in records_of(capture(body=b"x")):
        assert record.headers["WARC-Warcinfo-ID"] == INFO
        assert "WARC-Protocol" not in record.headers


def test_lines_that_end_with_a_line_feed_alone_become_whole_ones() -> None:
    made = capture(body=b"x")
    made.head = [b"HTTP/1.1 200 OK\n", b"A: b\n"]
    assert response_of(made).block == b"HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 1\r\n\r\nx"


@given(st.lists(st.binary(max_size=40), max_size=8), st.binary(max_size=40))
def test_no_bytes_whatever_cost_a_record(lines: list[bytes], body: bytes) -> None:
    made = capture(body=body)
    made.head += [line.replace(b"\n", b"") + b"\r\n" for line in lines if line.strip(b"\r\n")]
    assert response_of(made).payload == body


def test_a_posts_body_is_in_its_request() -> None:
    head = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"
    _, request = records_of(capture(body=b"x", request=head + b"a=1\r\n\r\nb="))
    assert (request.block, request.payload) == (head + b"a=1\r\n\r\nb=", b"a=1\r\n\r\nb=")


def test_credentials_and_cookies_of_requests_are_left_out() -> None:
    secrets = (
        b"Authorization: Basic c2VjcmV0\r\nproxy-authorization: c2VjcmV0\r\nCOOKIE: c2VjcmV0\r\n"
    )
    _, request = records_of(capture(request=ASKED[:-2] + secrets + b"Accept: */*\r\n\r\n"))
    assert request.block == ASKED[:-2] + b"Accept: */*\r\n\r\n"


def test_hops_are_recorded_from_the_last_to_the_first() -> None:
    first = capture(
        b"Location: /b", status=b"HTTP/1.1 302 Found", url="http://x.invalid/a", whole=False
    )
    last = capture(body=b"x", url="http://x.invalid/b")
    found = records_of(first, last)
    assert [(each.kind, each.headers["WARC-Target-URI"][-1]) for each in found] == [
        ("response", "b"),
        ("request", "b"),
        ("response", "a"),
        ("request", "a"),
    ]
    assert found[2].headers["WARC-Truncated"] == "unspecified"
    assert "WARC-Truncated" not in found[0].headers


@pytest.mark.parametrize(
    ("outcome", "why"),
    [
        (Outcome.TOO_LARGE, "length"),
        (Outcome.TIMEOUT, "time"),
        (Outcome.PROTOCOL, "disconnect"),
    ],
)
def test_a_body_that_is_not_whole_says_why(outcome: Outcome, why: str) -> None:
    found = response_of(capture(b"Content-Length: 9", body=b"part", whole=False), outcome=outcome)
    assert found.headers["WARC-Truncated"] == why
    assert (found.payload, found.http["x-orig-content-length"]) == (b"part", "9")


def test_an_exchange_without_an_answer_leaves_nothing() -> None:
    silent = Capture("http://x.invalid/", 0.0)
    silent.request = ASKED
    assert warc.records([silent], Outcome.TIMEOUT, INFO) is None
    assert warc.records([], Outcome.INVALID_URL, INFO) is None
    assert len(records_of(capture(status=b"HTTP/1.1 301 M"), silent)) == 2


def test_an_exchange_whose_request_was_not_seen_has_its_response() -> None:
    assert [each.kind for each in records_of(capture(body=b"x", request=b""))] == ["response"]


def test_a_request_is_the_last_that_was_sent_and_may_come_in_parts() -> None:
    made = Capture("http://x.invalid/", 0.0)
    for part in (b"CONNECT x:443 HTTP/1.1\r\n\r\n", b"POST / HTTP/1.1\r\nA: b", b"c\r\n\r\n"):
        made.note_sent(part)
    made.end(b"body", "192.0.2.1")
    assert made.request == b"POST / HTTP/1.1\r\nA: bc\r\n\r\nbody"


def test_a_file_begins_with_what_made_it() -> None:
    (info,) = read(warc.warcinfo("part-00000.warc.gz", INFO))
    assert info.kind == "warcinfo"
    assert info.headers["WARC-Record-ID"] == INFO
    assert info.headers["WARC-Filename"] == "part-00000.warc.gz"
    assert b"software: fetcher/" in info.block


def test_each_record_is_a_gzip_member_of_its_own() -> None:
    made = warc.records([capture(body=b"x")], Outcome.OK, INFO)
    assert made is not None
    starts = [record.stream_pos for record in FastIterator(io.BytesIO(made.data))]
    assert gzip.decompress(made.data[: starts[1]]).startswith(b"WARC/1.1\r\n")
    assert gzip.decompress(made.data[starts[1] :]).startswith(b"WARC/1.1\r\n")
