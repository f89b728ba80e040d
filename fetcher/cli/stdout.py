"""Standard output as the program has it: what cannot be written ends it, with one line.

Law: the first failure is told, or is silent where the reader has left; what comes after it goes
nowhere, so that nothing complains again when the interpreter leaves.
"""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, Final

from fetcher.errors import StoppedError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_FD: Final = 1
_BUFFER_BYTES: Final = 64 * 1024


class _Output(io.FileIO):
    """Raises StoppedError once, and swallows from then on."""

    _has_failed = False

    def write(self, data: ReadableBuffer, /) -> int:
        if self._has_failed:
            return memoryview(data).nbytes
        try:
            return super().write(data)
        except BrokenPipeError as error:
            self._has_failed = True
            raise StoppedError from error
        except OSError as error:
            self._has_failed = True
            raise StoppedError(
                f"standard output: {error.strerror}; it is incomplete: make room, "
                "and repeat the command"
            ) from error


def guard() -> None:
    """Put it in the place of `sys.stdout`; characters that its encoding lacks become `?`."""
    before = sys.stdout
    # Of one that is closed each write fails, as it should.
    fd = os.open(os.devnull, os.O_RDONLY) if before is None else _FD
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(_Output(fd, "wb", closefd=False), _BUFFER_BYTES),
        encoding=before.encoding if before else "utf-8",
        errors="replace",
        line_buffering=bool(before and before.line_buffering),
        write_through=bool(before and getattr(before, "write_through", False)),
    )
