"""A simulated job with routes; one of them has no workers until all other lines have rows."""

from __future__ import annotations

import random

from support.sim.disk import Violation
from support.sim.routing import SimRouting
from support.sim.world import World

_LOOK_S = 5.0
_ALONE_S = 1500.0  # after the chaos, in which lines of routes with workers must have rows


class RoutedWorld(World):
    """Each worker serves some routes; each route has a worker that is started at some time."""

    def _make_routing(self, seed: int) -> SimRouting:
        dice = self._routes_dice = random.Random(f"the routes of {seed}")
        count = dice.choice((2, 2, 3))
        is_mixed = dice.random() < 0.7  # else each route has a piece of the list
        last = max(self.lines)
        by_line = {
            line: dice.randrange(count) if is_mixed else line * count // (last + 1)
            for line in sorted(self.lines)
        }
        self._served = [frozenset({route}) for route in range(count)]
        for _ in range(dice.choice((0, 1, 2))):
            self._served.append(frozenset(dice.sample(range(count), dice.randint(1, count))))
        self._starved = dice.randrange(count) if dice.random() < 0.6 else None
        return SimRouting(count, by_line)

    def routes_of(self, slot: int) -> frozenset[int]:
        return self._served[slot]

    def _start_workers(self) -> None:
        for slot in range(len(self._served)):
            self.add_slot(slot)
            if self._starved not in self.routes_of(slot):
                self.start_worker(slot)
        if self._starved is not None:
            self._look_at_the_others()

    def _look_at_the_others(self) -> None:
        """Start the workers of the starved route once all other lines have rows."""
        if self._all_others_have_rows():
            for slot in range(len(self._served)):
                if self._starved in self.routes_of(slot):
                    self.start_worker(slot)
        elif self.now > self.chaos.peace_at + _ALONE_S:
            raise Violation("a route without workers holds up the others")
        else:
            self.later(_LOOK_S, self._look_at_the_others)

    def _all_others_have_rows(self) -> bool:
        for index, disk in enumerate(self.disks):
            if index == self.chaos.stays_away:  # it waits for all lines of the other sinks
                continue
            left = self.share_lines[index].difference(disk.committed_lines())
            if any(self.routing.of_line(line) != self._starved for line in left):
                return False
        return True


class FaultlessRoutes(RoutedWorld):
    """Nothing fails."""

    has_faults = False
