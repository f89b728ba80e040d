"""Sends a request's body while it is read: a file, or an iterable of pieces.

The body is read in its caller's greenlet, never in libcurl's callbacks, and at most a piece ahead
of what is sent. Its exceptions are raised to the caller.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any, Final

import pycurl
from gevent.event import Event

_BLOCK_BYTES: Final = 64 * 1024


def is_streamed(body: object) -> bool:
    """Whether a PreparedRequest's body has to be read piece by piece."""
    return body is not None and not isinstance(body, str | bytes | bytearray | memoryview)


class Upload:
    """One body that is being sent; `length` is None where it is not known."""

    def __init__(self, body: Any, length: int | None) -> None:
        self.length = length
        self.is_starved = False  # libcurl waits for the next piece
        self.last_given = 0.0  # monotonic seconds
        self._pieces = _pieces_of(body)
        self._piece = memoryview(b"")
        self._is_all = False
        self._drained = Event()

    def next_piece(self) -> bool:
        """Read the next piece; False at the end. Raises the body's exceptions."""
        piece = next(self._pieces, None)
        self._is_all = piece is None
        self._piece = memoryview(piece or b"")
        self._drained.clear()
        return not self._is_all

    def wait(self) -> None:
        """Wait until libcurl has taken the piece, or until `stop`."""
        self._drained.wait()

    def stop(self) -> None:
        """The exchange has ended: no more is sent."""
        self._drained.set()

    def give(self, size: int) -> bytes | int:
        """libcurl's callback: the next bytes."""
        part = bytes(self._piece[:size])
        self.last_given = time.monotonic()
        self._piece = self._piece[len(part) :]
        if not self._piece:
            self._drained.set()
        self.is_starved = not part and not self._is_all
        return pycurl.READFUNC_PAUSE if self.is_starved else part


def _pieces_of(body: Any) -> Iterator[bytes]:
    if hasattr(body, "read"):
        parts: Iterable[Any] = iter(lambda: body.read(_BLOCK_BYTES), None)
        for part in parts:
            if not part:
                return
            yield _bytes(part)
        return
    if not isinstance(body, Iterable):
        raise TypeError(
            f"'body' must be a bytes-like object, file-like object, or iterable. "
            f"Instead was {body!r}"
        )
    for part in body:
        if part:
            yield _bytes(part)


def _bytes(part: Any) -> bytes:
    return part.encode("utf-8") if isinstance(part, str) else bytes(part)


def length_of(headers: Iterable[tuple[str, str]]) -> int | None:
    """The Content-Length among a request's headers."""
    for name, value in headers:
        if name.lower() == "content-length" and value.isdecimal():
            return int(value)
    return None
