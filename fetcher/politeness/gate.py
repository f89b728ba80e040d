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
from collections.abc import Callable
from typing import Final

from fetcher.politeness.host_state import FREE, Experience, HostState, Item, Rules
from fetcher.politeness.owned_hosts import OwnedHosts
from fetcher.protocol.samples import MAX_HOST, Load

_MAX_SHOWN: Final = 2_000  # hosts that `loads` looks at
_RECENT: Final = 5  # items over which `took_s` is averaged


class Gate(OwnedHosts[Item]):
    """The waiting items of one worker."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self.parked = 0
        # Items whose host was given up, each with the reason; whoever reads them empties it.
        self.given_up: deque[tuple[Item, str]] = deque()
        # Hosts of which an item may be taken now, each at most once, and None for each free item.
        self.ready: deque[HostState[Item] | None] = deque()
        self._free: deque[Item] = deque()
        self._clock: list[tuple[float, int, str, tuple[Item, ...]]] = []
        self._order = itertools.count()  # of entries of the clock that are due at the same time

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
            self.ready.append(None)
        elif host in self._hosts:
            self._queue(host, self._hosts[host], item, now, first=first)
        elif self._has_all:  # most hosts of many lists are new, and so ready
            new = self._hosts[host] = HostState(host, "owned", [item], is_listed=True)
            self.ready.append(new)
        else:
            new = self._hosts[host] = HostState(host, "wanted", [item])
            self._wanted.append(new)
            self.has_news = True

    def _queue(
        self, name: str, host: HostState[Item], item: Item, now: float, *, first: bool
    ) -> None:
        if host.failures and self._is_closed(host) and host.next_at > now:
            self._give_up(item, host)
            return
        self._kept.pop(name, None)
        self._remembered.pop(name, None)
        host.push(item, first=first)
        self._wake(host, now)

    def take(self, now: float) -> Item | None:
        """Take the next item that may begin now; call `done` afterwards, if it has a host."""
        if self._clock and self._clock[0][0] <= now:
            self.ripen(now)
        ready = self.ready
        while ready:
            host = ready.popleft()
            if host is None:
                self.parked -= 1
                return self._free.popleft()
            host.is_listed = False
            waiting, active, next_at = host.waiting, host.active, host.next_at
            # While it was in the queue, it may have been recalled, or have asked for a rest.
            is_rested = next_at <= now and (not active or active < self._limit(host))
            if not waiting or not is_rested or host.claim != "owned":
                self._settle(host, now)
                self._wake(host, now)
                continue
            item = host.last = waiting.pop(0) if isinstance(waiting, list) else waiting.popleft()
            self.parked -= 1
            host.active = active + 1
            host.next_at_before = next_at
            delay_s = host.delay_s if host.delay_s > self._delay_s else self._delay_s
            host.next_at = host.next_at_after = now + delay_s
            if waiting:
                self._wake(host, now)
            return item
        return None

    def done(
        self,
        name: str,
        now: float,
        report: Experience,
        item: Item | None = None,
        took_s: float = 0.0,
    ) -> None:
        """The item's request to the host has ended.

        `item`: the one that had the turn; `took_s`: from its turn to now.
        """
        host = self._hosts[name]
        host.active -= 1
        if item is not None and item == host.last:
            host.last = None
            if not report.is_sent:
                self._give_turn_back(host)
        if report.rest_s or report.delay_s:
            self._obey(host, report, now)
        if report.trouble:
            self._note_failure(host, report.trouble, now)
        elif host.failures and report.is_sent:
            host.failures = 0
        if host.waiting:
            host.took_s += (took_s - host.took_s) / (_RECENT if host.took_s else 1)
            self._wake(host, now)
        if not host.active:
            self._settle(host, now)

    @staticmethod
    def _obey(host: HostState[Item], report: Experience, now: float) -> None:
        """Wait as long as the host asks for: by its robots.txt, or by `Retry-After`."""
        if report.delay_s > host.delay_s:
            host.delay_s = report.delay_s
            host.next_at = max(host.next_at, now + report.delay_s)
        if report.rest_s:
            host.next_at = max(host.next_at, now + report.rest_s)
            host.rest_until, host.rest_why = now + report.rest_s, report.rest_why

    def _note_failure(self, host: HostState[Item], trouble: str, now: float) -> None:
        """Count a request that did not reach the host; after too many in a row, give it up."""
        host.failures += 1
        host.trouble = trouble
        if self._is_closed(host):
            host.next_at = max(host.next_at, now + self._rules.circuit_s)
            for item in host.waiting:
                self._give_up(item, host)
            host.waiting.clear()

    def _give_turn_back(self, host: HostState[Item]) -> None:
        """Let the next item ask at once, as the last one has sent nothing."""
        if host.next_at != host.next_at_after:
            return  # the host asked for a rest meanwhile
        host.next_at = host.next_at_before
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

    def give_up_hosts(self, may_go: Callable[[Item], bool], now: float) -> list[Item]:
        """Give up the items of half of the ready hosts, for other workers.

        Chooses among hosts of which all items `may_go` and no item is active.
        """
        spare = [
            host
            for host in self.ready
            if host is not None
            and host.waiting
            and not host.active
            and all(map(may_go, host.waiting))
        ]
        given: list[Item] = []
        spare = spare[len(spare) // 2 :]
        gone = {host.name for host in spare}
        self.ready = deque(host for host in self.ready if host is None or host.name not in gone)
        for host in spare:
            host.is_listed = False
            given += host.waiting
            host.waiting.clear()
            self._release(host, now)
            self._settle(host, now)
        self.parked -= len(given)
        return given

    def next_at(self) -> float | None:
        """When an item, or a host's turn, is due next; None: never without an event."""
        return self._clock[0][0] if self._clock else None

    # -- numbers -----------------------------------------------------------------------------

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
        """The hosts whose items will take longest, with an estimate in seconds.

        Hosts with a single item that has to wait for nothing else are left out.
        """
        left_s = {
            name: max(0.0, host.next_at - now) + len(host.waiting) * self._pace_s(host)
            for name, host in self._hosts.items()
            if host.waiting and (host.next_at > now or len(host.waiting) > 1)
        }
        for at, _, name, items in self._clock:
            if items:
                left_s[name] = max(left_s.get(name, 0.0), at - now)
        return heapq.nlargest(count, left_s.items(), key=operator.itemgetter(1))

    def _pace_s(self, host: HostState[Item]) -> float:
        """Seconds from one item's turn to the next one's."""
        return max(self._delay_s, host.delay_s, host.took_s / self._limit(host))

    # -- one host ----------------------------------------------------------------------------

    def _limit(self, host: HostState[Item]) -> int:
        # A host that was given up is tried by one item.
        return 1 if host.failures and self._is_closed(host) else self._rules.per_host

    def _give_up(self, item: Item, host: HostState[Item]) -> None:
        self.parked -= 1
        why = (
            f"not tried: the host is given up for {self._rules.circuit_s:g} s after "
            f"{host.failures} failures in a row (last: {host.trouble})"
        )
        self.given_up.append((item, why))

    def _wake(self, host: HostState[Item], now: float) -> None:
        """Put the host into the queue or the clock, or want it, if it has items and room."""
        if host.is_listed or not host.waiting:
            return
        if host.active and host.active >= self._limit(host):
            return
        if host.claim == "owned":
            host.is_listed = True
            if host.next_at > now:
                host.clock_at = host.next_at
                self._at(host.next_at, host.name)
            else:
                self.ready.append(host)
        elif host.claim != "recalled":
            self._want(host)

    def _at(self, at: float, name: str, *items: Item) -> None:
        heapq.heappush(self._clock, (at, next(self._order), name, items))

    def ripen(self, now: float) -> None:
        """Let the items and hosts go on whose time has come."""
        while self._clock and self._clock[0][0] <= now:
            at, _, name, items = heapq.heappop(self._clock)
            for item in items:
                self.parked -= 1
                self.arrive(name, item, now)
            host = None if items else self._hosts.get(name)
            if host is not None and host.clock_at == at:
                host.clock_at, host.is_listed = 0.0, False
                self._wake(host, now)
                self._settle(host, now)
