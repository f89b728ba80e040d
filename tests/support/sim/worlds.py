"""Worlds in which some faults are more frequent than in the usual one, or none happen."""

from __future__ import annotations

import random

import msgspec

from fetcher.model import Chunk
from support.sim.disk import Violation
from support.sim.ventilator import RULES
from support.sim.world import World


class Deadly(World):
    """Several lines kill their workers, and soon; a single death alone condemns a line."""

    rules = msgspec.structs.replace(RULES, poison_deaths=1)

    def _make_input(self, seed: int) -> None:
        super()._make_input(seed)
        killers = random.Random(f"the killers of {seed}")
        self.poison = set(killers.sample(sorted(self.lines), min(6, len(self.lines))))
        self.hung = set()

    def _fetch_s(self, line: int) -> float:
        return self.dice.uniform(0, 1) if line in self.poison else super()._fetch_s(line)


class Refusing(World):
    """The row of one line is refused each time, and its chunk with it."""

    def _make_input(self, seed: int) -> None:
        super()._make_input(seed)
        self.refused = {random.Random(f"a refusal in {seed}").choice(sorted(self.lines))}
        self.poison -= self.refused
        self.hung -= self.refused

    def to_sink(self, chunk: Chunk) -> None:
        """A sink that drops it is as a network that loses it."""
        if chunk.worker == "ventilator" or not self._is_refused(chunk):
            super().to_sink(chunk)

    def _is_refused(self, chunk: Chunk) -> bool:
        return not self.refused.isdisjoint(chunk.lines)


class Lying(Refusing):
    """If there are several workers, the sink takes no row of one of them."""

    def __init__(self, seed: int, *, kill_workers: bool = True) -> None:
        super().__init__(seed, kill_workers=kill_workers)
        self.loss = 0.0  # so that nothing of the others is lost

    def _make_input(self, seed: int) -> None:
        super()._make_input(seed)
        self.poison, self.hung = set(), set()

    def _is_refused(self, chunk: Chunk) -> bool:
        is_liar = len(self.workers) > 1 and chunk.worker.startswith("w0.")
        return is_liar or super()._is_refused(chunk)


class Contested(World):
    """Two ventilators live at a time, sinks start again very often, and openings arrive twice."""

    contest = 1.0
    restarts_per_s = 0.7

    def __init__(self, seed: int, *, kill_workers: bool = True) -> None:
        super().__init__(seed, kill_workers=kill_workers)
        self.late = 0.1


class Faultless(World):
    """Nothing fails; hosts may be slow, and lines may wait for them."""

    has_faults = False


def run(seed: int, world: type[World] = World, *, kill_workers: bool = True) -> str | None:
    """The rule that was violated with this seed; None if all held."""
    try:
        world(seed, kill_workers=kill_workers).run()
    except Violation as violation:
        return str(violation)
    return None
