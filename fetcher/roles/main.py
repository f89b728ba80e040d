"""`bootstrap.py fetcher.roles.main SPEC`: runs the ventilator or the sink, unpatched."""

from __future__ import annotations

import contextlib
import signal
import sys
from pathlib import Path
from typing import Any, Final, NoReturn

from fetcher import lean_msgspec  # noqa: F401 (before all that imports msgspec)
from fetcher.errors import Exit, FetcherError, StoppedError
from fetcher.roles import lifetime, rlimits
from fetcher.roles.spec import RoleSpec, StopFlag, child_code, read_spec, tell_ready
from fetcher.security.policy import NO_KEYS, Security
from fetcher.settings.schema import Settings
from fetcher.telemetry import logs
from fetcher.telemetry.serving import serving
from fetcher.telemetry.snapshot import Snapshot
from fetcher.transport.endpoints import endpoints_of, refuse_open_network

# The code that shells use. Exit code 3 of a sink means that it found no room on the disk.
_ASKED_TO_STOP: Final = 128 + signal.SIGTERM


def run(spec: RoleSpec) -> Exit:
    """Run the role of the spec. Raises FetcherError."""
    settings = spec.settings
    logs.start(settings.log, spec.role, spec.name, announces=spec.announces)
    stop = StopFlag(has_parent=spec.has_parent, began=lambda: tell_ready(spec))
    stop.listen()
    if not (spec.keys or spec.insecure):
        refuse_open_network("endpoints.sink", *spec.sinks)
        if spec.role != "sink":
            refuse_open_network("endpoints.ventilator", spec.ventilator)
    rlimits.raise_limit()
    with (
        contextlib.closing(_security(spec)) as security,
        serving(settings.metrics, spec.role, spec.number, spec.name) as snapshot,
    ):
        code = _live(spec, settings, stop, snapshot, security)
    logs.announce(f"the {spec.role} is done: every line has its row")
    return code


def _security(spec: RoleSpec) -> Security:
    if spec.has_parent and not spec.keys:
        return NO_KEYS  # `fetcher run` uses private sockets
    from fetcher.security import role_policy  # noqa: PLC0415 (takes time to load)

    return role_policy.of_role(spec.keys, spec.role)


def _live(
    spec: RoleSpec, settings: Settings, stop: StopFlag, snapshot: Snapshot[Any], security: Security
) -> Exit:
    addresses = endpoints_of(spec.ventilator, spec.sinks)
    # Only the role's own modules are imported: a ventilator does not need the sink's store.
    if spec.role == "sink":
        from fetcher.roles.sink import role as sink  # noqa: PLC0415

        # The settings of a sink that runs on its own need not name the right ventilator.
        ventilator = f"{spec.ventilator} {spec.watch_keys}".strip() if spec.has_parent else ""
        lifetime.imported()
        return sink.run(spec, settings, addresses, stop, snapshot, security, ventilator)
    from fetcher.roles.ventilator import role  # noqa: PLC0415
    from fetcher.watch.web.serving import serving as page_served  # noqa: PLC0415

    lifetime.imported()
    served = page_served(
        settings.monitor,
        spec.input_name or Path(spec.urlfile).name,
        is_paused=spec.is_paused,
        command=spec.command,
    )
    with served as mailbox:
        return role.run(spec, settings, addresses, stop, snapshot, security, mailbox)


def main() -> NoReturn:
    """Run the role of the spec, and end the process."""
    lifetime.leave(_code())


def _code() -> int:
    try:
        return child_code(run(read_spec(sys.argv[1])))
    except StoppedError:
        return _ASKED_TO_STOP  # the process that stopped this one informs the user
    except FetcherError as error:
        return logs.complain(error)


if __name__ == "__main__":
    main()
