"""`bootstrap.py fetcher.engines.helper_main`: runs an engine's library for `fetcher run`.

Standard input brings an order and then requests; each gets a line on standard output. When the
input ends, `fetcher run` has ended or lets this process go. See fetcher.engines.helper.
"""

from __future__ import annotations

import importlib
import os
import queue
import signal
import threading
import time
import traceback
from typing import Final, NoReturn

import msgspec

from fetcher.engines import helper_messages
from fetcher.engines.helper_messages import Answer, HelperOrder, Request
from fetcher.engines.interface import BrokenEngineError, Engine, EngineError
from fetcher.errors import FetcherError
from fetcher.roles import interpreter, lifetime

_STDIN: Final = 0
_BLOCK: Final = 1 << 16
_LEAVE_S: Final = 5.0  # from the end of the input to the end of this process


def _engine(order: HelperOrder) -> Engine:
    module, _, name = order.engine.partition(":")
    engine: Engine = getattr(importlib.import_module(module), name)(order.settings)
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


def _answer_errors(error: Exception) -> Answer:
    if isinstance(error, FetcherError):
        return Answer(
            error=str(error),
            is_temporary=isinstance(error, EngineError),
            is_last=isinstance(error, BrokenEngineError),
        )
    traceback.print_exception(error)
    return Answer(error=f"{type(error).__name__}: {error}", is_temporary=True)


def _read(lines: queue.SimpleQueue[bytes]) -> None:
    """Queue the input's lines, and "" at its end. Some time later it ends the process."""
    unread = b""
    while block := os.read(_STDIN, _BLOCK):
        *whole, unread = (unread + block).split(b"\n")
        for line in whole:
            lines.put(line)
    lines.put(b"")
    time.sleep(_LEAVE_S)
    _leave()


def _leave() -> NoReturn:
    """End this process and all that it has started, apart from what left its group."""
    os.killpg(0, signal.SIGKILL)
    raise AssertionError("unreachable")


def main() -> None:
    """Answer requests until the input ends."""
    answers = os.dup(1)
    os.dup2(2, 1)  # what the library prints is no answer
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(lines,), name="requests", daemon=True).start()
    order = msgspec.json.decode(lines.get(), type=HelperOrder)
    interpreter.search_also(order.folders)
    engine: Engine | None = None
    has_ended = False
    while line := lines.get():
        request = msgspec.json.decode(line, type=Request)
        try:
            engine = engine or _engine(order)
            answer = _answer(engine, request)
        except Exception as error:  # any that the library may raise
            answer = _answer_errors(error)
        has_ended |= request.call == "end"
        os.write(answers, helper_messages.encode(answer))
    if engine is not None and not has_ended:
        engine.end()
    _leave()


if __name__ == "__main__":
    lifetime.imported()
    main()
