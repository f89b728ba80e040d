"""Ctrl-C and SIGTERM in commands that write files."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator

from fetcher.errors import StoppedError


@contextlib.contextmanager
def stoppable(message: Callable[[], str]) -> Iterator[None]:
    """Raises StoppedError with this message if Ctrl-C or SIGTERM comes within the block.

    The block is left by an exception, so that it can remove incomplete files.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        raise StoppedError(message()) from None
