"""Shares handles, connections, name look-ups and the guard among all fetches of a worker.

Names are looked up here, and those of their addresses that the guard passes are pinned for libcurl,
which connects to no others. Where it passes none, addresses of the other IP version are asked for
(dns.order), so the order decides nothing about a host. The address of a proxy is not judged.
"""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import gevent

from fetcher import web_urls
from fetcher.error_kinds import ErrorKind
from fetcher.errors import ConfigError
from fetcher.fetch.address_guard import Guard, literal
from fetcher.fetch.body.body_memory import BodyMemory
from fetcher.fetch.dns.pins import Pin, PinTable
from fetcher.fetch.dns.resolver import Resolver
from fetcher.fetch.failures import Failure
from fetcher.fetch.http.first_requests import FirstRequests
from fetcher.fetch.transfer.curl_loop import CurlLoop
from fetcher.fetch.transfer.exchange import Exchange
from fetcher.fetch.transfer.speed_watch import SpeedWatch
from fetcher.fetch.transfer.tls import ca_file, check_files
from fetcher.fetch.transfer.transfer_clock import TransferClock
from fetcher.settings.schema import Http, Settings
from fetcher.web_urls import Target, bracketed

if TYPE_CHECKING:
    from fetcher.fetch.requests_compat.streaming import StreamedExchange


_MOST_LITERALS: Final = 4096
_RESOLVER_SLACK_S: Final = 1.0  # for the resolver's own timers, and for c-ares to load
Addresses = tuple[str, ...]
Passed = Callable[[Addresses], Addresses]  # the addresses that may be connected to


