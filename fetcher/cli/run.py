"""`fetcher run`: runs all roles of a job on this host."""

from __future__ import annotations

from pathlib import Path

import click

from fetcher.cli.fail_on import fail_on_option, require_none
from fetcher.cli.inputs import INPUT, one_input, require_there
from fetcher.cli.options import (
    GroupedCommand,
    command_line,
    config_options,
    out_option,
    own_servers_option,
    page_url,
    quiet_option,
    require_no_crawl_options,
    setting_options,
    settings_of,
    web_option,
)
from fetcher.cli.starting import require_ready, start
from fetcher.engines.interrupts import Signals
from fetcher.engines.job import run_job
from fetcher.errors import StoppedError
from fetcher.frontier.rules import CrawlRules
from fetcher.humanize import counted
from fetcher.input.refresh import Refresh
from fetcher.input.selection import Selection
from fetcher.model import Outcome
from fetcher.politeness.host_broker import notice_of_quiet
from fetcher.settings.load import Loaded
from fetcher.settings.schema import Settings
from fetcher.store import manifest
from fetcher.store.reader import Part, read_part
from fetcher.telemetry import logs
from fetcher.watch.display import choose_display


@click.command(cls=GroupedCommand)
@click.argument(
    "given",
    type=INPUT,
    nargs=-1,
    required=True,
    metavar="URLFILE|URL...",
    callback=require_there,
)
@out_option
@setting_options("run")
@config_options
@fail_on_option
@own_servers_option
@web_option
@quiet_option
def run(
    given: tuple[str | Path, ...],
    out: Path,
    conf: Path | None,
    assignments: tuple[str, ...],
    unwanted: frozenset[Outcome],
    own_servers: bool,
    web: int | None,
    quiet: bool,
) -> None:
    """Fetch every URL of URLFILE; each line gets one result row in OUT/results/part-*.jsonl.

    URLFILE holds one URL per line (UTF-8, plain or gzip), or a JSON object per line (.jsonl), or a
    record per line (.csv, .tsv). Blank lines and lines that begin with # are skipped. `-` reads
    standard input. URLs may also be given as arguments. After an interruption, the same command
    resumes: no committed line is fetched again.

    \b
    Examples:
      fetcher run urls.txt -o out
      fetcher run https://example.org/ https://example.com/ -o out
      fetcher run links.csv --column link -o out
      fetcher run urls.txt.gz -o out --workers 4 --pool-size 1000
      fetcher run urls.txt -o out --web
      zcat *.gz | fetcher run - -o out
      fetcher run urls.txt -o out -c fetcher.toml --timeout 20 --bodies files
    """
    urlfile = one_input(given)
    loaded = settings_of(conf, assignments, monitor__http=("--web", web), own_servers=own_servers)
    require_no_crawl_options(loaded, "use `fetcher crawl`")
    require_ready(loaded.settings)

    def fetch(file: Path, terms: Loaded, name: str) -> None:
        run_and_report(file, out, terms.settings, quiet=quiet, name=name, unwanted=unwanted)

    start(urlfile, out, loaded, fetch)


def run_and_report(
    urlfile: Path,
    out: Path,
    settings: Settings,
    *,
    quiet: bool,
    selection: Selection | None = None,
    name: str = "",
    unwanted: frozenset[Outcome] = frozenset(),
    crawl: CrawlRules | None = None,
    refresh: Refresh | None = None,
) -> None:
    """Run the job with its progress display and summary. Raises FetcherError.

    `name`: the input's name for people, if it is not the name of `urlfile`; `crawl`: the rules, if
    the file holds the seeds of a crawl; `refresh`: the earlier job, in a refresh. Raises
    FailedRowsError if the job is complete and rows have one of the `unwanted` outcomes.
    """
    before = _part(out)
    page = f"the job's page: {page_url(settings.monitor)}" if settings.monitor.http else ""
    interval_s = settings.log.progress_interval_s
    display = choose_display(quiet=quiet, interval_s=interval_s, greeting=page)
    is_resumed = before is not None and bool(_rows(before)) and before.manifest.state != "complete"
    if is_resumed and settings.polite.enabled and not quiet:
        logs.say(logs.own(notice_of_quiet(settings.worker_silent_s), "info"))
    try:
        run_job(
            urlfile,
            out,
            settings,
            display,
            Signals(),
            selection,
            command=command_line(),
            input_name=name,
            crawl=crawl,
            refresh=refresh,
        )
    except StoppedError as error:
        rows = _rows(_part(out))
        done = f"{counted(rows, 'line')} {'is' if rows == 1 else 'are'} done and safe in {out}"
        raise StoppedError(f"{error} ({done})") from error
    finally:
        display.close()
    if quiet and not unwanted:
        return
    after = read_part(out)
    if not quiet:
        # Imported late, so that loading rich does not delay the start of the roles.
        from fetcher.cli import after_run  # noqa: PLC0415

        fresh = _rows(after) - _rows(before)
        after_run.show(after, settings, before and before.view.work, fresh, display.last)
    require_none(after.view.recovered.totals, unwanted)


def _part(out: Path) -> Part | None:
    """The job in OUT; None if none was begun."""
    return read_part(out) if (out / manifest.MANIFEST_NAME).exists() else None


def _rows(part: Part | None) -> int:
    return part.view.recovered.totals.rows if part else 0
