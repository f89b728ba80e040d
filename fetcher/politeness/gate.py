"""Decides whose turn it is: keeps items that wait for their hosts, outside of the pool.

Pure; each move costs the same however many items wait. An item waits in its host's queue. A host
serves at most `per_host` items at once, `delay_s` apart, none while it rests, and only those of the
worker that owns it (see politeness.host_broker). A host that fails repeatedly is given up for a
while. A host without a state to remember is forgotten.

    arrive -> (not_before) -> waiting -> take -> [asked] -> done
                                  `--------> given_up
"""

from __future__ import annotations

import heapq
import itertools
import operator
from collections import Counter, deque
from collections.abc import Callable, Iterable
from typing import Final, Generic, TypeVar

import msgspec

from fetcher.protocol.samples import MAX_HOST, Load

Item = TypeVar("Item")

_MAX_IDLE: Final = 10_000  # hosts without waiting items that rest or have failed
_MAX_SHOWN: Final = 2_000  # hosts that `loads` looks at
_RECENT: Final = 5  # items over which `took_s` is averaged
FREE: Final = ""  # the host of items that wait for no host


class Rules(msgspec.Struct, frozen=True):
    """See the settings of the same names."""

    per_host: int = 2
    delay_s: float = 0.2
    circuit_failures: int = 10
    circuit_s: float = 60.0
    is_owner: bool = False  # this worker owns all hosts: it is the only one


class Report(msgspec.Struct, frozen=True):
    """The experience of an item with its host."""

    trouble: str = ""  # why it could not be reached
    rest_s: float = 0.0  # the pause that it asked for
    delay_s: float = 0.0  # least time between requests that it asks for
    took_s: float = 0.0  # from the host's turn to this report
    rest_why: str = ""  # the status by which it asked for a rest
    is_sent: bool = True  # False: the turn was not needed, as nothing was sent


class _Host(Generic[Item]):
    __slots__ = (
        "active",
        "clock_at",
        "delay_s",
        "failures",
        "is_listed",
        "is_owned",
        "is_recalled",
        "is_wanted",
        "last",
        "last_at",
        "last_until",
        "next_at",
        "rest_until",
        "rest_why",
        "ticket",
        "took_s",
        "trouble",
        "waiting",
    )

    def __init__(self, is_owned: bool) -> None:
        self.waiting: deque[Item] = deque()
        self.active = 0
        self.next_at = 0.0  # no request before
        self.clock_at = 0.0  # its entry in the clock; 0: none
        self.last: Item | None = None  # the item that had the last turn, until it is done
        self.last_at = self.last_until = 0.0  # `next_at` before and since that turn
        self.delay_s = 0.0  # that the host asked for
        self.rest_until = 0.0  # the host asked for no requests until then
        self.rest_why = ""
        self.took_s = 0.0  # an item's time at the host, on average
        self.failures = 0  # in a row
        self.trouble = ""  # the last of them
        self.is_listed = False  # in the queue of hosts that are ready, or in the clock
        self.is_owned = is_owned
        self.is_wanted = False
        self.is_recalled = False
        self.ticket = 0  # of the last want


