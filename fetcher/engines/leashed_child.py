"""For the parent of a leashed process: tells the child to drain, and waits for its end.

See fetcher.engines.leash. This module imports nothing that gevent has to patch.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable
from typing import Final

from fetcher.engines.slot_order import DRAIN

_TURN_S: Final = 0.5


def tell(child: subprocess.Popen[bytes], line: bytes) -> None:
    """Write a line to its standard input; nothing happens if it has ended."""
    assert child.stdin is not None
    with contextlib.suppress(OSError):
        child.stdin.write(line)
        child.stdin.flush()


def wait(child: subprocess.Popen[bytes], is_draining: Callable[[], bool]) -> None:
    """Wait for its end; tell it to drain once `is_draining`, asked twice a second, says so."""
    is_told = False
    while not _has_ended(child):
        if not is_told and is_draining():
            tell(child, DRAIN)
            is_told = True


def _has_ended(child: subprocess.Popen[bytes]) -> bool:
    try:
        child.wait(_TURN_S)
    except subprocess.TimeoutExpired:
        return False
    return True
