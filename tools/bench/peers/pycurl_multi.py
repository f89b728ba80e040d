"""Bare pycurl: a multi handle on epoll and nothing else; what libcurl allows in Python."""

import select
import time
from typing import Any

import pycurl

from tools.bench.callgrind import Window
from tools.bench.peers.arguments import SERVER, options, write_count

_EPOLL = {
    pycurl.POLL_IN: select.EPOLLIN,
    pycurl.POLL_OUT: select.EPOLLOUT,
    pycurl.POLL_INOUT: select.EPOLLIN | select.EPOLLOUT,
}


class _Loop:
    def __init__(self, given: Any) -> None:
        self._given = given
        self._urls = iter(given.urls)
        self._epoll = select.epoll()
        self._watched: set[int] = set()
        self._due_at: float | None = None
        self._running = 0
        self.good = 0
        self._window = Window(len(given.urls))
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_MAXCONNECTS, given.pool)
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._on_socket)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._on_timer)

    def _on_socket(self, what: int, fd: int, _multi: Any, _data: Any) -> None:
        if what == pycurl.POLL_REMOVE:
            if fd in self._watched:
                self._watched.discard(fd)
                self._epoll.unregister(fd)
        elif fd in self._watched:
            self._epoll.modify(fd, _EPOLL[what])
        else:
            self._watched.add(fd)
            self._epoll.register(fd, _EPOLL[what])

    def _on_timer(self, after_ms: int) -> None:
        self._due_at = None if after_ms < 0 else time.monotonic() + after_ms / 1000

    def _begin(self, easy: pycurl.Curl) -> None:
        url = next(self._urls, None)
        if url is None:
            return
        easy.setopt(pycurl.URL, url)
        host = url.split("/", 3)[2]
        if host.partition(":")[0].endswith(".test"):
            easy.setopt(pycurl.RESOLVE, [f"+{host}:{SERVER}"])
            easy.setopt(pycurl.DNS_CACHE_TIMEOUT, -1)
        else:
            # It would look through all addresses of the last minute at each request.
            easy.setopt(pycurl.DNS_CACHE_TIMEOUT, 0)
        self._multi.add_handle(easy)
        self._running += 1

    def _easy(self) -> pycurl.Curl:
        easy = pycurl.Curl()
        easy.setopt(pycurl.NOSIGNAL, 1)
        easy.setopt(pycurl.TIMEOUT_MS, int(self._given.timeout * 1000))
        easy.setopt(pycurl.PROXY, "")
        if self._given.ca:
            easy.setopt(pycurl.CAINFO, str(self._given.ca))
            if self._given.groups:
                easy.setopt(pycurl.SSL_EC_CURVES, self._given.groups)
        easy.setopt(pycurl.WRITEFUNCTION, _drop)
        return easy

    def run(self) -> None:
        for _ in range(self._given.pool):
            self._begin(self._easy())
        while self._running:
            wait_s = 1.0 if self._due_at is None else max(0.0, self._due_at - time.monotonic())
            for fd, events in self._epoll.poll(wait_s):
                select_ = pycurl.CSELECT_IN if events & ~select.EPOLLOUT else 0
                if events & select.EPOLLOUT:
                    select_ |= pycurl.CSELECT_OUT
                self._multi.socket_action(fd, select_)
            if self._due_at is not None and self._due_at <= time.monotonic():
                self._due_at = None
                self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
            self._collect()

    def _collect(self) -> None:
        left = 1
        while left:
            left, ended, failed = self._multi.info_read()
            for easy in [*ended, *(each[0] for each in failed)]:
                self.good += easy.getinfo(pycurl.RESPONSE_CODE) == 200
                self._window.passed(self.good)
                self._multi.remove_handle(easy)
                self._running -= 1
                self._begin(easy)


def _drop(_data: bytes) -> None:
    pass


def main() -> None:
    given = options("pycurl_multi")
    loop = _Loop(given)
    loop.run()
    write_count(given, loop.good)


if __name__ == "__main__":
    main()
