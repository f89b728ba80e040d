"""The way from a ventilator to its page: a desk, and who serves it where a port is set."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from fetcher.errors import UsageError
from fetcher.settings.schema import Monitor
from fetcher.telemetry.ports import Port
from fetcher.watch.web.access import is_loopback
from fetcher.watch.web.control_mailbox import ControlMailbox


@contextlib.contextmanager
def serving(
    settings: Monitor, job: str, *, is_paused: bool, command: str = ""
) -> Iterator[ControlMailbox]:
    """The desk that is served while the block runs. Raises ConflictError, UsageError.

    `job`: what the page calls it; `command`: what it says that resumes it.
    """
    desk = ControlMailbox(is_on=bool(settings.http), is_paused=is_paused)
    if not settings.http:
        yield desk
        return
    if not settings.token and not is_loopback(settings.host):
        raise UsageError(
            f"monitor.host = {settings.host}: beyond loopback anybody on the network could stop "
            "the job; set monitor.token, or listen on 127.0.0.1"
        )
    # Bottle costs memory and time: only where it is wanted.
    from fetcher.watch.web import app  # noqa: PLC0415

    port = Port(settings.host, settings.http, "monitor.http")
    with app.listening(port, settings, desk, job, command):
        yield desk
