"""A TCP proxy that can cut, reset or stall connections, also in the middle of a message.

Bytes are passed on unchanged and in order, or not at all. The proxy runs in its own thread; use
only `call` from other threads.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")

_BLOCK_BYTES: Final = 16 * 1024
_BACKLOG: Final = 100
_CALL_S: Final = 10.0
_RESET_AT_CLOSE: Final = struct.pack("ii", 1, 0)  # linger: on, for no time
Where = tuple[str, int]


class Link:
    """One listening address and where its connections lead to.

    Sockets without asyncio's streams: its server loses a connection that it accepts as it closes.
    """

    def __init__(self, ours: Where, theirs: Where) -> None:
        self._ours, self._theirs = ours, theirs
        self._loop = asyncio.get_running_loop()
        self._listener: socket.socket | None = None
        # A connection's sockets and, to its very end, its task.
        self._carriers: dict[asyncio.Task[None], tuple[socket.socket, socket.socket]] = {}
        self._flows = asyncio.Event()
        self._flows.set()
        self.passed_bytes = 0
        self.resets = 0
        self._reset_after: list[int] = []
        self._listen()

    def _listen(self) -> None:
        self._listener = socket.create_server(self._ours, backlog=_BACKLOG)
        self._listener.setblocking(False)
        self._loop.add_reader(self._listener, self._accept, self._listener)

    async def cut(self) -> None:
        """Close all connections and refuse new ones."""
        if self._listener is not None:
            self._loop.remove_reader(self._listener)
            self._listener.close()
            self._listener = None
        await self._end_all()

    async def drop(self) -> None:
        """Pass nothing on, close nothing."""
        self._flows.clear()

    async def heal(self) -> None:
        """Pass on and take in again."""
        self._flows.set()
        if self._listener is None:
            self._listen()

    async def reset(self) -> int:
        """End all connections by a reset; how many."""
        count = len(self._carriers)
        for pair in self._carriers.values():
            _reset_at_close(pair)
        await self._end_all()
        return count

    async def _end_all(self) -> None:
        for carrier in self._carriers:
            carrier.cancel()
        await asyncio.gather(*self._carriers, return_exceptions=True)

    async def reset_after(self, byte_counts: list[int]) -> None:
        """The next connections are reset once so many bytes of each were sent to its server."""
        self._reset_after = list(byte_counts)

    def _accept(self, listener: socket.socket) -> None:
        try:
            client, _ = listener.accept()
        except OSError:
            return  # it left, or there are no file descriptors
        server = socket.socket(client.family)
        pair = client, server
        carrier = self._loop.create_task(self._carry(client, server))
        carrier.add_done_callback(self._carried)
        self._carriers[carrier] = pair
        for each in pair:
            each.setblocking(False)

    def _carried(self, carrier: asyncio.Task[None]) -> None:
        for each in self._carriers.pop(carrier):
            each.close()

    async def _carry(self, client: socket.socket, server: socket.socket) -> None:
        try:
            await self._loop.sock_connect(server, self._theirs)
            limit = self._reset_after.pop(0) if self._reset_after else None
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._pump(client, server, limit))
                ways.create_task(self._pump(server, client, None))
        except* OSError:
            pass  # one side is gone: so is the connection

    async def _pump(self, source: socket.socket, target: socket.socket, limit: int | None) -> None:
        passed = 0
        while data := await self._loop.sock_recv(source, _BLOCK_BYTES):
            await self._flows.wait()
            if limit is not None and passed + len(data) >= limit:
                await self._loop.sock_sendall(target, data[: limit - passed])
                self.resets += 1
                _reset_at_close((source, target))
                raise ConnectionResetError
            passed += len(data)
            self.passed_bytes += len(data)
            await self._loop.sock_sendall(target, data)
        target.shutdown(socket.SHUT_WR)


def _reset_at_close(pair: tuple[socket.socket, socket.socket]) -> None:
    for each in pair:
        each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)


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

        async def begin() -> Link:
            return Link(ours, theirs)

        link = self.call(begin)
        self._links.append(link)
        return link

    def close(self) -> None:
        for link in self._links:
            self.call(link.cut)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_CALL_S)
        self._loop.close()
