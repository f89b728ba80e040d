"""Captures an exchange as it went over the wire, for archives.

Only jobs that keep WARC files capture. A capture is bounded by the limits of [http].
"""

from __future__ import annotations

import enum
from typing import Final

_HEAD_END: Final = b"\r\n\r\n"


class Keep(enum.Flag):
    """The parts of a fetch that are kept, in addition to its result."""

    NOTHING = 0
    BODY = enum.auto()  # of the last answer, decoded
    WIRE = enum.auto()  # of each exchange, as it went over the wire


class Capture:
    """One exchange as it was on the wire, without transfer coding and interim answers."""

    def __init__(self, url: str, began: float, hidden: frozenset[str] = frozenset()) -> None:
        """`hidden`: names, in lower case, of request headers that are left out."""
        self.url = url
        self.began = began  # Unix time, seconds
        self.request = b""  # head and body
        self.head: list[bytes] = []  # lines of the answer's head, each with its line feed
        self.pieces: list[bytes] = []  # of the body, content coding included
        self.remote_ip: str | None = None
        self.is_whole = False  # the answer, to its last byte
        self._hidden = hidden
        self.was_stopped = False  # by us: the server might have sent more

    def note_sent(self, data: bytes) -> None:
        """Keep a request's head, or the next part of a long one."""
        # The last request counts: a CONNECT, or a try on a dead connection, came before.
        is_next = self.request and not self.request.endswith(_HEAD_END)
        self.request = self.request + data if is_next else data

    def rewind(self) -> None:
        """Forget what was sent: the request is sent again, as no byte of an answer came."""
        self.request = b""

    def end(self, sent: bytes | None, remote_ip: str | None) -> None:
        """The exchange is over; `sent` is the request's body."""
        if self.request:
            if self._hidden:
                self.request = _without(self.request, self._hidden)
            self.request += sent or b""
        self.remote_ip = remote_ip

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)


def _without(head: bytes, names: frozenset[str]) -> bytes:
    """A request's head without the headers of these names."""
    lines = head.split(b"\r\n")
    return b"\r\n".join(
        line for line in lines if line.partition(b":")[0].decode("latin-1").lower() not in names
    )
