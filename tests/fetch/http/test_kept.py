"""What an attempt keeps in addition to its result."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from fetcher.fetch.body.body_memory import BodyMemory
from fetcher.fetch.http.kept import Kept
from fetcher.fetch.transfer.message import NO_ANSWER, Request

REQUEST = Request("http://a.test/", "POST", (), b"sent")
OK = replace(NO_ANSWER, status=200, remote_ip="10.0.0.1")


def kept(*, body: bool = False, wire: bool = False) -> Kept:
    memory = BodyMemory(1000, lambda _: None)
    return kept_in(memory, body=body, wire=wire)


def kept_in(memory: BodyMemory, *, body: bool = False, wire: bool = False) -> Kept:
    account, hidden = memory.open_account(), frozenset({"x-secret"})
    return Kept(account=account, keeps_body=body, keeps_wire=wire, hidden=hidden)


def gather(attempt: Kept, pieces: list[bytes]) -> None:
    """Begin an exchange that gathers these pieces."""
    attempt.begin(REQUEST)
    assert attempt.blocks is not None
    attempt.blocks.pieces += pieces


def test_the_body_of_the_last_answer_is_kept() -> None:
    attempt = kept(body=True)
    for pieces in ([b"of the first"], [b"of ", b"the last"]):
        gather(attempt, pieces)
        attempt.end(REQUEST, OK)
        assert attempt.blocks is None, "only the body needs memory after the exchange"
    assert (attempt.body, attempt.captures) == (b"of the last", [])


@pytest.mark.parametrize(
    ("changed", "body"),
    [({"redirect_to": "/x"}, None), ({"status": 0}, b"before"), ({"is_whole": False}, b"now")],
)
def test_a_redirect_has_no_body_and_an_exchange_without_an_answer_changes_none(
    changed: dict[str, object], body: bytes | None
) -> None:
    attempt = kept(body=True)
    attempt.take(REQUEST, OK, [b"before"])
    gather(attempt, [b"now"])
    attempt.end(REQUEST, replace(OK, **changed))
    assert attempt.body == body


def test_each_exchange_is_captured_without_hidden_headers() -> None:
    attempt = kept(wire=True)
    for _ in range(2):
        attempt.begin(REQUEST)
        assert attempt.blocks is None
        assert attempt.capture is not None
        attempt.capture.note_sent(b"POST / HTTP/1.1\r\nX-Secret: x\r\n\r\n")
        attempt.end(REQUEST, OK)
        attempt.take(REQUEST, OK, [])
    assert [each.request for each in attempt.captures] == [b"POST / HTTP/1.1\r\n\r\nsent"] * 2
    assert (attempt.captures[1].url, attempt.captures[1].remote_ip) == (REQUEST.url, "10.0.0.1")
    assert attempt.body is None


def test_new_captures_are_made_only_where_exchanges_are_kept() -> None:
    assert kept(body=True).new_capture is None
    attempt = kept(wire=True)
    assert attempt.new_capture is not None
    assert attempt.new_capture(REQUEST) is attempt.captures[0]


def test_a_confirmed_body_counts_in_the_memory_of_the_attempt() -> None:
    memory = BodyMemory(1000, lambda _: None)
    attempt = kept_in(memory, body=True)
    attempt.take_confirmed(b"12345")
    assert (attempt.body, memory.used_bytes) == (b"12345", 5)
    attempt.account.close()
    assert memory.used_bytes == 0
