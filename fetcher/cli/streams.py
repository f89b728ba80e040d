"""The standard streams of the program, which handle failed writes.

The first failure of standard output ends the program with one line, or without one if the reader
has closed the pipe. Later writes are discarded, so that the interpreter does not report them when
it exits. Failures of standard error are ignored. On a terminal, unprintable characters are escaped;
elsewhere the output is not changed.
"""

from __future__ import annotations

import codecs
import io
import os
import select
import sys
from typing import TYPE_CHECKING, Final, TextIO

from fetcher.errors import StoppedError
from fetcher.humanize import escaped

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_BUFFER_BYTES: Final = 64 * 1024
_LAYOUT: Final = "\n\t"  # is not escaped


class _Stream(io.FileIO):
    """Discards all writes after the first that failed."""

    _has_failed = False

    def write(self, data: ReadableBuffer, /) -> int:
        if self._has_failed:
            return memoryview(data).nbytes
        try:
            return super().write(data)
        except OSError as error:
            self._has_failed = True
            self._fail(error)
            return memoryview(data).nbytes

    def _fail(self, error: OSError) -> None:
        """Called at the first failure."""


class _Escaping(_Stream):
    """Escapes unprintable characters; the bytes of one may come in several writes."""

    def __init__(self, fd: int, encoding: str) -> None:
        super().__init__(fd, "wb", closefd=False)
        self._encoding = encoding
        self._decoder = codecs.getincrementaldecoder(encoding)("backslashreplace")

    def write(self, data: ReadableBuffer, /) -> int:
        text = escaped(self._decoder.decode(bytes(data)), kept=_LAYOUT)
        left = memoryview(text.encode(self._encoding, "backslashreplace"))
        while left:
            count = super().write(left)
            if count is None:  # a non-blocking stream is full
                select.select([], [self.fileno()], [])
            left = left[count or 0 :]
        return memoryview(data).nbytes


class _Output(_Stream):
    """Raises StoppedError at the first failure; without a message if the pipe is closed."""

    def _fail(self, error: OSError) -> None:
        if isinstance(error, BrokenPipeError):
            raise StoppedError from error
        what = f"standard output: {error.strerror}"
        raise StoppedError(
            f"{what}; the output is incomplete: make room, and repeat the command"
        ) from error


class _EscapingOutput(_Escaping, _Output):
    """Standard output on a terminal."""


class Text(io.TextIOWrapper):
    """A standard stream."""

    styled: Text | None = None  # the stream without escaping, for control sequences


def guard() -> None:
    """Replace Python's streams; characters that stdout's encoding lacks become `?`."""
    sys.stdout = _guarded(_Output, _EscapingOutput, 1, sys.stdout, "replace")
    sys.stderr = _guarded(_Stream, _Escaping, 2, sys.stderr, "backslashreplace")


def _guarded(
    kind: type[_Stream], escaping: type[_Escaping], fd: int, before: TextIO | None, errors: str
) -> Text:
    if before is None:  # the stream is closed: each write must fail
        fd = os.open(os.devnull, os.O_RDONLY)
    direct = _text(kind(fd, "wb", closefd=False), before, errors)
    if not os.isatty(fd):
        return direct
    guarded = _text(escaping(fd, direct.encoding), before, errors)
    guarded.styled = direct
    return guarded


def _text(raw: _Stream, before: TextIO | None, errors: str) -> Text:
    return Text(
        io.BufferedWriter(raw, _BUFFER_BYTES),
        encoding=before.encoding if before else "utf-8",
        errors=errors,
        line_buffering=bool(getattr(before, "line_buffering", False)),
        write_through=bool(getattr(before, "write_through", False)),
    )
