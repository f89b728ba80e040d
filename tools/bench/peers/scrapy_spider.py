"""Scrapy, set to go as fast as it can: no robots.txt, retries or delays; asyncio with uvloop.

With --polite it has its own limits for hosts. aiodns looks names up, as the port of a name server
cannot be given to Scrapy's own threads.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Self

import aiodns
import scrapy
from scrapy.crawler import CrawlerProcess
from scrapy.http import Response
from twisted.internet import defer
from twisted.internet.error import DNSLookupError
from twisted.internet.interfaces import IResolverSimple
from zope.interface import implementer

from tools.bench.peers.arguments import DELAY_S, PER_HOST, SERVER, options, write_count

_PORT = "NAMES_PORT"


@implementer(IResolverSimple)
class Resolver:
    """Looks names up at the benchmark's name server, and remembers them."""

    def __init__(self, reactor: Any, port: int) -> None:
        self._reactor = reactor
        self._port = port
        self._resolver: aiodns.DNSResolver | None = None
        self._known: dict[str, asyncio.Future[str]] = {}

    @classmethod
    def from_crawler(cls, crawler: Any, reactor: Any) -> Self:
        """As Scrapy makes one."""
        return cls(reactor, crawler.settings.getint(_PORT))

    def install_on_reactor(self) -> None:
        """As Scrapy asks for it."""
        self._reactor.installResolver(self)

    def getHostByName(self, name: str, timeout: Any = ()) -> Any:
        """A Deferred of the address."""
        if name not in self._known:
            self._known[name] = asyncio.ensure_future(self._look_up(name))
        # A copy, as a Deferred that is cancelled cancels its future.
        return defer.Deferred.fromFuture(asyncio.shield(self._known[name]))

    async def _look_up(self, name: str) -> str:
        if self._resolver is None:
            self._resolver = aiodns.DNSResolver(
                [SERVER], udp_port=self._port, tcp_port=self._port, timeout=5.0
            )
        try:
            answer: Any = await self._resolver.query_dns(name, "A")
        except aiodns.error.DNSError as failed:
            raise DNSLookupError(str(failed)) from failed  # which Twisted expects
        return str(answer.answer[0].data.addr)


class _Spider(scrapy.Spider):
    name = "peer"
    urls: list[str]
    good = 0

    async def start(self) -> AsyncIterator[Any]:
        for url in self.urls:
            yield scrapy.Request(url, callback=self.count, dont_filter=True)

    async def count(self, response: Response) -> None:
        type(self).good += response.status == 200 and bool(response.body)


def settings_of(given: Any) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "CONCURRENT_REQUESTS": given.pool,
        "CONCURRENT_REQUESTS_PER_DOMAIN": PER_HOST if given.polite else given.pool,
        "DOWNLOAD_DELAY": DELAY_S if given.polite else 0,
        "DOWNLOAD_TIMEOUT": given.timeout,
        "DOWNLOAD_VERIFY_CERTIFICATES": True,
        "RETRY_ENABLED": False,
        "ROBOTSTXT_OBEY": False,
        "COOKIES_ENABLED": False,
        "TELNETCONSOLE_ENABLED": False,
        "LOG_ENABLED": False,
        "RANDOMIZE_DOWNLOAD_DELAY": False,
        "ASYNCIO_EVENT_LOOP": "uvloop.Loop",
    }
    if given.names:
        settings |= {"DNS_RESOLVER": f"{__name__}.Resolver", _PORT: given.names}
    return settings


def main() -> None:
    given = options("scrapy_spider")
    process = CrawlerProcess(settings_of(given))
    process.crawl(_Spider, urls=given.urls)
    process.start()
    write_count(given, _Spider.good)


if __name__ == "__main__":
    main()
