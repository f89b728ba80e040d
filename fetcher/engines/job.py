"""Runs a job where its settings say: on this host, or with workers that an engine places."""

from __future__ import annotations

from pathlib import Path

from fetcher.engines import local
from fetcher.engines.interrupts import Interrupts
from fetcher.engines.supervisor import Display
from fetcher.errors import UsageError
from fetcher.frontier.rules import CrawlRules
from fetcher.input.refresh import Refresh
from fetcher.input.selection import Selection
from fetcher.settings.schema import Settings


def run_job(
    urlfile: Path,
    out: Path,
    settings: Settings,
    display: Display,
    interrupts: Interrupts,
    selection: Selection | None = None,
    command: str = "",
    input_name: str = "",
    crawl: CrawlRules | None = None,
    refresh: Refresh | None = None,
) -> None:
    """Run the job; arguments as of fetcher.engines.local.run_job. Raises FetcherError."""
    given = (urlfile, out, settings, display, interrupts, selection, command, input_name, crawl)
    if not settings.engine.name:
        local.run_job(*given, refresh)
        return
    if refresh is not None:
        raise UsageError(
            "engine.name: the workers of a refresh read the OUT of the earlier job, so that they "
            "run on this host; leave this setting out"
        )
    from fetcher.engines import cluster  # noqa: PLC0415 (its libraries take time to load)

    cluster.run_job(*given)
