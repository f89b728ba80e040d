"""`python -m tools.bench.names PORT [LATE_MS]`: a name server that says 127.0.0.1 to questions.

Names with a label `gone` do not exist. With LATE_MS, the answers about a name come up to so much
later: each name has a delay of its own. It makes its answers by hand, as a name server must not be
what is measured.
"""

from __future__ import annotations

import asyncio
import socket
import sys
import zlib
from typing import Final, cast

GONE: Final = "gone"
_GONE_LABEL: Final = bytes([len(GONE)]) + GONE.encode()
_FLAGS_AND_COUNTS: Final = b"\x81\x80\x00\x01\x00%c\x00\x00\x00\x00"
_NO_SUCH_NAME: Final = b"\x81\x83\x00\x01\x00\x00\x00\x00\x00\x00"
_ADDRESS: Final = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x7f\x00\x00\x01"


def answer(question: bytes) -> bytes:
    """The answer's bytes: an address to A, and nothing to other types."""
    end = question.index(b"\0", 12) + 5
    asked = question[12:end]
    if _GONE_LABEL in asked:
        return question[:2] + _NO_SUCH_NAME + asked
    is_a = asked[-4:-2] == b"\0\1"
    return question[:2] + _FLAGS_AND_COUNTS % is_a + asked + (_ADDRESS if is_a else b"")


def delay_s(name: str, late_ms: float) -> float:
    """How late the answers about a name are: between 0 and `late_ms`, the same each time."""
    return late_ms / 1000 * (zlib.crc32(name.encode()) % 1000) / 1000


def name_of(question: bytes) -> str:
    """The name that is asked about, in lower case."""
    labels, at = [], 12
    while length := question[at]:
        labels.append(question[at + 1 : at + 1 + length])
        at += 1 + length
    return b".".join(labels).decode("ascii", "replace").lower()


class _LateAnswers(asyncio.DatagramProtocol):
    def __init__(self, late_ms: float) -> None:
        self._late_ms = late_ms
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str | bytes, int]) -> None:
        delay = delay_s(name_of(data), self._late_ms)
        self._loop.call_later(delay, self._transport.sendto, answer(data), addr)


async def _serve_late(server: socket.socket, late_ms: float) -> None:
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(lambda: _LateAnswers(late_ms), sock=server)
    print("ready", flush=True)
    await asyncio.Event().wait()


def main() -> None:
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", int(sys.argv[1])))
    if len(sys.argv) > 2:
        asyncio.run(_serve_late(server, float(sys.argv[2])))
    print("ready", flush=True)
    while True:
        question, peer = server.recvfrom(4096)
        server.sendto(answer(question), peer)


if __name__ == "__main__":
    main()
