"""Failures that nobody foresaw, told with their tracebacks."""

from __future__ import annotations

import logging
from typing import Final

_MOST: Final = 3


class Defects:
    """Of one kind: one that is in every line is told a few times, and then only in the rows."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._count = 0

    def tell(self, message: str, *parts: object) -> None:
        """Log it, in an except block."""
        self._count += 1
        if self._count <= _MOST:
            self._log.exception(message, *parts)
        if self._count == _MOST:
            self._log.error("more such failures are only in their rows")


def one_line(error: BaseException) -> str:
    """The error's kind and words."""
    return " ".join(f"{type(error).__name__}: {error}".split())
