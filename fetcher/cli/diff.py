"""`fetcher diff`: compares two runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import click
import msgspec

from fetcher.cli.options import OUT
from fetcher.cli.row_options import partial_option, stdout_of_filter
from fetcher.errors import UsageError
from fetcher.export.comparison import Change, Difference, of_runs
from fetcher.humanize import number

_MEANING = {
    Change.NEW: "only in the second run",
    Change.GONE: "only in the first run, or was ok and is 404 or 410 now",
    Change.CHANGED: "ok in both, another body",
    Change.MOVED: "ok in both, redirected elsewhere",
    Change.FAILED: "was ok, and is not now",
    Change.RECOVERED: "was not ok, and is now",
    Change.FAILING: "failed in both runs",
    Change.SAME: "ok in both, the same body",
}


@click.command(short_help="What changed from one run to another.")
@click.argument("old", type=OUT, metavar="OUT")
@click.argument("new", type=OUT, metavar="OUT2")
@click.option(
    "--only",
    "kinds",
    metavar="KINDS",
    help="Print the URLs with these changes, such as new,changed, as JSON lines.",
)
@click.option("--json", "as_json", is_flag=True, help="The counts as one JSON object.")
@partial_option
def diff(old: Path, new: Path, kinds: str | None, as_json: bool, partial: bool) -> None:
    """Compare the rows of OUT with those of OUT2, URL by URL.

    new: only OUT2 has the URL, whether ok or not. gone: only OUT has it, or it was ok and is 404 or
    410 now. changed: ok in both, with another body. moved: ok in both, redirected elsewhere than
    before, whatever the body. failed: was ok, and is not now. recovered: the reverse. failing:
    failed in both runs. same: the rest. Jobs with several sinks cannot be compared. If OUT2 is a
    retry of OUT, URLs that it did not try again are as they were.

    \b
    Examples:
      fetcher diff monday tuesday
      fetcher diff monday tuesday --only new,changed
      fetcher diff monday tuesday --only gone | jq -r .url
    """
    if kinds is not None and as_json:
        raise UsageError("--only prints URLs, and --json counts; leave one out")
    wanted = None if kinds is None else _parsed(kinds)
    found = of_runs(old, new, partial=partial)
    if wanted is not None:
        _print_urls(each for each in found if each.change in wanted)
        return
    counts = Counter(each.change for each in found)
    if as_json:
        click.echo(msgspec.json.encode({kind.value: counts[kind] for kind in Change}).decode())
        return
    width = max(len(number(count)) for count in (*counts.values(), 0))
    for kind in Change:
        click.echo(f"{kind.value:<10} {number(counts[kind]):>{width}}  {_MEANING[kind]}")


def _parsed(text: str) -> frozenset[Change]:
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    known = [kind.value for kind in Change]
    for name in names:
        if name not in known:
            raise UsageError(f"--only: {name!r} is not a change; they are {', '.join(known)}")
    if not names:
        raise UsageError(f"--only: name at least one change; they are {', '.join(known)}")
    return frozenset(map(Change, names))


def _print_urls(found: Iterable[Difference]) -> None:
    write = stdout_of_filter().write
    encode = msgspec.json.Encoder().encode
    for each in found:
        write(encode(each) + b"\n")
