"""What must be true of a simulated job: of each sink's disk, of what is handed out, of the end."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from fetcher import bitset
from fetcher.commit.session import SESSION_S
from fetcher.model import Batch, Outcome
from fetcher.protocol import messages
from support.sim.disk import Violation
from support.sim.ventilator import SINK_SILENT_S, TICK_S

if TYPE_CHECKING:
    from fetcher.leases.sink_session import SinkSession
    from support.sim.ventilator import SimVentilator
    from support.sim.world import World

_ANSWER_S = 0.1  # an answer's longest way
_LATE_S = 1.6  # the same where answers may be late: after that, another request is out


class Checks:
    """Raise Violation; `acked`: the lines that each sink has ever said to be committed."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.acked: list[set[int]] = [set() for _ in world.disks]
        self._well_at = [0.0] * world.shares  # when each last said that it is, heard or not
        self._owners = [("", 0.0)] * world.shares  # whose job it is, and when it asked last
        self._closed: set[int] = set()  # sinks that received `Close`
        self._is_paused = (
            False  # the ventilator reported a pause, and no resume was asked for since
        )

    def sink_starts(self, index: int) -> None:
        """A sink that starts knows of no ventilator."""
        self._owners[index] = ("", 0.0)

    def answered(
        self, index: int, request: messages.AnyMessage, answer: messages.AnyMessage
    ) -> None:
        """What a sink reports as committed stays committed, and it serves one ventilator."""
        self._answered_whom(index, request, answer)
        self._answered_what(index, answer)
        if isinstance(request, messages.Poll) and request.suspects:
            self._suspected(index, request.suspects)

    def _answered_whom(
        self, index: int, request: messages.AnyMessage, answer: messages.AnyMessage
    ) -> None:
        now = self._world.now
        owner, heard_at = self._owners[index]
        match request, answer:
            case messages.Open(), messages.Opened():
                is_owned = owner not in ("", request.session)
                if is_owned and now - heard_at < SESSION_S:
                    raise Violation("the job of a living ventilator is given away")
                self._owners[index] = (request.session, now)
            case messages.Poll(), messages.Committed():
                if request.session != owner:
                    raise Violation("a ventilator that was replaced is answered")
                self._owners[index] = (owner, now)
            case messages.Close(), messages.Closed():
                self._closed.add(index)

    def _answered_what(self, index: int, answer: messages.AnyMessage) -> None:
        world = self._world
        sink = world.sinks[index]
        is_stalled = isinstance(answer, messages.Committed) and sink and sink.session.stalled
        if not is_stalled and not isinstance(answer, messages.Refused):
            self._well_at[index] = world.now
        if (
            isinstance(answer, messages.Opened | messages.Committed)
            and answer.complete
            and not world.disks[index].facts.is_complete
        ):
            raise Violation("called complete before that is recorded")
        if isinstance(answer, messages.Opened):
            done = bitset.IdSet(answer.done)
            full = [each for each in world.share_batches[index] if each.id in done]
            self.acked[index].update(*(lines_of(each, each.mask) for each in full))
            changed = answer.partial
        elif isinstance(answer, messages.Committed):
            changed = answer.changed
        else:
            return
        for batch_id, packed in changed.items():
            batch = world.batches[batch_id]
            mask = bitset.unpack(packed) if packed else batch.mask
            self.acked[index].update(lines_of(batch, mask))

    def disk(self, index: int) -> None:
        """The rows on disk have each line at most once, and every acknowledged line."""
        found = Counter(self._world.disks[index].committed_lines())
        if lost := self.acked[index] - set(found):
            raise Violation(f"acknowledged and lost: {sorted(lost)}")
        if twice := [line for line, count in found.items() if count > 1]:
            raise Violation(f"committed twice: {twice}")
        if foreign := set(found) - self._world.share_lines[index]:
            raise Violation(f"rows of no line of this sink: {foreign}")

    # -- while it runs -----------------------------------------------------------------------

    def paused(self, *, is_on: bool) -> None:
        """The ventilator reports a pause; or a resume is asked for."""
        self._is_paused = is_on

    def handed_out(self, batch: Batch) -> None:
        """Nothing is in a pause, nor for a sink that is known to be away."""
        if self._is_paused:
            raise Violation("handed out in a pause")
        index = batch.id % self._world.shares
        way_s = _LATE_S if self._world.late else _ANSWER_S
        if self._world.now - self._well_at[index] > SINK_SILENT_S + TICK_S + way_s:
            raise Violation("handed out for a sink that is away")

    def _suspected(self, index: int, suspects: list[messages.Suspect]) -> None:
        """If no worker dies or stalls, no line is condemned, whatever happens to other roles."""
        if self._world.is_calm and any(each.deaths for each in suspects):
            raise Violation("a suspect, where no worker dies")
        if len(suspects) > 3 * len(self._world.share_lines[index]):
            raise Violation("suspects are reported again and again")

    # -- what a ventilator believes ----------------------------------------------------------

    def known_at(self, index: int) -> Known:
        """The commits that a sink reports in its answer."""
        sink = self._world.sinks[index]
        assert sink is not None
        assert sink.session.job is not None
        done, partial = sink.session.job.committer.snapshot()
        committed = {batch: bitset.unpack(mask) for batch, mask in partial.items()}
        return Known(bitset.IdSet(done), committed, self._world.disks[index].facts.suspects)

    def heard(
        self,
        ventilator: SimVentilator,
        one: SinkSession,
        request: messages.AnyMessage,
        answered: Known,
    ) -> None:
        """After an answer, the ventilator knows what the sink knew when it answered."""
        ledger = ventilator.ledger
        for batch in self._world.share_batches[one.index]:
            left = ledger.remaining(batch.id)
            if left & answered.of(batch):
                raise Violation(f"committed, and not believed: lines of batch {batch.id}")
            if self._read_of(one, batch) & ~left & ~answered.of(batch):
                raise Violation(f"believed, and not committed: lines of batch {batch.id}")
        is_told = isinstance(request, messages.Poll) and request.suspects is not None
        if is_told and one._unsaved_suspects is None:
            self._knows_deaths(ventilator, one, answered)

    def _read_of(self, one: SinkSession, batch: Batch) -> int:
        """The lines of a batch that were read."""
        masks = self._world.routing.masks(batch)
        return sum(
            mask
            for mask, position in zip(masks, one._positions, strict=True)
            if batch.id <= position
        )

    def taken_over(self, one: SinkSession, answered: Known) -> None:
        """The suspects in what is not read yet are those that the sink has."""
        believed = [each for several in one._suspects.values() for each in several]
        unread = [each for each in answered.suspects if each.batch > one._read_to]
        if sorted(map(repr, believed)) != sorted(map(repr, unread)):
            raise Violation("other suspects are believed than those that a sink has")

    def refused(self, ventilator: SimVentilator, one: SinkSession) -> None:
        """For a sink that refuses the job nothing is handed out."""
        sinks, ledger = ventilator.sinks, ventilator.ledger
        if sinks.is_open and not sinks._is_closing and not ledger.is_frozen(one.index):
            raise Violation("a refusal, and its share goes on")

    def _knows_deaths(self, ventilator: SimVentilator, one: SinkSession, answered: Known) -> None:
        """Suspects that are not reported again must be those that the sink has recorded."""
        poison = ventilator.ledger._state.poison
        if poison._is_changed[one.index]:
            return
        poison._is_changed[one.index] = True
        blamed = blame_of(ventilator.ledger.suspects_if_changed(one.index) or [])
        known = blame_of(answered.suspects)
        for (batch, line), count in blamed.items():
            committed = answered.of(self._world.batches[batch])
            if not committed >> line & 1 and known[batch, line] < count:
                raise Violation(
                    f"a death, or a loss, is not reported: line {line} of batch {batch}"
                )

    def noted(
        self, index: int, before: list[messages.Suspect], after: list[messages.Suspect]
    ) -> None:
        """The blame of a line never becomes less before the line is committed."""
        if self._world.was_contested:  # two ventilators do not know each other's
            return
        known = blame_of(after)
        done = set(self._world.disks[index].committed_lines())
        for (batch, offset), count in blame_of(before).items():
            line = self._world.batches[batch].first_line + offset
            if line not in done and known[batch, offset] < count:
                raise Violation(f"what line {line} is blamed for is forgotten")

    def closed(self, ventilator: SimVentilator) -> None:
        """A ventilator has left."""
        for index, disk in enumerate(self._world.disks):
            if not disk.facts.is_complete:
                raise Violation("a ventilator leaves before the job is complete")
            is_known = index in self._closed or self._world.is_contested
            if ventilator.sinks.is_closed and not is_known:
                raise Violation("a sink did not learn that it may leave")
        if any(ventilator.ledger.open_batches(index) for index in range(self._world.shares)):
            raise Violation("complete, and its ventilator waits for lines")

    # -- the end -----------------------------------------------------------------------------

    def end(self) -> None:
        """Each line has its row, at its sink, of the right kind, and durably."""
        world = self._world
        outcomes: Counter[str] = Counter()
        for index, disk in enumerate(world.disks):
            self.disk(index)
            # A last loss of power: what the job's end rests on must be durable.
            disk.lose_power()
            self.disk(index)
            found = disk.committed_lines()
            if set(found) != world.share_lines[index]:
                raise Violation(f"no row: {sorted(world.share_lines[index] - set(found))}")
            if disk.totals.rows != len(found) or sum(disk.totals.outcomes.values()) != len(found):
                raise Violation("the totals do not agree with the rows")
            outcomes.update(disk.totals.outcomes)
        crashed = outcomes[Outcome.CRASHED.value]
        doomed = len(world.poison | world.hung | world.refused)
        if crashed < doomed:
            raise Violation("a doomed line has a row of a fetch")
        if not world.kills_workers and crashed > doomed:
            raise Violation("an innocent line is called crashed")

    def once(self) -> None:
        """If nothing fails and no fetch is slow, each line is fetched once."""
        fetches = self._world.fetches
        if twice := {line: count for line, count in fetches.items() if count > 1}:
            raise Violation(f"fetched more than once: {twice}")


class Known(NamedTuple):
    """The commits of a sink at some moment."""

    done: bitset.IdSet
    partial: dict[int, int]
    suspects: list[messages.Suspect]

    def of(self, batch: Batch) -> int:
        """The committed lines of a batch."""
        return batch.mask if batch.id in self.done else self.partial.get(batch.id, 0)


def blame_of(suspects: list[messages.Suspect]) -> Counter[tuple[int, int]]:
    """How many deaths and losses each line (of a batch, by its offset) is blamed for."""
    blame: Counter[tuple[int, int]] = Counter()
    for each in suspects:
        for offset in bitset.offsets(bitset.unpack(each.mask)):
            key = each.batch, offset
            blame[key] = max(blame[key], each.deaths + each.losses)
    return blame


def lines_of(batch: Batch, mask: int) -> list[int]:
    """The numbers of these lines."""
    return [batch.first_line + offset for offset in bitset.offsets(mask)]
