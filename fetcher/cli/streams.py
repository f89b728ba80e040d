"""The standard streams as the program has them: what they do not take is no bug of its own.

Law: the first failure of standard output ends the program with one line, or none where the reader
has left; what comes after it goes nowhere, so that nothing complains again when the interpreter
leaves. What standard error does not take is lost, and changes nothing.
"""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, Final, TextIO

from fetcher.errors import StoppedError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_BUFFER_BYTES: Final = 64 * 1024


class _Stream(io.FileIO):
    """Swallows all once a write has failed."""

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
        """What the first failure means."""


class _Output(_Stream):
    """Raises StoppedError at the first failure; without words where nobody reads."""

    def _fail(self, error: OSError) -> None:
        if isinstance(error, BrokenPipeError):
            raise StoppedError from error
        what = f"standard output: {error.strerror}"
        raise StoppedError(
            f"{what}; it is incomplete: make room, and repeat the command"
        ) from error


def guard() -> None:
    """Put them in the place of Python's; characters that stdout's encoding lacks become `?`."""
    sys.stdout = _text(_Output, 1, sys.stdout, "replace")
    sys.stderr = _text(_Stream, 2, sys.stderr, "backslashreplace")


def _text(kind: type[_Stream], fd: int, before: TextIO | None, errors: str) -> TextIO:
    if before is None:  # it is closed: each write fails, as it should
        fd = os.open(os.devnull, os.O_RDONLY)
    return io.TextIOWrapper(
        io.BufferedWriter(kind(fd, "wb", closefd=False), _BUFFER_BYTES),
        encoding=before.encoding if before else "utf-8",
        errors=errors,
        line_buffering=bool(getattr(before, "line_buffering", False)),
        write_through=bool(getattr(before, "write_through", False)),
    )
