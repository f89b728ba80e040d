"""The tasks: `fetcher.serve` runs a slot; `fetcher.start` and `fetcher.refresh`, a whole job.

They belong to every application that imports this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from celery import shared_task

from fetcher.engines.celery.draining import is_draining
from fetcher.engines.slot import serve as serve_slot
from fetcher.engines.whole_job import lead_to, out_now, result_of, run_whole_job


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


def _refresh(
    latest: str,
    out: str,
    *,
    options: list[str] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Fetch a finished job again, as `fetcher refresh LATEST -o OUT OPTIONS…`; see `_start`.

    `latest`: the OUT of the last time. A symbolic link leads to the new OUT at the end, so that the
    next call refreshes that.
    """
    path = out_now(out)
    link = Path(latest)
    if link.resolve() == path.resolve():
        return result_of(path)  # it was refreshed in this period already
    result = run_whole_job(
        "refresh", [latest], str(path), options or [], settings or {}, is_draining=is_draining
    )
    if link.is_symlink():
        lead_to(link, path)
    return result


# What a worker has not acknowledged is what it runs, so that it takes no slot that another could
# run. A slot that comes a second time has expired, and ends at once.
serve = shared_task(name="fetcher.serve", acks_late=True, ignore_result=True)(_serve)
start = shared_task(name="fetcher.start", acks_late=False)(_start)
refresh = shared_task(name="fetcher.refresh", acks_late=False)(_refresh)
