"""Who asks a supervisor to stop, and how often."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator


class Interrupts:
    """How often a stop was asked for, once: in good order, twice: at once.

    The supervisor's loop looks at it; whoever asks adds to the count.
    """

    said = ""  # to the user, when the roles begin to stop

    def __init__(self) -> None:
        self.count = 0

    def listening(self) -> contextlib.AbstractContextManager[None]:
        """Entered while the roles run."""
        return contextlib.nullcontext()


class Signals(Interrupts):
    """SIGINT and SIGTERM ask for it; to be entered in the main thread."""

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
