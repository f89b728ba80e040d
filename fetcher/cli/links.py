"""`fetcher links`: prints the links between the pages of a crawl."""

from __future__ import annotations

from pathlib import Path

import click

from fetcher.cli.options import OUT
from fetcher.cli.row_options import stdout_of_filter
from fetcher.export.links import links_of, reasons_named
from fetcher.store.reader import read_part


@click.command()
@click.argument("out", type=OUT, metavar="OUT")
@click.option(
    "--refused",
    "reasons",
    metavar="REASONS",
    help="Only links that were not followed for one of these reasons, such as scope,depth; or all.",
)
def links(out: Path, reasons: str | None) -> None:
    """Print each link of a crawl as a JSON line: from which line and URL, to which.

    `via` is the kind of the link, such as `a`, `redirect` or `image`. A link that was not followed
    has `refused` with the reason in place of `to`. If the crawl has not ended, these are the links
    that are committed so far. `fetcher export OUT --links` writes them to a table.

    \b
    Examples:
      fetcher links out | jq -r 'select(.to == 7) | .from_url'
      fetcher links out --refused all | jq -r .refused | sort | uniq -c
      fetcher links out --refused scope | jq -r .to_url | sort -u
    """
    wanted = None if reasons is None else reasons_named(reasons)
    write = stdout_of_filter().write
    for row in links_of(read_part(out), wanted):
        write(row.raw)
