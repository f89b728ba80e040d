"""The world around the roles: time, messages and their loss, lives and deaths."""

from __future__ import annotations

import functools
import heapq
import itertools
import random
from collections import Counter, deque
from collections.abc import Callable

import msgspec

from fetcher.core import lines, wire
from fetcher.core.events import tell_of_leases
from fetcher.core.leases import Assignment, first_lease
from fetcher.core.shares import Share
from fetcher.model import Batch, Chunk
from support.sim.chaos import Chaos
from support.sim.checks import Checks, lines_of
from support.sim.disk import Disk, Killed, Violation
from support.sim.roles import SimSink, SimWorker
from support.sim.ventilator import RULES, SimSide, SimVentilator

_END_S = 3000.0  # simulated seconds in which a job must end, once nobody is killed any more
_PIPE = 3  # assignments that a worker's pipe holds before it looks
_AHEAD = 1  # and that it keeps waiting once it has looked


class World:
    """One simulated job. `run` raises Violation where the promise is broken."""

    sink_class = SimSink
    ventilator_class = SimVentilator
    rules = RULES
    has_faults = True

    def __init__(self, seed: int, *, kill_workers: bool = True) -> None:
        self.dice = dice = random.Random(seed)
        # Dice of their own: what the seed means for all else is not changed by them.
        self._more = more = random.Random(f"the sinks and the pauses of {seed}")
        self.now = 0.0
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._ticket = itertools.count()
        self.kills_workers = kill_workers
        self.shares = more.choices((1, 2, 3), (5, 3, 2))[0]
        self.has_pauses = more.random() < (0.4 if kill_workers else 0.7)
        self._make_input(seed)
        self._loss = dice.choice((0.0, 0.0, 0.05))
        self._twice = dice.choice((0.0, 0.05))
        self._slowness = dice.choice((0.1, 1.0, 5.0))
        # Whether workers keep the rows of a sink that is away, or the network takes and loses them.
        self._keeps_rows = more.random() < 0.5
        if not self.has_faults:
            self._loss = self._twice = 0.0
            self.poison.clear()
            self.hung.clear()
        self.fetches: Counter[int] = Counter()  # begun, by line
        self.is_calm = not (self.poison or self.hung or kill_workers)
        self.disks = [Disk(dice) for _ in range(self.shares)]
        self.checks = Checks(self)
        self.sinks: list[SimSink | None] = [None] * self.shares
        self.ventilator: SimVentilator | None = None
        self.workers: dict[int, SimWorker | None] = {}
        self.pipes: dict[int, deque[Assignment]] = {}
        self.supervisor_knows_pause = False
        self._chaos = Chaos(self, more)
        self._epochs = itertools.count(1)
        self._names = itertools.count(1)
        self._sessions = itertools.count(1)
        self.ended = False

    def _make_input(self, seed: int) -> None:
        dice = self.dice
        self.batch_size = dice.choice((1, 4, 8, 13))
        texts = [
            dice.choice((b"", b"# no", b"u%d" % n, b"u%d" % n, b"u%d" % n, b"u%d" % n))
            for n in range(dice.randint(1, 60))
        ]
        texts.append(b"http://last")
        self.batches = list(lines.batches([texts], self.batch_size))
        shares = [Share(index, self.shares) for index in range(self.shares)]
        self.share_batches = [[e for e in self.batches if share.has(e.id)] for share in shares]
        self.share_lines = [
            {line for batch in batches for line in lines_of(batch, batch.mask)}
            for batches in self.share_batches
        ]
        all_lines = sorted(set().union(*self.share_lines))
        self.lines = set(all_lines)
        self.refused: set[int] = set()  # lines of which no sink takes a worker's row
        self.poison = set(dice.sample(all_lines, min(dice.choice((0, 0, 1, 2)), len(all_lines))))
        hangs = random.Random(f"a hang in {seed}")
        turns = random.Random(f"the turns of {seed}")
        share = turns.choice((0.1, 0.7, *(0.0,) * (8 if self.has_faults else 2)))
        waits = {line: turns.uniform(1, 90) for line in all_lines if turns.random() < share}
        self.turns_s = waits  # how long lines wait for their host
        self.pool_size = 4 if self.has_faults else turns.choice((1, 4))
        self.hung = {hangs.choice(all_lines)} - self.poison if hangs.random() < 0.25 else set()

    # -- time --------------------------------------------------------------------------------

    def later(self, delay: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (self.now + delay, next(self._ticket), action))

    def run(self) -> None:
        """Chaos for a while, then peace until the job ends, then the checks."""
        for index in range(self.shares):
            self.start_sink(index)
        self._start_ventilator()
        for slot in range(self.dice.randint(1, 3)):
            self.workers[slot] = None
            self.pipes[slot] = deque()
            self._start_worker(slot)
        if self.has_faults:
            self._chaos.plan()
        for index in range(self.shares):
            self._sink_turn(index)
        self._ventilator_turn()
        while not self.ended:
            is_peace = self._chaos.stays_away is None
            if is_peace and self._agenda[0][0] > self._chaos.peace_at + _END_S:
                raise Violation("the job does not end")
            self.now, _, action = heapq.heappop(self._agenda)
            action()
        self.checks.end()
        if not self.has_faults:
            self.checks.once()

    # -- lives -------------------------------------------------------------------------------

    def start_sink(self, index: int) -> None:
        """Unless it lives, or shall stay away."""
        if self.sinks[index] is not None or self._chaos.stays_away == index:
            return
        share, epoch = Share(index, self.shares), f"e{next(self._epochs)}"
        self.sinks[index] = self.sink_class(self, share, self.disks[index], self.dice, epoch)
        self.checks.disk(index)

    def kill_sink(self, index: int, away_s: float | None = None) -> None:
        """Sometimes its host loses its power; it starts again soon, if nothing else is said."""
        if self.sinks[index] is None:
            return
        self.sinks[index] = None
        if self.dice.random() < 0.4:
            self.disks[index].lose_power()
        away_s = self.dice.uniform(0.1, 6) if away_s is None else away_s
        self.later(away_s, lambda: self.start_sink(index))

    def _start_ventilator(self) -> None:
        self.ventilator = self.ventilator_class(
            self, first_lease(next(self._sessions)), shall_pause=self.supervisor_knows_pause
        )

    def kill_ventilator(self) -> None:
        self.ventilator = None
        self.later(self.dice.uniform(0.1, 3), self._start_ventilator)

    def ask_to_pause(self) -> None:
        """On the page, which is the ventilator's."""
        if self.ventilator is not None:
            self.ventilator.shall_pause = True

    def ask_to_resume(self) -> None:
        """There, too."""
        if self.ventilator is not None:
            self.ventilator.shall_pause = False
            self.checks.paused(is_on=False)

    def _start_worker(self, slot: int) -> None:
        self.workers[slot] = worker = SimWorker(self, f"w{slot}.{next(self._names)}")
        self._worker_turn(slot, worker)

    def kill_worker(self, slot: int) -> None:
        """With all that it and its pipe hold; its supervisor may or may not tell."""
        worker = self.workers[slot]
        if worker is None:
            return
        self.workers[slot] = None
        self.pipes[slot].clear()
        if self.dice.random() < 0.7:
            self.to_ventilator(None, wire.Gone(worker=worker.name))
        self.later(self.dice.uniform(0.2, 2), lambda: self._start_worker(slot))

    # -- turns of the loops ------------------------------------------------------------------

    def _sink_turn(self, index: int) -> None:
        sink = self.sinks[index]
        if sink is not None:
            try:
                sink.commit()
            except Killed:
                self.kill_sink(index)
        self.later(self.dice.uniform(0.05, 0.4), lambda: self._sink_turn(index))

    def _ventilator_turn(self) -> None:
        ventilator = self.ventilator
        if ventilator is not None:
            for side in ventilator.sides:
                self._ask(ventilator, side)
            ventilator.turn()
            self._hear_phase(ventilator.phase)
            if ventilator.finished:
                self.ended = True
        self.later(self.dice.uniform(0.1, 0.5), self._ventilator_turn)

    def _hear_phase(self, phase: wire.Phase) -> None:
        """The supervisor of the ventilator does: what it knows of a pause outlives it."""
        if phase != "starting":  # which says nothing of a pause
            self.supervisor_knows_pause = phase == "paused"
            if phase == "paused":
                self.checks.paused(is_on=True)

    def _ask(self, ventilator: SimVentilator, side: SimSide) -> None:
        """Request and answer; either may be lost, as may be who sent or answered it."""
        request, sink = ventilator.request(side), self.sinks[side.index]
        if request is None or sink is None or self.dice.random() < self._loss:
            return

        def arrive() -> None:
            if self.sinks[side.index] is not sink:
                return
            answer = sink.answer(request)
            self.checks.answered(side.index, answer)
            if isinstance(request, wire.Poll) and request.suspects:
                self.checks.suspected(request.suspects)
            if self.dice.random() >= self._loss:
                self.later(self.dice.uniform(0, 0.05), lambda: reply(answer))

        def reply(answer: wire.AnyMessage) -> None:
            if self.ventilator is ventilator:
                ventilator.hear_sink(side, answer)

        self.later(self.dice.uniform(0, 0.05), arrive)

    def _worker_turn(self, slot: int, worker: SimWorker) -> None:
        """Heartbeat, and a look into the pipe."""
        if self.workers[slot] is not worker:
            return
        if worker.frozen_until <= self.now:
            if self.ventilator is not None:
                is_hungry = self.ventilator.ledger.is_hungry
                worker.hear(self.ventilator.phase, is_hungry=is_hungry)
            self.to_ventilator(worker, worker.beat(self.pipes[slot]))
            self._look_into_pipe(slot, worker)
        self.later(self.dice.uniform(0.3, 1), lambda: self._worker_turn(slot, worker))

    def _look_into_pipe(self, slot: int, worker: SimWorker) -> None:
        while self.pipes[slot] and worker.has_room and self.workers[slot] is worker:
            assignment = self.pipes[slot].popleft()
            claim = wire.Claim(worker=worker.name, lease=assignment.lease)
            self.to_ventilator(worker, claim)
            worker.take(assignment.lease, assignment.batch, assignment.mask)
        most = 0 if self.ventilator and self.ventilator.ledger.is_hungry else _AHEAD
        while len(self.pipes[slot]) > most and self.workers[slot] is worker:
            lease = self.pipes[slot].pop().lease
            self.to_ventilator(worker, wire.Returned(worker=worker.name, lease=lease))

    # -- messages ----------------------------------------------------------------------------

    def hand_out(self, assignment: Assignment) -> bool:
        """Into some living worker's pipe; False where none has room."""
        open_slots = [
            slot
            for slot, worker in self.workers.items()
            if worker is not None and len(self.pipes[slot]) < _PIPE
        ]
        if not open_slots:
            return False
        self.checks.handed_out(assignment.batch)
        self.pipes[self.dice.choice(open_slots)].append(assignment)
        return True

    def sink_of(self, chunk: Chunk) -> int:
        """Where its rows belong."""
        return chunk.batch % self.shares

    def takes_rows(self, chunk: Chunk) -> bool:
        """Whether a worker is rid of it now, if only into the void."""
        return self.sinks[self.sink_of(chunk)] is not None or not self._keeps_rows

    def to_sink(self, chunk: Chunk) -> None:
        """Lost with the sink that it was sent to; sometimes twice."""
        index = self.sink_of(chunk)
        sink = self.sinks[index]

        def arrive() -> None:
            if sink is None or self.sinks[index] is not sink:
                return
            if self.dice.random() >= self._loss:
                sink.take(chunk)

        for _ in range(2 if self.dice.random() < self._twice else 1):
            self.later(self.dice.uniform(0, 0.2), arrive)

    def to_ventilator(self, worker: SimWorker | None, event: wire.AnyMessage) -> None:
        """Events of one worker stay in order: all take the same time."""
        ventilator = self.ventilator

        def arrive() -> None:
            if ventilator is not None and self.ventilator is ventilator:
                tell_of_leases(ventilator.ledger, event, self.now)

        if worker is None or self.dice.random() >= self._loss:
            self.later(0.02, arrive)

    def tell_workers(self, lease: int, mask: int) -> None:
        """The ventilator's word goes to all; it may be lost."""
        for worker in self.workers.values():
            if worker is not None and self.dice.random() >= self._loss:
                self.later(0.02, functools.partial(worker.skip, lease, mask))

    def lives(self, worker: SimWorker) -> bool:
        """Whether it has not been killed."""
        return any(each is worker for each in self.workers.values())

    def fetch(self, worker: SimWorker, lease: int, batch: Batch, line: int) -> None:
        """A line takes its time; a poison line ends the worker, a hung one just never ends."""
        self.fetches[line] += 1
        if line in self.hung:
            worker.in_flight -= 1  # a pool has more slots than a line has attempts
            return
        slot = next(slot for slot, each in self.workers.items() if each is worker)

        def end() -> None:
            if self.workers[slot] is not worker:
                return
            if worker.frozen_until > self.now:
                self.later(worker.frozen_until - self.now, end)
            elif line in self.poison:
                self.kill_worker(slot)
            else:
                worker.fetched(lease, batch, line)
                self._look_into_pipe(slot, worker)

        self.later(self._fetch_s(line), end)

    def _fetch_s(self, line: int) -> float:
        """How long this fetch takes; its hard deadline is well below half of RULES.stall_s."""
        return min(self.dice.expovariate(1) * self._slowness, 12.0)


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
    """Where there are several workers, no row of one of them is taken."""

    def __init__(self, seed: int, *, kill_workers: bool = True) -> None:
        super().__init__(seed, kill_workers=kill_workers)
        self._loss = 0.0  # so that nothing of the others is lost

    def _make_input(self, seed: int) -> None:
        super()._make_input(seed)
        self.poison, self.hung = set(), set()

    def _is_refused(self, chunk: Chunk) -> bool:
        is_liar = len(self.workers) > 1 and chunk.worker.startswith("w0.")
        return is_liar or super()._is_refused(chunk)


class Faultless(World):
    """Nothing fails; hosts may be slow, and lines may wait for them."""

    has_faults = False


def run(seed: int, world: type[World] = World, *, kill_workers: bool = True) -> str | None:
    """What was violated with this seed; None if nothing was."""
    try:
        world(seed, kill_workers=kill_workers).run()
    except Violation as violation:
        return str(violation)
    return None
