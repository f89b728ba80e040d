"""One look at a job, for everybody who shows it: `status`, `top`, the live page, the progress line.

The field names are the public JSON of `status --json` and of the page: they stay as they are.
None stands for what the source of the look cannot know.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec
from msgspec import UNSET

from fetcher.protocol import messages
from fetcher.protocol.totals import Totals, in_order
from fetcher.watch import crawl_view
from fetcher.watch.crawl_view import CrawlView

_FEW_REDELIVERED: Final = 20  # lines; the end of any job has some
_FEW_REDELIVERED_SHARE: Final = 0.01  # of the rows


class TimeLeft(NamedTuple):
    """An estimate of the time until the end."""

    seconds: float
    is_least: bool  # hosts whose lines are not handed out yet may take longer


class OldestLine(msgspec.Struct, frozen=True):
    """The first uncommitted line of the oldest open lease."""

    line: int
    age_s: float
    worker: str  # "": no worker has claimed it yet


class JobView(msgspec.Struct, frozen=True, kw_only=True):
    """One look at a job.

    `phase`: a phase of the protocol, or `complete` or `stopped` where the files say so.
    """

    job: str
    phase: str
    trouble: str = ""  # why nothing goes on; "" where all is well
    rows: int
    url_lines: int | None
    url_lines_exact: bool
    rate_per_s: float | None  # now (see commit.rate); None unless the job is running
    left_s: float | None
    left_is_least: bool  # see TimeLeft
    in_flight: int | None = None
    parked: int | None = None  # lines that wait outside of the listed workers' pools
    redelivered: int | None = None  # lines handed out again, copies included
    copied: int | None = None  # of these, to a second worker at the end, as fetches were slow
    many_redelivered: bool = False  # see are_many_redelivered
    leases: int | None = None
    leased_lines: int | None = None
    open_batches: int | None = None
    waiting: int | None = None  # batches, or parts of them, to be handed out (again)
    oldest: OldestLine | None = None
    totals: Totals
    crawl: CrawlView | None = None  # None: the job is a list
    workers: list[messages.Member] = []
    unlisted: int = 0  # workers that are not in the list
    routes: list[messages.RouteLoad] = []  # none: the job has only the default one
    hosts: list[messages.HostLoad] = []  # the busiest
    # Lines that failed lately, the newest last.
    failed_lines: list[messages.FailedLine] = msgspec.field(name="mishaps", default_factory=list)

    @property
    def is_over(self) -> bool:
        """Whether no more rows will come."""
        return self.phase in ("complete", "finish")

    @property
    def is_live(self) -> bool:
        """Whether it is what a ventilator says, which knows of workers, hosts and leases."""
        return self.in_flight is not None


def from_state(state: messages.State, rate_per_s: float) -> JobView:
    """What the ventilator tells everybody: no leases, and of the workers only their number."""
    url_lines, exact = state.source.total()
    left = time_left(state, rate_per_s)
    if state.crawl is not UNSET:
        url_lines, exact, left = None, False, None  # see crawl_view
    return JobView(
        job=state.job,
        phase=state.phase,
        rows=state.totals.rows,
        url_lines=url_lines,
        url_lines_exact=exact,
        rate_per_s=rate_per_s,
        left_s=left.seconds if left else None,
        left_is_least=left is not None and left.is_least,
        in_flight=state.in_flight,
        redelivered=state.redelivered,
        copied=state.copied,
        many_redelivered=are_many_redelivered(state.redelivered - state.copied, state.totals.rows),
        crawl=None if state.crawl is UNSET else crawl_view.view_of(state.crawl),
        totals=msgspec.structs.replace(state.totals, outcomes=in_order(state.totals.outcomes)),
        unlisted=state.workers,
    )


def from_roster(state: messages.State, roster: messages.Roster) -> JobView:
    """All that the ventilator tells to those who ask."""
    oldest = OldestLine(roster.oldest_line, roster.oldest_s, roster.oldest_worker)
    return msgspec.structs.replace(
        from_state(state, roster.rate_per_s),
        trouble=roster.trouble,
        parked=sum(worker.parked for worker in roster.workers),
        leases=roster.leases,
        leased_lines=roster.leased_lines,
        open_batches=roster.open_batches,
        waiting=roster.waiting,
        oldest=oldest if oldest.line else None,
        workers=roster.workers,
        unlisted=roster.unlisted,
        hosts=roster.samples.hosts,
        failed_lines=roster.samples.failed_lines,
        routes=[] if roster.routes is UNSET else roster.routes,
    )


def time_left(state: messages.State, rate_per_s: float) -> TimeLeft | None:
    """The longer one of what the rate says and what politeness needs; None: neither is known."""
    total, _ = state.source.total()
    turns_s = state.turns.longest_s
    by_rate_s = None
    if total is not None and rate_per_s > 0:
        by_rate_s = max(total - state.totals.rows, 0) / rate_per_s
    if by_rate_s is not None and by_rate_s >= turns_s:
        return TimeLeft(by_rate_s, is_least=False)
    return TimeLeft(turns_s, is_least=not state.turns.is_all) if turns_s else None


def are_many_redelivered(redelivered: int, rows: int) -> bool:
    """Whether so many lines were handed out again that workers must have died or stalled."""
    return redelivered > max(_FEW_REDELIVERED, rows * _FEW_REDELIVERED_SHARE)
