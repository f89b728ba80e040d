"""What the terminal shows at one moment, wherever it is from.

Law: plain data. None is what this source cannot know; "" is nothing to say. Texts are others' words
still: whoever shows them escapes them.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from fetcher.humanize import duration
from fetcher.protocol.messages import FailedLine
from fetcher.protocol.totals import Totals
from fetcher.watch.job_view import Live


class HostRow(msgspec.Struct, frozen=True):
    """A host: what is there now, or (`lines`) what has come from it lately."""

    host: str
    failed: int
    in_flight: int | None = None
    waiting: int | None = None
    lines: int | None = None
    rest: str = ""  # how long it is left alone, and why


class WorkerRow(msgspec.Struct, frozen=True):
    """A worker; only its rate is known from rows."""

    worker: str
    rate_per_s: float
    rows: int | None = None
    in_flight: int | None = None
    slots: int | None = None
    queued: int | None = None
    parked: int | None = None
    seen_s_ago: float | None = None


class View(msgspec.Struct, frozen=True):
    """One look at a job."""

    title: str
    phase: str
    trouble: str
    rows: int
    url_lines: int | None
    url_lines_exact: bool
    rate_per_s: float | None  # now; None unless it is running (see commit.rate)
    left_s: float | None
    totals: Totals
    hosts: list[HostRow]
    workers: list[WorkerRow]
    unlisted: int
    mishaps: list[FailedLine]  # the newest last
    in_flight: int | None = None
    parked: int | None = None
    leases: int | None = None
    waiting: int | None = None  # batches to be handed out
    redelivered: int | None = None
    many_redelivered: bool = False
    oldest_s: float | None = None
    left_is_least: bool = False  # it may take longer, as some hosts are not known yet
    average_per_s: float | None = None
    committed_s_ago: float | None = None
    rates: tuple[float, ...] = ()  # of the time before the first look

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        return self.phase in ("complete", "finish")


Look = Callable[[], View]


def of_live(title: str, live: Live) -> View:
    """What a ventilator says."""
    return View(
        title=title,
        phase="complete" if live.phase == "finish" else live.phase,
        trouble=live.trouble,
        rows=live.rows,
        url_lines=live.url_lines,
        url_lines_exact=live.url_lines_exact,
        rate_per_s=live.rate_per_s,
        left_s=live.left_s,
        left_is_least=live.left_is_least,
        totals=live.totals,
        hosts=[
            HostRow(
                each.host,
                each.failed,
                in_flight=each.in_flight,
                waiting=each.waiting,
                rest=f"{duration(each.rest_s)} after {each.rest_why}" if each.rest_s else "",
            )
            for each in live.hosts
        ],
        workers=[
            WorkerRow(
                each.worker,
                each.rate_per_s,
                each.rows,
                each.in_flight,
                each.slots,
                each.queued,
                each.parked,
                each.seen_s_ago,
            )
            for each in live.workers
        ],
        unlisted=live.unlisted,
        mishaps=live.mishaps,
        in_flight=live.in_flight,
        parked=live.parked,
        leases=live.leases,
        waiting=live.waiting,
        redelivered=live.redelivered,
        many_redelivered=live.many_redelivered,
        oldest_s=live.oldest.age_s if live.oldest else None,
    )
