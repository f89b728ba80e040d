"""The last work of a sink, once all rows of its job are committed.

It is done in slices between the sink's other work, so that polls are answered. Work that fails
begins again the next time, as a full disk may have room by then.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final

_SLICE_S: Final = 0.05


class Finishing:
    """Runs the last steps one by one."""

    def __init__(self, begin: Callable[[], Iterator[None]]) -> None:
        """`begin` yields after each step; `work` raises what a step raises."""
        self._begin = begin
        self._steps: Iterator[None] | None = None

    @property
    def is_begun(self) -> bool:
        """Whether the steps have begun and have not failed since."""
        return self._steps is not None

    def work(self) -> bool:
        """Run steps for one slice; return True once all are done."""
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
