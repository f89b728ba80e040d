"""The world around the roles: time, messages and their loss, deaths, and the checks."""

from __future__ import annotations

import heapq
import itertools
import random
from collections import Counter, deque
from collections.abc import Callable

from fetcher.core import lines, masks, wire
from fetcher.core.leases import Assignment
from fetcher.model import Batch, Chunk, Outcome
from support.sim.disk import Disk, Killed, Violation
from support.sim.roles import SimSink, SimVentilator, SimWorker

_CHAOS_S = 60.0
_END_S = 3000.0  # simulated seconds in which a job must end, once nobody is killed any more
_PIPE = 3  # assignments that a worker's pipe holds before it looks
_AHEAD = 1  # and that it keeps waiting once it has looked


class World:
    """One simulated job. `run` raises Violation where the promise is broken."""

    sink_class = SimSink
    ventilator_class = SimVentilator

    def __init__(self, seed: int, *, kill_workers: bool = True) -> None:
        self.dice = dice = random.Random(seed)
        self.now = 0.0
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._ticket = itertools.count()
        self._kill_workers = kill_workers
        self._make_input(seed)
        self._loss = dice.choice((0.0, 0.0, 0.05))
        self._twice = dice.choice((0.0, 0.05))
        self._slowness = dice.choice((0.1, 1.0, 5.0))
        self.disk = Disk(dice)
        self.acked: set[int] = set()
        self.sink: SimSink | None = None
        self.ventilator: SimVentilator | None = None
        self.workers: dict[int, SimWorker | None] = {}
        self.pipes: dict[int, deque[Assignment]] = {}
        self._epochs = itertools.count(1)
        self._names = itertools.count(1)
        self._leases = itertools.count(1)
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
        all_lines = [
            batch.first_line + offset
            for batch in self.batches
            for offset in masks.offsets(batch.mask)
        ]
        self.lines = set(all_lines)
        self.url_lines = len(all_lines)
        self.poison = set(dice.sample(all_lines, min(dice.choice((0, 0, 1, 2)), len(all_lines))))
        # Dice of their own: what the seed means for all else is not changed by them.
        hangs = random.Random(f"a hang in {seed}")
        self.hung = {hangs.choice(all_lines)} - self.poison if hangs.random() < 0.25 else set()

    # -- time --------------------------------------------------------------------------------

    def later(self, delay: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (self.now + delay, next(self._ticket), action))

    def run(self) -> None:
        """Chaos for a while, then peace until the job ends, then the checks."""
        self._start_sink()
        self._start_ventilator()
        for slot in range(self.dice.randint(1, 3)):
            self.workers[slot] = None
            self.pipes[slot] = deque()
            self._start_worker(slot)
        self._chaos()
        self._sink_turn()
        self._ventilator_turn()
        while not self.ended:
            if not self._agenda or self._agenda[0][0] > _CHAOS_S + _END_S:
                raise Violation("the job does not end")
            self.now, _, action = heapq.heappop(self._agenda)
            action()
        self._check_end()

    # -- lives -------------------------------------------------------------------------------

    def _start_sink(self) -> None:
        self.sink = self.sink_class(self, self.disk, self.dice, f"e{next(self._epochs)}")
        self._check_disk()

    def _start_ventilator(self) -> None:
        self.ventilator = self.ventilator_class(self, next(self._leases) << 32)

    def _start_worker(self, slot: int) -> None:
        self.workers[slot] = worker = SimWorker(self, f"w{slot}.{next(self._names)}")
        self._worker_turn(slot, worker)

    def _kill_sink(self) -> None:
        self.sink = None
        if self.dice.random() < 0.4:
            self.disk.lose_power()
        self.later(self.dice.uniform(0.1, 6), self._start_sink)

    def _kill_ventilator(self) -> None:
        self.ventilator = None
        self.later(self.dice.uniform(0.1, 3), self._start_ventilator)

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

    def _chaos(self) -> None:
        at = 0.0
        while (at := at + self.dice.expovariate(0.3)) < _CHAOS_S:
            self.later(at, self.dice.choice((self._harm_sink, self._harm_others)))

    def _harm_sink(self) -> None:
        if self.sink is None:
            return
        match self.dice.randrange(4):
            case 0:
                self._kill_sink()
            case 1 | 2:
                self.sink.store.fuse = self.dice.randint(1, 12)
            case _:
                self.disk.full = True
                self.later(self.dice.uniform(0.5, 8), self._free_disk)

    def _free_disk(self) -> None:
        self.disk.full = False

    def _harm_others(self) -> None:
        slot = self.dice.choice(list(self.workers))
        worker = self.workers[slot]
        match self.dice.randrange(4):
            case 0 if self.ventilator is not None:
                self._kill_ventilator()
            case 1 if worker is not None and self._kill_workers:
                worker.frozen_until = self.now + self.dice.uniform(1, 30)
            case 2 if self._kill_workers:
                self.kill_worker(slot)
            case 3 if self._kill_workers and self.dice.random() < 0.3:
                if self.ventilator is not None:
                    self._kill_ventilator()
                if self.sink is not None:
                    self._kill_sink()
                for each in self.workers:
                    self.kill_worker(each)

    # -- turns of the loops ------------------------------------------------------------------

    def _sink_turn(self) -> None:
        if self.sink is not None:
            try:
                self.sink.commit()
            except Killed:
                self._kill_sink()
        self.later(self.dice.uniform(0.05, 0.4), self._sink_turn)

    def _ventilator_turn(self) -> None:
        ventilator = self.ventilator
        if ventilator is not None:
            self._ask(ventilator)
            ventilator.turn()
            if ventilator.finished:
                self.ended = True
        self.later(self.dice.uniform(0.1, 0.5), self._ventilator_turn)

    def _ask(self, ventilator: SimVentilator) -> None:
        """Request and answer; either may be lost, as may be who sent or answered it."""
        request, sink = ventilator.request(), self.sink
        if sink is None or self.dice.random() < self._loss:
            return

        def arrive() -> None:
            if self.sink is not sink:
                return
            answer = sink.answer(request)
            if self.dice.random() >= self._loss:
                self.later(self.dice.uniform(0, 0.05), lambda: reply(answer))

        def reply(answer: wire.AnyMessage) -> None:
            if self.ventilator is ventilator:
                ventilator.hear_sink(answer)

        self.later(self.dice.uniform(0, 0.05), arrive)

    def _worker_turn(self, slot: int, worker: SimWorker) -> None:
        """Heartbeat, and a look into the pipe."""
        if self.workers[slot] is not worker:
            return
        if worker.frozen_until <= self.now:
            beat = wire.Heartbeat(
                worker=worker.name,
                slots=4,
                in_flight=0,
                queued=0,
                held=list(worker.held),
                parked=[],
            )
            self.to_ventilator(worker, beat)
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
        self.pipes[self.dice.choice(open_slots)].append(assignment)
        return True

    def to_sink(self, chunk: Chunk) -> None:
        """Lost with the sink that it was sent to; sometimes twice."""
        sink = self.sink
        for _ in range(2 if self.dice.random() < self._twice else 1):
            self.later(self.dice.uniform(0, 0.2), lambda: self._deliver(sink, chunk))

    def _deliver(self, sink: SimSink | None, chunk: Chunk) -> None:
        if sink is not None and self.sink is sink and self.dice.random() >= self._loss:
            sink.take(chunk)

    def to_ventilator(self, worker: SimWorker | None, event: wire.AnyMessage) -> None:
        """Events of one worker stay in order: all take the same time."""
        ventilator = self.ventilator

        def arrive() -> None:
            if ventilator is None or self.ventilator is not ventilator:
                return
            ledger = ventilator.ledger
            match event:
                case wire.Claim():
                    ledger.claimed(event.worker, event.lease, self.now)
                case wire.Returned():
                    ledger.returned(event.worker, event.lease, self.now)
                case wire.Finished():
                    ledger.finished(event.worker, event.lease, self.now)
                case wire.Heartbeat():
                    ledger.heartbeat(event.worker, event.held, self.now)
                case wire.Gone():
                    ledger.left(event.worker, self.now, died=True)

        if worker is None or self.dice.random() >= self._loss:
            self.later(0.02, arrive)

    def fetch(self, worker: SimWorker, lease: int, batch: Batch, line: int) -> None:
        """A line takes its time; a poison line ends the worker, a hung one just never ends."""
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

        # A fetch has a hard deadline, well below half of RULES.stall_s.
        self.later(min(self.dice.expovariate(1) * self._slowness, 15.0), end)

    # -- checks ------------------------------------------------------------------------------

    def acknowledged(self, answer: wire.Opened | wire.Committed) -> None:
        """Whatever the sink says to be committed must stay so for ever."""
        size = self.batch_size
        changed = answer.partial if isinstance(answer, wire.Opened) else answer.changed
        for batch, packed in changed.items():
            mask = masks.unpack(packed) if packed else self.batches[batch].mask
            self.acked.update(batch * size + 1 + offset for offset in masks.offsets(mask))
        if isinstance(answer, wire.Opened):
            done = masks.IdSet(answer.done)
            for each in self.batches:
                if each.id in done:
                    first = each.first_line
                    self.acked.update(first + offset for offset in masks.offsets(each.mask))

    def _check_disk(self) -> None:
        found = Counter(self.disk.committed_lines())
        if lost := self.acked - set(found):
            raise Violation(f"acknowledged and lost: {sorted(lost)}")
        if twice := [line for line, count in found.items() if count > 1]:
            raise Violation(f"committed twice: {twice}")
        if foreign := set(found) - self.lines:
            raise Violation(f"rows of no line: {foreign}")

    def _check_end(self) -> None:
        self._check_disk()
        # A last loss of power: what the job's end rests on must be durable.
        self.disk.lose_power()
        self._check_disk()
        found = self.disk.committed_lines()
        if set(found) != self.lines:
            raise Violation(f"no row: {sorted(self.lines - set(found))}")
        totals = self.disk.journal[-1][0].totals
        if totals.rows != len(found) or sum(totals.outcomes.values()) != len(found):
            raise Violation("the totals do not agree with the rows")
        crashed = totals.outcomes.get(Outcome.CRASHED.value, 0)
        if crashed < len(self.poison | self.hung):
            raise Violation("a poison line has a row of a fetch")
        if not self._kill_workers and crashed > len(self.poison | self.hung):
            raise Violation("an innocent line is called crashed")


def run(seed: int, world: type[World] = World, *, kill_workers: bool = True) -> str | None:
    """What was violated with this seed; None if nothing was."""
    try:
        world(seed, kill_workers=kill_workers).run()
    except Violation as violation:
        return str(violation)
    return None
