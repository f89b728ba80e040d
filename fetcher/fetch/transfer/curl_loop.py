"""Runs libcurl's multi handle on gevent's loop: many transfers, each awaited by its greenlet.

The loop's io and timer watchers drive libcurl (its socket interface); nothing polls and no thread
runs. libcurl's callbacks run in the hub, or in a greenlet that adds or removes a handle. They only
record what libcurl wants, and never block, raise or call libcurl. At the end of the loop's turn,
libcurl is asked once when it wants to act next: a callback would say so twice for each transfer.
A handle is in the multi handle exactly as long as a greenlet waits for it. A watcher that libcurl
no longer needs must be stopped by the end of the turn, when libev registers watchers with the
system: libcurl may have closed its descriptor, and libev aborts the process over such a watcher.
For the same reason only the hub closes the multi handle. pycurl closes one that is part of garbage
in the thread that collects it, so what a CurlLoop drops stays referred to until the hub has it.
"""

from __future__ import annotations

import contextlib
import math
import time
import weakref
from collections.abc import Callable
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


class _Owned:
    """What a CurlLoop has to end."""

    def __init__(self, turn_ends: Any) -> None:
        self.multi = pycurl.CurlMulti()
        self.watchers: dict[int, Any] = {}  # by file descriptor
        self.turn_ends = turn_ends
        self.alarm: Any = None

    def end_soon(self, hub: Any) -> None:
        """End all in the hub, as any thread may drop a CurlLoop."""
        with contextlib.suppress(Exception):  # the hub has ended
            hub.loop.run_callback_threadsafe(self._end)

    def _end(self) -> None:
        # Before libcurl closes their descriptors: libev aborts when it registers a closed one.
        for watcher in (*self.watchers.values(), self.turn_ends, self.alarm):
            if watcher is not None:
                watcher.stop()
                watcher.close()
        self.multi.close()


def _weak(owner: object, method: Callable[..., None]) -> Callable[..., None]:
    """A method as a callback that does not keep its owner alive, and does nothing after its end."""
    reference = weakref.ref(owner)  # WeakMethod takes far longer to call

    def call(*arguments: Any) -> None:
        living = reference()
        if living is not None:
            method(living, *arguments)

    return call


class CurlLoop:
    """The multi handle of a loop; `max_connections` are kept open for reuse."""

    def __init__(self, max_connections: int) -> None:
        self.hub = get_hub()
        # Of the lowest priority: all callbacks of the turn, which may call libcurl, come before it.
        turn_ends = self.hub.loop.prepare(ref=False, priority=_LOWEST)
        turn_ends.start(_weak(self, CurlLoop._on_turn_end))
        self._owned = owned = _Owned(turn_ends)
        # Not at the end of the process: no hub runs then.
        weakref.finalize(self, owned.end_soon, self.hub).atexit = False
        self._multi = owned.multi
        self._multi.setopt(pycurl.M_MAXCONNECTS, max_connections)
        # Requests share a connection once it is known to take them (HTTP/2). They do not wait to
        # know it (PIPEWAIT): one that hangs would hold up all others to its host.
        self._multi.setopt(pycurl.M_PIPELINING, pycurl.PIPE_MULTIPLEX)
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, _weak(self, CurlLoop._on_socket))
        self._watchers = owned.watchers
        # Descriptors whose watchers run although libcurl needs them no longer. A connection is
        # nearly always used again in the same turn of the loop: then its watcher just stays.
        self._dormant: set[int] = set()
        # The turn in which this object is made may have no end for it.
        self._has_turned = False
        self._is_changed = False  # libcurl was called in this turn, so that its deadline may change
        self._rings_at = math.inf
        self._deadline = math.inf  # when libcurl wants to act
        self._is_due = False  # libcurl is called in this turn
        self._ending = False  # some transfers have ended
        self._heard: set[int] = set()  # descriptors that could be read, see `take_heard`
        self._waiting: dict[pycurl.Curl, greenlet] = {}

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
        watcher = self._watchers.get(fd)
        if what == _REMOVE:
            if watcher is not None and self._has_turned:
                self._dormant.add(fd)
            elif watcher is not None:
                watcher.stop()
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
        self._has_turned = True
        for fd in self._dormant:
            self._watchers[fd].stop()
        self._dormant.clear()
        if not self._is_changed:
            return
        self._is_changed = False
        after_ms = self._multi.timeout()
        self._deadline = math.inf if after_ms < 0 else time.monotonic() + after_ms / 1000
        if self._deadline < self._rings_at:
            self._set_alarm(after_ms / 1000)

    def _set_alarm(self, after_s: float) -> None:
        # libcurl sets a time with each transfer, nearly always a later one: the alarm that is set
        # stays, and rings once without need.
        owned = self._owned
        if owned.alarm is not None:
            owned.alarm.stop()
            owned.alarm.close()
        self._rings_at = time.monotonic() + after_s
        owned.alarm = self.hub.loop.timer(after_s)
        owned.alarm.start(_weak(self, CurlLoop._on_alarm))

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
