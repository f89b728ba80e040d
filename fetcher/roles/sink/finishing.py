"""The last work of a sink, once all rows of its job are committed.

Law: done in slices between the sink's other work, so that polls are answered; work that fails
begins anew the next time, as a full disk may have room by then.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final

_SLICE_S: Final = 0.05


class Finishing:
    """Runs steps one by one."""

    def __init__(self, begin: Callable[[], Iterator[None]]) -> None:
        """`begin` gives the steps; what a step raises, `work` raises."""
        self._begin = begin
        self._steps: Iterator[None] | None = None

    @property
    def is_begun(self) -> bool:
        """Whether it has begun and has not failed since."""
        return self._steps is not None

    def work(self) -> bool:
        """Go on for a moment; True once all is done."""
        if self._steps is None:
            self._steps = self._begin()
        until = time.monotonic() + _SLICE_S
        try:
            for _ in self._steps:
                if time.monotonic() >= until:
                    return False
        except BaseException:
            self._steps = None
            raise
        return True
