"""One look at a running job: what its ventilator says, put together for those who watch."""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from fetcher.protocol import messages
from fetcher.protocol.totals import Totals, in_order

_FEW_REDELIVERED: Final = 20  # the end of any job has some
_FEW_REDELIVERED_SHARE: Final = 0.01  # of the rows


class Left(NamedTuple):
    """An estimate of the time until the end."""

    seconds: float
    is_least: bool  # hosts whose lines are not handed out yet may take longer


def left(state: messages.State, per_s: float) -> Left | None:
    """The longer of what the rate says and what politeness needs; None where neither is known."""
    total, _ = state.source.total()
    turns_s = state.turns.longest_s
    by_rate_s = None
    if total is not None and per_s > 0:
        by_rate_s = max(total - state.totals.rows, 0) / per_s
    if by_rate_s is not None and by_rate_s >= turns_s:
        return Left(by_rate_s, is_least=False)
    return Left(turns_s, is_least=not state.turns.is_all) if turns_s else None


def are_many(redelivered: int, rows: int) -> bool:
    """Whether so many lines were handed out again that workers must have died or stood still."""
    return redelivered > max(_FEW_REDELIVERED, rows * _FEW_REDELIVERED_SHARE)


class Oldest(msgspec.Struct, frozen=True):
    """The first uncommitted line of the oldest open lease."""

    line: int
    age_s: float
    worker: str  # "": no worker has claimed it yet


class Live(msgspec.Struct, frozen=True):
    """One look at a running job; `phase` as in wire.Phase."""

    job: str
    phase: str
    trouble: str  # why nothing goes on; "" where all is well
    rows: int
    url_lines: int | None
    url_lines_exact: bool
    rate_per_s: float  # now: see commit.rate
    left_s: float | None
    left_is_least: bool  # it may be longer: see Left
    in_flight: int
    parked: int  # lines that wait outside of the listed workers' pools
    redelivered: int  # lines handed out again, copies included
    copied: int  # of these, to a second worker at the end, as their fetches were slow
    many_redelivered: bool  # see are_many
    leases: int
    leased_lines: int
    open_batches: int
    waiting: int  # batches, or parts of them, to be handed out (again)
    oldest: Oldest | None
    totals: Totals
    workers: list[messages.Member]
    unlisted: int  # workers beyond these
    hosts: list[messages.HostLoad]  # the busiest
    mishaps: list[messages.FailedLine]  # lines that failed lately, the newest last


def told(state: messages.State, roster: messages.Roster) -> Live:
    """Both together, as people and programs look at them."""
    url_lines, exact = state.source.total()
    estimate = left(state, roster.rate_per_s)
    oldest = Oldest(roster.oldest_line, roster.oldest_s, roster.oldest_worker)
    return Live(
        job=state.job,
        phase=state.phase,
        trouble=roster.trouble,
        rows=state.totals.rows,
        url_lines=url_lines,
        url_lines_exact=exact,
        rate_per_s=roster.rate_per_s,
        left_s=estimate.seconds if estimate else None,
        left_is_least=estimate is not None and estimate.is_least,
        in_flight=state.in_flight,
        parked=sum(each.parked for each in roster.workers),
        redelivered=state.redelivered,
        copied=state.copied,
        many_redelivered=are_many(state.redelivered - state.copied, state.totals.rows),
        leases=roster.leases,
        leased_lines=roster.leased_lines,
        open_batches=roster.open_batches,
        waiting=roster.waiting,
        oldest=oldest if oldest.line else None,
        totals=msgspec.structs.replace(state.totals, outcomes=in_order(state.totals.outcomes)),
        workers=roster.workers,
        unlisted=roster.unlisted,
        hosts=roster.glimpse.hosts,
        mishaps=roster.glimpse.mishaps,
    )
