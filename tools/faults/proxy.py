"""A TCP proxy that can be cut, reset, silenced, and that resets in the middle of a message.

Law: bytes are passed on unchanged and in order, or not at all. It runs in a thread of its own;
`call` is the only way in.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")

_BLOCK_BYTES: Final = 16 * 1024
_CALL_S: Final = 10.0
_LAST_WORDS_S: Final = 0.05
Where = tuple[str, int]


class Link:
    """One listening address and where its connections lead to."""

    def __init__(self, ours: Where, theirs: Where) -> None:
        self._ours, self._theirs = ours, theirs
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task[None]] = set()
        self._flows = asyncio.Event()
        self._flows.set()
        self.passed_bytes = 0
        self.resets = 0
        self._reset_after: list[int] = []

    async def listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, *self._ours)

    async def cut(self) -> None:
        """Close all connections and refuse new ones."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._writers:
            writer.close()

    async def drop(self) -> None:
        """Pass nothing on, close nothing."""
        self._flows.clear()

    async def heal(self) -> None:
        self._flows.set()
        if self._server is None:
            await self.listen()

    async def reset(self) -> int:
        """End all connections by a reset; how many."""
        count = len(self._writers) // 2
        self._reset_all(self._writers)
        return count

    def _reset_all(self, writers: set[asyncio.StreamWriter]) -> None:
        for writer in list(writers):
            raw = writer.get_extra_info("socket")
            with contextlib.suppress(OSError):
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    async def reset_after(self, byte_counts: list[int]) -> None:
        """The next connections are reset once so many bytes of each were sent to its server."""
        self._reset_after = list(byte_counts)

    async def _accept(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        self._writers.add(answer)
        try:
            server, ask = await asyncio.open_connection(*self._theirs)
        except OSError:
            self._writers.discard(answer)
            answer.close()
            return
        pair = {answer, ask}
        self._writers |= pair
        limit = self._reset_after.pop(0) if self._reset_after else None
        pumps = [
            asyncio.create_task(self._pump(client, ask, limit, pair)),
            asyncio.create_task(self._pump(server, answer, None, pair)),
        ]
        self._pumps.update(pumps)
        await asyncio.wait(pumps)
        self._pumps.difference_update(pumps)
        self._writers -= pair

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        limit: int | None,
        pair: set[asyncio.StreamWriter],
    ) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while data := await reader.read(_BLOCK_BYTES):
                await self._flows.wait()
                if limit is not None and passed + len(data) >= limit:
                    writer.write(data[: limit - passed])
                    await writer.drain()
                    self.resets += 1
                    self._reset_all(pair)
                    return
                passed += len(data)
                self.passed_bytes += len(data)
                writer.write(data)
                await writer.drain()
        writer.close()

    async def close(self) -> None:
        await self.cut()
        for pump in self._pumps:
            pump.cancel()
        for writer in list(self._writers):
            writer.transport.abort()
        await asyncio.sleep(_LAST_WORDS_S)  # a transport ends in a later turn of the loop


class ProxyThread:
    """The thread in which links live."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._links: list[Link] = []

    def call(self, step: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a link's coroutine function there; what it returned."""
        return asyncio.run_coroutine_threadsafe(step(), self._loop).result(_CALL_S)

    def link(self, ours: Where, theirs: Where) -> Link:
        """A new link that listens. Raises OSError where the address is taken."""
        link = Link(ours, theirs)
        self.call(link.listen)
        self._links.append(link)
        return link

    def close(self) -> None:
        for link in self._links:
            self.call(link.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_CALL_S)
        self._loop.close()
