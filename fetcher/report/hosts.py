"""The report's section on hosts: three rankings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from fetcher.report.aggregate import Host
from fetcher.report.shares import body_bytes, plain
from fetcher.report.sketches import Bounded

_MOST: Final = 15  # hosts of one ranking
_NAME_CHARS: Final = 100
# A host of one unlucky row is not slow. The first number that enough hosts have is asked for.
_LEAST_ROWS: Final = (30, 10, 3, 1)


class HostShown(msgspec.Struct, frozen=True):
    """One host's rows; None where no row of it has measured the value."""

    name: str
    rows: int
    failed: int
    mean_ms: float | None
    longest_ms: float | None
    body_bytes: int | None


class Hosts(msgspec.Struct, frozen=True):
    """Three rankings, and how exact they are."""

    slowest: list[HostShown]
    slowest_least: int  # rows that a host needs to be among them
    failing: list[HostShown]
    busiest: list[HostShown]
    known: int
    given_up: int
    missed_rows: int
    missed_failed: int


def hosts(table: Bounded[str, Host]) -> Hosts:
    """The section on these hosts."""
    for least in _LEAST_ROWS:
        timed = [item for item in table.items() if item[1].timed >= least]
        if len(timed) >= _MOST:
            break
    slowest = sorted(timed, key=lambda item: (-item[1].took_ms / item[1].timed, item[0]))
    return Hosts(
        slowest=_shown(slowest[:_MOST]),
        slowest_least=least,
        failing=_shown(table.top("failed", _MOST)),
        busiest=_shown(table.top("rows", _MOST)),
        known=len(table),
        given_up=table.given_up,
        missed_rows=table.missed["rows"],
        missed_failed=table.missed["failed"],
    )


def _shown(items: Iterable[tuple[str, Host]]) -> list[HostShown]:
    return [
        HostShown(
            plain(name, _NAME_CHARS),
            host.rows,
            host.failed,
            host.took_ms / host.timed if host.timed else None,
            host.longest_ms if host.timed else None,
            body_bytes(host),
        )
        for name, host in items
    ]
