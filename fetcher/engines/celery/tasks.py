"""The tasks: `fetcher.serve` runs a slot of a job, `fetcher.start` a whole job.

They belong to every application that imports this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from celery import shared_task

from fetcher.engines.celery.draining import is_draining
from fetcher.engines.slot import serve as serve_slot
from fetcher.engines.whole_job import run_whole_job


def _serve(ticket: Mapping[str, Any]) -> dict[str, Any]:
    """Run one slot of a job; returns why it ended and how many rows it has sent."""
    return serve_slot(ticket, is_draining=is_draining)


def _start(
    urls: str | list[str],
    out: str,
    *,
    command: str = "run",
    options: list[str] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Run a whole job, as `fetcher COMMAND URLS -o OUT OPTIONS…`; returns OUT's path and totals.

    `out` may hold the codes of `strftime`, such as `out/%Y-%m-%d`. `settings`: by `section.key`.
    A job that does not become complete raises an error; the same call resumes it.
    """
    given = [urls] if isinstance(urls, str) else urls
    return run_whole_job(
        command, given, out, options or [], settings or {}, is_draining=is_draining
    )


# What a worker has not acknowledged is what it runs, so that it takes no slot that another could
# run. A slot that comes a second time has expired, and ends at once.
serve = shared_task(name="fetcher.serve", acks_late=True, ignore_result=True)(_serve)
start = shared_task(name="fetcher.start", acks_late=False)(_start)
