"""The gate and the broker: whose turn it is, alone and across workers; time is a number."""

from __future__ import annotations

import itertools
import random
from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

import pytest

from fetcher.politeness.gate import FREE, Gate, Report, Rules
from fetcher.politeness.host_broker import CONTESTED_S, HostBroker, Ticketed, number_of
from fetcher.protocol.samples import Load

RULES = Rules(per_host=2, delay_s=0.5, circuit_failures=3, circuit_s=60.0, is_owner=True)
FINE = Report()


def gate(**changes: float | bool) -> Gate[str]:
    return Gate(Rules(**{**{f: getattr(RULES, f) for f in Rules.__struct_fields__}, **changes}))


def taken(made: Gate[str], now: float) -> list[str]:
    items: list[str] = []
    while (item := made.take(now)) is not None:
        items.append(item)
        assert len(items) <= 1000, "it gives without end"
    return items


def test_a_host_that_asked_for_a_rest_is_shown_with_the_time_left_and_the_reason() -> None:
    made = gate()
    for item in ("h1", "h2", "h3"):
        made.arrive("h", item, 0)
    first = made.take(0)
    assert first is not None
    made.arrive("h", first, 1, 31)  # its next attempt
    made.done("h", 1, Report(rest_s=30.0, rest_why="503"), first)
    assert made.loads(1) == [Load("h", 0, 3, 30.0, "503")]
    assert made.loads(21) == [Load("h", 0, 3, 10.0, "503")]
    assert made.loads(32) == [Load("h", 0, 3, 0.0, "")]


def test_a_host_is_asked_by_so_many_at_once_and_in_order() -> None:
    made = gate(delay_s=0.0)
    for n in range(4):
        made.arrive("h", f"h{n}", 0)
    assert taken(made, 0) == ["h0", "h1"]
    assert made.parked == 2
    made.done("h", 1, FINE)
    assert taken(made, 1) == ["h2"]


def test_requests_to_a_host_begin_so_far_apart() -> None:
    made = gate(per_host=10)
    for n in range(3):
        made.arrive("h", f"h{n}", 0)
    assert taken(made, 0) == ["h0"]
    assert made.next_at() == 0.5
    assert taken(made, 0.4) == []
    assert taken(made, 0.5) == ["h1"]


UNSENT = Report(is_sent=False)


def test_a_turn_that_was_not_needed_is_given_back_and_the_next_comes_at_once() -> None:
    made = gate(per_host=1)
    for n in range(100):
        made.arrive("h", f"h{n}", 0)
    for n in range(50):
        assert taken(made, 0.01 * n) == [f"h{n}"]
        made.done("h", 0.01 * n + 0.005, UNSENT, f"h{n}")
    assert taken(made, 0.6) == ["h50"]
    made.done("h", 0.7, FINE, "h50")
    assert taken(made, 1.0) == []
    assert taken(made, 1.1) == ["h51"]


def test_only_the_turn_of_what_was_not_sent_is_given_back() -> None:
    made = gate(per_host=3)
    for n in range(4):
        made.arrive("h", f"h{n}", 0)
    assert taken(made, 0) == ["h0"]
    assert taken(made, 0.5) == ["h1"]
    made.done("h", 0.6, UNSENT, "h0")
    assert taken(made, 0.9) == [], "h1 has asked at 0.5"
    assert taken(made, 1.0) == ["h2"]
    made.done("h", 1.1, Report(rest_s=10), "h1")
    made.done("h", 1.2, UNSENT, "h2")
    assert taken(made, 11.0) == [], "the host wants its rest"
    assert taken(made, 11.1) == ["h3"]


def test_what_was_not_sent_says_nothing_of_a_host_that_fails() -> None:
    made = gate(delay_s=0.0)
    for n in range(5):
        made.arrive("h", f"h{n}", 0)
    for report in (Report(trouble="refused"), UNSENT, Report(trouble="refused")):
        made.done("h", 0, report, made.take(0))
    made.done("h", 0, Report(trouble="refused"), made.take(0))
    assert len(made.given_up()) == 1


