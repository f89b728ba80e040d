"""Runs libcurl's multi handle on gevent's loop: many transfers, each awaited by its greenlet.

The loop's io and timer watchers drive libcurl (its socket interface); nothing polls and no thread
runs. libcurl's callbacks run in the hub, or in a greenlet that adds or removes a handle. They only
record what libcurl wants, and never block, raise or call libcurl. At the end of the loop's turn,
libcurl is asked once when it wants to act next: a callback would say so twice for each transfer.
A handle is in the multi handle exactly as long as a greenlet waits for it. A watcher that libcurl
no longer needs must be stopped by the end of the turn, when libev registers watchers with the
system: libcurl may have closed its descriptor, and libev aborts the process over such a watcher.
"""

from __future__ import annotations

import contextlib
import math
import time
import weakref
from typing import Any, Final

import pycurl
from gevent import get_hub, getcurrent
from greenlet import greenlet

_READ: Final = 1  # libev's and libuv's names for what a watcher waits for
_WRITE: Final = 2
_LOWEST: Final = -2  # libev's priorities go from here to 2
_REMOVE: Final = pycurl.POLL_REMOVE
_EVENTS: Final = {
    pycurl.POLL_IN: _READ,
    pycurl.POLL_OUT: _WRITE,
    pycurl.POLL_INOUT: _READ | _WRITE,
}
_SELECT: Final = (
    0,
    pycurl.CSELECT_IN,
    pycurl.CSELECT_OUT,
    pycurl.CSELECT_IN | pycurl.CSELECT_OUT,
)

CurlResult = tuple[int, str]  # libcurl's code (0: success) and its words
_SUCCESS: Final[CurlResult] = (0, "")


def _release(watchers: list[Any], multi: pycurl.CurlMulti) -> None:
    for watcher in watchers:
        watcher.stop()
        watcher.close()
    multi.close()


