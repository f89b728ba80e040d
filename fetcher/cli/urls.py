"""`fetcher urls`: prints the URLs of chosen rows."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import click

from fetcher.cli.options import OUT, quiet_option
from fetcher.cli.row_options import outcome_option, status_option, stdout_of_filter
from fetcher.export.choose import is_wanted
from fetcher.export.merged import Merged
from fetcher.humanize import counted, number
from fetcher.input import selection
from fetcher.protocol.totals import in_order
from fetcher.telemetry import logs


@click.command
@click.argument("outs", type=OUT, nargs=-1, required=True, metavar="OUT...")
@outcome_option
@status_option
@click.option("--lines", is_flag=True, help="Line numbers of the input rather than URLs.")
@quiet_option
def urls(
    outs: tuple[Path, ...],
    outcomes: str | None,
    statuses: str | None,
    lines: bool,
    quiet: bool,
) -> None:
    """Print the URL of each row with one of the outcomes or one of the statuses, in any order.

    Without --outcome and --status, print the URLs that `fetcher retry` would fetch again. If the
    run has not ended, print those of the rows that are committed so far.

    \b
    Examples:
      fetcher urls out --outcome timeout,dns
      fetcher urls out --outcome all
      fetcher urls out --status 5xx,429 | sort -u | wc -l
      fetcher urls out --outcome invalid_url --lines
    """
    fits = is_wanted(selection.parse(outcomes, statuses))
    merged = Merged(outs, partial=True)
    write = stdout_of_filter().write
    left_out: Counter[str] = Counter()
    for row in merged.rows():
        result = row.result
        if not fits(result):
            left_out[result.outcome] += 1
        elif lines:
            write(b"%d\n" % result.line)
        else:
            # A URL of a JSON line may contain line ends; print one URL per line.
            text = result.url.replace("\r", "%0D").replace("\n", "%0A")
            write(f"{text}\n".encode())
    if left_out and outcomes is None and statuses is None and not quiet:
        sys.stdout.buffer.flush()
        logs.say(logs.own(_left_out(left_out), "info"))


def _left_out(counts: Counter[str]) -> str:
    by_outcome = ", ".join(f"{name} {number(count)}" for name, count in in_order(counts).items())
    urls = counted(counts.total(), "URL")
    verb = "is" if counts.total() == 1 else "are"
    return (
        f"{urls} that `fetcher retry` would not fetch again {verb} left out ({by_outcome}); "
        "--outcome all prints every URL, --outcome failed all but those of ok rows"
    )
