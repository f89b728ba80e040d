"""Host names become addresses: cached, asked once at a time, in bounded time.

Law: `resolve` blocks only the calling greenlet, and never longer than dns.timeout_s x dns.tries. A
look-up belongs to no caller, so one that is killed takes no other caller's answer away.
What was found or not found is pinned for its time: a name that changes its address in between (DNS
rebinding) stays what it was.
"""

from __future__ import annotations

import socket
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any, Final

import gevent
import msgspec
from gevent.hub import Waiter

from fetcher.error_kinds import ErrorKind
from fetcher.fetch import address_guard
from fetcher.fetch.dns.cares import NameServers, Reply, Why
from fetcher.fetch.failures import Failure
from fetcher.settings.schema import Dns, parse_server
from fetcher.web_urls import is_dns_name

# What is waited for AAAA once A is answered: many name servers never answer AAAA.
_GRACE_S: Final = 0.1
# Less time than this is not worth another question.
_LEAST_S: Final = 0.25

_FAMILIES: Final[dict[str, tuple[int, ...]]] = {
    "any": (socket.AF_INET, socket.AF_INET6),
    "4": (socket.AF_INET,),
    "6": (socket.AF_INET6,),
}
_KINDS: Final = {"any": "no IP address", "4": "no IPv4 address", "6": "no IPv6 address"}

# With such a reply to A, a family that was not asked at once decides.
_IN_VAIN: Final = frozenset({Why.NO_ADDRESS, Why.FAILED})


class _NoAddress(msgspec.Struct, frozen=True):
    """Why a name has no addresses."""

    kind: ErrorKind
    words: str


# Addresses, or why there are none.
_Verdict = tuple[str, ...] | _NoAddress
_STOPPED: Final = _NoAddress(ErrorKind.DNS_OTHER, "the look-up was stopped")
_NO_NAME: Final = _NoAddress(ErrorKind.DNS_NO_NAME, "no such name")
_BAD_NAME: Final = _NoAddress(ErrorKind.DNS_OTHER, "not a valid host name")


class Resolver:
    """Resolves names for one process; make it and use it in the process whose loop it runs on."""

    def __init__(self, dns: Dns, ip_version: str) -> None:
        """`ip_version` is any, 4 or 6; a server that is no address raises ValueError."""
        self._dns = dns
        self._total_s = dns.timeout_s * dns.tries
        self._families = _FAMILIES[ip_version]
        self._kind = _KINDS[ip_version]
        self._groups = _groups(dns)
        # Without a way out by IPv6, AAAA is asked only for a name that has no A: half the load.
        self._at_once = self._families if _has_ipv6() else self._families[:1]
        self._cache: OrderedDict[str, tuple[float, _Verdict]] = OrderedDict()
        self._asking: dict[str, _Asking] = {}
        self.lookups: Counter[str] = Counter()  # so far, by how they ended

    def known(self, host: str) -> tuple[str, ...] | None:
        """The addresses that are remembered of a name; None where `resolve` must be asked."""
        verdict = self._cached(host)
        return verdict if isinstance(verdict, tuple) else None

    def resolve(self, host: str) -> tuple[str, ...]:
        """The host's addresses in the order to try, IPv4 first; or Failure(DNS)."""
        verdict = self._verdict(host)
        if isinstance(verdict, tuple):
            return verdict
        raise Failure(verdict.kind, f"the host name does not resolve ({verdict.words})")

    def close(self) -> None:
        """Let go of the sockets; look-ups that are still waiting fail."""
        for group in self._groups:
            group.close()

    def _verdict(self, host: str) -> _Verdict:
        address = address_guard.literal(host)
        if address is not None:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            return (address,) if family in self._families else _no_address(self._kind)
        name = host.removesuffix(".").lower()
        if not is_dns_name(host.lower()):
            return _BAD_NAME
        return self._cached(name) or self._joined(name)

    def _cached(self, name: str) -> _Verdict | None:
        entry = self._cache.get(name)
        if entry is None:
            return None
        until, verdict = entry
        if time.monotonic() < until:
            return verdict
        del self._cache[name]
        return None

    def _joined(self, name: str) -> _Verdict:
        """The verdict of the one look-up of this name that is under way, or of a new one."""
        asking = self._asking.get(name)
        if asking is None:
            asking = self._asking[name] = _Asking(name)
            self._ask(asking, 0)
        if asking.verdict is None:
            asking.wait()
        return asking.verdict or _STOPPED

    def _ask(self, asking: _Asking, nth: int) -> None:
        """Ask the servers of the n-th port, for their share of the time; then those of the next."""

        def ended(reply: Reply) -> None:
            if reply.why in {Why.SILENT, Why.FAILED} and nth + 1 < len(self._groups):
                self._ask(asking, nth + 1)
            else:
                self._end(asking, reply)

        _Lookup(
            self._groups[nth],
            asking.name,
            (self._families, self._at_once),
            (self._total_s / len(self._groups), self._dns.timeout_s),
            ended,
        ).step()

    def _end(self, asking: _Asking, reply: Reply) -> None:
        del self._asking[asking.name]
        self.lookups[reply.why.name.lower()] += 1
        verdict = reply.addresses or self._why_none(reply)
        keep_s = self._dns.cache_s if reply.addresses else self._dns.negative_s
        while len(self._cache) >= self._dns.cache_names:
            self._cache.popitem(last=False)
        self._cache[asking.name] = (time.monotonic() + keep_s, verdict)
        asking.end(verdict)

    def _why_none(self, reply: Reply) -> _NoAddress:
        if reply.why is Why.NO_NAME:
            return _NO_NAME
        if reply.why is Why.NO_ADDRESS:
            return _no_address(f"it has {self._kind}")
        if reply.why is Why.SILENT:
            said = f"no answer from the name servers in {self._total_s:g} s"
            return _NoAddress(ErrorKind.DNS_NO_ANSWER, said)
        return _NoAddress(reply.kind, reply.detail)


