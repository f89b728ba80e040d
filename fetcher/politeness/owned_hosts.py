"""Knows which hosts a worker owns, wants and gives back; see politeness.host_broker.

Pure. Only the owner of a host may send it requests. A worker owns the hosts that the broker granted
to it, or all hosts while it is the only worker. A host without work is kept for a moment, as more
work may come for it, and so that one message gives many hosts back.

To the broker, a host is a number. A grant or recall may answer a request that the worker has
dropped. The host must then be given back, with the rest that it still needs; otherwise the broker
keeps this worker as the owner, and no other worker gets the host.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Generic, NamedTuple

from fetcher.politeness.host_numbers import number_of, numbers_of
from fetcher.politeness.host_state import HostState, Item, Rules

KEEP_S: Final = 1.0  # a host without work is kept while it rests, for so long at most
_MAX_REMEMBERED: Final = 10_000  # hosts


class Ownership(NamedTuple):
    """The hosts of a worker, for a broker that does not know them."""

    owned: list[tuple[int, int]]  # hosts that it is asking, with their tickets
    rests: list[tuple[int, float]]  # other hosts, and the seconds that they must still rest


class Released(NamedTuple):
    """Hosts to give back to the broker: parallel lists, as in a message."""

    hosts: list[int]
    tickets: list[int]
    rests_s: list[float]  # the seconds that each must still rest


class OwnedHosts(Generic[Item]):
    """The hosts of a worker; the gate adds their items."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._delay_s = rules.delay_s
        self._hosts: dict[str, HostState[Item]] = {}
        self._has_all = rules.is_owner
        self._all_ticket = 0  # of the last grant of all hosts
        self._wanted: list[HostState[Item]] = []  # hosts to ask for, if they are still `wanted`
        self._by_number: dict[int, HostState[Item]] = {}  # those of `_hosts` with a number
        self._released = Released([], [], [])
        # Hosts without items, the oldest first: those that are kept for a moment; and those that
        # were given back and are remembered, as they rest for long or have failed.
        self._kept: dict[str, HostState[Item]] = {}
        self._remembered: dict[str, None] = {}
        self._max_remembered = _MAX_REMEMBERED
        self.has_news = False  # `wants` or `releases` has something to send at once

    def _wake(self, host: HostState[Item], now: float) -> None:
        """Let the host's items go on, or want the host; the gate does this."""
        raise NotImplementedError

    # -- messages to the broker --------------------------------------------------------------

    def wants(self, ticket: int, *, again: bool = False) -> list[int]:
        """Hosts to ask the broker for with this ticket; `again`: also those asked for before."""
        asked = [host for host in self._hosts.values() if host.claim == "asked"] if again else []
        for host in self._wanted:
            # A host may be in the list twice: it was dropped, and is wanted again.
            if host.claim == "wanted":
                host.claim = "asked"
                asked.append(host)
        self._wanted.clear()
        self.has_news = bool(self._released.hosts)
        for host in asked:
            host.ticket = ticket
        return self._numbers(asked)

    def _numbers(self, hosts: list[HostState[Item]]) -> list[int]:
        """Return the hosts' numbers, by which the broker's messages find them from now on."""
        new = [host for host in hosts if not host.number]
        for host, number in zip(new, numbers_of([host.name for host in new]), strict=True):
            host.number = number
        numbers = [host.number for host in hosts]
        self._by_number.update(zip(numbers, hosts, strict=True))
        return numbers

    def releases(self) -> Released:
        """Hosts to give back to the broker."""
        released, self._released = self._released, Released([], [], [])
        self.has_news = bool(self._wanted)
        return released

    def give_unused_back(self, now: float) -> None:
        """Release, or forget, the hosts without work whose rest is over; to be called often."""
        over: list[HostState[Item]] = []
        for host in self._kept.values():
            if host.next_at > now:
                break
            over.append(host)
        kept, hosts, by_number = self._kept, self._hosts, self._by_number
        for host in over:
            name = host.name
            del kept[name], hosts[name]
            if host.number:
                by_number.pop(host.number, None)
        if self._has_all:
            return
        # None of them is `recalled`: those are given back as soon as they have no work.
        owned = [host for host in over if host.claim == "owned"]
        if owned:
            numbers, tickets, rests_s = self._released
            numbers.extend([host.number for host in owned])
            tickets.extend([host.ticket for host in owned])
            rests_s.extend([0.0] * len(owned))
            self.has_news = True

    def owned(self) -> list[tuple[int, int]]:
        """The hosts that this worker may ask, with their tickets."""
        owned = [host for host in self._hosts.values() if _is_owned(host)]
        tickets = [host.ticket for host in owned]
        return list(zip(self._numbers(owned), tickets, strict=True))

    def in_use(self) -> int:
        """The number of owned hosts that have items."""
        hosts = self._hosts.values()
        return sum(1 for host in hosts if _is_owned(host) and (host.active or host.waiting))

    # -- messages from the broker ------------------------------------------------------------

    def granted(self, hosts: Iterable[int], tickets: Iterable[int], now: float) -> None:
        """The broker gives this worker these hosts, by the wants with these tickets."""
        by_number, wake = self._by_number, self._wake
        dropped: list[tuple[int, int]] = []
        for number, ticket in zip(hosts, tickets, strict=False):
            host = by_number.get(number)
            if host is not None and host.claim == "asked":
                if host.ticket == ticket:
                    host.claim = "owned"
                    wake(host, now)
            elif host is None or not _is_owned(host):
                dropped.append((number, ticket))
        if dropped:
            self._give_dropped_back(dropped, now)

    def granted_all(self, ticket: int, now: float) -> None:
        """The broker gives this worker all hosts, as it is the only worker."""
        if self._rules.is_owner:
            return
        self._has_all, self._all_ticket = True, ticket
        for host in list(self._hosts.values()):
            host.claim = "owned"
            self._wake(host, now)

    def recalled(self, hosts: Iterable[int], tickets: Iterable[int], now: float) -> None:
        """Other workers wait for these hosts: start no request there, and give them back."""
        if self._has_all:
            return  # a recall of before the grant of all hosts
        dropped: list[tuple[int, int]] = []
        for number, ticket in zip(hosts, tickets, strict=False):
            host = self._by_number.get(number)
            if host is not None and _is_owned(host) and host.ticket == ticket:
                host.claim = "recalled"
                self._settle(host, now)
            else:
                dropped.append((number, ticket))
        if dropped:
            self._give_dropped_back(dropped, now)

    def _give_dropped_back(self, dropped: list[tuple[int, int]], now: float) -> None:
        """Give hosts back, each with its ticket, that only the broker takes for owned here."""
        rests_s = dict(self.rests(now))
        for number, ticket in dropped:
            self._give_back(number, ticket, rests_s.get(number, 0.0))

    def recalled_all(self, ticket: int, now: float) -> Ownership | None:
        """There is another worker: own only the hosts that are being asked, and say which.

        None: this recall is older than the last grant of all hosts.
        """
        if self._has_all and ticket < self._all_ticket:
            return None
        return self.tell_all(now)

    def tell_all(self, now: float) -> Ownership:
        """Give up owning all hosts, and tell the broker what it must know of the hosts."""
        if self._has_all and not self._rules.is_owner:
            self._has_all = False
            for host in list(self._hosts.values()):
                if not host.active:
                    host.claim = "none"
                    self._wake(host, now)
        return Ownership(self.owned(), self.rests(now))

    def rests(self, now: float) -> list[tuple[int, float]]:
        """The hosts that others may own, and the seconds that they must still rest."""
        return [
            (host.number or number_of(host.name), self._rest_s(host, now))
            for host in self._hosts.values()
            if not _is_owned(host) and host.next_at > now
        ]

    def disowned(self, now: float) -> None:
        """The worker owns no host any longer: it was away for too long."""
        if self._rules.is_owner:
            return
        self._has_all = False
        for host in list(self._hosts.values()):
            host.claim = "none"
            self._wake(host, now)

    # -- one host ----------------------------------------------------------------------------

    def _is_closed(self, host: HostState[Item]) -> bool:
        return 0 < self._rules.circuit_failures <= host.failures

    def _rest_s(self, host: HostState[Item], now: float) -> float:
        """The seconds for which other workers must let a host rest."""
        left_s = max(0.0, host.next_at - now)
        # Other workers find out for themselves that a host is dead: no need to make them wait.
        own_delay_s = max(self._delay_s, host.delay_s)
        return min(left_s, own_delay_s) if self._is_closed(host) else left_s

    def _want(self, host: HostState[Item]) -> None:
        if host.claim == "none":
            host.claim = "wanted"
            self._wanted.append(host)
            self.has_news = True

    def _settle(self, host: HostState[Item], now: float) -> None:
        """Keep, release or forget a host without work; release a recalled one without requests."""
        if host.active:
            return
        if host.claim == "recalled":
            self._release(host, now)
            if host.waiting:
                self._want(host)
        if host.waiting or host.is_listed:
            return  # if it is listed, its entry in the clock or the queue is still due
        if host.claim != "owned":
            host.claim = "none"
        rest_s = host.next_at - now
        if rest_s > KEEP_S or host.failures:
            self._release(host, now)
            self._remember(host, now)
        elif rest_s > 0 or (host.claim == "owned" and not self._has_all):
            self._kept[host.name] = host
        else:
            self._kept.pop(host.name, None)
            self._forget(host)

    def _forget(self, host: HostState[Item]) -> None:
        del self._hosts[host.name]
        if host.number:
            self._by_number.pop(host.number, None)

    def _release(self, host: HostState[Item], now: float) -> None:
        if self._has_all or not _is_owned(host):
            return
        host.claim = "none"
        self._give_back(host.number, host.ticket, self._rest_s(host, now))

    def _give_back(self, number: int, ticket: int, rest_s: float) -> None:
        numbers, tickets, rests_s = self._released
        numbers.append(number)
        tickets.append(ticket)
        rests_s.append(rest_s)
        self.has_news = True

    def _remember(self, host: HostState[Item], now: float) -> None:
        self._kept.pop(host.name, None)
        self._remembered[host.name] = None
        if len(self._remembered) <= self._max_remembered:
            return
        if not self._has_all:  # the broker knows their rests
            oldest = next(iter(self._remembered))
            del self._remembered[oldest]
            self._forget(self._hosts[oldest])
            return
        for each in [each for each in self._remembered if self._hosts[each].next_at <= now]:
            del self._remembered[each]
            self._forget(self._hosts[each])
        self._max_remembered = max(_MAX_REMEMBERED, 2 * len(self._remembered))


def _is_owned(host: HostState[Any]) -> bool:
    return host.claim in ("owned", "recalled")
