"""The simulated ventilator, as thin as can be around the ledger: a side for each sink."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fetcher.core import masks, wire
from fetcher.core.leases import LeaseRules
from fetcher.core.ledger import Ledger
from fetcher.core.shares import Share
from fetcher.core.tally import SourceInfo
from fetcher.model import Batch, Chunk, Outcome
from support.sim.disk import Violation
from support.sim.roles import TAIL_AFTER_S, chunk_of

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
_END_S: Final = 5.0  # of a sink's answers that make no sense


class SimSide:
    """What it knows of one sink, and how far it has read for it."""

    def __init__(self, share: Share, now: float) -> None:
        self.share = share
        self.index = share.index
        self.must_open = True
        self.epoch, self.version = "", 0
        self.cursor = 0
        self.done = masks.IdSet()
        self.partial: dict[int, int] = {}
        self.suspects: dict[int, list[wire.Suspect]] = {}
        self.unsaid: list[wire.Suspect] | None = None
        self.url_lines: int | None = None
        self.lines_read = 0
        self.complete = False
        self.nothing_left_at: float | None = None
        self.heard_at = now

    def take_over(self, opened: wire.Opened) -> None:
        """What it says is committed."""
        self.must_open = False
        self.epoch, self.version = opened.epoch, opened.version
        self.done = masks.IdSet(opened.done)
        self.partial = {batch: masks.unpack(mask) for batch, mask in opened.partial.items()}
        self.suspects = {}
        for suspect in opened.suspects:
            self.suspects.setdefault(suspect.batch, []).append(suspect)
        self.complete = opened.complete

    def poll(self, suspects: list[wire.Suspect] | None) -> wire.Poll:
        """What has been committed since?"""
        self.unsaid = self.unsaid if suspects is None else suspects
        return wire.Poll(
            session="s",
            epoch=self.epoch,
            version=self.version,
            source=SourceInfo(),
            url_lines=self.url_lines,
            suspects=self.unsaid,
        )

    def next_batch(self, batches: list[Batch]) -> tuple[Batch, int, list[wire.Suspect]] | None:
        """Its next batch that is not done, with what the ledger must know of it."""
        while self.cursor < len(batches):
            batch = batches[self.cursor]
            self.cursor += 1
            if not self.share.has(batch.id):
                continue
            self.lines_read += batch.mask.bit_count()
            if batch.mask and batch.id not in self.done:
                return batch, self.partial.get(batch.id, 0), self.suspects.pop(batch.id, [])
        return None


class SimVentilator:
    """Reads, hands out, asks; holds nothing that its successor would miss."""

    ledger_class = Ledger

    def __init__(self, world: World, first_lease: int, *, shall_pause: bool) -> None:
        """`shall_pause`: as the one before it was."""
        self._world = world
        self.ledger = self.ledger_class(world.rules, first_lease, world.shares)
        self.sides = [SimSide(Share(i, world.shares), world.now) for i in range(world.shares)]
        self.is_open = False  # all sinks have said what they have
        self.shall_pause = shall_pause
        self.finished = False
        self._tick_at = 0.0

    @property
    def phase(self) -> wire.Phase:
        """What it tells the workers and its supervisor."""
        if not self.is_open:
            return "starting"
        return "paused" if self.ledger.is_paused else "running"

    # -- its sinks ---------------------------------------------------------------------------

    def request(self, side: SimSide) -> wire.AnyMessage | None:
        """To this sink; at the beginning they are opened one after another."""
        if not side.must_open:
            suspects = self.ledger.suspects_if_changed(side.index) if self.is_open else None
            return side.poll(suspects)
        if any(other.must_open for other in self.sides[: side.index]) and not self.is_open:
            return None
        spec = wire.InputSpec(name="", path="", file_bytes=1, source=SourceInfo())
        return wire.Open(
            session="s", input=spec, batch_size=1, settings={}, version="", share=side.share
        )

    def hear_sink(self, side: SimSide, answer: wire.AnyMessage) -> None:
        now = self._world.now
        side.heard_at = now
        match answer:
            case wire.Opened():
                side.take_over(answer)
                if self.is_open:
                    self._catch_up(side, now)
                self.is_open |= not any(each.must_open for each in self.sides)
            case wire.Resync() if self.is_open:
                side.must_open = True
            case wire.Committed() if self.is_open:
                self._take_news(side, answer, now)
        self.finished = self.is_complete

    def _catch_up(self, side: SimSide, now: float) -> None:
        for batch in self.ledger.open_batches(side.index):
            mask = batch.mask if batch.id in side.done else side.partial.get(batch.id, 0)
            self.ledger.committed(batch.id, mask, now)
        self.ledger.sink_restarted(now, side.index)

    def _take_news(self, side: SimSide, news: wire.Committed, now: float) -> None:
        side.version = news.version
        side.unsaid = None
        side.complete = news.complete
        for batch, mask in news.changed.items():
            self.ledger.committed(batch, masks.unpack(mask) if mask else -1, now)
        self._mind_the_end(side, news, now)
        if news.stalled:
            self._freeze(side, now)
        elif self.ledger.is_frozen(side.index):
            self.ledger.thaw(now, side.index)

    def _freeze(self, side: SimSide, now: float) -> None:
        if not self.ledger.is_frozen(side.index):
            self.ledger.freeze(now, side.index)

    def _mind_the_end(self, side: SimSide, news: wire.Committed, now: float) -> None:
        left = not self.ledger.source_ended or self.ledger.open_batches(side.index)
        if left or news.complete or news.stalled:
            side.nothing_left_at = None
            return
        side.nothing_left_at = side.nothing_left_at or now
        if now - side.nothing_left_at > _END_S:
            raise Violation(f"nothing is left, and {side.share} does not know")

    @property
    def is_complete(self) -> bool:
        return self.is_open and all(side.complete for side in self.sides)

    # -- its loop ----------------------------------------------------------------------------

    def turn(self) -> None:
        """One turn, after all waiting events were told."""
        now = self._world.now
        if not self.is_open:
            self._do_as_asked(now)
            return
        if now - self._tick_at >= TICK_S:
            self._tick_at = now
            for side in self.sides:
                if now - side.heard_at > SINK_SILENT_S:
                    self._freeze(side, now)
            self.ledger.tick(now)
        self._do_as_asked(now)
        for lease, mask in self.ledger.unneeded():
            self._world.tell_workers(lease, mask)
        self._hand_out(now)
        for batch, condemned, _ in self.ledger.condemned(now):
            line = batch.first_line + condemned.offset
            self.send(chunk_of(batch, [line], Outcome.CRASHED, "ventilator"))
        for side in self.sides:
            self._count_share(side)

    def _do_as_asked(self, now: float) -> None:
        if self.shall_pause and not self.ledger.is_paused:
            self.ledger.pause(now)
        elif self.ledger.is_paused and not self.shall_pause:
            self.ledger.resume(now)

    def _hand_out(self, now: float) -> None:
        while True:
            for side in self.sides:
                while self.ledger.wants_batch(side.index):
                    self._read_on(side)
            assignment = self.ledger.take(now)
            if assignment is None:
                break
            if not self._world.hand_out(assignment):
                self.ledger.put_back(assignment.lease)
                break

    def _read_on(self, side: SimSide) -> None:
        found = side.next_batch(self._world.batches)
        if found is None:
            self.ledger.read_to_end(side.index)
        else:
            self.ledger.add(*found)

    def _count_share(self, side: SimSide) -> None:
        if len(self.sides) == 1:
            side.url_lines = len(self._world.lines)
        elif self.ledger.is_read(side.index):
            side.url_lines = side.lines_read

    def send(self, chunk: Chunk) -> None:
        """A row of its own."""
        self._world.to_sink(chunk)
