"""The simulated sink and worker, as thin as can be around the real decisions."""

from __future__ import annotations

import random
from collections import deque
from typing import TYPE_CHECKING, Final

from fetcher.core import masks, wire
from fetcher.core.intake import Intake
from fetcher.core.shares import Share
from fetcher.core.tally import SourceInfo
from fetcher.errors import NoSpaceError, WireError
from fetcher.model import OUTCOME_CODE, Batch, Chunk, Outcome
from support.sim.disk import Disk, SimStore, Violation, row_of

if TYPE_CHECKING:
    from support.sim.world import World

JOB: Final = "job"
UNSENT_S: Final = 60.0  # rows that their sink does not take are worth waiting for


def chunk_of(batch: Batch, lines: list[int], outcome: Outcome, worker: str) -> Chunk:
    """Finished rows as a worker sends them."""
    rows = [row_of(line) for line in lines]
    return Chunk(
        job=JOB,
        batch=batch.id,
        batch_mask=masks.pack(batch.mask),
        worker=worker,
        lines=lines,
        row_bytes=[len(row) for row in rows],
        outcomes=[OUTCOME_CODE[outcome]] * len(lines),
        statuses=[200 if outcome is Outcome.OK else 0] * len(lines),
        body_bytes=[1] * len(lines),
        rows=b"".join(rows),
    )


class SimSink:
    """Commits the chunks of its share, and answers."""

    store_class = SimStore
    intake_class = Intake

    def __init__(
        self, world: World, share: Share, disk: Disk, dice: random.Random, epoch: str
    ) -> None:
        self._world = world
        self.share = share
        self._disk = disk
        self.store = self.store_class(disk, dice)
        self.intake = self.intake_class(self.store, self.store.recover(), JOB, epoch)
        self.epoch = epoch
        self.stalled = ""

    def take(self, chunk: Chunk) -> None:
        size, share = self._world.batch_size, self.share
        try:
            chunk = wire.check_chunk(
                *wire.chunk_parts(chunk), size, len(self._world.batches), share
            )
        except WireError as error:
            raise Violation(f"{share} was sent a {error}") from error
        self.intake.offer(chunk, size)

    def commit(self) -> None:
        try:
            self.intake.commit()
            self.stalled = ""
        except NoSpaceError:
            self.stalled = "full"

    @property
    def complete(self) -> bool:
        return self.intake.totals.rows == self._disk.url_lines

    def answer(self, request: wire.AnyMessage) -> wire.AnyMessage:
        if isinstance(request, wire.Open):
            done, partial = self.intake.snapshot()
            return wire.Opened(
                job=JOB,
                batch_size=self._world.batch_size,
                source=SourceInfo(),
                done=done,
                partial=partial,
                suspects=self._disk.suspects,
                totals=self.intake.totals,
                epoch=self.epoch,
                version=self.intake.version,
                complete=self.complete,
            )
        assert isinstance(request, wire.Poll)
        is_noted = self._note(request)
        changed = self.intake.changed_since(request.epoch, request.version)
        if changed is None:
            return wire.Resync()
        return wire.Committed(
            version=self.intake.version,
            changed=changed,
            totals=self.intake.totals,
            complete=self.complete,
            stalled=self.stalled if is_noted else "full",
        )

    def _note(self, poll: wire.Poll) -> bool:
        """Keep what the ventilator has found out; False where there is no room for it."""
        suspects = self._disk.suspects if poll.suspects is None else poll.suspects
        lines = self._disk.url_lines if poll.url_lines is None else poll.url_lines
        if (suspects, lines) == (self._disk.suspects, self._disk.url_lines):
            return True
        if self._disk.full:
            return False
        self._disk.suspects, self._disk.url_lines = suspects, lines
        return True


class SimWorker:
    """Fetches its pieces' lines a few at a time; a poison line kills it at its start."""

    POOL = 4

    def __init__(self, world: World, name: str) -> None:
        self._world = world
        self.name = name
        self.frozen_until = 0.0
        self.held: dict[int, tuple[Batch, set[int]]] = {}  # lease -> lines not sent yet
        self.queue: deque[tuple[int, Batch, int]] = deque()
        self.in_flight = 0
        self.is_paused = False
        self.kept: dict[int, list[int]] = {}
        self._unsent: deque[tuple[Chunk, int | None]] = deque()  # with the lease that it ends
        self._ending: dict[int, float] = {}  # leases that unsent rows end -> since when

    @property
    def has_room(self) -> bool:
        return len(self.queue) <= 2

    def take(self, lease: int, batch: Batch, mask: int) -> None:
        lines = [batch.first_line + offset for offset in masks.offsets(mask)]
        self.held[lease] = (batch, set(lines))
        self.queue.extend((lease, batch, line) for line in lines)
        self.fill()

    def fill(self) -> None:
        while self.queue and self.in_flight < self.POOL and not self.is_paused:
            lease, batch, line = self.queue.popleft()
            self.in_flight += 1
            self._world.fetch(self, lease, batch, line)

    def fetched(self, lease: int, batch: Batch, line: int) -> None:
        self.in_flight -= 1
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
                self._world.to_ventilator(self, wire.Finished(worker=self.name, lease=ended))

    def hear(self, phase: wire.Phase) -> None:
        """What the ventilator says of the whole."""
        if phase != "starting":  # which says nothing of a pause
            self.is_paused = phase == "paused"
            self.fill()

    def beat(self) -> wire.Heartbeat:
        """Its sign of life; what waits for a sink gets another try."""
        self._post()
        now = self._world.now
        return wire.Heartbeat(
            worker=self.name,
            slots=self.POOL,
            in_flight=self.in_flight,
            queued=len(self.queue),
            held=[*self.held, *self._ending],
            parked=[lease for lease, since in self._ending.items() if now - since < UNSENT_S],
        )
