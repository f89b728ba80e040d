"""`serve`: runs one slot of a job in a process of an engine, and returns when the slot has ended.

The worker runs in a fresh interpreter, so it does not matter how the engine's process is patched or
forked. A pipe leashes it: if the engine's process dies, the pipe ends, and so does the worker. This
module imports nothing that gevent has to patch, and works in a patched process.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import subprocess
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from fetcher.engines import leashed_child
from fetcher.engines.slot_order import EXPIRED, SlotOrder, encode
from fetcher.roles import interpreter

_END_S: Final = 5.0  # for the slot's process to leave once its pipe has ended
MODULE: Final = "fetcher.engines.slot_main"


def serve(
    ticket: Mapping[str, Any],
    *,
    secrets: str = "",
    is_draining: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Run the slot of this ticket. Never raises for what happens in the slot.

    `secrets`: what the engine carried (see Engine.place); never log it. `is_draining`: asked twice
    a second; once it returns True, requests in flight finish and the slot ends.

    Returns plain data: `ended` (why), `rows` (sent to the sink), `worker` (its name), `seconds`,
    and `error` where something is wrong.
    """
    # An engine may hand out hundreds of them, which must not hold up the others.
    if time.time() > ticket.get("expires_at", math.inf):
        return {"ended": EXPIRED, "rows": 0, "seconds": 0.0}
    process = subprocess.Popen(
        interpreter.command(MODULE),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    order = SlotOrder(dict(ticket), secrets, os.getpid(), interpreter.search_path())
    try:
        leashed_child.tell(process, encode(order))
        leashed_child.wait(process, is_draining)
        return _result(process)
    finally:
        _end(process)


def _result(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    assert process.stdout is not None
    text = process.stdout.read()
    try:
        result: dict[str, Any] = json.loads(text)
    except ValueError:
        return {"ended": "failed", "rows": 0, "error": f"exit code {process.returncode}"}
    return result


def _end(process: subprocess.Popen[bytes]) -> None:
    """Let the process go; it ends within seconds if it has not yet."""
    assert process.stdin is not None
    assert process.stdout is not None
    with contextlib.suppress(OSError):
        process.stdin.close()
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()
