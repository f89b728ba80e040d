"""`fetcher refresh`: fetches a finished list or crawl again, and only what has changed in full."""

from __future__ import annotations

from pathlib import Path

import click

from fetcher.cli.fail_on import fail_on_option
from fetcher.cli.options import (
    FILE,
    OUT,
    GroupedCommand,
    config_options,
    out_option,
    own_servers_option,
    quiet_option,
    setting_options,
    settings_of,
    web_option,
)
from fetcher.cli.row_options import partial_option
from fetcher.cli.run import run_and_report
from fetcher.cli.starting import require_ready
from fetcher.export.refresh import RefreshRequest, prepare
from fetcher.model import Outcome
from fetcher.telemetry import logs


@click.command(cls=GroupedCommand)
@click.argument("parents", type=OUT, nargs=-1, required=True, metavar="OUT...")
@out_option
@click.option(
    "--urls",
    "urlfile",
    type=FILE,
    metavar="URLFILE",
    help="The URL file, if it has been moved.",
)
@partial_option
@setting_options("refresh")
@config_options
@fail_on_option
@own_servers_option
@web_option
@quiet_option
def refresh(
    parents: tuple[Path, ...],
    out: Path,
    urlfile: Path | None,
    partial: bool,
    conf: Path | None,
    assignments: tuple[str, ...],
    unwanted: frozenset[Outcome],
    own_servers: bool,
    web: int | None,
    quiet: bool,
) -> None:
    """Fetch a finished list or crawl again, into another OUT.

    Requests have the ETag and the Last-Modified of the earlier rows, and a server does not send a
    page again that has not changed (status 304). Its row says `unchanged`; its digest, its body
    and, in a crawl, its links are taken over. The new OUT is complete: you may remove the earlier
    one. The same command resumes.

    The lines are those of the same URL file, which must not have changed. A crawl has the same
    seeds and rules; pages that no page links to any more are not in its log. Rows and bodies are
    kept in the same form as before. Other settings are not taken over: give them again. Of a job
    with several sinks, name all OUTs; of a list that was retried, also those of the retries.

    \b
    Examples:
      fetcher refresh monday -o tuesday
      fetcher diff monday tuesday                    # new, gone, changed, moved
      fetcher refresh site -o site2 --own-servers --bodies files
    """
    http = ("--web", web)
    given = settings_of(conf, assignments, monitor__http=http, own_servers=own_servers)
    require_ready(given.settings)
    found = prepare(out, RefreshRequest(parents, urlfile, partial), given)
    if found.notice and not quiet:
        logs.say(logs.own(found.notice, "info"))
    run_and_report(
        found.urlfile,
        out,
        found.settings,
        quiet=quiet,
        name=found.input_name,
        unwanted=unwanted,
        crawl=found.crawl,
        refresh=found.refresh,
    )
