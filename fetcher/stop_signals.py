"""The signals that ask a process to stop, blocked and let in."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from typing import Final

STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


def unblock() -> None:
    """Let the stop signals in: whoever started us may have blocked them, and we inherit that."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


@contextlib.contextmanager
def held_back(number: signal.Signals) -> Iterator[None]:
    """Hold the signal back until the end of the block; a process started in it inherits that."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {number})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