def _no_address(words: str) -> _NoAddress:
    return _NoAddress(ErrorKind.DNS_NO_ADDRESS, words)


class _Asking:
    """One name that is being looked up, and the greenlets that wait for it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.verdict: _Verdict | None = None
        self._waiters: list[Waiter] = []

    def wait(self) -> None:
        """Block this greenlet until the verdict is there."""
        waiter = Waiter()
        self._waiters.append(waiter)
        waiter.get()

    def end(self, verdict: _Verdict) -> None:
        self.verdict = verdict
        # Later, as this may be a call from inside c-ares, which a greenlet could enter again.
        run_callback = gevent.get_hub().loop.run_callback
        for waiter in self._waiters:
            run_callback(waiter.switch, None)


class _Lookup:
    """One name asked of one group of servers, for one or two families, the preferred first.

    It has no greenlet: each reply, and the end of each wait, is a step.
    """

    def __init__(
        self,
        group: NameServers,
        name: str,
        families: tuple[tuple[int, ...], tuple[int, ...]],
        limits_s: tuple[float, float],
        ended: Callable[[Reply], None],
    ) -> None:
        """`families`: all, and those that are asked at once; `limits_s`: for all, and how long
        A may take once AAAA is there; `ended` is called once, maybe before `step` returns.
        """
        self._group = group
        self._name = name
        self._families, self._at_once = families
        self._total_s, self._second_s = limits_s
        self._ended = ended
        self._end = time.monotonic() + self._total_s
        self._unasked = list(self._families)
        self._replies: dict[int, tuple[Reply, float]] = {}
        self._stepping = self._over = False
        self._timer: Any = None
        self._wakes_at = 0.0

    def step(self) -> None:
        """Ask what there is to ask; then end, or wait for a reply or for the time to be over."""
        if self._stepping or self._over:
            return
        self._stepping = True
        while self._ask_more():
            pass
        self._stepping = False
        until, now = min(self._end, self._until()), time.monotonic()
        if until > now:
            self._wake_at(until, now)
            return
        self._over = True
        if self._timer is not None:
            self._timer.close()
        self._ended(self._merged())

    def _wake_at(self, until: float, now: float) -> None:
        if self._timer is not None:
            if self._timer.active and self._wakes_at == until:
                return
            self._timer.close()
        self._wakes_at = until
        self._timer = gevent.get_hub().loop.timer(until - now)
        self._timer.start(self.step)

    def _ask_more(self) -> bool:
        """Ask the next question, if there is one to ask now."""
        for family in self._unasked:
            if family in self._at_once or self._why(self._families[0]) in _IN_VAIN:
                self._unasked.remove(family)
                self._ask(family)
                return True
        # c-ares gives a question up early when its server is usually fast: use the time left.
        if self._end - time.monotonic() >= _LEAST_S:
            for family, (reply, _) in self._replies.items():
                if reply.why is Why.SILENT:
                    del self._replies[family]
                    self._ask(family)
                    return True
        return False

    def _ask(self, family: int) -> None:
        def reply(answer: Reply) -> None:
            self._replies[family] = (answer, time.monotonic())
            self.step()

        self._group.ask(self._name, family, reply)

    def _why(self, family: int) -> Why | None:
        return self._replies[family][0].why if family in self._replies else None

    def _until(self) -> float:
        """When waiting is over, as things stand: 0 when nothing is missing."""
        first, last = self._families[0], self._families[-1]
        if all(family in self._replies for family in self._families):
            return 0
        if self._why(first) in {Why.FOUND, Why.NO_NAME}:
            return self._replies[first][1] + _GRACE_S if last in self._at_once else 0
        if self._why(last) is Why.FOUND:
            return self._replies[last][1] + self._second_s
        return self._end

    def _merged(self) -> Reply:
        """All addresses, the preferred family's first; without any, what says most about it."""
        silent = Reply(Why.SILENT)
        replies = [self._replies.get(family, (silent, 0))[0] for family in self._families]
        found = tuple(address for reply in replies for address in reply.addresses)
        if found:
            return Reply(Why.FOUND, found)
        first, last = replies[0], replies[-1]
        # That the name is there but has no A makes AAAA the question that decides.
        if first.why is Why.NO_ADDRESS and last.why is not Why.NO_NAME:
            return last
        return first


def _groups(dns: Dns) -> tuple[NameServers, ...]:
    """The name servers by port, as c-ares (through gevent) takes one port for all its servers."""
    by_port: dict[int, list[str]] = {}
    for text in dns.servers:
        address, port = parse_server(text)
        by_port.setdefault(port, []).append(address)
    total_s = dns.timeout_s * dns.tries / max(1, len(by_port))
    fresh_s = min(dns.cache_s, dns.negative_s)
    return tuple(
        NameServers(tuple(addresses), port, total_s, dns.tries, fresh_s)
        for port, addresses in (by_port or {53: []}).items()
    )


def _has_ipv6() -> bool:
    """Whether this machine has a route to the IPv6 internet; nothing is sent."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.connect(("2000::1", 53))
    except OSError:
        return False
    return True
