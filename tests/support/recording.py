"""A socket that records what is sent, and returns what a test puts there."""

from __future__ import annotations

from collections import deque

import zmq

from fetcher.protocol import codec
from fetcher.protocol.messages import AnyMessage


class RecordingSocket:
    """One end of a channel; `is_full`: nobody takes what is sent."""

    def __init__(self) -> None:
        self.sent: list[AnyMessage] = []
        self.frames: list[bytes] = []  # the frame of each message, b"" for none
        self.is_full = False
        self._waiting: deque[list[bytes]] = deque()

    def put(self, message: AnyMessage) -> None:
        """A peer has sent this message."""
        self._waiting.append(codec.encode(message))

    def taken(self) -> list[AnyMessage]:
        """What was sent since the last call."""
        sent, self.sent = self.sent, []
        return sent

    # -- as a socket of zmq ------------------------------------------------------------------

    def send_multipart(self, frames: list[bytes], flags: int = 0) -> None:
        if self.is_full:
            raise zmq.Again
        message, frame = codec.decode(frames)
        self.sent.append(message)
        self.frames.append(frame)

    def recv_multipart(self, flags: int = 0) -> list[bytes]:
        if not self._waiting:
            raise zmq.Again
        return self._waiting.popleft()
