"""aiohttp on uvloop: one session, as many tasks as the pool is large, each fetching its next."""

import asyncio
import socket
import ssl
from typing import Any

import aiohttp
import uvloop
from aiohttp.resolver import AsyncResolver

from tools.bench.rivals.lists import SERVER, TIMEOUT_S, options, tell


async def fetch_all(given: Any) -> int:
    """The number of good answers."""
    context = ssl.create_default_context(cafile=given.ca) if given.ca else None
    connector = aiohttp.TCPConnector(
        limit=given.pool,
        ssl=context if context else True,
        # As aiohttp's own manual has it where there are many names: aiodns, in the same loop.
        resolver=AsyncResolver(
            nameservers=[SERVER], udp_port=given.names, tcp_port=given.names, timeout=TIMEOUT_S
        ),
        family=socket.AF_INET,
        # Idle connections do not count for its limit: of a new host each, it would run out of
        # files. Nobody would keep them.
        force_close=len({url.split("/", 3)[2] for url in given.urls}) > given.pool,
    )
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    urls = iter(given.urls)
    good = 0

    async def work(session: aiohttp.ClientSession) -> None:
        nonlocal good
        for url in urls:
            try:
                async with session.get(url) as answer:
                    body = await answer.read()
                    good += answer.status == 200 and bool(body)
            except (aiohttp.ClientError, TimeoutError):
                pass

    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        await asyncio.gather(*(work(session) for _ in range(given.pool)))
    return good


def main() -> None:
    given = options("aiohttp_loop")
    tell(given, uvloop.run(fetch_all(given)))


if __name__ == "__main__":
    main()
