"""The standard streams: what becomes of failed writes and of unprintable characters."""

from __future__ import annotations

import io
import os
import pty
import sys
from collections.abc import Iterator

import pytest

from fetcher.cli import streams
from fetcher.cli.streams import Text, _Escaping, _guarded, _Output, _Stream
from fetcher.errors import StoppedError

Pipe = tuple[io.FileIO, int]  # the end to read from, and the descriptor to write to


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    read, write = os.pipe()
    with io.FileIO(read) as reader:
        yield reader, write
    os.close(write)


def text(kind: type[_Stream], fd: int, encoding: str = "utf-8", errors: str = "replace") -> Text:
    before = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    return _guarded(kind, _Escaping, fd, before, errors)


def test_text_goes_through_a_pipe_unchanged(pipe: Pipe) -> None:
    made = text(_Output, pipe[1])
    assert made.styled is None
    made.write("a\x1b[31m\u202eb\n")
    made.flush()
    assert (pipe[0].read(100) or b"").decode() == "a\x1b[31m\u202eb\n"


def test_a_reader_that_left_ends_the_program_once_and_without_words(pipe: Pipe) -> None:
    made = text(_Output, pipe[1])
    pipe[0].close()
    made.write("a")
    with pytest.raises(StoppedError) as caught:
        made.flush()
    assert str(caught.value) == ""
    made.write("b")
    made.flush()  # discarded


def test_a_full_disk_ends_the_program_with_a_line() -> None:
    with open("/dev/full", "wb") as full:
        made = text(_Output, full.fileno())
        made.write("a")
        with pytest.raises(StoppedError, match=r"^standard output: No space left on device; the"):
            made.flush()
        made.write("b")
        made.flush()


def test_failures_of_standard_error_are_ignored() -> None:
    with open("/dev/full", "wb") as full:
        made = text(_Stream, full.fileno())
        made.write("a")
        made.flush()


def test_a_closed_stream_fails_at_its_first_write() -> None:
    made = _guarded(_Output, _Escaping, 1, None, "replace")
    made.write("a")
    with pytest.raises(StoppedError, match=r"^standard output: Bad file descriptor"):
        made.flush()


def test_characters_that_the_encoding_lacks_are_replaced(pipe: Pipe) -> None:
    made = text(_Output, pipe[1], "ascii")
    made.write("aé")
    made.flush()
    assert (pipe[0].read(100) or b"") == b"a?"


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    ours, theirs = pty.openpty()
    yield ours, theirs
    os.close(ours)
    os.close(theirs)


def test_on_a_terminal_unprintable_characters_are_escaped(terminal: tuple[int, int]) -> None:
    made = text(_Output, terminal[1])
    assert made.styled is not None
    made.write("é\x1b[2J\t\u202e\n")
    made.flush()
    assert os.read(terminal[0], 100).decode() == "é\\x1b[2J\t\\u202e\r\n"
    made.styled.write("\x1b[1m")
    made.styled.flush()
    assert os.read(terminal[0], 100) == b"\x1b[1m"


def test_a_character_may_come_in_two_writes(pipe: Pipe) -> None:
    stream = _Escaping(pipe[1], "utf-8")
    first, second = "é".encode()[:1], "é".encode()[1:]
    assert (stream.write(first), stream.write(second)) == (1, 1)
    stream.write(b"\xff\x07")
    assert (pipe[0].read(100) or b"").decode() == "é\\xff\\x07"


def test_guard_replaces_both_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), "ascii"))
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(io.BytesIO(), "utf-8"))
    streams.guard()
    out, err = sys.stdout, sys.stderr
    monkeypatch.undo()
    assert isinstance(out, Text) and isinstance(err, Text)
    assert (out.encoding, out.errors) == ("ascii", "replace")
    assert (err.encoding, err.errors) == ("utf-8", "backslashreplace")
