"""Calls the user's function with each finished line; what it returns goes into the row.

Whatever the function does affects its own row only. A call that takes too long is ended: by gevent
if it waits; by a signal, raised in its own greenlet, if it computes; by the watchdog, together with
its worker, if it is stuck in C.
"""

from __future__ import annotations

import atexit
import logging
import signal
import time
from collections.abc import Callable
from typing import Any, Final

import gevent
import msgspec

from fetcher.error_kinds import ErrorKind
from fetcher.errors import ConfigError
from fetcher.fetch import own_code
from fetcher.fetch.requests_compat.handler_page import Page
from fetcher.fetch.unexpected import Defects, one_line
from fetcher.frontier.links import Link
from fetcher.model import Outcome, Result, Task
from fetcher.roles.worker import handler_links
from fetcher.rows.json_values import json_object
from fetcher.settings.schema import Worker

log = logging.getLogger(__name__)

_MAX_BYTES: Final = 16 * 1024 * 1024  # of the returned value, as JSON
_MAX_TICK_S: Final = 0.25  # between two checks of a function that computes
_MIN_TICK_S: Final = 0.01

Handled = tuple[dict[str, Any] | None, list[Link]]  # a row's `extra`, and links


class _RejectedError(Exception):
    """The function's call failed; `error` says why, as it goes into the row."""

    def __init__(self, kind: ErrorKind, error: BaseException) -> None:
        super().__init__(str(error))
        self.kind = kind
        self.error = error

    @property
    def needs_traceback(self) -> bool:
        """Whether the place in the user's code matters; else the message says what is wrong."""
        # ValueError and TypeError are the refusals of the value itself.
        is_refusal = isinstance(self.error, ValueError | TypeError)
        return not (self.kind is ErrorKind.HANDLER_BAD_RESULT and is_refusal)


class Handler:
    """The function that `worker.handler` names. Raises ConfigError if it cannot be loaded."""

    def __init__(self, settings: Worker) -> None:
        self._call = _load(settings.handler)
        self._timeout_s = settings.handler_timeout_s
        self._running: dict[Any, tuple[float, gevent.Timeout]] = {}  # greenlet -> its deadline
        self._defects = Defects(log)
        tick_s = min(max(self._timeout_s / 4, _MIN_TICK_S), _MAX_TICK_S)
        signal.signal(signal.SIGALRM, self._on_tick)
        signal.setitimer(signal.ITIMER_REAL, tick_s, tick_s)
        # While the interpreter shuts down, nothing handles the signal any more.
        atexit.register(signal.setitimer, signal.ITIMER_REAL, 0)

    def handle(
        self, result: Result, body: bytes | None, task: Task, *, in_crawl: bool
    ) -> tuple[Result, list[Link]]:
        """Return the result with the function's value, or with its failure; and its links.

        `in_crawl`: the function may return links.
        """
        page = Page(result, body, task.method, task.route)
        try:
            extra, links = self._in_time(page, in_crawl=in_crawl)
        except _RejectedError as rejected:
            if rejected.needs_traceback:
                self._defects.log("the handler failed on line %d", result.line)
            else:
                said = "worker.handler: its value for line %d is refused: %s"
                self._defects.say(said, result.line, one_line(rejected.error))
            return _failed(result, rejected.kind, rejected.error), []
        # Also what other code must not catch, such as sys.exit(): here it is the row's failure.
        except BaseException as error:
            self._defects.log("the handler failed on line %d", result.line)
            return _failed(result, ErrorKind.HANDLER_RAISED, error), []
        return (
            msgspec.structs.replace(result, extra=extra) if extra is not None else result
        ), links

    def _in_time(self, page: Page, *, in_crawl: bool) -> Handled:
        greenlet = gevent.getcurrent()
        timeout = gevent.Timeout(self._timeout_s)
        try:
            timeout.start()
            self._running[greenlet] = time.monotonic() + self._timeout_s, timeout
            try:
                return _accepted(self._call(page), page.result, in_crawl=in_crawl)
            finally:
                self._running.pop(greenlet, None)
        except gevent.Timeout as raised:
            if raised is not timeout:
                raise
            said = f"took longer than worker.handler_timeout_s ({self._timeout_s:g})"
            raise _RejectedError(ErrorKind.HANDLER_TIMEOUT, TimeoutError(said)) from raised
        finally:
            timeout.close()

    def _on_tick(self, _number: int, _frame: object) -> None:
        greenlet = gevent.getcurrent()
        until, timeout = self._running.get(greenlet, (0.0, None))
        if timeout is not None and time.monotonic() > until:
            # Raise it once only, not again in the code that handles it.
            del self._running[greenlet]
            raise timeout


def _failed(result: Result, kind: ErrorKind, error: BaseException) -> Result:
    """The result with the failure of its handler."""
    said = f"handler: {one_line(error)}"
    if result.outcome is not Outcome.OK:
        said += f" (and the fetch: {result.outcome}: {result.error})"
    return msgspec.structs.replace(result, outcome=kind.outcome, error_kind=kind.word, error=said)


def _load(name: str) -> Callable[[Page], Any]:
    function: Callable[[Page], Any] = own_code.load("worker.handler", name)
    if not callable(function):
        raise ConfigError(f"worker.handler = {name!r}: is not a function")
    return function


def _accepted(value: Any, result: Result, *, in_crawl: bool) -> Handled:
    """Return the value as a row can hold it, and the links in it. Raises _RejectedError."""
    try:
        if in_crawl and handler_links.are_in(value):
            links = handler_links.of(value, result.final_url or result.url)
            return _checked(value.get("extra")), links
        return _checked(value), []
    # The methods of a foreign object may raise anything.
    except Exception as error:
        raise _RejectedError(ErrorKind.HANDLER_BAD_RESULT, error) from error


def _checked(extra: Any) -> dict[str, Any] | None:
    if extra is None:
        return None
    if not isinstance(extra, dict):
        raise TypeError(f"it returned a {type(extra).__name__}; return a dict or None")
    plain = json_object(extra)
    size = len(msgspec.json.encode(plain))
    if size > _MAX_BYTES:
        raise ValueError(f"it returned {size} bytes of JSON; {_MAX_BYTES} is the most")
    return plain
