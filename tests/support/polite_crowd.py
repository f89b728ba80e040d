"""A simulated job of workers with gates, a broker that may be replaced, and a bad network.

It checks that no host ever sees more requests than its limits allow, and that every item ends.
"""

from __future__ import annotations

import itertools
import random
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from fetcher.politeness.gate import Gate
from fetcher.politeness.host_broker import HostBroker, Ticketed
from fetcher.politeness.host_state import Report, Rules
from fetcher.politeness.owned_hosts import Ownership

_QUIET_S = 5.0
_SILENT_S = 30.0  # messages may be so late that a living worker is not heard for long
_END_S = 600.0


class Request(NamedTuple):
    """An item of a gate."""

    host: str
    number: int
    is_sent: bool  # False: it turns out, once its turn has come, that nothing need be sent
    rest_s: float  # the pause that the host asks for in its answer


class Crowd:
    """One simulated job."""

    broker_class: type[HostBroker] = HostBroker
    gate_class: type[Gate[Request]] = Gate
    has_last_words = False

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.now = 0.0
        self.rules = Rules(per_host=2, delay_s=0.3, circuit_failures=0)
        self.broker = self.broker_class(self.rules.delay_s, silent_s=_SILENT_S)
        self.gates: dict[str, Gate[Request]] = {}
        self.heard: set[str] = set()  # workers that the broker knows
        self.asking: dict[str, list[tuple[float, Request]]] = {}  # worker -> (ends at, what)
        self.starts: dict[str, float] = {}
        self.rests: dict[str, float] = {}  # host -> until when it wants no request
        self.begun = 0
        self.lost = self.dice.choice((0.0, 0.1, 0.3))
        self.delay_s = self.dice.choice((0.0, 0.2, 2.0))
        self.changes = self.dice.choice((0.003, 0.02))  # of the workers, for each step of time
        self.arrivals = self.dice.choice((0.3, 0.05))  # of items, at a worker in a step of time
        self.channels: dict[str, deque[tuple[float, Callable[[], None]]]] = {}
        self.serial = itertools.count(1)
        unsent = self.dice.choice((0.0, 0.0, 0.0, 0.5))
        resting = self.dice.choice((0.0, 0.0, 0.3))
        self.pending = [
            Request(
                f"h{self.dice.randint(0, 5)}",
                number,
                self.dice.random() >= unsent,
                self.dice.choice((0.5, 4.0)) if self.dice.random() < resting else 0.0,
            )
            for number in range(self.dice.randint(5, 80))
        ]
        self.total = len(self.pending)
        for _ in range(self.dice.choice((1, 1, 2, 4))):
            self.join()

    # -- workers -----------------------------------------------------------------------------

    def join(self) -> None:
        name = f"w{next(self.serial)}"
        self.gates[name] = self.gate_class(self.rules)
        self.asking[name] = []

    def die(self, worker: str) -> None:
        """Its items come back, and what it knew of its hosts' rests is lost.

        If `has_last_words`, what it has sent arrives after the news of its death.
        """
        if not self.has_last_words:
            self.channels.pop(worker, None)
        self.pending += [item for _, item in self.asking.pop(worker)]
        made = self.gates.pop(worker)
        self.pending += [item for host in made._hosts.values() for item in host.waiting]
        self.rests.clear()
        self.heard.discard(worker)
        self.broker.worker_left(worker, self.now)

    def turn(self, worker: str) -> None:
        made = self.gates[worker]
        if self.pending and self.dice.random() < self.arrivals:
            item = self.pending.pop()
            made.arrive(item.host, item, self.now)
        for end, item in [each for each in self.asking[worker] if each[0] <= self.now]:
            self.asking[worker].remove((end, item))
            self.end(made, item)
        while (taken := made.take(self.now)) is not None:
            self.asking[worker].append((self.now + self.dice.expovariate(1.0), taken))
            self.started(taken)
        if self.dice.random() < 0.3:
            made.give_unused_back(self.now)
        if self.dice.random() < 0.1:
            self.send(worker, lambda: self.hear(worker))
        self.tell_broker(worker, made)

    def end(self, made: Gate[Request], item: Request) -> None:
        rest_s = item.rest_s if item.is_sent else 0.0
        if rest_s:
            until = self.now + rest_s
            self.rests[item.host] = max(self.rests.get(item.host, 0.0), until)
        made.done(item.host, self.now, Report(is_sent=item.is_sent, rest_s=rest_s), item)

    def tell_broker(self, worker: str, made: Gate[Request]) -> None:
        self.give_back(worker, made)
        ticket = next(self.serial)
        wanted = made.wants(ticket, again=self.dice.random() < 0.05)
        if wanted:
            self.send(worker, lambda: self.broker.want(worker, wanted, ticket, self.now))

    def give_back(self, worker: str, made: Gate[Request]) -> None:
        released = made.releases()
        if released.hosts:
            given = list(zip(*released, strict=True))
            self.send(worker, lambda: self.broker.release(worker, given, self.now))

    def started(self, item: Request) -> None:
        self.begun += 1
        host = item.host
        at_once = sum(each.host == host for mine in self.asking.values() for _, each in mine)
        assert at_once <= self.rules.per_host, f"{host} gets {at_once} requests at once"
        if not item.is_sent:
            return
        since = self.now - self.starts.get(host, -10.0)
        assert since >= self.rules.delay_s - 1e-9, f"{host} gets a request too soon"
        assert self.now >= self.rests.get(host, 0.0) - 1e-9, f"{host} gets no rest"
        self.starts[host] = self.now

    # -- the network -------------------------------------------------------------------------

    def send(self, channel: str, deliver: Callable[[], None]) -> None:
        """In order within a channel, late, and sometimes not at all."""
        if self.dice.random() >= self.lost:
            at = self.now + self.dice.random() * self.delay_s
            self.channels.setdefault(channel, deque()).append((at, deliver))

    def deliver(self) -> None:
        for queue in list(self.channels.values()):
            while queue and queue[0][0] <= self.now:
                queue.popleft()[1]()

    # -- the broker --------------------------------------------------------------------------

    def hear(self, worker: str) -> None:
        if worker in self.gates:
            self.heard.add(worker)

    def rule(self) -> None:
        self.broker.living(self.heard, self.now)
        if granted := self.broker.grant_of_all():
            self.tell(granted[0], lambda worker: self.grant_all(worker, granted[1]))
        if recalled := self.broker.recall_of_all(self.now):
            self.tell(recalled[0], lambda worker: self.answer(worker, recalled[1]))
        for worker, grants in self.broker.grants(self.now).items():
            self.grant(worker, grants)
        for worker, recalls in self.broker.recalls(self.now).items():
            self.recall(worker, recalls)

    def grant(self, worker: str, given: Ticketed) -> None:
        def deliver(to: str) -> None:
            self.gates[to].granted(*given, self.now)
            self.give_back(to, self.gates[to])

        self.tell(worker, deliver)

    def recall(self, worker: str, wanted: Ticketed) -> None:
        def deliver(to: str) -> None:
            self.gates[to].recalled(*wanted, self.now)
            self.give_back(to, self.gates[to])

        self.tell(worker, deliver)

    def tell(self, worker: str, do: Callable[[str], None]) -> None:
        def deliver() -> None:
            if worker in self.gates:
                do(worker)

        self.send(f"to {worker}", deliver)

    def grant_all(self, worker: str, ticket: int) -> None:
        self.gates[worker].granted_all(ticket, self.now)

    def answer(self, worker: str, ticket: int) -> None:
        ownership = self.gates[worker].recalled_all(ticket, self.now)
        if ownership is not None:
            self.send(worker, self.owning(worker, ownership, ticket))

    def owning(self, worker: str, ownership: Ownership, answers: int) -> Callable[[], None]:
        """The broker hears what the worker owns."""
        owned, rests = ownership
        return lambda: self.broker.owns(worker, owned, rests, answers, self.now)

    def replace_broker(self) -> None:
        self.channels.clear()
        self.heard.clear()
        self.broker = self.broker_class(self.rules.delay_s, self.now + _QUIET_S, _SILENT_S)
        for worker in self.gates:
            self.tell_later(worker)

    def tell_later(self, worker: str) -> None:
        """The worker hears of the new broker, and tells it what it owns."""
        at = self.now + self.dice.uniform(0, _QUIET_S)

        def deliver() -> None:
            if worker in self.gates:
                self.owning(worker, self.gates[worker].tell_all(self.now), 0)()

        self.channels.setdefault(worker, deque()).append((at, deliver))

    # -- the whole ---------------------------------------------------------------------------

    def change(self) -> None:
        """A worker comes or dies, or the broker is replaced."""
        if self.dice.random() < self.changes:
            if len(self.gates) < 3 and self.dice.random() < 0.5:
                self.join()
            else:
                self.die(self.dice.choice(list(self.gates)))
                if not self.gates:
                    self.join()
        if self.dice.random() < 0.003:
            self.replace_broker()

    def run(self) -> None:
        """Raises AssertionError where a limit is broken, or an item waits for ever."""
        while self.now < _END_S and (
            self.pending or any(self.asking.values()) or any(g.parked for g in self.gates.values())
        ):
            self.now += 0.05
            if self.now < 60:
                self.change()
            self.deliver()
            for worker in list(self.gates):
                self.turn(worker)
            self.rule()
        assert self.now < _END_S, "something waits for ever"
        assert self.begun >= self.total
