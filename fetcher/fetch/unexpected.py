"""Logs unexpected exceptions with their tracebacks, and failures that need none."""

from __future__ import annotations

import logging
from typing import Final

_MAX_LOGGED: Final = 3


class Defects:
    """Logs only the first few exceptions of one place, as every line may raise one."""

    def __init__(self, log: logging.Logger) -> None:
        self._logger = log
        self._count = 0

    def log(self, message: str, *parts: object) -> None:
        """Log the exception that is being handled, if it is one of the first."""
        self._log(message, parts, with_traceback=True)

    def say(self, message: str, *parts: object) -> None:
        """Log a failure that its message explains, if it is one of the first."""
        self._log(message, parts, with_traceback=False)

    def _log(self, message: str, parts: tuple[object, ...], *, with_traceback: bool) -> None:
        self._count += 1
        if self._count <= _MAX_LOGGED:
            self._logger.error(message, *parts, exc_info=with_traceback)
        if self._count == _MAX_LOGGED:
            self._logger.error("more such failures are only in their rows")


def one_line(error: BaseException) -> str:
    """The error's class and message, on one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())