class Gate(Generic[Item]):
    """The waiting items of one worker."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self.parked = 0
        self._hosts: dict[str, _Host[Item]] = {}
        self._free: deque[Item] = deque()
        self._ready: deque[str] = deque()  # hosts, each at most once, in turn
        self._clock: list[tuple[float, int, str, tuple[Item, ...]]] = []
        self._ticket = itertools.count()
        self._given_up: list[tuple[Item, str]] = []
        self._idle: dict[str, None] = {}  # hosts without items, the longest idle first
        self._wanted: list[str] = []  # hosts to ask the broker for
        self._released: list[tuple[str, int, float]] = []

    # -- items -------------------------------------------------------------------------------

    def arrive(
        self, host: str, item: Item, now: float, not_before: float = 0.0, *, first: bool = False
    ) -> None:
        """Add an item; `first`: it waits before all others of its host."""
        self.parked += 1
        if not_before > now:
            self._at(not_before, host, item)
        elif host == FREE:
            self._free.append(item)
        else:
            self._queue(host, item, now, first=first)

    def _queue(self, name: str, item: Item, now: float, *, first: bool) -> None:
        host = self._hosts.get(name)
        if host is None:
            host = self._hosts[name] = _Host(self._rules.is_owner)
        self._idle.pop(name, None)
        if self._is_closed(host) and host.next_at > now:
            self._give_up(item, host)
            return
        if first:
            host.waiting.appendleft(item)
        else:
            host.waiting.append(item)
        self._wake(name, host, now)

    def take(self, now: float) -> Item | None:
        """Take the next item that may ask its host now; call `done` afterwards."""
        self._ripen(now)
        if self._free:
            self.parked -= 1
            return self._free.popleft()
        while self._ready:
            name = self._ready.popleft()
            host = self._hosts[name]
            host.is_listed = False
            if not host.waiting or host.active >= self._limit(host) or not self._may_ask(host):
                self._settle(name, host, now)
                continue
            item = host.waiting.popleft()
            self.parked -= 1
            host.active += 1
            host.last, host.last_at = item, host.next_at
            host.next_at = host.last_until = now + max(self._rules.delay_s, host.delay_s)
            self._wake(name, host, now)
            return item
        return None

    def done(self, name: str, now: float, report: Report, item: Item | None = None) -> None:
        """The item's request to the host has ended."""
        if name == FREE:
            return
        host = self._hosts[name]
        host.active -= 1
        if item is not None and item == host.last:
            host.last = None
            if not report.is_sent:
                self._give_turn_back(host)
        host.took_s += (report.took_s - host.took_s) / (_RECENT if host.took_s else 1)
        if report.delay_s > host.delay_s:
            host.delay_s = report.delay_s
            host.next_at = max(host.next_at, now + report.delay_s)
        if report.rest_s:
            host.next_at = max(host.next_at, now + report.rest_s)
            host.rest_until, host.rest_why = now + report.rest_s, report.rest_why
        if report.trouble:
            host.failures += 1
            host.trouble = report.trouble
            if self._is_closed(host):
                host.next_at = max(host.next_at, now + self._rules.circuit_s)
                while host.waiting:
                    self._give_up(host.waiting.popleft(), host)
        elif report.is_sent:
            host.failures = 0
        self._wake(name, host, now)
        self._settle(name, host, now)

    def _give_turn_back(self, host: _Host[Item]) -> None:
        if host.next_at != host.last_until:
            return  # the host asked for a rest meanwhile
        host.next_at = host.last_at
        if host.clock_at:  # that entry of the clock is no longer valid
            host.clock_at, host.is_listed = 0.0, False

    def take_waiting(self, name: str, is_out: Callable[[Item], bool]) -> list[Item]:
        """Remove and return the items of the host's queue that need no turn there after all."""
        host = self._hosts.get(name)
        if host is None:
            return []
        out = [item for item in host.waiting if is_out(item)]
        if out:
            gone = set(map(id, out))
            host.waiting = deque(item for item in host.waiting if id(item) not in gone)
            self.parked -= len(out)
        return out

    def given_up(self) -> list[tuple[Item, str]]:
        """Return, once, the items whose host is given up, each with the reason."""
        given_up, self._given_up = self._given_up, []
        return given_up

    def give_up_hosts(self, may_go: Callable[[Item], bool], now: float) -> list[Item]:
        """Give up the items of half of the ready hosts, for other workers.

        Only hosts count of which all items `may_go` and none is active.
        """
        spare = [
            name
            for name in self._ready
            if (host := self._hosts[name]).waiting
            and not host.active
            and all(map(may_go, host.waiting))
        ]
        given: list[Item] = []
        for name in spare[len(spare) // 2 :]:
            self._ready.remove(name)
            host = self._hosts[name]
            host.is_listed = False
            given += host.waiting
            host.waiting.clear()
            self._settle(name, host, now)
        self.parked -= len(given)
        return given

    def next_at(self) -> float | None:
        """When an item, or a host's turn, is due next; None: never without an event."""
        return self._clock[0][0] if self._clock else None

    # -- ownership ---------------------------------------------------------------------------

    def wants(self, ticket: int, *, again: bool = False) -> list[str]:
        """Hosts to ask the broker for with this ticket; `again`: also those asked for before."""
        names, self._wanted = self._wanted, []
        if again:
            names = [name for name, host in self._hosts.items() if host.is_wanted]
        for name in names:
            host = self._hosts.get(name)
            if host is not None:
                host.ticket = ticket
        return names

    def releases(self) -> list[tuple[str, int, float]]:
        """Hosts to give back to the broker: name, ticket, seconds that it must still rest."""
        released, self._released = self._released, []
        return released

    def granted(self, grants: Iterable[tuple[str, int]], now: float) -> None:
        """The broker gives this worker these hosts, by the wants with these tickets."""
        for name, ticket in grants:
            host = self._hosts.get(name)
            if host is None or not host.waiting:
                self._released.append((name, ticket, 0.0))
            elif ticket == host.ticket and host.is_wanted:
                host.is_owned, host.is_wanted, host.is_recalled = True, False, False
                self._wake(name, host, now)

    def recalled(self, recalls: Iterable[tuple[str, int]], now: float) -> None:
        """Other workers wait for these hosts: start no request there, and give them back."""
        for name, ticket in recalls:
            host = self._hosts.get(name)
            if host is not None and host.is_owned and host.ticket == ticket:
                host.is_recalled = True
                self._settle(name, host, now)
            else:
                self._released.append((name, ticket, 0.0))

    def disowned(self, now: float) -> None:
        """The worker owns no host any longer: it was away too long, or has another broker."""
        for name, host in self._hosts.items():
            if not self._rules.is_owner:
                host.is_owned = host.is_wanted = host.is_recalled = False
                self._wake(name, host, now)

    def owned(self) -> list[tuple[str, int]]:
        """The hosts that this worker may ask, with their tickets."""
        return [(name, host.ticket) for name, host in self._hosts.items() if host.is_owned]

    def loads(self, now: float) -> list[Load]:
        """The load of hosts with requests or waiting items; of too many, the longest known ones."""
        later: Counter[str] = Counter()  # items whose next attempt is due later
        for _, _, name, items in itertools.islice(self._clock, _MAX_SHOWN):
            later[name] += len(items)
        some = itertools.islice(self._hosts.items(), _MAX_SHOWN)
        return [
            Load(
                name[:MAX_HOST],
                host.active,
                len(host.waiting) + later[name],
                max(host.rest_until - now, 0.0),
                host.rest_why if host.rest_until > now else "",
            )
            for name, host in some
            if host.active or host.waiting or later[name]
        ]

    def longest(self, count: int, now: float) -> list[tuple[str, float]]:
        """The hosts whose items will take longest, with an estimate in seconds."""
        left_s = {
            name: max(0.0, host.next_at - now) + len(host.waiting) * self._pace_s(host)
            for name, host in self._hosts.items()
            if host.waiting
        }
        for at, _, name, items in self._clock:
            if items:
                left_s[name] = max(left_s.get(name, 0.0), at - now)
        return heapq.nlargest(count, left_s.items(), key=operator.itemgetter(1))

    def _pace_s(self, host: _Host[Item]) -> float:
        """Seconds from one item's turn to the next one's."""
        return max(self._rules.delay_s, host.delay_s, host.took_s / self._limit(host))

    # -- one host ----------------------------------------------------------------------------

    def _is_closed(self, host: _Host[Item]) -> bool:
        return 0 < self._rules.circuit_failures <= host.failures

    def _limit(self, host: _Host[Item]) -> int:
        # A host that was given up is tried by one item.
        return 1 if self._is_closed(host) else self._rules.per_host

    def _may_ask(self, host: _Host[Item]) -> bool:
        return host.is_owned and not host.is_recalled

    def _give_up(self, item: Item, host: _Host[Item]) -> None:
        self.parked -= 1
        why = (
            f"not tried: the host is given up for {self._rules.circuit_s:g} s after "
            f"{host.failures} failures in a row (last: {host.trouble})"
        )
        self._given_up.append((item, why))

    def _wake(self, name: str, host: _Host[Item], now: float) -> None:
        """Put the host into the queue or the clock, or want it, if it has items and room."""
        if host.is_listed or not host.waiting or host.active >= self._limit(host):
            return
        if not host.is_owned:
            if not host.is_wanted:
                host.is_wanted = True
                self._wanted.append(name)
        elif host.is_recalled:
            return
        elif host.next_at > now:
            host.is_listed = True
            host.clock_at = host.next_at
            self._at(host.next_at, name)
        else:
            host.is_listed = True
            self._ready.append(name)

    def _settle(self, name: str, host: _Host[Item], now: float) -> None:
        """Release an owned host without work, and forget a host without a state."""
        if host.active or (host.waiting and not host.is_recalled):
            return
        rest_s = max(0.0, host.next_at - now)
        if host.is_owned and not self._rules.is_owner:
            host.is_owned = host.is_recalled = False
            # Other workers find out for themselves that a host is dead: no need to make them wait.
            rests_s = self._rules.delay_s if self._is_closed(host) else rest_s
            self._released.append((name, host.ticket, rests_s))
        if host.waiting:
            self._wake(name, host, now)
        elif host.is_listed:
            return  # its entry in the clock is still due
        elif rest_s or host.failures:
            self._idle[name] = None
            if len(self._idle) > _MAX_IDLE:
                oldest = next(iter(self._idle))
                del self._idle[oldest], self._hosts[oldest]
        else:
            self._idle.pop(name, None)
            del self._hosts[name]

    def _at(self, at: float, name: str, *items: Item) -> None:
        heapq.heappush(self._clock, (at, next(self._ticket), name, items))

    def _ripen(self, now: float) -> None:
        while self._clock and self._clock[0][0] <= now:
            at, _, name, items = heapq.heappop(self._clock)
            for item in items:
                self.parked -= 1
                self.arrive(name, item, now)
            host = None if items else self._hosts.get(name)
            if host is not None and host.clock_at == at:
                host.clock_at, host.is_listed = 0.0, False
                self._wake(name, host, now)
                self._settle(name, host, now)
