"""Pieces pass from libcurl's callbacks to a reader, in order and in bounds."""

from __future__ import annotations

import gevent
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fetcher.fetch.requests_compat.pipe import LIMIT_BYTES, Pipe, Reader


class Body:
    """A pipe with its reader, and how often the reader made room or gave up."""

    def __init__(self) -> None:
        self.pipe = Pipe()
        self.taken = self.closed = 0
        self.reader = Reader(self.pipe, self._on_taken, self._on_close)

    def _on_taken(self) -> None:
        self.taken += 1

    def _on_close(self) -> None:
        self.closed += 1

    def fill(self, *pieces: bytes, failure: BaseException | None = None) -> None:
        for piece in pieces:
            self.pipe.put(piece)
        self.pipe.end(failure)


@settings(max_examples=50)
@given(
    pieces=st.lists(st.binary(min_size=1, max_size=9), max_size=6),
    sizes=st.lists(st.integers(1, 12), min_size=1, max_size=4),
)
def test_what_is_read_is_what_was_put(pieces: list[bytes], sizes: list[int]) -> None:
    whole = b"".join(pieces)
    body = Body()
    body.fill(*pieces)
    read, turn = b"", 0
    while data := body.reader.read(sizes[turn % len(sizes)]):
        assert len(data) == min(sizes[turn % len(sizes)], len(whole) - len(read))
        read, turn = read + data, turn + 1
    assert read == whole
    body = Body()
    body.fill(*pieces)
    assert body.reader.read() == whole


def test_read1_gives_a_piece_as_it_came() -> None:
    body = Body()
    body.fill(b"abc", b"de")
    assert [body.reader.read1(2), body.reader.read1(), body.reader.read1()] == [b"ab", b"c", b"de"]
    assert body.reader.read1() == b""


def test_a_pipe_is_full_at_its_limit_and_room_is_announced() -> None:
    body = Body()
    half = bytes(LIMIT_BYTES // 2)
    body.pipe.put(half)
    assert not body.pipe.is_full
    body.pipe.put(half)
    body.pipe.put(half)
    assert body.pipe.is_full
    body.reader.read1()
    assert (body.pipe.is_full, body.taken) == (True, 0)
    body.reader.read1()
    assert (body.pipe.is_full, body.taken) == (False, 1)


def test_a_failure_is_raised_after_what_came_before_it() -> None:
    body = Body()
    body.fill(b"ab", failure=ValueError("broke"))
    assert body.reader.read1() == b"ab"
    assert not body.pipe.is_empty
    with pytest.raises(ValueError, match="broke"):
        body.reader.read1()


def test_a_reader_that_is_closed_before_the_end_ends_the_transfer() -> None:
    body = Body()
    body.pipe.put(b"ab")
    body.reader.close()
    body.reader.close()
    assert (body.closed, body.reader.read()) == (1, b"")


def test_a_body_that_was_read_to_its_end_closes_by_itself() -> None:
    body = Body()
    body.fill(b"ab")
    body.reader.read()
    assert (body.reader.closed, body.closed) == (True, 0)


def test_a_reader_waits_for_the_next_piece() -> None:
    body = Body()
    reading = gevent.spawn(body.reader.read, 4)
    gevent.idle()
    body.pipe.put(b"ab")
    gevent.idle()
    assert not reading.ready()
    body.pipe.put(b"cd")
    assert reading.get(timeout=10) == b"abcd"


def test_the_end_sets_the_head_for_who_waits_for_it() -> None:
    pipe = Pipe()
    pipe.end(None)
    assert pipe.head.is_set()
    pipe.raise_failure()
