"""The ventilator's requests to one sink: one at a time, repeated until it is answered.

Every request is idempotent, so a lost answer costs only time. The client knows when the sink
answered last; leases.sink_sessions decides what its silence means.
"""

from __future__ import annotations

from typing import Any, Final

import zmq

from fetcher.protocol import messages
from fetcher.security.policy import NO_KEYS, Security
from fetcher.transport.sockets import Channel, open_socket, parse, receive_one, send

ASK_AGAIN_S: Final = 1.0
# After so long without an answer the socket is replaced: one whose request was replaced while the
# network was away may never connect again (libzmq's REQ_RELAXED).
_REPLACE_S: Final = 5.0


class SinkRpc:
    """Sends requests over the commits socket, and receives their answers."""

    def __init__(
        self, context: Any, address: str, now: float, security: Security = NO_KEYS
    ) -> None:
        self._context, self._address, self._security = context, address, security
        self.socket = self._open()
        self.heard_at = self._opened_at = now
        self._asked_at = now - ASK_AGAIN_S
        self._waiting = False

    def _open(self) -> Any:
        return open_socket(
            self._context, zmq.REQ, Channel.COMMITS, self._address, security=self._security
        )

    def may_ask(self, now: float, every_s: float) -> bool:
        """Return whether a request is due: after `every_s`, later if the last got no answer."""
        return now - self._asked_at >= (ASK_AGAIN_S if self._waiting else every_s)

    def ask(self, request: messages.AnyMessage, now: float) -> None:
        """Send a request; it replaces one that has no answer yet."""
        if now - max(self.heard_at, self._opened_at) > _REPLACE_S:
            self._security.forget(self.socket)
            self.socket.close(0)
            self.socket = self._open()
            self._opened_at = now
        self._waiting = send(self.socket, request)
        self._asked_at = now

    def answer(self, now: float) -> messages.AnyMessage | None:
        """Return the answer to the last request, once; None if there is none yet."""
        frames = receive_one(self.socket) if self._waiting else None
        if frames is None:
            return None
        self._waiting = False
        received = parse(frames)
        if received is None:
            return None
        self.heard_at = now
        return received[0]
