"""Runs worker processes on this host for a job whose other roles run elsewhere."""

from __future__ import annotations

import contextlib
import socket
import time
from pathlib import Path

from msgspec.structs import replace

from fetcher.engines.interrupts import Interrupts
from fetcher.engines.patience import Leave, Patience
from fetcher.engines.private import private_directory
from fetcher.engines.sizing import worker_count
from fetcher.engines.supervisor import Display, Supervisor
from fetcher.errors import UnheardError
from fetcher.roles import rlimits
from fetcher.roles.interpreter import own_folders
from fetcher.roles.spec import RoleSpec
from fetcher.security import keyring, role_policy
from fetcher.settings.schema import Settings
from fetcher.telemetry import logs
from fetcher.transport.endpoints import endpoints_of


def run_workers(settings: Settings, display: Display, interrupts: Interrupts) -> None:
    """Run workers until the job is complete or a stop is asked for. Raises FetcherError."""
    folder, ventilator = settings.keys.dir, settings.endpoints.ventilator
    spec = RoleSpec(
        role="worker",
        name=_common_name(folder),
        settings=settings,
        own_folders=own_folders(settings),
        ventilator=ventilator,
        sinks=settings.endpoints.sink,
        keys=folder,
    )
    processes = worker_count(settings)
    rlimits.check(settings, processes)  # before it is announced
    of = "worker process waits" if processes == 1 else "worker processes wait"
    where = f"the ventilator at {ventilator} and the sink at {', '.join(spec.sinks)}"
    logs.announce(f"{processes} {of} for {where}", display.say)
    patience = Patience(time.monotonic(), settings.worker.patience_s)
    if supervise(spec, processes, display, interrupts, patience):
        logs.announce("the workers are done: every line has its row", display.say)
    elif patience.leave(time.monotonic()) is Leave.SILENT:
        raise UnheardError(
            f"no ventilator was heard at {ventilator} for {settings.worker.patience_s:g} s "
            "(worker.patience_s); it has ended, is elsewhere, or cannot be reached from here"
        )


def supervise(
    spec: RoleSpec, processes: int, display: Display, interrupts: Interrupts, patience: Patience
) -> bool:
    """Run worker processes whose names begin with `spec.name`. Raises FetcherError.

    Returns True if they have left by themselves, False if they were stopped before.
    """
    settings = spec.settings
    rlimits.check(settings, processes)
    security = role_policy.of_supervisor(spec.keys, lambda line: display.say(f"fetcher: {line}"))
    with contextlib.closing(security), private_directory() as directory:
        supervisor = Supervisor(
            directory,
            endpoints_of(spec.ventilator, spec.sinks),
            display,
            interrupts,
            grace_s=settings.worker.grace_s,
            ends_with="worker",
            standing=settings.worker.standing,
            security=security,
            patience=patience,
        )
        for number in range(1, processes + 1):
            name = keyring.worker_name(spec.name, number)
            supervisor.add(replace(spec, name=name, number=number))
        with interrupts.listening():
            return supervisor.run()


def host_name() -> str:
    """Return this host's name, without its domain."""
    return socket.gethostname().split(".")[0]


def _common_name(folder: str) -> str:
    key = keyring.load(Path(folder), keyring.WORKER).name if folder else host_name()
    return keyring.common_name(key)
