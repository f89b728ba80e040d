"""Runs a job where its settings say: on this host, or with workers that an engine places."""

from __future__ import annotations

from pathlib import Path

from fetcher.engines import local
from fetcher.engines.interrupts import Interrupts
from fetcher.engines.supervisor import Display
from fetcher.frontier.rules import CrawlRules
from fetcher.input.refresh import Refresh
from fetcher.input.selection import Selection
from fetcher.settings.schema import Settings
from fetcher.store import parent_files


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
    if settings.engine.name:
        from fetcher.engines import cluster  # noqa: PLC0415 (its libraries take time to load)

        cluster.run_job(*given, refresh)
    else:
        local.run_job(*given, refresh)
    if refresh is not None:
        parent_files.remove(out)