def test_what_is_known_to_need_no_turn_any_more_leaves_the_queue() -> None:
    made = gate()
    for n in range(6):
        made.arrive("h", f"h{n}", 0)
    assert taken(made, 0) == ["h0"]
    assert made.take_waiting("h", lambda item: item in {"h1", "h4"}) == ["h1", "h4"]
    assert made.parked == 3
    assert made.take_waiting("other", lambda _: True) == []
    made.done("h", 0.1, FINE, "h0")
    assert taken(made, 0.5) == ["h2"]


def test_half_of_the_hosts_that_could_be_asked_go_to_others_with_all_that_waits_there() -> None:
    made = gate(delay_s=0.0, per_host=1, is_owner=False)
    for host in "abcd":
        for n in range(3):
            made.arrive(host, f"{host}{n}", 0)
    made.granted([(host, 0) for host in made.wants(0, again=False)], 0)
    assert made.take(0) == "a0"
    assert made.give_up_hosts(lambda item: item != "c2", 0) == ["d0", "d1", "d2"]
    assert made.parked == 8
    assert [host for host, _, _ in made.releases()] == ["d"]
    assert taken(made, 0) == ["b0", "c0"]
    made.arrive("d", "d9", 1)
    assert made.wants(1, again=False) == ["d"], "it is as new"


def test_the_hosts_that_take_longest_are_shown_with_an_estimate() -> None:
    made = gate(per_host=2)
    for n in range(11):
        made.arrive("many", f"m{n}", 0)
    made.arrive("few", "f0", 0)
    made.arrive("few", "f1", 0)
    made.arrive("late", "l0", 0, not_before=30.0)
    assert sorted(taken(made, 0)) == ["f0", "m0"]
    assert made.longest(2, 0) == [("late", 30.0), ("many", 5.5)]
    made.done("many", 4, Report(took_s=4.0), "m0")
    assert made.longest(1, 4) == [("late", 26.0)], "two at once, four seconds each"
    assert dict(made.longest(9, 4))["many"] == 20.0


def test_hosts_take_turns_and_a_slow_one_holds_up_no_other() -> None:
    made = gate(delay_s=0.0, per_host=1)
    for n in range(1000):
        made.arrive("slow", f"slow{n}", 0)
    for n in range(3):
        made.arrive(f"h{n}", f"fast{n}", 0)
    assert taken(made, 0) == ["slow0", "fast0", "fast1", "fast2"]


def test_a_host_that_asks_for_rest_gets_it_and_its_own_delay_is_kept() -> None:
    made = gate()
    for n in range(3):
        made.arrive("h", f"h{n}", 0)
    assert taken(made, 0) == ["h0"]
    made.done("h", 1, Report(rest_s=30.0, delay_s=5.0))
    assert taken(made, 30.9) == []
    assert taken(made, 31) == ["h1"]
    assert taken(made, 35.9) == []
    assert taken(made, 36) == ["h2"]


def test_a_host_that_fails_again_and_again_is_given_up_and_tried_again_by_one() -> None:
    made = gate(delay_s=0.0)
    for n in range(9):
        made.arrive("h", f"h{n}", 0)
    for _ in range(3):
        assert made.take(1) is not None
        made.done("h", 1, Report(trouble="no answer"))
    given_up = made.given_up()
    assert [item for item, _ in given_up] == [f"h{n}" for n in range(3, 9)]
    assert "given up for 60 s after 3 failures in a row (last: no answer)" in given_up[0][1]
    assert made.given_up() == []
    made.arrive("h", "late", 30)
    assert [item for item, _ in made.given_up()] == ["late"]
    made.arrive("h", "trial", 61)
    made.arrive("h", "next", 61)
    assert taken(made, 61) == ["trial"]
    made.done("h", 62, FINE)
    assert taken(made, 62) == ["next"]
    assert made.parked == 0


