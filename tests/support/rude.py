"""Clients that are slow, or send invalid requests."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator

WAIT_S = 60.0  # for an answer
ODD = {
    "binary": b"\0\xff" * 1000 + b"\r\n\r\n",
    "no method": b"/healthz HTTP/1.1\r\n\r\n",
    "HTTP/0.9": b"GET /healthz\r\n",
    "no version": b"GET /healthz HTTP/x.y\r\n\r\n",
    "a version to come": b"GET /healthz HTTP/9.9\r\n\r\n",
    "a bad method": b"\x01\x02 /healthz HTTP/1.1\r\n\r\n",
    "a huge first line": b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n",
    "a huge header": b"GET /healthz HTTP/1.1\r\nA: " + b"x" * 100_000 + b"\r\n\r\n",
    "endless headers": b"GET /healthz HTTP/1.1\r\n" + b"A: b\r\n" * 200_000,
    "long endless headers": b"GET /healthz HTTP/1.1\r\n" + (b"A: " + b"x" * 9000 + b"\r\n") * 90,
}


def exchange(port: int, data: bytes, *, ends: bool = False) -> bytes:
    """All that is answered to these bytes; `ends`: nothing more is sent after them."""
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT_S) as client:
        # Who is refused in the middle of what he says may not be able to finish.
        with contextlib.suppress(ConnectionError):
            client.sendall(data)
            if ends:
                client.shutdown(socket.SHUT_WR)
        said = b""
        with contextlib.suppress(ConnectionError):
            while piece := client.recv(65536):
                said += piece
        return said


def reset(port: int, data: bytes) -> None:
    """Ask, and go without listening."""
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT_S) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.sendall(data)


@contextlib.contextmanager
def slow_clients(port: int, count: int, every_s: float) -> Iterator[None]:
    """So many, that say a byte of a request now and then, and come back when they are cut off."""
    ended = threading.Event()
    words = b"GET /healthz HTTP/1.1\r\nX: " + b"x" * 10_000

    def one() -> None:
        while not ended.is_set():
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", port), timeout=WAIT_S) as client,
            ):
                for byte in words:
                    client.sendall(bytes([byte]))
                    if ended.wait(every_s):
                        return
            ended.wait(every_s)

    threads = [threading.Thread(target=one, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        time.sleep(every_s)
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join(WAIT_S)
