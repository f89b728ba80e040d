"""`bootstrap.py fetcher.engines.slot_main`: one slot, ordered on standard input.

Its last act is one line of JSON on standard output, the result (see fetcher.engines.slot.serve).
Whatever else it or its children print goes to standard error, the engine's log.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from fetcher.engines import secrets, slot_order, ticket
from fetcher.engines.interrupts import Interrupts
from fetcher.engines.patience import Leave, Patience
from fetcher.engines.private import private_directory
from fetcher.engines.slot_order import DRAIN, SlotOrder
from fetcher.engines.ticket import Ticket
from fetcher.engines.workers import host_name, supervise
from fetcher.errors import FetcherError, UsageError
from fetcher.roles import lifetime
from fetcher.roles.interpreter import names_own_code
from fetcher.roles.spec import RoleSpec
from fetcher.security import engine_keys, keyring
from fetcher.settings import load
from fetcher.settings.schema import Settings
from fetcher.telemetry import logs
from fetcher.watch.progress import Quiet

_STDIN: Final = 0
_LOOK_S: Final = 1.0  # between two looks at the parent process
_HURRY_S: Final = 5.0  # from the end of the leash to the end of this process
_DONE: Final = "the job is complete, or has no lines left for this slot"
_DRAINED: Final = "the engine asked it to end"


class Leash(Interrupts):
    """Ends the slot when standard input says so, or when the process that ordered it is gone.

    A pipe alone is not enough: a fork of that process may hold its other end open.
    """

    def __init__(self, parent_pid: int) -> None:
        super().__init__()
        self._parent_pid = parent_pid

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        threading.Thread(target=self._watch, name="leash", daemon=True).start()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        yield

    def _on_signal(self, _number: int, _frame: object) -> None:
        self.count = max(self.count, 1)

    def _watch(self) -> None:
        while self._is_held():
            pass
        self.count = 2
        time.sleep(_HURRY_S)
        os._exit(1)  # the roles end with it, as their standard input does

    def _is_held(self) -> bool:
        if self._parent_pid and os.getppid() != self._parent_pid:
            return False
        readable, _, _ = select.select([_STDIN], [], [], _LOOK_S)
        if not readable:
            return True
        said = os.read(_STDIN, 4096)
        if DRAIN in said:
            self.count = max(self.count, 1)
        return bool(said)


def run(order: SlotOrder, stdout: int) -> int:
    """Run the slot, and print its result. Returns the exit code."""
    began = time.monotonic()
    result: dict[str, Any] = {"ended": "failed", "rows": 0}
    code = 0
    try:
        result |= _serve(order)
    except FetcherError as error:
        code = error.exit_code
        result |= {"error": str(error) or "the lines in the engine's log say why"}
        if str(error):
            logs.complain(error)
    result["seconds"] = round(time.monotonic() - began, 1)
    with contextlib.suppress(OSError):  # nobody reads it
        os.write(stdout, msgspec.json.encode(result) + b"\n")
    return code


def _serve(order: SlotOrder) -> dict[str, Any]:
    slot = ticket.from_plain(order.ticket)
    host = load.load()  # the environment of this host
    ticket.require_signed(slot, host.settings.engine.secret)
    if time.time() > slot.expires_at:
        return {"ended": "the ticket had expired before the slot began"}
    found = secrets.find(
        slot.secrets_from, slot.secrets_file, order.secrets, slot.session, host.settings
    )
    settings = _settings(slot, found)
    logs.start(settings.log, "supervisor", "slot")
    with private_directory() as directory:
        keys = directory / "keys"
        engine_keys.write_worker_folder(keys, slot.key, found.key, slot.servers)
        counts = directory / "counts"
        counts.mkdir()
        spec = RoleSpec(
            role="worker",
            name=keyring.common_name(slot.key, host_name()),
            settings=settings,
            own_folders=order.folders if names_own_code(settings) else (),
            ventilator=slot.ventilator,
            sinks=slot.sinks,
            keys=str(keys),
            idle_s=slot.idle_s,
            counts=str(counts),
        )
        leash = Leash(order.parent_pid)
        patience = Patience(time.monotonic(), slot.patience_s, slot.job, slot.slot_s)
        is_done = supervise(spec, 1, Quiet(), leash, patience)
        why = _DONE if is_done else patience.leave(time.monotonic()) or _DRAINED
        result = {"ended": str(why), "rows": _rows(counts), "worker": spec.name}
        if why is Leave.SILENT:
            result["error"] = _silent(slot)
        return result


def _settings(slot: Ticket, found: secrets.Secrets) -> Settings:
    given: dict[str, object] = {
        **slot.settings,
        **found.settings,
        "worker.processes": 1,
        "worker.standing": False,
        "metrics.worker_port": 0,  # slots of one host would need a port each
    }
    origin = "the slot's ticket"
    return load.load(arguments={key: (value, origin) for key, value in given.items()}).settings


def _rows(counts: Path) -> int:
    """Return how many rows the slot's processes have sent."""
    rows = 0
    for path in counts.iterdir():
        with contextlib.suppress(OSError, ValueError):
            rows += int(path.read_text("ascii"))
    return rows


def _silent(slot: Ticket) -> str:
    return (
        f"no ventilator was heard at {slot.ventilator} for {slot.patience_s:g} s; it has ended, or "
        f"{host_name()} cannot reach it: see engine.bind and engine.advertise"
    )


def main() -> int:
    """Read the order from standard input, and live as its slot."""
    # Handlers of the user may print, and a full pipe would hold them up.
    stdout = os.dup(1)
    os.dup2(2, 1)
    try:
        order = slot_order.read(_STDIN)
    except UsageError as error:
        return logs.complain(error)
    return run(order, stdout)


if __name__ == "__main__":
    lifetime.imported()
    lifetime.leave(main())