def test_what_waits_for_another_attempt_is_out_of_the_way() -> None:
    made = gate()
    made.arrive("h", "again", 0, 10.0)
    made.arrive(FREE, "free", 0, 5.0)
    assert made.parked == 2
    assert taken(made, 4) == []
    assert taken(made, 5) == ["free"]
    assert taken(made, 10) == ["again"]
    made.done(FREE, 10, FINE)


def test_a_next_hop_goes_before_what_waits() -> None:
    made = gate(delay_s=0.0, per_host=1)
    made.arrive("h", "a", 0)
    made.arrive("h", "b", 0, first=True)
    assert made.take(0) == "b"


def test_hosts_are_forgotten_once_there_is_nothing_to_remember() -> None:
    made = gate()
    for n in range(1000):
        made.arrive(f"h{n}", "x", n)
        assert made.take(n) == "x"
        made.done(f"h{n}", n, FINE)
    for n in range(30_000):
        made.arrive(f"dead{n}", "x", 4000 + n)
        assert made.take(4000 + n) == "x"
        made.done(f"dead{n}", 4000 + n, Report(trouble="dead"))
    assert len(made._hosts) < 12_000


# -- across workers --------------------------------------------------------------------------


def test_a_host_is_asked_only_once_it_is_granted_and_is_given_back_when_idle() -> None:
    made = gate(is_owner=False)
    made.arrive("h", "x", 0)
    assert taken(made, 0) == []
    assert made.wants(7) == ["h"]
    made.granted([("h", 6)], 1)
    assert taken(made, 1) == [], "that was an answer to another want"
    made.granted([("h", 7)], 1)
    assert taken(made, 1) == ["x"]
    made.done("h", 1.2, FINE)
    ((name, ticket, rest_s),) = made.releases()
    assert (name, ticket, round(rest_s, 6)) == ("h", 7, 0.3)


def test_a_recalled_host_is_given_back_once_what_asks_it_has_ended() -> None:
    made = gate(is_owner=False, delay_s=0.0)
    for n in range(3):
        made.arrive("h", f"h{n}", 0)
    assert made.wants(1) == ["h"]
    made.granted([("h", 1)], 0)
    assert taken(made, 0) == ["h0", "h1"]
    made.recalled([("h", 1)], 1)
    made.done("h", 2, FINE)
    assert (taken(made, 2), made.releases()) == ([], [])
    made.done("h", 3, FINE)
    assert made.releases() == [("h", 1, 0.0)]
    assert made.wants(2) == ["h"], "it still has something for it"


def test_the_broker_gives_a_host_to_one_worker_and_to_the_next_after_its_rest() -> None:
    broker = HostBroker()
    broker.want("a", [1, 2], 0, 0)
    broker.want("b", [1], 0, 0)
    assert broker.grants(0) == {"a": [(1, 0), (2, 0)]}
    broker.release("a", [(1, 0, 2.0)], 1)
    assert broker.grants(2.9) == {}
    assert broker.grants(3) == {"b": [(1, 0)]}


def test_the_host_broker_recalls_what_others_wait_for() -> None:
    broker = HostBroker()
    broker.want("a", [1], 0, 0)
    assert broker.grants(0) == {"a": [(1, 0)]}
    broker.want("b", [1], 0, 1)
    assert broker.recalls(CONTESTED_S - 0.1) == {}
    assert broker.recalls(CONTESTED_S) == {"a": [(1, 0)]}
    assert broker.recalls(CONTESTED_S + 0.1) == {}
    assert broker.recalls(CONTESTED_S + 3) == {"a": [(1, 0)]}, "the first may have been lost"


