"""What happens to a simulated job: deaths, absences, full disks, freezes, and pauses."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from support.sim.disk import Violation

if TYPE_CHECKING:
    from support.sim.world import World

_CHAOS_S: Final = 60.0
_AWAY_S: Final = 1500.0  # in which the others must be complete while one sink stays away
_LOOK_S: Final = 5.0


def _times(dice: random.Random, rate: float) -> Iterator[float]:
    """Rates of random events, per second."""
    at = 0.0
    while rate and (at := at + dice.expovariate(rate)) < _CHAOS_S:
        yield at


class Chaos:
    """Plans its deeds at the start; `more`: dice for those that need several sinks, or pauses."""

    def __init__(self, world: World, more: random.Random) -> None:
        self._world = world
        self._dice = world.dice
        self._more = more
        self.stays_away: int | None = None  # the sink that comes back when the others are done
        self.peace_at = _CHAOS_S

    def plan(self) -> None:
        """For this job."""
        world, more = self._world, self._more
        for at in _times(self._dice, 0.3):
            world.later(at, self._dice.choice((self._harm_sink, self._harm_others)))
        for at in _times(more, 0.15 * (world.shares - 1)):
            world.later(at, self._harm_sink)
        if world.has_pauses:
            self._plan_pauses()
        if more.random() < world.contest:
            world.later(self._some_time(), self._replace_the_living)
        for at in _times(more, world.restarts_per_s):
            world.later(at, self._restart_a_sink)
        if world.shares > 1:
            for _ in range(more.randint(0, 4)):
                self._plan_absence(self._some_time())
            if more.random() < 0.3:
                world.later(_CHAOS_S, self._begin_to_stay_away)

    def _some_time(self) -> float:
        """Many jobs are short."""
        return self._more.uniform(0, self._more.choice((3.0, 15.0, _CHAOS_S)))

    # -- sinks -------------------------------------------------------------------------------

    def _harm_sink(self) -> None:
        world = self._world
        index = self._more.randrange(world.shares)
        sink = world.sinks[index]
        if sink is None:
            return
        match self._dice.randrange(4):
            case 0:
                world.kill_sink(index)
            case 1 | 2:
                sink.store.fuse = self._dice.randint(1, 12)
            case _:
                disk = world.disks[index]
                disk.full = True
                world.later(self._dice.uniform(0.5, 8), lambda: setattr(disk, "full", False))

    def _restart_a_sink(self) -> None:
        """At once."""
        self._world.kill_sink(self._more.randrange(self._world.shares), self._more.uniform(0, 0.3))

    def _plan_absence(self, at: float) -> None:
        index, away_s = self._more.randrange(self._world.shares), self._more.uniform(4, 40)
        self._world.later(at, lambda: self._world.kill_sink(index, away_s))

    def _begin_to_stay_away(self) -> None:
        """Once all is open; a ventilator that starts must wait for every sink."""
        world = self._world
        if world.ventilator is None or not world.ventilator.sinks.is_open:
            world.later(_LOOK_S, self._begin_to_stay_away)
            return
        self.stays_away = self._more.randrange(world.shares)
        world.kill_sink(self.stays_away)
        self._look_at_the_others(self.stays_away, world.now + _AWAY_S)

    def _look_at_the_others(self, away: int, until: float) -> None:
        world = self._world
        others = [index for index in range(world.shares) if index != away]
        if all(world.disks[i].totals.rows == len(world.share_lines[i]) for i in others):
            self.stays_away = None
            self.peace_at = max(self.peace_at, world.now)
            world.start_sink(away)
        elif world.now > until:
            raise Violation("a sink that is away holds up the others")
        else:
            world.later(_LOOK_S, lambda: self._look_at_the_others(away, until))

    # -- the others --------------------------------------------------------------------------

    def _harm_others(self) -> None:
        world, dice = self._world, self._dice
        slot = dice.choice(list(world.workers))
        worker = world.workers[slot]
        match dice.randrange(4):
            case 0 if world.ventilator is not None:
                world.kill_ventilator()
            case 1 if worker is not None and world.kills_workers:
                worker.frozen_until = world.now + dice.uniform(1, 30)
            case 2 if world.kills_workers:
                world.kill_worker(slot)
            case 3 if world.kills_workers and dice.random() < 0.3:
                if world.ventilator is not None:
                    world.kill_ventilator()
                for index in range(world.shares):
                    world.kill_sink(index)
                for each in world.workers:
                    world.kill_worker(each)

    def _replace_the_living(self) -> None:
        """A ventilator freezes and is replaced; both may live for a while."""
        self._world.leave_ventilator_behind(self._more.uniform(0.2, 10), self._more.uniform(1, 20))

    # -- people ------------------------------------------------------------------------------

    def _plan_pauses(self) -> None:
        """Asked for on the page, which is there while the ventilator is."""
        at = self._some_time()
        for _ in range(self._more.randint(1, 3)):
            self._world.later(at, self._world.ask_to_pause)
            at += self._more.choice((self._more.uniform(0.2, 8), self._more.uniform(40, 80)))
            self._world.later(at, self._world.ask_to_resume)
            at += self._more.uniform(0.1, 15)
        self.peace_at = max(self.peace_at, at)
        self._world.later(self.peace_at, self._resume_for_good)

    def _resume_for_good(self) -> None:
        """A wish is lost with a ventilator that had only just heard it."""
        self._world.ask_to_resume()
        self._world.later(_LOOK_S, self._resume_for_good)
