"""A proxy through which every https host is the local site.

For the documentation's examples: https://example.com/page/1 is /page/1 of the site.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Iterator, Mapping
from typing import Any, Final

_PIECE = 65_536
_NO_OTHERS: Final[Mapping[str, int]] = {}


class _Proxy:
    """Takes CONNECT, speaks TLS for the host that was asked for, and passes on what is said."""

    def __init__(self, context: ssl.SSLContext, port: int, others: Mapping[str, int]) -> None:
        self._context = context
        self._port = port
        self._others = others

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened = [writer]
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                head = await reader.readuntil(b"\r\n\r\n")
                assert head.startswith(b"CONNECT "), head
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                await writer.start_tls(self._context)
                host = head.split(b" ")[1].partition(b":")[0].decode()
                port = self._others.get(host, self._port)
                there_reader, there = await asyncio.open_connection("127.0.0.1", port)
                opened.append(there)
                await asyncio.gather(_pour(reader, there), _pour(there_reader, writer))
        finally:
            for each in opened:
                await _end(each)


async def _pour(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await source.read(_PIECE):
            sink.write(piece)
            await sink.drain()
    sink.close()


async def _end(writer: asyncio.StreamWriter) -> None:
    """Close it completely: what is open when the loop ends causes warnings in a later test."""
    writer.close()
    with contextlib.suppress(OSError, TimeoutError):
        await asyncio.wait_for(writer.wait_closed(), 1)
    writer.transport.abort()
    await asyncio.sleep(0)


@contextlib.contextmanager
def internet(
    context: ssl.SSLContext, site_port: int, others: Mapping[str, int] = _NO_OTHERS
) -> Iterator[str]:
    """The proxy's URL. `others`: hosts that are sites at other ports of this machine."""
    ready = threading.Event()
    shared: dict[str, Any] = {}

    async def live() -> None:
        shared["loop"] = asyncio.get_running_loop()
        leave = shared["leave"] = asyncio.Event()
        server = await asyncio.start_server(
            _Proxy(context, site_port, others).serve, "127.0.0.1", 0
        )
        shared["port"] = server.sockets[0].getsockname()[1]
        ready.set()
        await leave.wait()
        server.close()

    thread = threading.Thread(target=lambda: asyncio.run(live()), daemon=True)
    thread.start()
    assert ready.wait(60)
    try:
        yield f"http://127.0.0.1:{shared['port']}"
    finally:
        shared["loop"].call_soon_threadsafe(shared["leave"].set)
        thread.join(60)
