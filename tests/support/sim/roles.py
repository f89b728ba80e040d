"""The three roles, as thin as can be around the real decisions."""

from __future__ import annotations

import random
from collections import deque
from typing import TYPE_CHECKING

from fetcher.core import masks, wire
from fetcher.core.intake import Intake
from fetcher.core.leases import LeaseRules
from fetcher.core.ledger import Ledger
from fetcher.core.tally import SourceInfo
from fetcher.errors import NoSpaceError
from fetcher.model import OUTCOME_CODE, Batch, Chunk, Outcome
from support.sim.disk import Disk, SimStore, Violation, row_of

if TYPE_CHECKING:
    from support.sim.world import World

JOB = "job"
RULES = LeaseRules(
    silent_s=5, unclaimed_s=30, finished_s=10, stall_s=40, tail_after_s=15, poison_deaths=2
)


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
    """Commits chunks and answers; `acked` is what it has ever said to be committed."""

    store_class = SimStore
    intake_class = Intake

    def __init__(self, world: World, disk: Disk, dice: random.Random, epoch: str) -> None:
        self._world = world
        self._disk = disk
        self.store = self.store_class(disk, dice)
        self.intake = self.intake_class(self.store, self.store.recover(), JOB, epoch)
        self.epoch = epoch
        self.stalled = ""

    def take(self, chunk: Chunk) -> None:
        self.intake.offer(chunk, self._world.batch_size)

    def commit(self) -> None:
        try:
            self.intake.commit()
            self.stalled = ""
        except NoSpaceError:
            self.stalled = "full"

    @property
    def complete(self) -> bool:
        return self.intake.totals.rows == self._world.url_lines

    def answer(self, request: wire.AnyMessage) -> wire.AnyMessage:
        if isinstance(request, wire.Open):
            done, partial = self.intake.snapshot()
            opened = wire.Opened(
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
            self._world.acknowledged(opened)
            return opened
        assert isinstance(request, wire.Poll)
        if request.suspects is not None:
            self._disk.suspects = request.suspects
        changed = self.intake.changed_since(request.epoch, request.version)
        if changed is None:
            return wire.Resync()
        news = wire.Committed(
            version=self.intake.version,
            changed=changed,
            totals=self.intake.totals,
            complete=self.complete,
            stalled=self.stalled,
        )
        self._world.acknowledged(news)
        return news


class SimVentilator:
    """Reads, hands out, asks; holds nothing that its successor would miss."""

    ledger_class = Ledger

    def __init__(self, world: World, first_lease: int) -> None:
        self._world = world
        self.ledger = self.ledger_class(RULES, first_lease)
        self.opened = False
        self.epoch, self.version = "", 0
        self.cursor = 0
        self.done = masks.IdSet()
        self.partial: dict[int, int] = {}
        self.suspects: dict[int, list[wire.Suspect]] = {}
        self.unsaid: list[wire.Suspect] | None = None
        self.heard_at = world.now
        self.finished = False

    def request(self) -> wire.AnyMessage:
        if not self.opened:
            spec = wire.InputSpec(name="", path="", file_bytes=1, source=SourceInfo())
            return wire.Open(session="s", input=spec, batch_size=1, settings={}, version="")
        changed = self.ledger.suspects_if_changed()
        self.unsaid = self.unsaid if changed is None else changed
        return wire.Poll(
            session="s",
            epoch=self.epoch,
            version=self.version,
            source=SourceInfo(),
            suspects=self.unsaid,
        )

    def hear_sink(self, answer: wire.AnyMessage) -> None:
        now = self._world.now
        self.heard_at = now
        if isinstance(answer, wire.Resync):
            self.opened = False
        elif isinstance(answer, wire.Opened):
            self._resume(answer, now)
        elif isinstance(answer, wire.Committed):
            self.version = answer.version
            self.unsaid = None
            for batch, mask in answer.changed.items():
                self.ledger.committed(batch, masks.unpack(mask) if mask else -1, now)
            self.finished = answer.complete
            if answer.stalled:
                self.ledger.freeze(now)
            else:
                self.ledger.thaw(now)

    def _resume(self, opened: wire.Opened, now: float) -> None:
        self.opened = True
        self.epoch, self.version = opened.epoch, opened.version
        self.done = masks.IdSet(opened.done)
        self.partial = {batch: masks.unpack(mask) for batch, mask in opened.partial.items()}
        self.suspects = {}
        for suspect in opened.suspects:
            self.suspects.setdefault(suspect.batch, []).append(suspect)
        for batch in self.ledger.open_batches():
            mask = batch.mask if batch.id in self.done else self.partial.get(batch.id, 0)
            self.ledger.committed(batch.id, mask, now)
        self.ledger.sink_restarted(now)
        self.finished = opened.complete

    def turn(self) -> None:
        """One turn of its loop, after all waiting events were told."""
        now = self._world.now
        if now - self.heard_at > 3:
            self.ledger.freeze(now)
        self.ledger.tick(now)
        if not self.epoch:
            return
        while True:
            while self.ledger.wants_batch():
                self._read_on()
            assignment = self.ledger.take(now)
            if assignment is None:
                break
            if not self._world.hand_out(assignment):
                self.ledger.put_back(assignment.lease)
                break
        for batch, offset, _ in self.ledger.condemned(now):
            line = batch.first_line + offset
            self._world.to_sink(chunk_of(batch, [line], Outcome.CRASHED, "ventilator"))

    def _read_on(self) -> None:
        batches = self._world.batches
        while self.cursor < len(batches):
            batch = batches[self.cursor]
            self.cursor += 1
            if batch.mask and batch.id not in self.done:
                committed = self.partial.get(batch.id, 0)
                self.ledger.add(batch, committed, self.suspects.pop(batch.id, ()))
                return
        self.ledger.read_to_end()


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
        self.kept: dict[int, list[int]] = {}

    @property
    def has_room(self) -> bool:
        return len(self.queue) <= 2

    def take(self, lease: int, batch: Batch, mask: int) -> None:
        lines = [batch.first_line + offset for offset in masks.offsets(mask)]
        self.held[lease] = (batch, set(lines))
        self.queue.extend((lease, batch, line) for line in lines)
        self.fill()

    def fill(self) -> None:
        while self.queue and self.in_flight < self.POOL:
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
        self._world.to_sink(chunk_of(batch, lines, Outcome.OK, self.name))
        waiting = self.held[lease][1]
        waiting.difference_update(lines)
        if not waiting:
            del self.held[lease]
            self._world.to_ventilator(self, wire.Finished(worker=self.name, lease=lease))
