"""The simulated worker, as thin as can be around the real messages."""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from fetcher import bitset
from fetcher.leases.types import Assignment
from fetcher.model import OUTCOME_CODE, Batch, Chunk, Outcome
from fetcher.protocol import messages
from support.sim.disk import Violation, row_of

if TYPE_CHECKING:
    from support.sim.world import World

JOB: Final = "job"
TAIL_AFTER_S: Final = 15.0  # in flight for so long, a fetch is slow
UNSENT_S: Final = 60.0  # rows that their sink does not take are worth waiting for


def chunk_of(batch: Batch, lines: list[int], outcome: Outcome, worker: str) -> Chunk:
    """Finished rows as a worker sends them."""
    rows = [row_of(line) for line in lines]
    return Chunk(
        job=JOB,
        batch=batch.id,
        batch_mask=bitset.pack(batch.mask),
        worker=worker,
        lines=lines,
        row_bytes=[len(row) for row in rows],
        outcomes=[OUTCOME_CODE[outcome]] * len(lines),
        statuses=[200 if outcome is Outcome.OK else 0] * len(lines),
        body_bytes=[1] * len(lines),
        rows=b"".join(rows),
    )


class SimWorker:
    """Fetches its pieces' lines a few at a time; a poison line kills it at its start.

    Some lines wait for their host's turn before they are next for its pool.
    """

    def __init__(self, world: World, name: str, routes: frozenset[int]) -> None:
        self._world = world
        self.name = name
        self.routes = routes
        self.frozen_until = 0.0
        self.held: dict[int, tuple[Batch, set[int]]] = {}  # lease -> lines not sent yet
        self.queue: deque[tuple[int, Batch, int]] = deque()
        self.flying: dict[tuple[int, int], float] = {}  # (lease, line) -> since when
        self.in_flight = 0
        self.is_paused = False
        self.kept: dict[int, list[int]] = {}
        self._unsent: deque[tuple[Chunk, int | None]] = deque()  # with the lease that it ends
        self._ending: dict[int, float] = {}  # leases that unsent rows end -> since when

    @property
    def has_room(self) -> bool:
        return len(self.queue) <= 2

    def take(self, lease: int, batch: Batch, mask: int) -> None:
        lines = [batch.first_line + offset for offset in bitset.offsets(mask)]
        self.held[lease] = (batch, set(lines))
        for line in lines:
            turn_s = self._world.turns_s.get(line, 0.0)
            if turn_s:
                self._world.later(turn_s, functools.partial(self._next, (lease, batch, line)))
            else:
                self.queue.append((lease, batch, line))
        self.fill()

    def _next(self, entry: tuple[int, Batch, int]) -> None:
        """Its host's turn has come."""
        if self._world.lives(self):
            self.queue.append(entry)
            self.fill()

    def fill(self) -> None:
        while self.queue and self.in_flight < self._world.pool_size and not self.is_paused:
            lease, batch, line = self.queue.popleft()
            self.in_flight += 1
            self.flying[lease, line] = self._world.now
            self._world.fetch(self, lease, batch, line)

    def fetched(self, lease: int, batch: Batch, line: int) -> None:
        self.in_flight -= 1
        del self.flying[lease, line]
        self.kept.setdefault(lease, []).append(line)
        if len(self.kept[lease]) >= 3 or len(self.held[lease][1]) == len(self.kept[lease]):
            self._send(lease, batch)
        self.fill()

    def _send(self, lease: int, batch: Batch) -> None:
        lines = self.kept.pop(lease)
        if not lines:
            raise Violation("an empty chunk")
        waiting = self.held[lease][1]
        waiting.difference_update(lines)
        if not waiting:
            del self.held[lease]
            self._ending[lease] = self._world.now
        chunk = chunk_of(batch, lines, Outcome.OK, self.name)
        self._unsent.append((chunk, None if waiting else lease))
        self._post()

    def _post(self) -> None:
        """Let go of the rows that their sinks take."""
        for _ in range(len(self._unsent)):
            chunk, ended = self._unsent.popleft()
            if not self._world.takes_rows(chunk):
                self._unsent.append((chunk, ended))
                continue
            self._world.to_sink(chunk)
            if ended is not None:
                del self._ending[ended]
                self._finish(ended)

    def _finish(self, lease: int) -> None:
        self._world.to_ventilator(self, messages.Finished(worker=self.name, lease=lease))

    def hear(self, phase: messages.Phase, *, is_hungry: bool) -> None:
        """Take the ventilator's state of the job."""
        if phase != "starting":  # which says nothing of a pause
            self.is_paused = phase == "paused"
            self.fill()
        if is_hungry and self.in_flight >= self._world.pool_size and not self.is_paused:
            self._share()

    def _share(self) -> None:
        """Another worker has too little: return half of what waits for the pool."""
        spare = list(self.queue)[len(self.queue) // 2 :]
        for lease in sorted({lease for lease, _, _ in spare}):
            lines = {line for each, _, line in spare if each == lease}
            mask = bitset.mask_of(line - self.held[lease][0].first_line for line in lines)
            event = messages.Returned(worker=self.name, lease=lease, mask=bitset.pack(mask))
            self._world.to_ventilator(self, event)
            self._leave_out(lease, lines)

    def skip(self, lease: int, mask: int) -> None:
        """These lines are committed: what is not begun of them need not be."""
        lines = {
            line
            for each, batch, line in self.queue
            if each == lease and mask >> (line - batch.first_line) & 1
        }
        if lines:
            self._leave_out(lease, lines)

    def _leave_out(self, lease: int, lines: set[int]) -> None:
        batch, waiting = self.held[lease]
        waiting.difference_update(lines)
        self.queue = deque(e for e in self.queue if e[0] != lease or e[2] not in lines)
        if not waiting:
            del self.held[lease]
            self._finish(lease)
        elif len(waiting) == len(self.kept.get(lease, ())):
            self._send(lease, batch)

    def beat(self, pipe: Iterable[Assignment]) -> messages.Heartbeat:
        """Its sign of life; what waits for a sink gets another try."""
        self._post()
        now = self._world.now
        longest_s: dict[int, float] = {}
        slow: dict[int, int] = {}
        for (lease, line), since in self.flying.items():
            longest_s.setdefault(lease, now - since)
            if now - since >= TAIL_AFTER_S and lease in self.held:
                bit = 1 << (line - self.held[lease][0].first_line)
                slow[lease] = slow.get(lease, 0) | bit
        active = {lease for lease, _ in self.flying} | {lease for lease, _, _ in self.queue}
        return messages.Heartbeat(
            worker=self.name,
            slots=self._world.pool_size,
            in_flight=self.in_flight,
            queued=len(self.queue),
            held=[*self.held, *self._ending],
            parked=[
                *(lease for lease in self.held if lease not in active and lease not in self.kept),
                *(lease for lease, since in self._ending.items() if now - since < UNSENT_S),
            ],
            longest_s=[
                *(longest_s.get(lease, 0.0) for lease in self.held),
                *(now - since for since in self._ending.values()),
            ],
            slow={lease: bitset.pack(mask) for lease, mask in slow.items()},
            waiting=[assignment.lease for assignment in pipe],
            routes=[self._world.routing.names[route] for route in sorted(self.routes)],
            is_hungry=not self.queue and 2 * self.in_flight <= self._world.pool_size,
        )
