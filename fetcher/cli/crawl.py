"""`fetcher crawl`: runs all roles of a crawl on this host."""

from __future__ import annotations

from pathlib import Path

import click

from fetcher.cli.fail_on import fail_on_option
from fetcher.cli.inputs import INPUT, one_input
from fetcher.cli.options import (
    GroupedCommand,
    config_options,
    out_option,
    own_servers_option,
    quiet_option,
    setting_options,
    settings_of,
    web_option,
)
from fetcher.cli.run import run_and_report
from fetcher.cli.starting import require_ready, start
from fetcher.frontier.rules_of_settings import rules_of
from fetcher.model import Outcome
from fetcher.optional import require_crawl_libraries
from fetcher.settings.crawl_defaults import of_crawl
from fetcher.settings.load import Loaded
from fetcher.store.begun import rules_as_begun


@click.command(cls=GroupedCommand)
@click.argument("given", type=INPUT, nargs=-1, required=True, metavar="URL...|SEEDFILE")
@out_option
@setting_options("crawl")
@config_options
@fail_on_option
@own_servers_option
@web_option
@quiet_option
def crawl(
    given: tuple[str | Path, ...],
    out: Path,
    conf: Path | None,
    assignments: tuple[str, ...],
    unwanted: frozenset[Outcome],
    own_servers: bool,
    web: int | None,
    quiet: bool,
) -> None:
    """Fetch the seeds, the pages that they link to, and so on; each page gets one result row.

    The seeds are URLs, or a file of URLs as for `fetcher run`. By default, links to the hosts of
    the seeds are followed, and robots.txt is obeyed. OUT/frontier holds the log of all pages; after
    an interruption, the same command resumes.

    \b
    Examples:
      fetcher crawl https://example.org/ -o out
      fetcher crawl https://example.org/docs/ -o out --scope prefix --assets --bodies files
      fetcher crawl seeds.txt -o out --scope domain --depth 3 --max-pages-per-host 1000
      fetcher crawl https://example.org/ -o out --deny '/calendar/' --deny '[?&]sort='
    """
    seeds = one_input(given)
    loaded = of_crawl(
        settings_of(conf, assignments, monitor__http=("--web", web), own_servers=own_servers)
    )
    require_ready(loaded.settings)
    require_crawl_libraries()

    def fetch(file: Path, terms: Loaded, name: str) -> None:
        settings = terms.settings
        rules = rules_as_begun(out, rules_of(settings))
        run_and_report(file, out, settings, quiet=quiet, name=name, unwanted=unwanted, crawl=rules)

    start(seeds, out, loaded, fetch)
