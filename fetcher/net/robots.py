"""robots.txt: asked once an origin, kept for a while, obeyed with its Crawl-delay.

Law (RFC 9309): a robots.txt that is not there (4xx) forbids nothing, one that the server fails to
give (5xx) forbids everything for now. A host that cannot be reached at all is told as such.
Concurrent questions for one origin wait for the same answer.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Final

import gevent.event
from protego import Protego

from fetcher.model import Outcome
from fetcher.net import redirects, urls
from fetcher.net.exchange import Request
from fetcher.net.failures import Failure
from fetcher.net.transport import Transport
from fetcher.net.urls import Target
from fetcher.settings import Polite

MAX_BYTES: Final = 512 * 1024  # of a robots.txt that are read: RFC 9309 asks for 500 KiB
_MAX_ORIGINS: Final = 10_000
_FAILED_S: Final = 60.0  # a robots.txt that cannot be had is asked for again after so long
_MAX_HOPS: Final = 5  # RFC 9309, 2.3.1.2
_Origin = tuple[str, str, int]


class Rules:
    """One origin's."""

    def __init__(self, agent: str, until: float) -> None:
        self.until = until
        self.known = gevent.event.Event()
        self.parsed: Protego | None = None  # None: all is allowed
        self.failure: Failure | None = None
        self._agent = agent

    @property
    def delay_s(self) -> float:
        """The Crawl-delay; 0 where there is none."""
        return float(self.parsed.crawl_delay(self._agent) or 0.0) if self.parsed else 0.0

    def check(self, url: str) -> None:
        """Raises Failure where the URL may not be asked for."""
        if self.failure is not None:
            raise Failure(self.failure.outcome, self.failure.message)
        if self.parsed is not None and not self.parsed.can_fetch(url, self._agent):
            raise Failure(Outcome.ROBOTS, "robots.txt disallows it")


class Robots:
    """What the robots.txt of each origin allows this user agent."""

    def __init__(self, polite: Polite, user_agent: str, transport: Transport) -> None:
        self._cache_s = polite.robots_cache_s
        self._agent = user_agent.split("/", maxsplit=1)[0].split(" ", maxsplit=1)[0] or "*"
        self._transport = transport
        self._origins: OrderedDict[_Origin, Rules] = OrderedDict()

    def rules(self, target: Target, timeout_s: float) -> Rules:
        """What holds for the target's origin, asked for where it is not known. Raises Failure."""
        origin = target.scheme, target.host, target.port
        now = time.monotonic()
        rules = self._origins.get(origin)
        if rules is None or rules.until <= now:
            rules = self._origins[origin] = Rules(self._agent, now + self._cache_s)
            if len(self._origins) > _MAX_ORIGINS:
                self._origins.popitem(last=False)
            self._learn(rules, target, timeout_s)
        elif not rules.known.wait(timeout_s):
            raise Failure(Outcome.TIMEOUT, "waited for robots.txt for http.total_timeout_s")
        return rules

    def _learn(self, rules: Rules, target: Target, timeout_s: float) -> None:
        try:
            status, text = _read(self._transport, _address(target), timeout_s)
            if status >= 500:
                raise Failure(Outcome.ROBOTS, f"robots.txt cannot be read (status {status})")
            if 200 <= status <= 299:
                rules.parsed = Protego.parse(text)
        except urls.NoUrlError as error:
            rules.failure = Failure(Outcome.ROBOTS, f"robots.txt leads to no URL: {error}")
        except Failure as failure:
            rules.failure = _told(failure)
            rules.until = min(rules.until, time.monotonic() + _FAILED_S)
        except BaseException:  # this greenlet is killed: its answer is nobody's
            rules.until = 0.0
            rules.failure = Failure(Outcome.TIMEOUT, "robots.txt was not read to its end")
            raise
        finally:
            rules.known.set()


def _read(transport: Transport, url: str, timeout_s: float) -> tuple[int, str]:
    """Status and text of a robots.txt. Raises Failure."""
    end = time.monotonic() + timeout_s
    for hops in range(_MAX_HOPS + 1):
        target = urls.target_of(url, transport.http.max_url_bytes)
        pieces: list[bytes] = []
        exchange = transport.lend()
        try:
            pin = transport.pin(target, end - time.monotonic())
            exchange.perform(Request(target.url), end - time.monotonic(), pin, pieces.append)
            answer = exchange.answer()
        finally:
            transport.give_back(exchange)
        if not answer.redirect_to:
            break
        url = redirects.target_of(target.url, answer.redirect_to)
        redirects.check(url, hops, transport.http)
    return answer.status, b"".join(pieces)[:MAX_BYTES].decode("utf-8", "replace")


def _told(failure: Failure) -> Failure:
    if failure.outcome is Outcome.ROBOTS:
        return failure
    return Failure(failure.outcome, f"robots.txt: {failure.message}")


def _address(target: Target) -> str:
    host = f"[{target.host}]" if ":" in target.host else target.host
    return f"{target.scheme}://{host}:{target.port}/robots.txt"
