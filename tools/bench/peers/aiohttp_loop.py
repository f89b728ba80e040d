"""aiohttp on uvloop: one session, as many tasks as the pool is large, each fetching its next.

aiohttp has no limits for hosts. With --polite each host has a semaphore and a clock, as a user
would write it: a task whose URL must wait waits with it.
"""

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import uvloop
from aiohttp.resolver import AsyncResolver

from tools.bench.peers.arguments import DELAY_S, PER_HOST, SERVER, options, write_count


@dataclass
class _Host:
    free: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(PER_HOST))
    next_at: float = 0.0


class _Limits:
    """Lets so many requests to a host run at once, and begin so far apart."""

    def __init__(self) -> None:
        self._hosts: dict[str, _Host] = {}

    @contextlib.asynccontextmanager
    async def turn(self, url: str) -> AsyncIterator[None]:
        """One request to the URL's host."""
        host = self._hosts.setdefault(url.split("/", 3)[2], _Host())
        async with host.free:
            now = time.monotonic()
            begins_at = max(now, host.next_at)
            host.next_at = begins_at + DELAY_S
            if begins_at > now:
                await asyncio.sleep(begins_at - now)
            yield


def _connector(given: Any) -> aiohttp.TCPConnector:
    context = ssl.create_default_context(cafile=given.ca) if given.ca else None
    return aiohttp.TCPConnector(
        limit=given.pool,
        ssl=context if context else True,
        # As aiohttp's own manual has it where there are many names: aiodns, in the same loop.
        resolver=AsyncResolver(
            nameservers=[SERVER], udp_port=given.names, tcp_port=given.names, timeout=given.timeout
        ),
        family=socket.AF_INET,
        # Idle connections do not count for its limit: of a new host each, it would run out of
        # files. Nobody would keep them.
        force_close=len({url.split("/", 3)[2] for url in given.urls}) > given.pool,
    )


async def fetch_all(given: Any) -> int:
    """The number of good answers."""
    timeout = aiohttp.ClientTimeout(total=given.timeout)
    limits = _Limits()
    urls = iter(given.urls)
    good = 0

    async def fetch(session: aiohttp.ClientSession, url: str) -> bool:
        async with session.get(url) as answer:
            body = await answer.read()
            return answer.status == 200 and bool(body)

    async def work(session: aiohttp.ClientSession) -> None:
        nonlocal good
        for url in urls:
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                if given.polite:
                    async with limits.turn(url):
                        is_good = await fetch(session, url)
                else:
                    is_good = await fetch(session, url)
                good += is_good  # apart, as other tasks add to `good` meanwhile

    async with aiohttp.ClientSession(connector=_connector(given), timeout=timeout) as session:
        await asyncio.gather(*(work(session) for _ in range(given.pool)))
    return good


def main() -> None:
    given = options("aiohttp_loop")
    write_count(given, uvloop.run(fetch_all(given)))


if __name__ == "__main__":
    main()
