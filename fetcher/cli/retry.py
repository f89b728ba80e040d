"""`fetcher retry`: fetches the retryable lines of a job again, into another OUT."""

from __future__ import annotations

from collections.abc import Mapping
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
)
from fetcher.cli.row_options import outcome_option, partial_option, status_option
from fetcher.cli.run import run_and_report
from fetcher.cli.starting import require_ready
from fetcher.export.crawl_retry import not_followed
from fetcher.export.retry import RetryRequest, prepare, unmatched
from fetcher.humanize import number
from fetcher.input import selection
from fetcher.model import Outcome
from fetcher.telemetry import logs


@click.command(cls=GroupedCommand)
@click.argument("parents", type=OUT, nargs=-1, required=True, metavar="OUT...")
@outcome_option
@status_option
@out_option
@click.option(
    "--urls",
    "urlfile",
    type=FILE,
    metavar="URLFILE",
    help="The URL file, if it has been moved.",
)
@partial_option
@setting_options("retry")
@config_options
@fail_on_option
@own_servers_option
@quiet_option
def retry(
    parents: tuple[Path, ...],
    outcomes: str | None,
    statuses: str | None,
    out: Path,
    urlfile: Path | None,
    partial: bool,
    conf: Path | None,
    assignments: tuple[str, ...],
    unwanted: frozenset[Outcome],
    own_servers: bool,
    quiet: bool,
) -> None:
    """Fetch the retryable lines of a job again, and write their rows to another OUT.

    These are the lines whose rows have one of the outcomes or statuses; without these options, all
    that another try could change (dns, connect, tls, timeout, protocol, crashed, 429 and 5xx). The
    same URL file is read, which must not have changed: rows keep the number of their line, and
    requests their method, headers and body. The settings of the first job do not apply. The same
    command resumes. A job with several sinks has one OUT for each: name them all.

    Of a crawl, the lines of its log are fetched again, as a list: redirects are followed to their
    end, and links are not followed.

    \b
    Examples:
      fetcher retry out -o out2
      fetcher retry out --outcome timeout -o out2 --timeout 120
      fetcher export out out2 -o all.parquet         # a row for each line, the newer where two are
    """
    wanted = selection.parse(outcomes, statuses)
    given = settings_of(conf, assignments, own_servers=own_servers)
    require_ready(given.settings)
    found = prepare(out, RetryRequest(parents, wanted, urlfile, partial), given)
    is_empty = not found.selection.lines
    if found.is_of_crawl and not (quiet or is_empty):
        logs.say(logs.own(not_followed(out), "info"))
    run_and_report(
        found.urlfile,
        out,
        found.settings,
        quiet=quiet or is_empty,
        selection=found.selection,
        name=found.input_name,
        unwanted=unwanted,
    )
    if is_empty:
        message = f"nothing to retry: no row of {parents[0]} matches {wanted}; {out} has no rows"
        logs.say(logs.own(message + _others(unmatched(parents)), "info"))


def _others(counts: Mapping[str, int]) -> str:
    """Which rows were not chosen, and the option that chooses them."""
    if not counts:
        return ""
    listed = ", ".join(f"{name} {number(count)}" for name, count in counts.items())
    return (
        f"; not ok and not chosen: {listed}; to fetch these again, add --outcome "
        f"{','.join(counts)} and name another -o"
    )
