"""Serves the live page of a ventilator where a port is set."""

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
    """The mailbox, with its page served while the block runs. Raises ConflictError, UsageError.

    `job`: the job's name on the page; `command`: resumes the job, as the page shows it.
    """
    mailbox = ControlMailbox(is_on=bool(settings.http), is_paused=is_paused)
    if not settings.http:
        yield mailbox
        return
    if not settings.token and not is_loopback(settings.host):
        raise UsageError(
            f"monitor.host = {settings.host}: beyond loopback anybody on the network could stop "
            "the job; set monitor.token, or listen on 127.0.0.1"
        )
    # Bottle costs memory and time: it is loaded only where a page is served.
    from fetcher.watch.web import app  # noqa: PLC0415

    port = Port(settings.host, settings.http, "monitor.http")
    with app.listening(port, settings, mailbox, job, command):
        yield mailbox
