"""A body is read a piece ahead of what is sent."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pycurl
import pytest

from fetcher.fetch.requests_compat import upload
from fetcher.fetch.requests_compat.upload import Upload, is_streamed, length_of


def sent(body: Any, size: int = 4) -> bytes:
    """What libcurl gets if it takes so many bytes at a time."""
    up, data = Upload(body, None), b""
    while up.next_piece():
        while isinstance(part := up.give(size), bytes) and part:
            data += part
        assert up.is_starved
    assert up.give(size) == b""
    assert not up.is_starved
    return data


@pytest.mark.parametrize(
    "body",
    [
        [b"abc", b"", b"defghij"],
        iter(["abc", "defghij"]),
        io.BytesIO(b"abcdefghij"),
        io.StringIO("abcdefghij"),
        [bytearray(b"abc"), memoryview(b"defghij")],
    ],
)
def test_a_file_or_an_iterable_is_sent_whole(body: Any) -> None:
    assert sent(body) == b"abcdefghij"


def test_a_file_is_read_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "_BLOCK_BYTES", 3)
    assert sent(io.BytesIO(b"abcdefghij"), 100) == b"abcdefghij"


def test_libcurl_pauses_while_there_is_no_piece_and_the_end_has_not_come() -> None:
    up = Upload(iter([b"ab"]), None)
    assert up.give(4) == pycurl.READFUNC_PAUSE
    assert up.is_starved
    assert up.next_piece()
    assert up.give(4) == b"ab"
    assert up.give(4) == pycurl.READFUNC_PAUSE
    assert not up.next_piece()
    assert up.give(4) == b""


def test_the_next_piece_is_read_when_the_last_one_is_taken() -> None:
    up = Upload(iter([b"ab", b"cd"]), None)
    up.next_piece()
    assert not up._drained.is_set()
    up.give(1)
    assert not up._drained.is_set()
    up.give(1)
    assert up._drained.is_set()
    up.wait()
    up.next_piece()
    assert not up._drained.is_set()


def test_the_end_of_the_exchange_lets_the_reader_go() -> None:
    up = Upload(iter([b"ab"]), None)
    up.next_piece()
    up.stop()
    up.wait()


def test_what_the_body_raises_comes_out() -> None:
    def broken() -> Iterator[bytes]:
        yield b"a"
        raise KeyError("mine")

    up = Upload(broken(), None)
    assert up.next_piece()
    with pytest.raises(KeyError, match="mine"):
        up.next_piece()


def test_a_body_that_cannot_be_read_is_a_type_error() -> None:
    with pytest.raises(TypeError, match=r"'body' must be a bytes-like object"):
        Upload(5, None).next_piece()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (None, False),
        ("x", False),
        (b"x", False),
        (bytearray(), False),
        (memoryview(b"x"), False),
        (io.BytesIO(), True),
        ([b"x"], True),
    ],
)
def test_only_what_is_not_bytes_is_streamed(body: object, expected: bool) -> None:
    assert is_streamed(body) is expected


@pytest.mark.parametrize(
    ("headers", "length"),
    [([("A", "1"), ("CONTENT-LENGTH", "5")], 5), ([("Content-Length", "x")], None), ([], None)],
)
def test_the_length_is_that_of_the_header(
    headers: list[tuple[str, str]], length: int | None
) -> None:
    assert length_of(headers) == length
