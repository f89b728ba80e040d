"""Passes an answer's body from libcurl's callbacks to the greenlet that reads it.

The callbacks' side never blocks, and holds at most `LIMIT_BYTES` and a piece; the reader waits.
When the reader closes, the transfer ends.
"""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Callable
from typing import Final

from gevent.event import Event

LIMIT_BYTES: Final = 256 * 1024


class Pipe:
    """A bounded queue of pieces."""

    def __init__(self) -> None:
        self.head = Event()  # set when the answer's head, or the end, has come
        self.is_ended = False
        self._failure: BaseException | None = None
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._change = Event()

    # -- the callbacks' side -----------------------------------------------------------------

    @property
    def is_full(self) -> bool:
        return self._size >= LIMIT_BYTES

    def put(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._size += len(piece)
        self._change.set()

    def end(self, failure: BaseException | None) -> None:
        """Nothing more will come; `None`: the body is complete."""
        self.is_ended = True
        self._failure = failure
        self._change.set()
        self.head.set()

    # -- the reader's side -------------------------------------------------------------------

    def raise_failure(self) -> None:
        """Raise the transfer's failure, if it has failed."""
        if self._failure is not None:
            raise self._failure

    @property
    def is_empty(self) -> bool:
        """Whether all was read up to the end; False while a failure is still to be raised."""
        return self.is_ended and not self._pieces and self._failure is None

    def take(self, max_bytes: int | None) -> bytes:
        """The next piece, or its first part; b"" at the end. Raises the transfer's failure."""
        while not self._pieces:
            if self.is_ended:
                self.raise_failure()
                return b""
            self._change.clear()
            self._change.wait()
        piece = self._pieces.popleft()
        if max_bytes is not None and len(piece) > max_bytes:
            self._pieces.appendleft(piece[max_bytes:])
            piece = piece[:max_bytes]
        self._size -= len(piece)
        return piece


class Reader(io.BufferedIOBase):
    """The pipe as a file, with the reading methods of http.client's response."""

    def __init__(
        self, pipe: Pipe, on_taken: Callable[[], None], on_close: Callable[[], None]
    ) -> None:
        """`on_taken` is called after each read; `on_close` where it is closed before the end."""
        self._pipe = pipe
        self._on_taken = on_taken
        self._on_close = on_close

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """As many bytes as asked for, or all that come before the end."""
        left = size if size is not None and size >= 0 else None
        pieces: list[bytes] = []
        while left is None or left:
            piece = self._take(left)
            if not piece:
                break
            pieces.append(piece)
            left = None if left is None else left - len(piece)
        return b"".join(pieces)

    def read1(self, size: int = -1, /) -> bytes:
        """The next piece as it came, no longer than asked for."""
        return self._take(size if size >= 0 else None)

    def _take(self, max_bytes: int | None) -> bytes:
        if self.closed:
            return b""
        piece = self._pipe.take(max_bytes)
        if self._pipe.is_empty:
            self.close()
        elif not self._pipe.is_full:
            self._on_taken()
        return piece

    def close(self) -> None:
        if not self.closed and not self._pipe.is_ended:
            self._on_close()
        super().close()
