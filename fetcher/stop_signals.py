"""The signals that ask a process to stop."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from typing import Final

STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


def unblock() -> None:
    """Unblock the stop signals, as the process that started this one may have blocked them."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


@contextlib.contextmanager
def held_back(number: signal.Signals) -> Iterator[None]:
    """Block the signal until the end of the block; a process started in it inherits this."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {number})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
