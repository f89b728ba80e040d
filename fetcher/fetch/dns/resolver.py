"""Resolves host names: one look-up of a name at a time, bounded time, a bounded cache.

With dns.order = a-first or aaaa-first, a name with addresses is asked for those of one family only;
`resolve_more` asks for the others, where no connection to these could be made or none is allowed.

`resolve` blocks only the calling greenlet, and never longer than dns.timeout_s x dns.tries. A
look-up belongs to no caller: when a caller is killed, the others still get their answer. A result
is kept for its time whatever the servers say in between (this defeats DNS rebinding).
"""

from __future__ import annotations

import socket
import time
from collections import Counter, OrderedDict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import gevent
import gevent.lock
import msgspec
from gevent.hub import Waiter

from fetcher.error_kinds import ErrorKind
from fetcher.fetch import address_guard
from fetcher.fetch.dns.lookup import Lookup, Plan
from fetcher.fetch.dns.replies import Reply, Status
from fetcher.fetch.failures import Failure
from fetcher.settings.schema import Dns, parse_server
from fetcher.web_urls import is_dns_name

if TYPE_CHECKING:
    from fetcher.fetch.dns.name_servers import NameServers

# Numbers, as look-ups use them as keys: the hash of an enum's member is a call in Python.
_V4: Final = int(socket.AF_INET)
_V6: Final = int(socket.AF_INET6)
_FAMILIES: Final[dict[str, tuple[int, ...]]] = {"any": (_V4, _V6), "4": (_V4,), "6": (_V6,)}
# The longest wait for a reply to the preferred family alone.
_ALONE_S: Final = 1.0
_MISSING: Final = {"any": "no IP address", "4": "no IPv4 address", "6": "no IPv6 address"}


class _NoAddress(msgspec.Struct, frozen=True):
    """Why a name has no addresses."""

    kind: ErrorKind
    message: str


_MORE: Final = " more"  # follows the name in the key of what `resolve_more` asks for

_Verdict = tuple[str, ...] | _NoAddress  # a name's addresses, or the reason that it has none
_STOPPED: Final = _NoAddress(ErrorKind.DNS_OTHER, "the look-up was stopped")
_NO_NAME: Final = _NoAddress(ErrorKind.DNS_NO_NAME, "no such name")
_BAD_NAME: Final = _NoAddress(ErrorKind.DNS_OTHER, "not a valid host name")


