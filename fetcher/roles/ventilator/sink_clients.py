"""The ventilator's sockets to its sinks.

Law: decides nothing. What is asked, and what an answer means, is leases.sessions'; this sends,
receives, and logs what was noticed.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any, Final

import zmq

from fetcher.input.source_info import SourceInfo
from fetcher.leases.sessions import Frozen, JobBegun, Joined, Notice, SinkSessions, Thawed, Waiting
from fetcher.model import Chunk
from fetcher.protocol import chunk_frames, messages
from fetcher.roles.ventilator.sink_rpc import ASK_AGAIN_S, SinkRpc
from fetcher.security.policy import Security
from fetcher.telemetry import logs
from fetcher.transport.endpoints import SinkEndpoints
from fetcher.transport.sockets import Channel, open_socket, send

log = logging.getLogger(__name__)

_POLL_S: Final = 0.1
_HURRIED_POLL_S: Final = 0.01  # while the last rows are on their way to their commit


class SinkClients:
    """For each sink a socket for requests, and one for rows of the ventilator's own."""

    def __init__(
        self,
        context: Any,
        ends: Iterable[SinkEndpoints],
        sessions: SinkSessions,
        security: Security,
        now: float,
    ) -> None:
        self._sessions = sessions
        self._links = [SinkRpc(context, each.commits, now, security) for each in ends]
        self._results = [
            open_socket(context, zmq.PUSH, Channel.RESULTS, each.results, security=security)
            for each in ends
        ]

    def register(self, poller: zmq.Poller) -> None:
        """Let their answers wake it."""
        for link in self._links:
            poller.register(link.socket, zmq.POLLIN)

    def hear(
        self, source: SourceInfo, now: float, *, is_hurried: bool = False
    ) -> messages.Opened | None:
        """Pass on what they have said, and ask what is due. Raises FetcherError.

        The first sink's answer is returned when it has just begun or found the job.
        """
        begun = None
        every_s = _HURRIED_POLL_S if is_hurried else _POLL_S
        if not self._sessions.is_open:
            every_s = ASK_AGAIN_S
        for one, link in zip(self._sessions, self._links, strict=True):
            answer = link.answer(now)
            if answer is not None:
                for notice in self._sessions.receive(one, answer, now):
                    tell(notice)
                    begun = notice.opened if isinstance(notice, JobBegun) else begun
            is_urgent = self._sessions.is_urgent(one, source)
            if link.may_ask(now, 0.0 if is_urgent else every_s):
                request = self._sessions.request(one, source)
                if request is not None:
                    link.ask(request, now)
        return begun

    def send(self, chunk: Chunk) -> None:
        """A row of the ventilator's own, which is sent again until it is committed."""
        send(self._results[chunk.batch % len(self._results)], *chunk_frames.chunk_parts(chunk))


def tell(notice: Notice) -> None:
    """Log what a user should know of."""
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