def test_the_host_broker_takes_from_who_is_gone_and_says_a_lost_grant_again() -> None:
    broker = HostBroker()
    broker.want("a", [1], 0, 0)
    assert broker.grants(0) == {"a": [(1, 0)]}
    broker.want("a", [1], 0, 2)
    assert broker.grants(2) == {"a": [(1, 0)]}
    broker.want("b", [1], 0, 3)
    broker.left("a", 4)
    assert broker.grants(4) == {"b": [(1, 0)]}
    broker.release("b", [(1, 9, 0.0)], 5)
    assert len(broker) == 1, "that was another grant"
    broker.release("b", [(1, 0, 0.0)], 5)
    assert len(broker) == 0


def test_a_new_host_broker_learns_who_owns_what_before_it_grants() -> None:
    broker = HostBroker(quiet_until=5)
    broker.want("b", [1, 2], 0, 0)
    broker.owns("a", [(1, 0)], 1)
    assert broker.grants(4.9) == {}
    assert broker.grants(5) == {"b": [(2, 0)]}


class Asked(NamedTuple):
    """Something that asks a host; or that turns out to send nothing, once its turn has come."""

    host: str
    number: int
    is_sent: bool


class Crowd:
    """Workers with gates, a broker that may be replaced, and channels that delay and lose."""

    broker_class: type[HostBroker] = HostBroker
    gate_class: type[Gate[Asked]] = Gate

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.now = 0.0
        self.rules = Rules(per_host=2, delay_s=0.3, circuit_failures=0)
        self.broker = self.broker_class(self.rules.delay_s)
        self.gates: dict[str, Gate[Asked]] = {}
        self.asking: dict[str, list[tuple[float, Asked]]] = {}  # worker -> (ends at, what)
        self.starts: dict[str, float] = {}
        self.names = {number_of(f"h{n}"): f"h{n}" for n in range(6)}
        self.begun = 0
        self.lost = self.dice.choice((0.0, 0.1, 0.3))
        self.delay_s = self.dice.choice((0.0, 0.2, 2.0))
        self.channels: dict[str, deque[tuple[float, Callable[[], None]]]] = {}
        self.serial = itertools.count(1)
        unsent = random.Random(f"what is not sent in {seed}")
        share = unsent.choice((0.0, 0.0, 0.0, 0.5))
        self.pending = [
            Asked(f"h{self.dice.randint(0, 5)}", number, unsent.random() >= share)
            for number in range(self.dice.randint(5, 80))
        ]
        self.total = len(self.pending)
        for _ in range(self.dice.randint(1, 4)):
            self.join()

    def join(self) -> None:
        name = f"w{next(self.serial)}"
        self.gates[name] = self.gate_class(self.rules)
        self.asking[name] = []

    def send(self, channel: str, deliver: Callable[[], None]) -> None:
        """In order within a channel, late, and sometimes not at all."""
        if self.dice.random() >= self.lost:
            at = self.now + self.dice.random() * self.delay_s
            self.channels.setdefault(channel, deque()).append((at, deliver))

    def deliver(self) -> None:
        for queue in self.channels.values():
            while queue and queue[0][0] <= self.now:
                queue.popleft()[1]()

    def turn(self, worker: str) -> None:
        made = self.gates[worker]
        if self.pending and self.dice.random() < 0.3:
            asked = self.pending.pop()
            made.arrive(asked.host, asked, self.now)
        for end, asked in [each for each in self.asking[worker] if each[0] <= self.now]:
            self.asking[worker].remove((end, asked))
            made.done(asked.host, self.now, Report(is_sent=asked.is_sent), asked)
        while (item := made.take(self.now)) is not None:
            self.asking[worker].append((self.now + self.dice.expovariate(1.0), item))
            self.started(item)
        released = [(number_of(host), ticket, rest) for host, ticket, rest in made.releases()]
        if released:
            self.send(worker, lambda: self.broker.release(worker, released, self.now))
        ticket = next(self.serial)
        wanted = [number_of(h) for h in made.wants(ticket, again=self.dice.random() < 0.05)]
        if wanted:
            self.send(worker, lambda: self.broker.want(worker, wanted, ticket, self.now))

    def started(self, asked: Asked) -> None:
        self.begun += 1
        host = asked.host
        at_once = sum(each.host == host for mine in self.asking.values() for _, each in mine)
        assert at_once <= self.rules.per_host, f"{host} is asked by {at_once} at once"
        if not asked.is_sent:
            return
        since = self.now - self.starts.get(host, -10.0)
        assert since >= self.rules.delay_s - 1e-9, f"{host} is asked too soon"
        self.starts[host] = self.now

    def rule(self) -> None:
        for worker, grants in self.broker.grants(self.now).items():
            self.tell(worker, Gate.granted, grants)
        for worker, recalls in self.broker.recalls(self.now).items():
            self.tell(worker, Gate.recalled, recalls)

    def tell(self, worker: str, how: Callable[..., None], what: list[Ticketed]) -> None:
        named = [(self.names[number], ticket) for number, ticket in what]

        def deliver() -> None:
            if worker in self.gates:
                how(self.gates[worker], named, self.now)

        self.send(f"to {worker}", deliver)

    def failed_line(self) -> None:
        if self.dice.random() < 0.003:
            worker = self.dice.choice(list(self.gates))
            self.channels.pop(worker, None)
            self.pending += [asked for _, asked in self.asking.pop(worker)]
            made = self.gates.pop(worker)
            self.pending += [item for host in made._hosts.values() for item in host.waiting]
            self.broker.left(worker, self.now)
            self.join()
        if self.dice.random() < 0.003:
            self.channels.clear()
            self.broker = self.broker_class(self.rules.delay_s, self.now + 5)
            for worker, made in self.gates.items():
                owned = [(number_of(host), ticket) for host, ticket in made.owned()]
                self.broker.owns(worker, owned, self.now)

    def run(self) -> None:
        while self.now < 2000 and (
            self.pending or any(self.asking.values()) or any(g.parked for g in self.gates.values())
        ):
            self.now += 0.05
            if self.now < 60:
                self.failed_line()
            self.deliver()
            for worker in list(self.gates):
                self.turn(worker)
            self.rule()
        assert self.now < 2000, "something waits for ever"
        assert self.begun >= self.total


