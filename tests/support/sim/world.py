"""The world around the roles: time, messages and their loss, lives and deaths."""

from __future__ import annotations

import functools
import heapq
import itertools
import random
from collections import Counter, deque
from collections.abc import Callable

from fetcher.input import lines
from fetcher.leases.types import Assignment
from fetcher.model import Batch, Chunk
from fetcher.protocol import messages
from fetcher.protocol.shard import Share
from fetcher.roles.ventilator.worker_events import apply_to_ledger
from support.sim.chaos import Chaos
from support.sim.checks import Checks, lines_of
from support.sim.commits import Commits
from support.sim.disk import Disk, Killed, Violation
from support.sim.routing import SimRouting
from support.sim.sink import SimSink
from support.sim.ventilator import RULES, SimVentilator
from support.sim.worker import SimWorker

_END_S = 3000.0  # simulated seconds in which a job must end after the last kill
_PIPE = 3  # assignments that a worker's pipe holds before it looks
_TICK_S = 0.3  # between two looks at what waits
_SETTLED_S = 15.0  # after a second ventilator has left, until none can find it any more
_AHEAD = 1  # and that it keeps waiting once it has looked


class World:
    """One simulated job. `run` raises Violation where the promise is broken."""

    disk_class = Disk
    checks_class = Checks
    sink_class = SimSink
    ventilator_class = SimVentilator
    rules = RULES
    has_faults = True
    contest = 0.15  # the share of jobs in which two ventilators live at a time
    restarts_per_s = 0.0  # of sinks, beyond other faults

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
        self.routing = self._make_routing(seed)
        self.loss = dice.choice((0.0, 0.0, 0.05))
        self._twice = dice.choice((0.0, 0.05))
        self._slowness = dice.choice((0.1, 1.0, 5.0))
        self.late = more.choice((0.0, 0.0, 0.03))  # answers that take longer than another request
        self.counts_s = more.choice((0.0, 0.0, more.uniform(0, 30)))  # to count the input
        # Whether workers keep the rows of a sink that is away, or the network takes and loses them.
        self._keeps_rows = more.random() < 0.5
        if not self.has_faults:
            self.loss = self._twice = self.late = 0.0
            self.poison.clear()
            self.hung.clear()
        self.fetches: Counter[int] = Counter()  # begun, by line
        self.is_calm = not (self.poison or self.hung or kill_workers)
        self.disks = [self.disk_class(dice) for _ in range(self.shares)]
        self.checks = self.checks_class(self)
        self.sinks: list[SimSink | None] = [None] * self.shares
        self.ventilator: SimVentilator | None = None
        self.ghosts: list[SimVentilator] = []  # replaced, and not dead
        self._contested_until = 0.0  # a ventilator may find that another has its job
        self.workers: dict[int, SimWorker | None] = {}
        self.pipes: dict[int, deque[Assignment]] = {}
        self.supervisor_knows_pause = False
        self.chaos = Chaos(self, more)
        self._commits = Commits(self)
        self._epochs = itertools.count(1)
        self._names = itertools.count(1)
        self._sessions = itertools.count(1)
        self._left: set[int] = set()  # sinks that have left a complete job
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

    def _make_routing(self, seed: int) -> SimRouting:
        """Which lines are of which route; here all are of one."""
        return SimRouting(1, {})

    def routes_of(self, slot: int) -> frozenset[int]:
        """The routes that the workers in this slot serve."""
        return frozenset(range(self.routing.count))

    # -- time --------------------------------------------------------------------------------

    def later(self, delay: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (self.now + delay, next(self._ticket), action))

    def run(self) -> None:
        """Chaos for a while, then peace until the job ends, then the checks."""
        for index in range(self.shares):
            self.start_sink(index)
        self._start_ventilator()
        self._start_workers()
        if self.has_faults:
            self.chaos.plan()
        for index in range(self.shares):
            self._sink_turn(index)
        self._ventilator_turn()
        while not self.ended:
            is_peace = self.chaos.stays_away is None
            if is_peace and self._agenda[0][0] > self.chaos.peace_at + _END_S:
                raise Violation("the job does not end")
            self.now, _, action = heapq.heappop(self._agenda)
            action()
        self.checks.end()
        if not self.has_faults:
            self.checks.once()

    def _start_workers(self) -> None:
        for slot in range(self.dice.randint(1, 3)):
            self.add_slot(slot)
            self.start_worker(slot)

    def add_slot(self, slot: int) -> None:
        """A place for a worker."""
        self.workers[slot] = None
        self.pipes[slot] = deque()

    # -- lives -------------------------------------------------------------------------------

    def start_sink(self, index: int) -> None:
        """Unless it lives, or shall stay away."""
        if self.sinks[index] is not None or self.chaos.stays_away == index:
            return
        self.checks.sink_starts(index)
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
        """Sinks that have left, as the job is complete, are started again with it."""
        self.ventilator = self.ventilator_class(
            self, next(self._sessions), shall_pause=self.supervisor_knows_pause
        )
        for index in self._left:
            self.start_sink(index)
        self._left.clear()

    def kill_ventilator(self) -> None:
        self.ventilator = None
        self.later(self.dice.uniform(0.1, 3), self._start_ventilator)

    def leave_ventilator_behind(self, frozen_s: float, life_s: float) -> None:
        """It freezes, is taken for dead and replaced, and goes on without workers."""
        ghost = self.ventilator
        if ghost is None:
            return
        self.kill_ventilator()
        self.is_calm = False  # it takes the workers for dead
        self.ghosts.append(ghost)
        self._contested_until = max(
            self._contested_until, self.now + frozen_s + life_s + _SETTLED_S
        )
        self.later(frozen_s, lambda: self._ghost_turn(ghost))
        self.later(frozen_s + life_s, lambda: self.end_ghost(ghost))

    def end_ghost(self, ghost: SimVentilator) -> None:
        """It dies, or has left."""
        if ghost in self.ghosts:
            self.ghosts.remove(ghost)

    @property
    def is_contested(self) -> bool:
        """Whether two ventilators have lived at a time, or did so a moment ago."""
        return self.now < self._contested_until

    @property
    def was_contested(self) -> bool:
        """Whether two ventilators have lived at a time, ever."""
        return self._contested_until > 0

    def has_ventilator(self, ventilator: SimVentilator) -> bool:
        """Whether it lives, as the one or as a ghost."""
        return ventilator is self.ventilator or ventilator in self.ghosts

    def ask_to_pause(self) -> None:
        """On the page, which is the ventilator's."""
        if self.ventilator is not None:
            self.ventilator.shall_pause = True

    def ask_to_resume(self) -> None:
        """There, too."""
        if self.ventilator is not None:
            self.ventilator.shall_pause = False
            self.checks.paused(is_on=False)

    def start_worker(self, slot: int) -> None:
        self.workers[slot] = worker = SimWorker(
            self, f"w{slot}.{next(self._names)}", self.routes_of(slot)
        )
        self._worker_turn(slot, worker)

    def kill_worker(self, slot: int) -> None:
        """With all that it and its pipe hold; its supervisor may or may not tell."""
        worker = self.workers[slot]
        if worker is None:
            return
        self.workers[slot] = None
        self.pipes[slot].clear()
        if self.dice.random() < 0.7:
            self.to_ventilator(None, messages.Gone(worker=worker.name))
        self.later(self.dice.uniform(0.2, 2), lambda: self.start_worker(slot))

    # -- turns of the loops ------------------------------------------------------------------

    def _sink_turn(self, index: int) -> None:
        sink = self.sinks[index]
        if sink is not None:
            try:
                sink.session.commit()
            except Killed:
                self.kill_sink(index)
            else:
                if sink.session.may_leave(self.now):
                    self.sinks[index] = None
                    self._left.add(index)
        self.later(self.dice.uniform(0.05, 0.4), lambda: self._sink_turn(index))

    def _ventilator_turn(self) -> None:
        ventilator = self.ventilator
        if ventilator is not None:
            self._turn_of(ventilator)
            self._hear_phase(ventilator.phase)
            if ventilator.is_finished:
                self._finished(ventilator)
        self.later(self.dice.uniform(0.1, 0.5), self._ventilator_turn)

    def _finished(self, ventilator: SimVentilator) -> None:
        self.ended = True
        self.checks.closed(ventilator)

    def _ghost_turn(self, ghost: SimVentilator) -> None:
        if ghost in self.ghosts:
            self._turn_of(ghost)
            if ghost.is_finished:
                self._finished(ghost)
            self.later(self.dice.uniform(0.1, 0.5), lambda: self._ghost_turn(ghost))

    def _turn_of(self, ventilator: SimVentilator) -> None:
        for one, link in zip(ventilator.sinks, ventilator.links, strict=True):
            if link.may_ask(self.now):
                self._commits.ask(ventilator, one, link)
        ventilator.turn()

    def _hear_phase(self, phase: messages.Phase) -> None:
        """The supervisor of the ventilator does: what it knows of a pause outlives it."""
        if phase != "starting":  # which says nothing of a pause
            self.supervisor_knows_pause = phase == "paused"
            if phase == "paused":
                self.checks.paused(is_on=True)

    def _worker_turn(self, slot: int, worker: SimWorker) -> None:
        """Heartbeat, and a look into the pipe."""
        if self.workers[slot] is not worker:
            return
        if worker.frozen_until <= self.now:
            if self.ventilator is not None:
                is_hungry = self._is_hungry(worker)
                worker.hear(self.ventilator.phase, is_hungry=is_hungry)
            self.to_ventilator(worker, worker.beat(self.pipes[slot]))
            self._look_into_pipe(slot, worker)
        self.later(self.dice.uniform(0.3, 1), lambda: self._worker_turn(slot, worker))

    def _look_into_pipe(self, slot: int, worker: SimWorker) -> None:
        while self.pipes[slot] and worker.has_room and self.workers[slot] is worker:
            assignment = self.pipes[slot].popleft()
            claim = messages.Claim(worker=worker.name, lease=assignment.lease)
            self.to_ventilator(worker, claim)
            worker.take(assignment.lease, assignment.batch, assignment.mask)
        most = 0 if self._is_hungry(worker) else _AHEAD
        while len(self.pipes[slot]) > most and self.workers[slot] is worker:
            lease = self.pipes[slot].pop().lease
            self.to_ventilator(worker, messages.Returned(worker=worker.name, lease=lease))

    def _is_hungry(self, worker: SimWorker) -> bool:
        """Whether the worker hears that another one of its routes has too little to do."""
        hungry = self.ventilator.ledger.hungry_routes if self.ventilator else []
        return not worker.routes.isdisjoint(hungry)

    # -- messages ----------------------------------------------------------------------------

    def hand_out(self, ventilator: SimVentilator, assignment: Assignment) -> bool:
        """Into some living worker's pipe; False where none has room, or none is connected."""
        if ventilator is not self.ventilator:
            return False
        open_slots = [
            slot
            for slot, worker in self.workers.items()
            if worker is not None
            and assignment.route in worker.routes
            and len(self.pipes[slot]) < _PIPE
        ]
        if not open_slots:
            return False
        self.checks.handed_out(assignment.batch)
        self.pipes[self.dice.choice(open_slots)].append(assignment)
        return True

    def sink_of(self, chunk: Chunk) -> int:
        """The sink of its rows."""
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
            if sink.session.stalled:  # it waits in the socket
                self.later(_TICK_S, arrive)
                return
            if self.dice.random() >= self.loss:
                sink.take(chunk)

        for _ in range(2 if self.dice.random() < self._twice else 1):
            self.later(self.dice.uniform(0, 0.2), arrive)

    def to_ventilator(self, worker: SimWorker | None, event: messages.AnyMessage) -> None:
        """Events of one worker stay in order: all take the same time."""
        ventilator = self.ventilator

        def arrive() -> None:
            if ventilator is not None and self.ventilator is ventilator:
                apply_to_ledger(ventilator.ledger, event, self.now, self.routing.names)

        if worker is None or self.dice.random() >= self.loss:
            self.later(0.02, arrive)

    def tell_workers(self, lease: int, mask: int) -> None:
        """The ventilator's word goes to all; it may be lost."""
        for worker in self.workers.values():
            if worker is not None and self.dice.random() >= self.loss:
                self.later(0.02, functools.partial(worker.skip, lease, mask))

    def lives(self, worker: SimWorker) -> bool:
        """Whether it has not been killed."""
        return any(each is worker for each in self.workers.values())

    def fetch(self, worker: SimWorker, lease: int, batch: Batch, line: int) -> None:
        """A line takes its time; a poison line ends the worker, a hung one just never ends."""
        self.fetches[line] += 1
        if self.routing.of_line(line) not in worker.routes:
            raise Violation(f"line {line} is fetched by a worker of another route")
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
