"""Fetches the robots.txt of each origin once, keeps it for a while, and obeys it (RFC 9309).

A missing robots.txt (4xx) forbids nothing. One that the server fails to give (5xx) forbids
everything for now. Of a file that is longer than MAX_BYTES, the beginning counts. If the host
cannot be reached, its URLs fail with that error. Concurrent questions for one origin wait for the
same answer. The memory for all of them together is bounded.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Final

import gevent.event
import msgspec

from fetcher.error_kinds import ErrorKind
from fetcher.fetch import urls
from fetcher.fetch.body.body_blocks import Blocks
from fetcher.fetch.body.intake import Intake
from fetcher.fetch.failures import Failure
from fetcher.fetch.http.connections import Connections
from fetcher.fetch.transfer import redirects
from fetcher.fetch.transfer.message import Request
from fetcher.model import Outcome
from fetcher.politeness.robots_rules import MAX_BYTES, RobotsTxt, product_of
from fetcher.settings.schema import Polite
from fetcher.web_urls import Target

_MAX_ORIGINS: Final = 10_000
_MAX_KEPT_BYTES: Final = 4 * 1024 * 1024  # of text; parsed, it takes up to seventy times as much
_FAILED_S: Final = 60.0  # a robots.txt that failed is requested again after so long
_MAX_HOPS: Final = 5  # RFC 9309, 2.3.1.2
_Origin = tuple[str, str, int]


class Rules:
    """The rules of one origin; `known` is set once they have been read."""

    def __init__(self, until: float, max_delay_s: float) -> None:
        self.until = until
        self.known = gevent.event.Event()
        self.text: RobotsTxt | None = None  # None: all is allowed
        self.size = 0  # of the text, in bytes
        self.failure: Failure | None = None
        self._max_delay_s = max_delay_s

    @property
    def delay_s(self) -> float:
        """The Crawl-delay, at most polite.retry_after_max_s; 0 where there is none."""
        return min(self.text.delay_s, self._max_delay_s) if self.text else 0.0

    def forbids(self, url: str) -> bool:
        """Whether the URL may not be requested."""
        return self.failure is not None or (self.text is not None and not self.text.allows(url))

    def check(self, url: str) -> None:
        """Raise Failure if the URL may not be requested."""
        if self.failure is not None:
            raise Failure(self.failure.kind, self.failure.message)
        if self.forbids(url):
            raise Failure(ErrorKind.ROBOTS_DISALLOWED, "robots.txt disallows it")


class Robots:
    """The rules of all origins, for one user agent."""

    def __init__(self, polite: Polite, user_agent: str, transport: Connections) -> None:
        self._polite = polite
        self._agent = product_of(user_agent)
        self._transport = transport
        # Not the caps of [http]: a job that wants only the first KB of each page obeys all rules.
        caps = {"max_body_bytes": MAX_BYTES, "max_wire_bytes": MAX_BYTES}
        self._http = msgspec.structs.replace(transport.http, **caps)
        self._origins: OrderedDict[_Origin, Rules] = OrderedDict()
        self._kept_bytes = 0

    def rules(self, target: Target, timeout_s: float) -> Rules:
        """The rules of the target's origin, fetched if they are not known. Raises Failure."""
        origin = target.scheme, target.host, target.port
        now = time.monotonic()
        rules = self._origins.get(origin)
        if rules is None or rules.until <= now:
            self._forget(origin)
            until = now + self._polite.robots_cache_s
            rules = self._origins[origin] = Rules(until, self._polite.retry_after_max_s)
            self._learn(rules, target, timeout_s)
            self._keep(origin, rules)
        elif not rules.known.wait(timeout_s):
            said = "waited for robots.txt for http.total_timeout_s"
            raise Failure(ErrorKind.TIMEOUT_ROBOTS, said)
        return rules

    def has_requested(self, target: Target) -> bool:
        """Whether the rules of the target's origin are known, or were requested already."""
        rules = self._origins.get((target.scheme, target.host, target.port))
        return rules is not None and rules.until > time.monotonic()

    def forbids(self, target: Target) -> bool:
        """Whether known rules forbid the target."""
        rules = self._origins.get((target.scheme, target.host, target.port))
        if rules is None or not rules.known.is_set() or rules.until <= time.monotonic():
            return False
        return rules.forbids(target.url)

    def sitemaps(self, target: Target) -> tuple[str, ...]:
        """The URLs of sitemaps that the target's robots.txt names, as far as it is known."""
        rules = self._origins.get((target.scheme, target.host, target.port))
        return () if rules is None or rules.text is None else rules.text.sitemaps

    def _keep(self, origin: _Origin, rules: Rules) -> None:
        if self._origins.get(origin) is not rules:
            return  # forgotten meanwhile
        self._kept_bytes += rules.size
        while len(self._origins) > _MAX_ORIGINS or self._kept_bytes > _MAX_KEPT_BYTES:
            self._forget(next(iter(self._origins)))

    def _forget(self, origin: _Origin) -> None:
        rules = self._origins.pop(origin, None)
        if rules is not None and rules.known.is_set():
            self._kept_bytes -= rules.size

    def _learn(self, rules: Rules, target: Target, timeout_s: float) -> None:
        try:
            asked = target._replace(url=f"{urls.origin(target)}/robots.txt")
            status, body = self._read(asked, timeout_s)
            if status >= 500:
                said = f"robots.txt cannot be read (status {status})"
                raise Failure(ErrorKind.ROBOTS_UNREADABLE, said)
            if 200 <= status <= 299:
                rules.text, rules.size = RobotsTxt(body, self._agent), len(body)
        except Failure as failure:
            rules.failure = _of_robots(failure)
            rules.until = min(rules.until, time.monotonic() + _FAILED_S)
        except BaseException:  # this greenlet is killed, and its answer is lost
            rules.until = 0.0
            said = "robots.txt was not read to its end"
            rules.failure = Failure(ErrorKind.TIMEOUT_ROBOTS, said)
            raise
        finally:
            rules.known.set()

    def _read(self, target: Target, timeout_s: float) -> tuple[int, bytes]:
        """The status and the first MAX_BYTES of a robots.txt. Raises Failure."""
        end = time.monotonic() + timeout_s
        location = ""
        for _ in range(_MAX_HOPS + 1):
            if location:
                target = redirects.hop(target, location, self._http)
            body = Blocks()
            exchange = self._transport.make(self._http)
            try:
                pin = self._transport.pin(target, end - time.monotonic())
                request = Request(target.url)
                exchange.perform(request, end - time.monotonic(), pin, Intake(body))
            except Failure as failure:
                if failure.outcome is not Outcome.TOO_LARGE:
                    raise
            location = exchange.redirect_to
            if not location:
                break
        return exchange.status, b"".join(body.pieces)[:MAX_BYTES]


def _of_robots(failure: Failure) -> Failure:
    if failure.outcome is Outcome.ROBOTS:
        return failure
    return Failure(failure.kind, f"robots.txt: {failure.message}")
