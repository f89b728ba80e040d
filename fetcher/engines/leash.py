"""Ends a process when the process that ordered it ends, in whatever way.

The ordering process holds the other end of a pipe. A pipe alone is not enough: a fork of that
process may hold it open, too. So the parent's pid is checked as well. (The signal that Linux can
send at a parent's death would also come when only the thread ends that started this process.)
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

from fetcher.engines.interrupts import Interrupts
from fetcher.engines.slot_order import DRAIN

STDIN: Final = 0
_CHECK_S: Final = 1.0  # between two checks of the parent process
_DRAIN_S: Final = 2.0  # for requests in flight at the leash's end
_HURRY_S: Final = 5.0  # from the end of the leash to the end of this process
_MOST_BYTES: Final = 1 << 16


def watch(parent_pid: int, drain: Callable[[], None], hurry: Callable[[], None]) -> None:
    """Watch standard input; `drain` is called when the input says so. See `watch_input`."""

    def hear(block: bytes) -> None:
        if DRAIN in block:
            drain()

    watch_input(parent_pid, hear, hurry)


def watch_input(parent_pid: int, hear: Callable[[bytes], None], hurry: Callable[[], None]) -> None:
    """Watch standard input in a thread; the process ends within seconds of the input's end.

    `parent_pid`: of the process that ordered this one; 0: it is on another host. `hear` is called
    with what comes, `hurry` at the end; both in the thread.
    """
    thread = threading.Thread(
        target=_watch, args=(parent_pid, hear, hurry), name="leash", daemon=True
    )
    thread.start()


def _watch(parent_pid: int, hear: Callable[[bytes], None], hurry: Callable[[], None]) -> None:
    while not parent_pid or os.getppid() == parent_pid:
        readable, _, _ = select.select([STDIN], [], [], _CHECK_S)
        block = os.read(STDIN, _MOST_BYTES) if readable else None
        if block == b"":
            break
        if block:
            hear(block)
    hurry()
    time.sleep(_HURRY_S)
    os._exit(1)  # the roles end with it, as their standard input does


class SlotLeash(Interrupts):
    """The leash of a slot: its requests to a supervisor to stop."""

    def __init__(self, parent_pid: int) -> None:
        super().__init__()
        self._parent_pid = parent_pid

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._raise_to(1))
        watch(self._parent_pid, lambda: self._raise_to(1), self._hurry)
        yield

    def _hurry(self) -> None:
        self._raise_to(1)  # what ends soon need not be fetched again
        time.sleep(_DRAIN_S)
        self._raise_to(2)

    def _raise_to(self, count: int) -> None:
        self.count = max(self.count, count)
