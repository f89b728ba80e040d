"""`--fail-on`: an exit code for scripts, if rows of a complete job have certain outcomes."""

from __future__ import annotations

from typing import Final

import click

from fetcher.errors import FailedRowsError, UsageError
from fetcher.humanize import counted, number
from fetcher.input.outcomes import outcomes_named
from fetcher.model import Outcome
from fetcher.protocol.totals import Totals, in_order

_NAME: Final = "--fail-on"


def _named(
    _context: click.Context, _option: click.Parameter, text: str | None
) -> frozenset[Outcome]:
    try:
        return outcomes_named(text) if text is not None else frozenset()
    except UsageError as error:
        raise UsageError(f"{_NAME} {error}") from error


fail_on_option = click.option(
    _NAME,
    "unwanted",
    callback=_named,
    metavar="NAMES",
    help="Exit with 8 if rows have such outcomes: timeout,dns for example; failed: all but ok.",
)


def require_none(totals: Totals, unwanted: frozenset[Outcome]) -> None:
    """Raises FailedRowsError if rows of the whole OUT have one of the outcomes."""
    found = {name: count for name, count in in_order(totals.outcomes).items() if name in unwanted}
    if found:
        listed = ", ".join(f"{name} {number(count)}" for name, count in found.items())
        unwanted_rows = sum(found.values())
        verb = "has" if unwanted_rows == 1 else "have"
        raise FailedRowsError(
            f"{number(unwanted_rows)} of {counted(totals.rows, 'row')} {verb} an outcome that "
            f"{_NAME} names: {listed}"
        )
