"""Knows which hosts a worker owns, wants and gives back; see politeness.host_broker.

Pure. Only the owner of a host may send it requests. A worker owns the hosts that the broker granted
to it, or all hosts while it is the only worker. A host without work is kept for a moment, as more
work may come for it, and so that one message gives many hosts back.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Generic, NamedTuple

from fetcher.politeness.host_state import HostState, Item, Rules

KEEP_S: Final = 1.0  # a host without work is kept while it rests, for so long at most
_MAX_REMEMBERED: Final = 10_000  # hosts


class Ownership(NamedTuple):
    """The hosts of a worker, for a broker that does not know them."""

    owned: list[tuple[str, int]]  # hosts that it is asking, with their tickets
    rests: list[tuple[str, float]]  # other hosts, and the seconds that they must still rest


class OwnedHosts(Generic[Item]):
    """The hosts of a worker; the gate adds their items."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._delay_s = rules.delay_s
        self._hosts: dict[str, HostState[Item]] = {}
        self._has_all = rules.is_owner
        self._all_ticket = 0  # of the last grant of all hosts
        self._wanted: dict[str, None] = {}  # hosts to ask the broker for
        self._asked: dict[str, None] = {}  # hosts that it was asked for, and did not grant yet
        self._released: list[tuple[str, int, float]] = []
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

    def wants(self, ticket: int, *, again: bool = False) -> list[str]:
        """Hosts to ask the broker for with this ticket; `again`: also those asked for before."""
        names = [*self._asked, *self._wanted] if again else list(self._wanted)
        for name in names:
            self._hosts[name].ticket = ticket
        self._asked.update(self._wanted)
        self._wanted.clear()
        self.has_news = bool(self._released)
        return names

    def releases(self) -> list[tuple[str, int, float]]:
        """Hosts to give back to the broker: name, ticket, seconds that it must still rest."""
        released, self._released = self._released, []
        self.has_news = bool(self._wanted)
        return released

    def give_unused_back(self, now: float) -> None:
        """Release, or forget, the hosts without work whose rest is over; to be called often."""
        over: list[HostState[Item]] = []
        for host in self._kept.values():
            if host.next_at > now:
                break
            over.append(host)
        for host in over:
            del self._kept[host.name], self._hosts[host.name]
            if not self._has_all:
                self._release(host, now)

    def owned(self) -> list[tuple[str, int]]:
        """The hosts that this worker may ask, with their tickets."""
        return [(name, host.ticket) for name, host in self._hosts.items() if _is_owned(host)]

    def in_use(self) -> int:
        """The number of owned hosts that have items."""
        hosts = self._hosts.values()
        return sum(1 for host in hosts if _is_owned(host) and (host.active or host.waiting))

    # -- messages from the broker ------------------------------------------------------------

    def granted(self, grants: Iterable[tuple[str, int]], now: float) -> None:
        """The broker gives this worker these hosts, by the wants with these tickets."""
        for name, ticket in grants:
            host = self._hosts.get(name)
            if host is None or host.claim == "none":
                self._give_back(name, ticket, host, now)
            elif ticket == host.ticket and host.claim == "wanted":
                self._own(host, now)

    def granted_all(self, ticket: int, now: float) -> None:
        """The broker gives this worker all hosts, as it is the only worker."""
        if self._rules.is_owner:
            return
        self._has_all, self._all_ticket = True, ticket
        for host in list(self._hosts.values()):
            self._own(host, now)

    def _own(self, host: HostState[Item], now: float) -> None:
        self._unwant(host)
        host.claim = "owned"
        self._wake(host, now)

    def recalled(self, recalls: Iterable[tuple[str, int]], now: float) -> None:
        """Other workers wait for these hosts: start no request there, and give them back."""
        if self._has_all:
            return  # a recall of before the grant of all hosts
        for name, ticket in recalls:
            host = self._hosts.get(name)
            if host is not None and _is_owned(host) and host.ticket == ticket:
                host.claim = "recalled"
                self._settle(host, now)
            else:
                self._give_back(name, ticket, host, now)

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

    def rests(self, now: float) -> list[tuple[str, float]]:
        """The hosts that others may own, and the seconds that they must still rest."""
        return [
            (name, self._rest_s(host, now))
            for name, host in self._hosts.items()
            if not _is_owned(host) and host.next_at > now
        ]

    def disowned(self, now: float) -> None:
        """The worker owns no host any longer: it was away for too long."""
        if self._rules.is_owner:
            return
        self._has_all = False
        for host in list(self._hosts.values()):
            self._unwant(host)
            host.claim = "none"
            self._wake(host, now)

    # -- one host ----------------------------------------------------------------------------

    def _is_closed(self, host: HostState[Item]) -> bool:
        return 0 < self._rules.circuit_failures <= host.failures

    def _rest_s(self, host: HostState[Item] | None, now: float) -> float:
        """The seconds for which other workers must let a host rest; None: it is not known here."""
        if host is None:
            return 0.0
        left_s = max(0.0, host.next_at - now)
        # Other workers find out for themselves that a host is dead: no need to make them wait.
        own_delay_s = max(self._delay_s, host.delay_s)
        return min(left_s, own_delay_s) if self._is_closed(host) else left_s

    def _want(self, host: HostState[Item]) -> None:
        if host.claim == "none":
            host.claim = "wanted"
            self._wanted[host.name] = None
            self.has_news = True

    def _unwant(self, host: HostState[Item]) -> None:
        if host.claim == "wanted":
            host.claim = "none"
            self._wanted.pop(host.name, None)
            self._asked.pop(host.name, None)

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
        if host.claim == "wanted":
            self._unwant(host)
        rest_s = host.next_at - now
        if rest_s > KEEP_S or host.failures:
            self._release(host, now)
            self._remember(host, now)
        elif rest_s > 0 or (host.claim == "owned" and not self._has_all):
            self._kept[host.name] = host
        else:
            self._kept.pop(host.name, None)
            del self._hosts[host.name]

    def _release(self, host: HostState[Item], now: float) -> None:
        if self._has_all or not _is_owned(host):
            return
        host.claim = "none"
        self._give_back(host.name, host.ticket, host, now)

    def _give_back(self, name: str, ticket: int, host: HostState[Item] | None, now: float) -> None:
        self._released.append((name, ticket, self._rest_s(host, now)))
        self.has_news = True

    def _remember(self, host: HostState[Item], now: float) -> None:
        self._kept.pop(host.name, None)
        self._remembered[host.name] = None
        if len(self._remembered) <= self._max_remembered:
            return
        if not self._has_all:  # the broker knows their rests
            oldest = next(iter(self._remembered))
            del self._remembered[oldest], self._hosts[oldest]
            return
        for each in [each for each in self._remembered if self._hosts[each].next_at <= now]:
            del self._remembered[each], self._hosts[each]
        self._max_remembered = max(_MAX_REMEMBERED, 2 * len(self._remembered))


def _is_owned(host: HostState[Any]) -> bool:
    return host.claim in ("owned", "recalled")
