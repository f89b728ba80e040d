"""What a fetch leaves behind beside its result: the body, or all that went over the wire.

Law: kept only where the job asks for it; bounded by the limits of [http], as it is what was read.
"""

from __future__ import annotations

import enum


class Keep(enum.Enum):
    """What is kept of a fetch."""

    NOTHING = enum.auto()
    BODY = enum.auto()  # of the last answer, decoded
    WIRE = enum.auto()  # of each exchange, as it went over the wire


class Tape:
    """One exchange as it was on the wire, transfer coding and interim answers aside."""

    def __init__(self, url: str, began: float) -> None:
        self.url = url
        self.began = began  # Unix time, seconds
        self.request = b""  # head and body
        self.head: list[bytes] = []  # lines of the answer's, each with its line feed
        self.pieces: list[bytes] = []  # of the body, content coding included
        self.remote_ip: str | None = None
        self.is_whole = False  # the answer, to its last byte

    def end(self, sent: bytes | None, remote_ip: str | None) -> None:
        """The exchange is over; `sent` is the request's body."""
        self.request += sent or b""
        self.remote_ip = remote_ip

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)
