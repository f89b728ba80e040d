"""The simulated ventilator: the real ledger and sessions in a loop like that of the role."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from fetcher.input.source_info import SourceInfo
from fetcher.leases.ledger import Ledger
from fetcher.leases.sink_notices import JobBegun
from fetcher.leases.sink_session import SinkSession
from fetcher.leases.sink_sessions import SinkSessions
from fetcher.leases.types import LeaseRules, first_lease
from fetcher.model import Batch, Chunk, Outcome
from fetcher.protocol import messages
from fetcher.protocol.shard import Share
from support.sim.disk import Violation
from support.sim.worker import TAIL_AFTER_S, chunk_of

if TYPE_CHECKING:
    from support.sim.world import World

RULES: Final = LeaseRules(
    silent_s=5,
    unclaimed_s=30,
    finished_s=10,
    stall_s=40,
    tail_after_s=TAIL_AFTER_S,
    poison_deaths=2,
)
SINK_SILENT_S: Final = 3.0
TICK_S: Final = 0.25
FINISH_S: Final = 3.0  # how long `Close` is sent to sinks
ASK_AGAIN_S: Final = 1.0


class SimLink:
    """A socket for requests: an answer counts only if it is to the last request."""

    is_correlated = True

    def __init__(self) -> None:
        self._number = 0
        self._is_waiting = False
        self._asked_at = 0.0

    def may_ask(self, now: float) -> bool:
        """Whether the last request is answered, or too old to be."""
        return not self._is_waiting or now - self._asked_at >= ASK_AGAIN_S

    def asked(self, now: float) -> int:
        """The number of a new request."""
        self._number += 1
        self._is_waiting, self._asked_at = True, now
        return self._number

    def takes(self, number: int) -> bool:
        """Whether the answer to this request arrives."""
        if number != self._number or not self._is_waiting:
            return not self.is_correlated
        self._is_waiting = False
        return True


class SimVentilator:
    """Reads, hands out, asks; holds nothing that its successor would miss."""

    ledger_class = Ledger
    sessions_class = SinkSessions
    link_class = SimLink

    def __init__(self, world: World, number: int, *, shall_pause: bool) -> None:
        """`number`: of ventilators so far; `shall_pause`: as the one before it was."""
        self._world = world
        self._session = f"v{number}"
        self.ledger = self.ledger_class(
            world.rules, first_lease(number), world.shares, world.routing.count
        )
        self.sinks = self._sessions(world)
        self.links = [self.link_class() for _ in self.sinks]
        self.shall_pause = shall_pause
        self.frozen_until = 0.0
        self.is_finished = False
        self._finish_at: float | None = None
        self._counted_at = world.now + world.counts_s  # the whole input
        self._batches = self._readers()
        self._tick_at = 0.0

    def _sessions(self, world: World) -> SinkSessions:
        return self.sessions_class(
            *(self.ledger, world.shares, self._session, SINK_SILENT_S, self._offer, world.now),
            world.routing,
        )

    def _readers(self) -> list[Iterator[Batch]]:
        return [iter(self._world.batches) for _ in self.sinks for _ in self.ledger.routes]

    @property
    def phase(self) -> messages.Phase:
        """The state that it publishes to the workers and its supervisor."""
        if not self.sinks.is_open:
            return "starting"
        return "paused" if self.ledger.is_paused else "running"

    # -- its sinks ---------------------------------------------------------------------------

    def _source(self) -> SourceInfo:
        if self._world.now < self._counted_at:
            return SourceInfo(checked_bytes=1, checked_sha256="1", url_lines=1, fraction=0.5)
        lines = len(self._world.lines)
        return SourceInfo(
            checked_bytes=2, checked_sha256="2", url_lines=lines, at_end=True, fraction=1.0
        )

    def _offer(self, share: Share) -> messages.Open:
        spec = messages.InputSpec(name="", path="", file_bytes=1, source=self._source())
        return messages.Open(
            session=self._session,
            input=spec,
            batch_size=self._world.batch_size,
            settings={},
            version="",
            share=share,
            job=self.sinks.job,
        )

    def request(self, one: SinkSession) -> messages.AnyMessage | None:
        """To this sink."""
        return self.sinks.request(one, self._source())

    def hear_sink(self, one: SinkSession, answer: messages.AnyMessage) -> None:
        """Raises FetcherError where the job must stop."""
        for notice in self.sinks.receive(one, answer, self._world.now):
            if isinstance(notice, JobBegun) and notice.opened.source.at_end:
                self._counted_at = 0.0

    # -- its loop ----------------------------------------------------------------------------

    def turn(self) -> None:
        """One turn of the loop, after all waiting events."""
        now = self._world.now
        if not self.sinks.is_open:
            self._do_as_asked(now)
            return
        if self.sinks.is_complete:
            self._finish(now)
            return
        if now - self._tick_at >= TICK_S:
            self._tick_at = now
            self.sinks.judge_silence(now)
            self.ledger.tick(now)
        self._do_as_asked(now)
        for lease, mask in self.ledger.unneeded():
            self._world.tell_workers(lease, mask)
        self.sinks.hand_out(self._batches, lambda each: self._world.hand_out(self, each), now)
        for batch, condemned, _ in self.ledger.condemned(now):
            line = batch.first_line + condemned.offset
            self.send(chunk_of(batch, [line], Outcome.CRASHED, "ventilator"))
        self._check_reading()

    def _check_reading(self) -> None:
        if self.ledger.source_ended and self.sinks.lines_read != len(self._world.lines):
            raise Violation("not all lines were read, or some were read twice")

    def _do_as_asked(self, now: float) -> None:
        if self.shall_pause and not self.ledger.is_paused:
            self.ledger.pause(now)
        elif self.ledger.is_paused and not self.shall_pause:
            self.ledger.resume(now)

    def _finish(self, now: float) -> None:
        if self._finish_at is None:
            self._finish_at = now + FINISH_S
            self.sinks.close()
        self.is_finished = self.sinks.is_closed or now >= self._finish_at

    def send(self, chunk: Chunk) -> None:
        """A row of its own."""
        self._world.to_sink(chunk)