class Connections:
    """The shared parts; a worker process has one Connections. Raises ConfigError."""

    def __init__(self, settings: Settings) -> None:
        check_files(settings.http)
        # certifi is loaded here: in the turn of the first host, its second request would follow too
        # soon.
        ca_file(settings.http)
        self.settings = settings
        self.http = settings.http
        self.resolver = Resolver(settings.dns, settings.http.ip_version)
        polite = settings.polite
        self._is_polite = polite.enabled
        self._first_requests = FirstRequests(polite.delay_s if polite.enabled else 0.0)
        self._guard = Guard(settings.guard.allow)
        self._loop = CurlLoop(settings.http.max_connections or settings.worker.pool_size)
        # The other quarter is for copies of a body on its way: joined, packed, sent.
        budget_bytes = settings.worker.max_body_memory * 3 // 4
        self.memory = BodyMemory(budget_bytes, self._loop.hub.loop.run_callback)
        self.clock = TransferClock()
        self._watch = SpeedWatch(self._loop, settings.http)
        self._pins = PinTable()
        self._literals: dict[tuple[str, int], Pin] = {}  # by host and port, without a proxy
        self._idle: list[Exchange] = []
        self._proxy = _proxy_address(settings.http.proxy)

    @property
    def lookups(self) -> dict[str, int]:
        """Name look-ups so far, by how they ended."""
        return dict(self.resolver.lookups)

    @property
    def hub(self) -> Any:
        """The gevent hub it belongs to; no other thread may use it."""
        return self._loop.hub

    def late(self, kind: ErrorKind = ErrorKind.TIMEOUT_TOTAL) -> Failure:
        """The failure of a fetch whose deadline has passed."""
        limit_s = self.http.total_timeout_s
        return Failure(kind, f"took longer than http.total_timeout_s ({limit_s:g} s)")

    def lend(self) -> Exchange:
        """Lend a handle for one exchange; give it back."""
        return self._idle.pop() if self._idle else self.make(self.http)

    def make(self, http: Http) -> Exchange:
        """Make a handle with limits of its own, for a single exchange."""
        return Exchange(self._loop, self._pins, http, self._guard, self.clock, self._watch)

    def stream(self, http: Http) -> StreamedExchange:
        """Make a handle for one exchange that is streamed, with limits of its own."""
        # For the adapter alone: it imports requests.
        from fetcher.fetch.requests_compat.streaming import StreamedExchange  # noqa: PLC0415

        return StreamedExchange(self._loop, self._pins, http, self._guard, self.clock, self._watch)

    def give_back(self, exchange: Exchange) -> None:
        self._idle.append(exchange)

    def pin(self, target: Target, timeout_s: float, http: Http | None = None) -> Pin:
        """Look up the host to connect to: the target's, or the proxy of `http`. Raises Failure."""
        if http is None and (known := self._literals.get(target[2:])):
            return known
        proxy = self._proxy if http is None else _proxy_address(http.proxy)
        # A proxy looks names up itself; here, only a host that is an address can be judged.
        address = literal(target.host)
        if address and (failure := self._refusal(address, is_proxied=proxy is not None)):
            raise failure
        if proxy is None and address:
            return self._pin_of_literal(target, is_kept=http is None)
        if proxy is None:
            return self._pin(target.host, target.port, timeout_s, self._passed)
        try:
            return self._pin(*proxy, timeout_s, _unjudged, is_proxy=True)
        except Failure as failure:
            raise Failure(ErrorKind.CONNECT_PROXY, f"http.proxy: {failure.message}") from failure

    def _pin_of_literal(self, target: Target, *, is_kept: bool) -> Pin:
        """The pin of a host that is an address; it may be kept, as nothing about it changes."""
        pin = _pin_of_address(target.host, target.port)
        if is_kept:
            if len(self._literals) >= _MOST_LITERALS:
                self._literals.clear()  # cheaper than to note for each when it was used last
            self._literals[target[2:]] = pin
        return pin

    def refusal(self, target: Target) -> Failure | None:
        """Why nothing is ever sent to this target, if its host is a refused address; else None."""
        address = literal(target.host)
        if address is None:
            self.resolver.prepare()
            return None
        if target[2:] in self._literals:
            return None
        refusal = self._refusal(address, is_proxied=self._proxy is not None)
        if refusal is None and self._proxy is None:
            self._pin_of_literal(target, is_kept=True)  # its fetch will ask for that
        return refusal

    def _refusal(self, address: str, *, is_proxied: bool) -> Failure | None:
        if refusal := self._guard.refusal(address):
            return Failure(ErrorKind.BLOCKED_ADDRESS, refusal)
        return None if is_proxied else self._wrong_version(address)

    def _wrong_version(self, address: str) -> Failure | None:
        version = self.http.ip_version
        if version in ("any", "6" if ":" in address else "4"):
            return None
        said = f"{address}: http.ip_version is {version}"
        return Failure(ErrorKind.CONNECT_IP_VERSION, said)

    def _pin(
        self, host: str, port: int, timeout_s: float, passed: Passed, *, is_proxy: bool = False
    ) -> Pin:
        address = literal(host)
        if address is not None:
            if failure := self._wrong_version(address):  # the proxy's
                raise failure
            return _pin_of_address(host, port)
        began = time.monotonic()
        addresses = self.resolver.known(host)
        has_looked_up = False
        if addresses is None:
            addresses = self._resolved(host, timeout_s)
            has_looked_up = True
        try:
            usable = passed(addresses)
        except Failure:
            usable = self._others(host, passed, timeout_s - (time.monotonic() - began))
            has_looked_up = True
            if not usable:
                raise
        waited_s = 0.0
        if self._is_polite and not is_proxy and (has_looked_up or self._first_requests):
            left_s = timeout_s - (time.monotonic() - began)
            waited_s = self._keep_apart(host, left_s, has_looked_up=has_looked_up)
        more: Callable[[float], str] | None = None
        if self.resolver.may_find_more((*addresses, *usable)):
            more = functools.partial(self._more, host, passed)
        return Pin(f"{host}:{port}", _listed(usable), more, waited_s)

    def _resolved(self, host: str, timeout_s: float) -> Addresses:
        if timeout_s > self.resolver.longest_s + _RESOLVER_SLACK_S:
            return self.resolver.resolve(host)
        with gevent.Timeout(timeout_s, self.late(ErrorKind.TIMEOUT_RESOLVE)):
            return self.resolver.resolve(host)

    def _keep_apart(self, host: str, left_s: float, *, has_looked_up: bool) -> float:
        """Wait for the turn of this request, which has so much time; return the seconds.

        Raises Failure.
        """
        now = time.monotonic()
        wait_s = self._first_requests.wait_s(host, now, has_looked_up=has_looked_up)
        if wait_s > 0:
            gevent.sleep(max(0.0, min(wait_s, left_s)))
        if wait_s > left_s:
            raise self.late(ErrorKind.TIMEOUT_RESOLVE)
        return time.monotonic() - now if wait_s > 0 else 0.0

    def _more(self, host: str, passed: Passed, timeout_s: float) -> str:
        """See Pin.more."""
        return _listed(self._others(host, passed, timeout_s))

    def _others(self, host: str, passed: Passed, timeout_s: float) -> Addresses:
        """The addresses that were not asked for yet and may be connected to; often none."""
        addresses: Addresses = ()
        if timeout_s > 0:
            with contextlib.suppress(Failure), gevent.Timeout(timeout_s, False):
                addresses = passed(self.resolver.resolve_more(host))
        return addresses

    def _passed(self, addresses: Addresses) -> Addresses:
        """Those that the guard passes. Raises Failure if there are none."""
        refusals = [self._guard.refusal(address) for address in addresses]
        if not any(refusals):
            return addresses  # or there are none
        if all(refusals):
            raise Failure(ErrorKind.BLOCKED_ADDRESS, str(refusals[0]))
        return tuple(a for a, refusal in zip(addresses, refusals, strict=True) if not refusal)


def _pin_of_address(address: str, port: int) -> Pin:
    host = bracketed(address)
    return Pin(f"{host}:{port}", host)


def _listed(addresses: Addresses) -> str:
    return ",".join(map(bracketed, addresses))


def _unjudged(addresses: Addresses) -> Addresses:
    return addresses


def _proxy_address(proxy: str) -> tuple[str, int] | None:
    """Parse the host and port of a proxy's URL; None without a proxy. Raises ConfigError."""
    if not proxy:
        return None
    url = web_urls.parsed(f"http://{proxy.partition('://')[2].rpartition('@')[2]}")
    target = web_urls.written(url) if url else None
    if target is None:
        raise ConfigError("http.proxy: not the host and port of a proxy")
    return target.host, target.port