class Resolver:
    """Resolves names for one process; make it and use it in the process whose loop it runs on."""

    def __init__(self, dns: Dns, ip_version: str) -> None:
        """`ip_version`: any, 4 or 6. Raises ValueError for a server that is not an address."""
        self._dns = dns
        self.longest_s = total_s = dns.timeout_s * dns.tries  # that `resolve` may take
        self._missing = _MISSING[ip_version]
        self._plan = _plan(dns, _FAMILIES[ip_version])
        # None: all addresses are asked for at once, or those of one family only can be used.
        self._more: Plan | None = None
        if len(self._plan.at_once) == 1 and self._plan.alone_s < total_s:
            others = self._plan.families[1:]
            self._more = Plan(others, others, total_s, dns.timeout_s)
        self._addresses = [parse_server(text) for text in dns.servers]
        self._servers: NameServers | None = None  # from the first look-up on
        self._is_prepared = False
        self._starting = gevent.lock.RLock()
        self._cache: OrderedDict[str, tuple[float, _Verdict]] = OrderedDict()
        self._pending: dict[str, _Pending] = {}
        self.lookups: Counter[str] = Counter()  # so far, by how they ended

    def prepare(self) -> None:
        """Begin what the first look-up would wait for; called for each name that will be needed.

        In the turn of the first host it would be too late: its second request would follow the
        first one too soon.
        """
        if not self._is_prepared:
            self._is_prepared = True
            gevent.spawn(self._name_servers)

    def known(self, host: str) -> tuple[str, ...] | None:
        """The cached addresses of a name; None where `resolve` must be asked."""
        verdict = self._cached(host)
        return verdict if isinstance(verdict, tuple) else None

    def resolve(self, host: str) -> tuple[str, ...]:
        """The host's addresses. Raises Failure(DNS).

        Of two IP versions libcurl tries IPv6 first, in whatever order they are here.
        """
        verdict = self._verdict(host)
        if isinstance(verdict, tuple):
            return verdict
        raise Failure(verdict.kind, f"the host name does not resolve ({verdict.message})")

    def may_find_more(self, addresses: Iterable[str]) -> bool:
        """Whether `resolve_more` may find others than these of a host."""
        return self._more is not None and not self._others(addresses, self._more)

    def resolve_more(self, host: str) -> tuple[str, ...]:
        """The host's addresses of the other IP version; often none.

        They are asked for once, and known to `resolve` then, but not to callers that it answered
        before. It blocks as `resolve` does, and raises nothing.
        """
        name = host.removesuffix(".").lower()
        known = self._cached(name)
        if self._more is None or not isinstance(known, tuple):
            return ()
        if others := self._others(known, self._more):
            return others
        until = self._cache[name][0]
        more = self._cached(f"{name}{_MORE}") or self._looked_up(name, _MORE, self._more)
        if not isinstance(more, tuple):
            return ()
        if name in self._cache:
            self._cache[name] = until, known + more
        return more

    @staticmethod
    def _others(addresses: Iterable[str], more: Plan) -> tuple[str, ...]:
        """Those of the addresses that only `more` asks for."""
        return tuple(address for address in addresses if _family(address) in more.families)

    def close(self) -> None:
        """Close the sockets; look-ups that are still waiting fail."""
        self._name_servers().close()

    def _name_servers(self) -> NameServers:
        return self._servers or self._start()

    def _start(self) -> NameServers:
        # c-ares takes 10 ms to load, and not all jobs have names to look up.
        from fetcher.fetch.dns.name_servers import NameServers  # noqa: PLC0415

        # c-ares starts a thread; other greenlets may run meanwhile.
        with self._starting:
            if self._servers is None:
                dns = self._dns
                max_age_s = min(dns.cache_s, dns.negative_s)
                self._servers = NameServers(
                    self._addresses, dns.timeout_s * dns.tries, dns.tries, max_age_s
                )
            return self._servers

    def _verdict(self, host: str) -> _Verdict:
        address = address_guard.literal(host)
        if address is not None:
            is_usable = _family(address) in self._plan.families
            return (address,) if is_usable else _no_address(self._missing)
        name = host.removesuffix(".").lower()
        if not is_dns_name(host.lower()):
            return _BAD_NAME
        return self._cached(name) or self._looked_up(name)

    def _cached(self, name: str) -> _Verdict | None:
        entry = self._cache.get(name)
        if entry is None:
            return None
        until, verdict = entry
        if time.monotonic() < until:
            return verdict
        del self._cache[name]
        return None

    def _looked_up(self, name: str, what: str = "", plan: Plan | None = None) -> _Verdict:
        """The verdict of the look-up of this name that is under way, or of a new one.

        `what`: what is looked up, if it is not all that the settings ask for.
        """
        key = name + what
        servers = self._name_servers()  # before `_pending` is read, as others may run meanwhile
        pending = self._pending.get(key)
        if pending is None:
            pending = self._pending[key] = _Pending()
            Lookup(servers, name, plan or self._plan, lambda end: self._end(key, end)).step()
        if pending.verdict is None:
            pending.wait()
        return pending.verdict or _STOPPED

    def _end(self, key: str, reply: Reply) -> None:
        self.lookups[reply.status.value] += 1
        verdict = reply.addresses or self._reason(reply)
        keep_s = self._dns.cache_s if reply.addresses else self._dns.negative_s
        while len(self._cache) >= self._dns.cache_names:
            self._cache.popitem(last=False)
        self._cache[key] = (time.monotonic() + keep_s, verdict)
        self._pending.pop(key).end(verdict)

    def _reason(self, reply: Reply) -> _NoAddress:
        """Why there are no addresses."""
        if reply.status is Status.NO_NAME:
            return _NO_NAME
        if reply.status is Status.NO_ADDRESS:
            return _no_address(f"it has {self._missing}")
        if reply.status is Status.SILENT:
            said = f"no answer from the name servers in {self._plan.total_s:g} s"
            return _NoAddress(ErrorKind.DNS_NO_ANSWER, said)
        return _NoAddress(reply.kind, reply.detail)


def _plan(dns: Dns, families: tuple[int, ...]) -> Plan:
    """The plan of a look-up for addresses of these families."""
    total_s = dns.timeout_s * dns.tries
    if len(families) == 1:
        return Plan(families, families, total_s, dns.timeout_s)
    if not _has_ipv6():
        # AAAA is asked only for a name that has no A, for the reason that its row names.
        return Plan(families, families[:1], total_s, dns.timeout_s)
    if dns.order == "both":
        return Plan(families, families, total_s, dns.timeout_s)
    if dns.order == "aaaa-first":
        families = families[::-1]
    alone_s = min(_ALONE_S, dns.timeout_s / 2)
    return Plan(families, families[:1], total_s, dns.timeout_s, alone_s)


def _family(address: str) -> int:
    return _V6 if ":" in address else _V4


def _no_address(words: str) -> _NoAddress:
    return _NoAddress(ErrorKind.DNS_NO_ADDRESS, words)


class _Pending:
    """A look-up that is under way, and the greenlets that wait for it."""

    def __init__(self) -> None:
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


def _has_ipv6() -> bool:
    """Whether this machine has a route to the IPv6 internet; nothing is sent."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.connect(("2000::1", 53))
    except OSError:
        return False
    return True