class CurlLoop:
    """The multi handle of a loop; `max_connections` are kept open for reuse."""

    def __init__(self, max_connections: int) -> None:
        self.hub = get_hub()
        self._is_over = False
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_MAXCONNECTS, max_connections)
        # Requests share a connection once it is known to take them (HTTP/2). They do not wait to
        # know it (PIPEWAIT): one that hangs would hold up all others to its host.
        self._multi.setopt(pycurl.M_PIPELINING, pycurl.PIPE_MULTIPLEX)
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._on_socket)
        self._watchers: dict[int, Any] = {}  # by file descriptor
        # Descriptors whose watchers run although libcurl needs them no longer. A connection is
        # nearly always used again in the same turn of the loop: then its watcher just stays.
        self._dormant: set[int] = set()
        # Of the lowest priority: all callbacks of the turn, which may call libcurl, come before it.
        self._turn_ends = self.hub.loop.prepare(ref=False, priority=_LOWEST)
        # Weak: the watcher must not keep this object alive.
        on_turn_end = weakref.WeakMethod(self._on_turn_end)
        self._turn_ends.start(lambda: (call := on_turn_end()) and call())
        self._is_changed = False  # libcurl was called in this turn, so that its deadline may change
        self._alarm: Any = None
        self._rings_at = math.inf
        self._deadline = math.inf  # when libcurl wants to act
        self._is_due = False  # libcurl is called in this turn
        self._ending = False  # some transfers have ended
        self._heard: set[int] = set()  # descriptors that could be read, see `take_heard`
        self._waiting: dict[pycurl.Curl, greenlet] = {}

    def __del__(self) -> None:
        # Before libcurl closes its descriptors: libev aborts when it registers a closed one.
        self._is_over = True
        watchers = [*self._watchers.values(), self._turn_ends]
        if self._alarm is not None:
            watchers.append(self._alarm)
        self._watchers.clear()
        # In the hub, as the last reference may be dropped by another thread; fails after its end.
        with contextlib.suppress(Exception):
            self.hub.loop.run_callback_threadsafe(_release, watchers, self._multi)

    def perform(self, easy: pycurl.Curl) -> CurlResult:
        """Run the transfer; only the calling greenlet waits, and may be killed meanwhile."""
        self._waiting[easy] = getcurrent()
        self._multi.add_handle(easy)
        if not self._is_due:
            self._act_soon()
        try:
            # Only `cut` switches back, and only to a greenlet that still waits.
            result: CurlResult = self.hub.switch()
            return result
        except BaseException:  # the greenlet was killed
            if self._waiting.pop(easy, None) is not None:
                self._multi.remove_handle(easy)
            raise

    def cut(self, easy: pycurl.Curl, result: CurlResult) -> None:
        """End a transfer; call it in the hub, and not in a callback of libcurl."""
        waiting = self._waiting.pop(easy, None)
        if waiting is not None:
            self._multi.remove_handle(easy)
            waiting.switch(result)

    def resume(self, easy: pycurl.Curl) -> None:
        """Continue a transfer that its own callback has paused."""
        if easy in self._waiting:
            easy.pause(pycurl.PAUSE_CONT)
            self._act_soon()

    def opened(self, fd: int) -> None:
        """A new connection has this descriptor, which the system does not watch yet."""
        # An older connection's watcher would not register it again, unless it is stopped: then
        # `_on_socket` sets its events, which makes libev forget what it has registered.
        watcher = self._watchers.get(fd)
        if watcher is not None:
            self._dormant.discard(fd)
            watcher.stop()

    def take_heard(self) -> set[int]:
        """The descriptors that could be read since the last call."""
        heard, self._heard = self._heard, set()
        return heard

    # -- libcurl's callbacks -----------------------------------------------------------------

    def _on_socket(self, what: int, fd: int, _multi: Any, _data: Any) -> None:
        if self._is_over:
            return
        watcher = self._watchers.get(fd)
        if what == _REMOVE:
            if watcher is not None:
                self._dormant.add(fd)
            return
        events = _EVENTS[what]
        if watcher is None:
            watcher = self._watchers[fd] = self.hub.loop.io(fd, events)
        else:
            self._dormant.discard(fd)
            if watcher.active:
                if watcher.events == events:
                    return
                watcher.stop()
            watcher.events = events
        watcher.start(self._on_io, fd, pass_events=True)

    # -- the times at which libcurl acts -----------------------------------------------------

    def _act_soon(self) -> None:
        # Every new transfer asks for it: those of one turn of the loop are served together.
        if not self._is_due:
            self._is_due = True
            self.hub.loop.run_callback(self._on_due)

    def _on_turn_end(self) -> None:
        for fd in self._dormant:
            self._watchers[fd].stop()
        self._dormant.clear()
        if not self._is_changed or self._is_over:
            return
        self._is_changed = False
        after_ms = self._multi.timeout()
        self._deadline = math.inf if after_ms < 0 else time.monotonic() + after_ms / 1000
        if self._deadline < self._rings_at:
            self._set_alarm(after_ms / 1000)

    def _set_alarm(self, after_s: float) -> None:
        # libcurl sets a time with each transfer, nearly always a later one: the alarm that is set
        # stays, and rings once without need.
        if self._alarm is not None:
            self._alarm.stop()
            self._alarm.close()
        self._rings_at = time.monotonic() + after_s
        self._alarm = self.hub.loop.timer(after_s)
        self._alarm.start(self._on_alarm)

    # -- the loop's callbacks ----------------------------------------------------------------

    def _on_io(self, events: int, fd: int) -> None:
        # libcurl may have closed a dormant descriptor, and it may belong to something else by now.
        if fd not in self._dormant:
            if events & _READ:
                self._heard.add(fd)
            self._act(fd, _SELECT[events & 3])

    def _on_alarm(self) -> None:
        self._rings_at = math.inf
        left_s = self._deadline - time.monotonic()
        if left_s <= 0:
            self._deadline = math.inf
            self._act(pycurl.SOCKET_TIMEOUT, 0)
        elif left_s < math.inf:
            self._set_alarm(left_s)

    def _on_due(self) -> None:
        self._is_due = False
        self._act(pycurl.SOCKET_TIMEOUT, 0)

    def _act(self, fd: int, select: int) -> None:
        self._is_changed = True
        _, running = self._multi.socket_action(fd, select)
        # Ended transfers are collected together at the end of the loop's turn. This keeps libcurl's
        # work of one turn apart from Python's, which is better for the processor's caches.
        if running < len(self._waiting) and not self._ending:
            self._ending = True
            self.hub.loop.run_callback(self._collect)

    def _collect(self) -> None:
        self._ending = False
        cut, left = self.cut, 1
        while left:
            left, good, failed = self._multi.info_read()
            for easy in good:
                cut(easy, _SUCCESS)
            for easy, code, words in failed:
                self.cut(easy, (code, words))
