"""The ventilator's sockets to its sinks.

leases.sink_sessions decides what is asked and what an answer means. This module sends, receives,
and logs the notices that result.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Final

import zmq

from fetcher.input.source_info import SourceInfo
from fetcher.leases.sink_notices import Frozen, JobBegun, Joined, Notice, Thawed, Waiting
from fetcher.leases.sink_sessions import SinkSessions
from fetcher.model import Chunk
from fetcher.protocol import chunk_frames, messages
from fetcher.protocol.shard import sink_of
from fetcher.roles.ventilator.sink_rpc import ASK_AGAIN_S, SinkRpc
from fetcher.security.policy import Security
from fetcher.telemetry import logs
from fetcher.transport.endpoints import SinkEndpoints
from fetcher.transport.sockets import Channel, open_socket, send

log = logging.getLogger(__name__)

_POLL_S: Final = 0.1
_HURRIED_POLL_S: Final = 0.01  # while the last rows are on their way to their commit


class SinkClients:
    """For each sink, a socket for requests, and one for the rows that the ventilator makes."""

    def __init__(
        self,
        context: Any,
        endpoints: Sequence[SinkEndpoints],
        sessions: SinkSessions,
        security: Security,
        now: float,
    ) -> None:
        self._sessions = sessions
        self._clients = [SinkRpc(context, each.commits, now, security) for each in endpoints]
        self._results = [
            open_socket(context, zmq.PUSH, Channel.RESULTS, each.results, security=security)
            for each in endpoints
        ]

    def register(self, poller: zmq.Poller) -> None:
        """Let the poller wake up when an answer arrives."""
        for client in self._clients:
            poller.register(client.socket, zmq.POLLIN)

    def exchange(
        self, source: SourceInfo, now: float, *, is_hurried: bool = False
    ) -> messages.Opened | None:
        """Receive answers, and send the requests that are due. Raises FetcherError.

        Returns the first sink's answer when it has just begun or found the job. `source`: what is
        known of the input, for the sinks.
        """
        begun = None
        every_s = _HURRIED_POLL_S if is_hurried else _POLL_S
        if not self._sessions.is_open:
            every_s = ASK_AGAIN_S
        for session, client in zip(self._sessions, self._clients, strict=True):
            answer = client.answer(now)
            if answer is not None:
                for notice in self._sessions.receive(session, answer, now):
                    log_notice(notice)
                    begun = notice.opened if isinstance(notice, JobBegun) else begun
            is_urgent = self._sessions.is_urgent(session, source)
            if client.may_ask(now, 0.0 if is_urgent else every_s):
                request = self._sessions.request(session, source)
                if request is not None:
                    client.ask(request, now)
        return begun

    def send(self, chunk: Chunk) -> None:
        """Send a row that the ventilator made; the caller repeats it until it is committed."""
        send(
            self._results[sink_of(chunk.batch, len(self._results))],
            *chunk_frames.chunk_parts(chunk),
        )


def log_notice(notice: Notice) -> None:
    """Log what users should know about the sinks."""
    match notice:
        case Joined(sink):
            logs.announce(f"{sink} joined")
        case Waiting(sink, waited_s, why):
            log.warning("waiting for %s (%d s so far)%s", sink, waited_s, f": {why}" if why else "")
        case Frozen(why, is_all):
            of = "" if is_all else " of its lines"
            log.warning("%s: nothing is handed out%s until it is back", why, of)
        case Thawed(sink):
            log.warning("%s is back", sink)
