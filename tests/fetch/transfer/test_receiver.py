"""Response heads as servers send them: recorded, skipped or refused."""

from __future__ import annotations

import gzip
import hashlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fetcher.fetch.body.body_blocks import Blocks
from fetcher.fetch.body.intake import Intake
from fetcher.fetch.http.connections import Connections
from fetcher.fetch.transfer import receiver
from fetcher.fetch.transfer.receiver import Receiver
from fetcher.model import Outcome, Result
from fetcher.settings.schema import Settings
from support.fetching import fetch
from support.scripted import Script, answer, chunked, head, scripted

FINAL = answer(b"hello", "Content-Type: text/plain")
EARLY = head("Link: </style.css>; rel=preload", status="103 Early Hints")


def one(script: Script, **http: Any) -> Result:
    with scripted({"/": script}) as server:
        (result,) = fetch([server.url("/")], **{"total_timeout_s": 10.0, **http}).results
    return result


def test_interim_answers_are_skipped() -> None:
    for early in (EARLY, EARLY * 3, head(status="102 Processing"), head(status="100 Continue")):
        result = one(Script(early, 0.05, FINAL))
        assert (result.outcome, result.status, result.body_bytes) == (Outcome.OK, 200, 5)
        assert [name for name, _ in result.headers] == ["Content-Length", "Content-Type"]


def test_an_interim_answer_alone_is_none() -> None:
    result = one(Script(EARLY))
    assert (result.outcome, result.status) == (Outcome.PROTOCOL, None)


def test_a_head_that_breaks_off_is_not_an_answer() -> None:
    for cut in (b"HTTP/1.1 2", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nServer: x\r\nCont"):
        result = one(Script(cut))
        assert (result.outcome, result.status) == (Outcome.PROTOCOL, None), cut


def test_a_short_line_does_not_end_a_head() -> None:
    result = one(Script(b"HTTP/1.1 200 OK\n:\nContent-Type: text/plain\nContent-Length: 2\n\nok"))
    assert (result.outcome, result.content_type) == (Outcome.OK, "text/plain")
    assert [name for name, _ in result.headers] == ["", "Content-Type", "Content-Length"]


def test_lines_that_bring_no_body_are_capped_together() -> None:
    line = b"X-Filler: " + b"y" * 88 + b"\r\n"
    floods = {
        "header lines": Script(b"HTTP/1.1 200 OK\r\n", endless=line),
        "one long line": Script(b"HTTP/1.1 200 OK\r\nX-Long: ", endless=b"y" * 1000),
        "interim answers": Script(endless=head(status="100 Continue")),
        "interim header lines": Script(b"HTTP/1.1 103 Early Hints\r\n", endless=line),
        "trailers": Script(
            head("Transfer-Encoding: chunked") + b"5\r\nhello\r\n0\r\n", endless=line
        ),
        "all of them": Script(
            EARLY * 2000,
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + line * 80 + b"\r\n0\r\n",
            line * 1600,
            b"\r\n",
        ),
    }
    for name, script in floods.items():
        result = one(script, total_timeout_s=20.0)
        assert result.outcome is Outcome.PROTOCOL, (name, result)
        assert result.timings_ms and (result.timings_ms.total or 0) < 5000, name


def test_trailers_in_reason_are_no_fault() -> None:
    body = chunked(b"hello")[:-2] + b"X-Checksum: 1\r\n" * 50 + b"\r\n"
    result = one(Script(head("Transfer-Encoding: chunked") + body))
    assert (result.outcome, result.body_bytes) == (Outcome.OK, 5)


def test_headers_are_recorded_as_sent_in_their_order() -> None:
    lines = ["sErVeR: Odd", "Set-Cookie: a=1", "X-Other: x", "set-cookie: b=2", "Set-Cookie: c=3"]
    result = one(Script(answer(b"", *lines)))
    assert [f"{name}: {value}" for name, value in result.headers][1:] == lines


def test_more_headers_than_most_send_are_no_fault() -> None:
    result = one(Script(answer(b"", *(f"X-{n}: {n}" for n in range(300)))))
    assert (result.outcome, len(result.headers)) == (Outcome.OK, 301)


def test_the_address_is_known_however_short_the_answer() -> None:
    for script in (Script(answer(b"")), Script(answer(b"", "Connection: close")), Script(EARLY)):
        result = one(script)
        assert result.remote_ip == ("127.0.0.1" if result.status else None)


def test_of_several_content_types_the_last_counts_as_in_a_browser() -> None:
    result = one(Script(answer(b"", "Content-Type: text/plain", "content-type: text/html")))
    assert result.content_type == "text/html"
    assert [name for name, _ in result.headers[1:]] == ["Content-Type", "content-type"]


@pytest.fixture(scope="module")
def idle() -> Receiver:
    return Connections(Settings()).lend()


def received(idle: Receiver, head_: list[bytes], pieces: list[bytes]) -> Blocks:
    """What is gathered of an answer that comes in these pieces."""
    blocks = Blocks()
    idle._clear("GET", Intake(blocks))
    for line in [b"HTTP/1.1 200 OK\r\n", *head_, b"\r\n"]:
        assert idle._on_header(line) is None
    for piece in pieces:
        assert idle._on_body(piece) is None
    return blocks


@settings(max_examples=50)
@given(
    pieces=st.lists(st.binary(min_size=1, max_size=12), max_size=30),
    block_bytes=st.integers(1, 20),
    is_packed=st.booleans(),
)
def test_a_body_is_gathered_whole_and_in_large_blocks(
    idle: Receiver, pieces: list[bytes], block_bytes: int, is_packed: bool
) -> None:
    body = b"".join(pieces)
    sent = [gzip.compress(piece) for piece in pieces] if is_packed else pieces
    head_ = [b"Content-Encoding: gzip\r\n"] if is_packed else []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(receiver, "BLOCK_BYTES", block_bytes)
        blocks = received(idle, head_, sent)
    assert b"".join(blocks.pieces) == body
    assert all(len(block) >= block_bytes for block in blocks.pieces[: blocks.blocks])
    assert sum(map(len, blocks.pieces[blocks.blocks :])) < block_bytes
    counted = idle.body_bytes, idle.wire_bytes
    assert counted == (len(body), sum(map(len, sent)))
    if body:
        assert idle._digest.hexdigest() == hashlib.sha256(body).hexdigest()
