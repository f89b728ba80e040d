"""What must be true of a simulated job: of each sink's disk, of what is handed out, of the end."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from fetcher.core import masks, wire
from fetcher.model import Batch, Outcome
from support.sim.disk import Violation
from support.sim.ventilator import SINK_SILENT_S, TICK_S

if TYPE_CHECKING:
    from support.sim.world import World

_ANSWER_S = 0.1  # an answer's longest way


class Checks:
    """Raise Violation; `acked`: the lines that each sink has ever said to be committed."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.acked: list[set[int]] = [set() for _ in world.disks]
        self._well_at = [0.0] * world.shares  # when each last said that it is, heard or not
        self._is_paused = False  # the ventilator has said so, and nobody has asked it to go on

    def answered(self, index: int, answer: wire.AnyMessage) -> None:
        """Whatever a sink says to be committed must stay so for ever."""
        world = self._world
        is_stalled = isinstance(answer, wire.Committed) and answer.stalled
        # A ventilator that still opens other sinks does not listen for that.
        if not is_stalled or not (world.ventilator and world.ventilator.is_open):
            self._well_at[index] = world.now
        if isinstance(answer, wire.Opened):
            done = masks.IdSet(answer.done)
            full = [each for each in world.share_batches[index] if each.id in done]
            self.acked[index].update(*(lines_of(each, each.mask) for each in full))
            changed = answer.partial
        elif isinstance(answer, wire.Committed):
            changed = answer.changed
        else:
            return
        for batch_id, packed in changed.items():
            batch = world.batches[batch_id]
            mask = masks.unpack(packed) if packed else batch.mask
            self.acked[index].update(lines_of(batch, mask))

    def disk(self, index: int) -> None:
        """What is there now has each line at most once, and all that was acknowledged."""
        found = Counter(self._world.disks[index].committed_lines())
        if lost := self.acked[index] - set(found):
            raise Violation(f"acknowledged and lost: {sorted(lost)}")
        if twice := [line for line, count in found.items() if count > 1]:
            raise Violation(f"committed twice: {twice}")
        if foreign := set(found) - self._world.share_lines[index]:
            raise Violation(f"rows of no line of this sink: {foreign}")

    # -- while it runs -----------------------------------------------------------------------

    def paused(self, *, is_on: bool) -> None:
        """The ventilator has said that all is paused; or somebody has asked it to go on."""
        self._is_paused = is_on

    def handed_out(self, batch: Batch) -> None:
        """Nothing is in a pause, nor for a sink that is known to be away."""
        if self._is_paused:
            raise Violation("handed out in a pause")
        index = batch.id % self._world.shares
        if self._world.now - self._well_at[index] > SINK_SILENT_S + TICK_S + _ANSWER_S:
            raise Violation("handed out for a sink that is away")

    def suspected(self, suspects: list[wire.Suspect]) -> None:
        """Where no worker dies or stalls, whatever happens to all others, no line has killed."""
        if self._world.is_calm and any(each.deaths for each in suspects):
            raise Violation("a suspect, where no worker dies")

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
        """Where nothing fails and no fetch is slow, each line is fetched once."""
        fetches = self._world.fetches
        if twice := {line: count for line, count in fetches.items() if count > 1}:
            raise Violation(f"fetched more than once: {twice}")


def lines_of(batch: Batch, mask: int) -> list[int]:
    """The numbers of these lines."""
    return [batch.first_line + offset for offset in masks.offsets(mask)]
