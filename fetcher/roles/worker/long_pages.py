"""Reads long pages of a crawl in a thread, one at a time, so that the loop serves its sockets.

The parser gets a page in pieces, so that the interpreter's lock is free every few milliseconds.
Short pages are read in the loop: a thread costs more than most of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from gevent.lock import Semaphore

if TYPE_CHECKING:
    from gevent.threadpool import ThreadPool

_T = TypeVar("_T")


class LongPages:
    """The thread of a worker process; only the holder of `turn` may call it."""

    def __init__(self) -> None:
        self.turn = Semaphore(1)
        self._pool: ThreadPool | None = None

    def call(self, function: Callable[[], _T]) -> _T:
        """Call the function in the thread, and return or raise what it does."""
        if self._pool is None:
            from gevent.threadpool import ThreadPool  # noqa: PLC0415  # few crawls need it

            self._pool = ThreadPool(1)
        result: _T = self._pool.apply(function)
        return result
