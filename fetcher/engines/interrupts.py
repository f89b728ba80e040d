"""Requests to a supervisor to stop."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator


class Interrupts:
    """Counts requests to stop. After one the supervisor stops in order, after two at once.

    A request increments `count`; the supervisor's loop reads it.
    """

    said = ""  # shown to the user when the roles begin to stop

    def __init__(self) -> None:
        self.count = 0

    def listening(self) -> contextlib.AbstractContextManager[None]:
        """Return a context in which the roles run."""
        return contextlib.nullcontext()


class Signals(Interrupts):
    """Takes SIGINT and SIGTERM as requests. Enter `listening` in the main thread."""

    said = "stopping: requests in flight may finish (Ctrl-C again stops at once)"

    def _on_signal(self, _number: int, _frame: object) -> None:
        self.count += 1

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        before = {n: signal.signal(n, self._on_signal) for n in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
