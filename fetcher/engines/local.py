"""Runs all roles of one job on this host."""

from __future__ import annotations

import secrets
from pathlib import Path

from msgspec.structs import replace

from fetcher.engines.interrupts import Interrupts
from fetcher.engines.private import private_directory
from fetcher.engines.sizing import worker_count, workers_for
from fetcher.engines.supervisor import Display, Supervisor
from fetcher.errors import StoppedError
from fetcher.frontier.rules import CrawlRules
from fetcher.input.refresh import Refresh
from fetcher.input.selection import Selection
from fetcher.roles import rlimits
from fetcher.roles.interpreter import own_folders
from fetcher.roles.spec import RoleSpec
from fetcher.settings.schema import Settings
from fetcher.store import parent_files
from fetcher.transport.endpoints import endpoints_of


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
    """Run all roles of one job over private sockets. Raises FetcherError.

    `selection`: the job has only these lines of the URL file; OUT holds which. `command`,
    `input_name`, `crawl` and `refresh`: see RoleSpec.
    """
    # The seeds of a crawl are few, whatever they lead to.
    workers = worker_count(settings) if crawl else workers_for(settings, urlfile, selection)
    rlimits.check(settings, workers)
    with private_directory() as directory:
        common = RoleSpec(
            role="",
            name="",
            settings=settings,
            own_folders=own_folders(settings),
            ventilator=f"ipc://{directory}/v",
            sinks=(f"ipc://{directory}/s",),
            session=secrets.token_hex(8),
            urlfile=str(urlfile),
            input_name=input_name,
            out=str(out),
            selection=selection,
            crawl=crawl,
            refresh=refresh,
            parent="" if refresh is None else str(parent_files.folder_of(out)),
            command=command,
        )
        supervisor = Supervisor(
            directory,
            endpoints_of(common.ventilator, common.sinks),
            display,
            interrupts,
            grace_s=settings.worker.grace_s,
            ends_with="sink",
        )
        supervisor.add(replace(common, role="sink", name="sink"))
        supervisor.add(replace(common, role="ventilator", name="ventilator"))
        for number in range(1, workers + 1):
            supervisor.add(replace(common, role="worker", name=f"worker{number}", number=number))
        with interrupts.listening():
            if not supervisor.run():
                raise StoppedError("stopped before the end; the same command resumes")
