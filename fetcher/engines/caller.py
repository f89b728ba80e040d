"""Calls functions one after the other in a thread, because an engine may answer slowly."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Final

_CHECK_S: Final = 0.1  # between two checks whether a wait should end


class Caller:
    """The thread. It ends with the process, also while a call hangs."""

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[tuple[Callable[[], None], threading.Event]] = (
            queue.SimpleQueue()
        )
        self._ended = threading.Event()
        self._ended.set()
        self.error: BaseException | None = None  # of the last call that has ended
        threading.Thread(target=self._run, name="engine", daemon=True).start()

    @property
    def is_free(self) -> bool:
        """Whether all calls have ended."""
        return self._ended.is_set()

    def start(self, call: Callable[[], None]) -> None:
        """Queue a call. Once it has ended, `error` is its error, or None."""
        self._ended = threading.Event()
        self._calls.put((call, self._ended))

    def wait(self, timeout_s: float, is_hurried: Callable[[], bool] = lambda: False) -> bool:
        """Wait until all calls have ended; False if time is up or `is_hurried` before."""
        left = round(timeout_s / _CHECK_S)
        while not self._ended.wait(_CHECK_S):
            left -= 1
            if left <= 0 or is_hurried():
                return False
        return True

    def _run(self) -> None:
        while True:
            call, ended = self._calls.get()
            error: BaseException | None = None
            try:
                call()
            except BaseException as raised:  # raised again in the thread that asks
                error = raised
            self.error = error
            ended.set()
