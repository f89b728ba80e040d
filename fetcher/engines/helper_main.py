"""`bootstrap.py fetcher.engines.helper_main PARENT_PID`: runs an engine's library.

Standard input brings an order and then requests; each gets a line on standard output. When the
input ends or the parent dies, this process ends, with all that is in its process group. If it is
killed, a small process of the group ends the others. See fetcher.engines.helper.
"""

from __future__ import annotations

import os
import pkgutil
import queue
import signal
import subprocess
import sys
import time
import traceback
from typing import Final, NoReturn

import msgspec

from fetcher.engines import helper_messages, leash
from fetcher.engines.helper_messages import Answer, HelperOrder, Request
from fetcher.engines.interface import BrokenEngineError, Engine, EngineError
from fetcher.errors import FetcherError
from fetcher.roles import interpreter, lifetime

_LEAVE_S: Final = 4.0  # from the end of the input to the end of this process
# Waits for the end of its input, and kills its process group.
_END_OF_GROUP: Final = ("sh", "-c", "read _; kill -9 0")


def _engine(order: HelperOrder) -> Engine:
    engine: Engine = pkgutil.resolve_name(order.engine)(order.settings)
    return engine


def _answer(engine: Engine, request: Request) -> Answer:
    match request.call:
        case "start":
            engine.start()
        case "place":
            engine.place(request.tickets, request.secrets)
        case "count":
            return Answer(count=engine.count())
        case "results":
            return Answer(results=tuple(dict(result) for result in engine.results()))
        case "end":
            engine.end()
    return Answer()


def _answer_errors(error: Exception, *, is_last: bool) -> Answer:
    if isinstance(error, FetcherError):
        return Answer(
            error=str(error),
            is_temporary=isinstance(error, EngineError),
            is_last=is_last or isinstance(error, BrokenEngineError),
        )
    traceback.print_exception(error)
    return Answer(error=f"{type(error).__name__}: {error}", is_temporary=True, is_last=is_last)


class _Lines:
    """The lines of the input, from the leash's thread; "" is the last."""

    def __init__(self) -> None:
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._partial = b""

    def hear(self, block: bytes) -> None:
        *lines, self._partial = (self._partial + block).split(b"\n")
        for line in lines:
            self._lines.put(line)

    def close(self) -> None:
        """Queue the last line. Some time later, end the process."""
        self._lines.put(b"")
        time.sleep(_LEAVE_S)
        _leave()

    def next(self) -> bytes:
        return self._lines.get()


def _leave() -> NoReturn:
    """End this process and all that it has started, apart from what left its group."""
    os.killpg(0, signal.SIGKILL)
    raise AssertionError("unreachable")


def _leash_group() -> None:
    """Have all processes of the group end with this one, also if its parent is killed, too."""
    reader, _writer = os.pipe()  # the writing end is open as long as this process lives
    quiet = subprocess.DEVNULL
    subprocess.Popen(_END_OF_GROUP, stdin=reader, stdout=quiet, stderr=quiet)
    os.close(reader)


def main() -> None:
    """Answer requests until the input ends."""
    _leash_group()
    answers = os.dup(1)
    os.dup2(2, 1)  # the library may print; only answers go to `answers`
    lines = _Lines()
    leash.watch_input(int(sys.argv[1]), lines.hear, lines.close)
    order = msgspec.json.decode(lines.next(), type=HelperOrder)
    # Processes of a cluster that is started here must find this package, too.
    interpreter.search_also([*order.folders, interpreter.PACKAGE_FOLDER])
    engine: Engine | None = None
    has_ended = False
    while line := lines.next():
        request = msgspec.json.decode(line, type=Request)
        try:
            engine = engine or _engine(order)
            answer = _answer(engine, request)
        except Exception as error:  # any that the library may raise
            # What could not be imported cannot be imported again in this process.
            answer = _answer_errors(error, is_last=engine is None)
        has_ended |= request.call == "end"
        os.write(answers, helper_messages.encode(answer))
    if engine is not None and not has_ended:
        engine.end()
    _leave()


if __name__ == "__main__":
    lifetime.imported()
    main()
