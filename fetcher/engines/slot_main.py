"""`bootstrap.py fetcher.engines.slot_main`: one slot, ordered on standard input.

Its last act is one line of JSON on standard output, the result (see fetcher.engines.slot.serve).
Whatever else it or its children print goes to standard error, the engine's log.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import Any, Final

import msgspec

from fetcher.engines import secrets, slot_order, ticket
from fetcher.engines.leash import STDIN, SlotLeash
from fetcher.engines.patience import Leave, Patience
from fetcher.engines.private import private_directory
from fetcher.engines.slot_order import SlotOrder
from fetcher.engines.ticket import Ticket
from fetcher.engines.workers import host_name, supervise
from fetcher.errors import FetcherError, UsageError
from fetcher.roles import lifetime
from fetcher.roles.interpreter import names_own_code
from fetcher.roles.spec import RoleSpec
from fetcher.security import engine_keys, keyring
from fetcher.settings import load
from fetcher.settings.schema import Settings
from fetcher.store import parent_files
from fetcher.telemetry import logs
from fetcher.watch.progress import Quiet

_DONE: Final = "the job is complete, or has no lines left for this slot"
_SEE_LOG: Final = "the lines in the engine's log say why"
_DRAINED: Final = "the engine asked it to end"


class _Remembering(Quiet):
    """Keeps the last complaint of a process of the slot, for the slot's result."""

    complaint = ""

    def say(self, line: str) -> None:
        super().say(line)
        self.complaint = (logs.complaint(line) or self.complaint).removeprefix(logs.OURS)


def run(order: SlotOrder, stdout: int) -> int:
    """Run the slot, and print its result. Returns the exit code."""
    began = time.monotonic()
    result: dict[str, Any] = {"ended": "failed", "rows": 0}
    code = 0
    display = _Remembering()
    try:
        result |= _serve(order, display)
    except FetcherError as error:
        code = error.exit_code
        result |= {"error": str(error) or display.complaint or _SEE_LOG}
        if str(error):
            logs.complain(error)
    result["seconds"] = round(time.monotonic() - began, 1)
    with contextlib.suppress(OSError):  # nobody reads it
        os.write(stdout, msgspec.json.encode(result) + b"\n")
    return code


def _serve(order: SlotOrder, display: Quiet) -> dict[str, Any]:
    slot = ticket.from_plain(order.ticket)
    host = load.load()  # the environment of this host
    ticket.require_signed(slot, host.settings.engine.secret)
    if time.time() > slot.expires_at:
        return {"ended": slot_order.EXPIRED}
    found = secrets.find(
        slot.secrets_from, slot.secrets_file, order.secrets, slot.session, host.settings
    )
    settings = _settings(slot, found)
    if slot.parent:
        parent_files.require_seen(Path(slot.parent))
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
            parent=slot.parent,
            counts=str(counts),
        )
        leash = SlotLeash(order.parent_pid)
        patience = Patience(time.monotonic(), slot.patience_s, slot.job, slot.slot_s)
        is_done = supervise(spec, 1, display, leash, patience)
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
    """Read the order from standard input, and run its slot."""
    # Handlers of the user may print, and a full pipe would hold them up.
    stdout = os.dup(1)
    os.dup2(2, 1)
    try:
        order = slot_order.read(STDIN)
    except UsageError as error:
        return logs.complain(error)
    return run(order, stdout)


if __name__ == "__main__":
    lifetime.imported()
    lifetime.leave(main())
