"""The engine `command`: each slot is a process on this host, or where a shell command runs it.

The command runs `fetcher slot` somewhere: `ssh host-{number} fetcher slot`, `srun -n1 fetcher
slot`. It passes its standard input on, which brings the slot's order and leashes the slot. A
command with {queue} decides by the slot's queue where it runs.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from fetcher.engines import leashed_child
from fetcher.engines.interface import Engine, EngineError, SlotCount
from fetcher.engines.slot import MODULE
from fetcher.engines.slot_order import DRAIN, SlotOrder, encode
from fetcher.roles import interpreter
from fetcher.settings.schema import Settings

_END_S: Final = 4.0  # for all slots to finish at the end
_TURN_S: Final = 0.05
_NUMBER: Final = "{number}"
_QUEUE: Final = "{queue}"


class CommandEngine(Engine):
    """Slots as child processes."""

    carries_secrets = True  # over standard input

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._command = settings.engine.command
        self.has_queues = _QUEUE in self._command
        self._slots: list[subprocess.Popen[bytes]] = []

    def place(self, tickets: Sequence[Mapping[str, Any]], secrets: str) -> None:
        for ticket in tickets:
            # Only a direct child sees this process as its parent.
            parent_pid = 0 if self._command else os.getpid()
            order = SlotOrder(dict(ticket), secrets, parent_pid, interpreter.search_path())
            slot = self._start(ticket)
            self._slots.append(slot)
            leashed_child.tell(slot, encode(order))

    def _start(self, ticket: Mapping[str, Any]) -> subprocess.Popen[bytes]:
        shell = self._command.replace(_NUMBER, str(ticket["number"]))
        shell = shell.replace(_QUEUE, str(ticket["queue"]))
        command = ["sh", "-c", shell] if shell else interpreter.command(MODULE)
        try:
            return subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
            )
        except OSError as error:
            raise EngineError(f"a slot cannot be started: {error.strerror}") from error

    def count(self) -> SlotCount:
        return SlotCount(0, self._running())

    def _running(self) -> int:
        return sum(slot.poll() is None for slot in self._slots)

    def results(self) -> Sequence[Mapping[str, Any]]:
        ended = [slot for slot in self._slots if slot.poll() is not None]
        self._slots = [slot for slot in self._slots if slot not in ended]
        return [_result(slot) for slot in ended]

    def end(self) -> None:
        for slot in self._slots:
            leashed_child.tell(slot, DRAIN)
        until = time.monotonic() + _END_S
        while self._running() and time.monotonic() < until:
            time.sleep(_TURN_S)
        for slot in self._slots:
            _close(slot)
        for slot in self._slots:
            try:
                slot.wait(_TURN_S)
            except subprocess.TimeoutExpired:  # a command that does not pass its input on
                os.killpg(slot.pid, signal.SIGKILL)
                slot.wait()


def _result(slot: subprocess.Popen[bytes]) -> Mapping[str, Any]:
    assert slot.stdout is not None
    text = slot.stdout.read()
    _close(slot)
    try:
        result: Mapping[str, Any] = json.loads(text)
    except ValueError:
        return {"error": f"its command ended with exit code {slot.returncode} and without a result"}
    return result


def _close(slot: subprocess.Popen[bytes]) -> None:
    for pipe in (slot.stdin, slot.stdout):
        assert pipe is not None
        with contextlib.suppress(OSError):
            pipe.close()
