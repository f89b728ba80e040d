"""A CurlLoop closes no connection that its hub still watches: libev ends such a process."""

from __future__ import annotations

import gc
import os
import socket
import subprocess
import sys
import threading

import gevent
import pycurl

from fetcher.fetch.transfer.curl_loop import CurlLoop
from support.scripted import Script, answer, scripted

# Makes a loop in a turn of the hub, and kills its transfer in the same turn.
_KILLED_AT_ONCE = """
import sys
import gevent
import pycurl
from fetcher.fetch.transfer.curl_loop import CurlLoop

def perform(loop):
    easy = pycurl.Curl()
    easy.setopt(pycurl.URL, sys.argv[1])
    loop.perform(easy)

def turn():
    loop = CurlLoop(1)
    transfer = gevent.spawn(perform, loop)
    for _ in range(5):  # of the same turn: libcurl connects
        gevent.sleep(0)
    transfer.kill()
    return loop

loop = gevent.spawn(turn)
gevent.sleep(0.01)
print(loop.get())
"""


class _Knot:
    """An object that refers to itself, so that only a garbage collection ends it."""

    def __init__(self, loop: CurlLoop) -> None:
        self.loop = loop
        self.me = self


def test_a_transfer_may_be_killed_in_the_turn_in_which_its_loop_is_made() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        done = subprocess.run(
            [sys.executable, "-c", _KILLED_AT_ONCE, f"http://127.0.0.1:{server.getsockname()[1]}/"],
            check=False,
            capture_output=True,
            timeout=60,
        )
    assert done.returncode == 0, done.stderr.decode()
    assert b"CurlLoop" in done.stdout


def test_only_the_hub_closes_connections_of_a_loop_that_another_thread_collects() -> None:
    fds: list[int] = []

    def opened(fd: int, _purpose: int) -> int:
        fds.append(fd)
        return pycurl.SOCKOPT_OK

    with scripted({"/": Script(answer(b"page"))}) as server:
        loop = CurlLoop(1)
        easy = pycurl.Curl()
        easy.setopt(pycurl.URL, server.url("/"))
        easy.setopt(pycurl.WRITEFUNCTION, lambda _: None)
        easy.setopt(pycurl.SOCKOPTFUNCTION, opened)
        assert loop.perform(easy) == (0, "")
        gevent.sleep(0.01)  # the end of the turn
        (fd,) = fds
        inode = os.fstat(fd).st_ino
        _Knot(loop)
        del loop
        collector = threading.Thread(target=gc.collect)
        collector.start()
        collector.join()
        assert os.fstat(fd).st_ino == inode, "closed by the thread"
        with gevent.Timeout(30):
            while _inode(fd) == inode:
                gevent.sleep(0.001)


def _inode(fd: int) -> int:
    try:
        return os.fstat(fd).st_ino
    except OSError:
        return 0