def test_a_host_never_sees_more_than_the_limits_whatever_workers_and_brokers_do() -> None:
    for seed in range(1000):
        Crowd(seed).run()


class GivesTwice(HostBroker):
    def want(self, worker: str, hosts: Iterable[int], ticket: int, now: float) -> None:
        for host in self._hosts.values():
            host.owner = ""
        super().want(worker, hosts, ticket, now)


class ForgetsTheRest(HostBroker):
    def release(self, worker: str, hosts: Iterable[tuple[int, int, float]], now: float) -> None:
        super().release(worker, [(number, ticket, 0.0) for number, ticket, _ in hosts], now)


class NeverRecalls(HostBroker):
    def recalls(self, now: float) -> dict[str, list[Ticketed]]:
        return {}


class GrantsAtOnce(HostBroker):
    def __init__(self, delay_s: float = 0.0, quiet_until: float = 0.0) -> None:
        super().__init__(delay_s)


class GivesAnyTurnBack(Gate[Asked]):
    def done(self, name: str, now: float, report: Report, item: Asked | None = None) -> None:
        if not report.is_sent:
            self._hosts[name].next_at = 0.0
        super().done(name, now, report, item)


def test_the_crowd_notices_turns_that_are_given_back_twice() -> None:
    crowd = type("MistakenCrowd", (Crowd,), {"gate_class": GivesAnyTurnBack})
    with pytest.raises(AssertionError):
        for seed in range(1000):
            crowd(seed).run()


@pytest.mark.parametrize("mistake", [GivesTwice, ForgetsTheRest, NeverRecalls, GrantsAtOnce])
def test_the_crowd_notices_the_mistake(mistake: type[HostBroker]) -> None:
    crowd = type("MistakenCrowd", (Crowd,), {"broker_class": mistake})
    with pytest.raises(AssertionError):
        for seed in range(1000):
            crowd(seed).run()
