"""An engine for tests of the helper: it does what the number of its ticket says."""

from __future__ import annotations

import enum
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from fetcher.engines.interface import Engine, EngineError, SlotCount
from fetcher.errors import UsageError


class Number(enum.IntEnum):
    """The numbers that mean something."""

    PRINT = 1
    REFUSE = 2
    BREAK = 3
    MISUSE = 4
    DIE = 5
    HANG = 6
    HANG_AT_END = 7


class Obedient(Engine):
    """Starts a child, too; the results are the pids of both."""

    placed = 0
    is_to_hang = False

    def place(self, tickets: Sequence[Mapping[str, Any]], secrets: str) -> None:
        for ticket in tickets:
            self._do(ticket["number"])
            self.placed += 1

    def _do(self, number: int) -> None:
        match number:
            case Number.PRINT:
                sys.stdout.write("a library prints this\n")
            case Number.REFUSE:
                raise EngineError("not now")
            case Number.BREAK:
                raise ZeroDivisionError("unexpected")
            case Number.MISUSE:
                raise UsageError("never")
            case Number.DIE:
                os.write(2, b"its last words\n")
                os._exit(1)
            case Number.HANG:
                time.sleep(600)
            case Number.HANG_AT_END:
                self.is_to_hang = True

    def count(self) -> SlotCount:
        return SlotCount(0, self.placed)

    def results(self) -> Sequence[Mapping[str, Any]]:
        child = subprocess.Popen(["sleep", "600"])
        return [{"pid": os.getpid()}, {"pid": child.pid}]

    def end(self) -> None:
        if self.is_to_hang:
            time.sleep(600)
