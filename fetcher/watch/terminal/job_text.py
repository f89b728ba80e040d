"""Prints a look at a running job, for `fetcher status`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rich.console import Console
from rich.text import Text

from fetcher import humanize
from fetcher.humanize import counted, duration, escaped, number, phase, rate, rates, rest, time_left
from fetcher.protocol import messages
from fetcher.watch import summary
from fetcher.watch.job_view import JobView
from fetcher.watch.terminal.fitting import Column, FittingTable, Name

_MOST_RESTING: Final = 3  # hosts
# The columns of workers: where not all of them fit, the one of the highest rank is left out first.
_RANKS: Final = {
    "seen": 3,
    "busy": 1,
    "queued": 7,
    "waiting": 5,
    "leases": 8,
    "rows": 4,
    "rows/s": 2,
    "loop lag": 6,
}


def show(console: Console, job: JobView) -> None:
    """Print the whole look for people."""

    def say(text: str = "") -> None:
        console.print(text, highlight=False, markup=False, soft_wrap=True)

    say(_headline(job))
    show_activity(console, job)
    if job.oldest is not None:
        at = (
            f"at {escaped(job.oldest.worker)}" if job.oldest.worker else "not taken by a worker yet"
        )
        say(f"longest at work: line {job.oldest.line}, for {duration(job.oldest.age_s)}, {at}")
    say()
    console.print(workers(job.workers))
    if job.unlisted:
        say(f"… and {counted(job.unlisted, 'more worker')}")
    if job.rows:
        say()
        console.print(summary.table(job.totals))
    for name, value in summary.crawl_lines(job.crawl):
        say(f"{name:<9} {value}")


def show_activity(console: Console, job: JobView) -> None:
    """Print why nothing goes on, if so, what the job does now, and which hosts rest."""
    if job.trouble:
        console.print(escaped(job.trouble), highlight=False, markup=False, soft_wrap=True)
    console.print(Text("; ").join(activity(job)), highlight=False, soft_wrap=True)
    for host in resting(job.hosts):
        said = rest(escaped(host.host), host.rest_s, escaped(host.rest_why), host.waiting)
        console.print(said, highlight=False, markup=False, soft_wrap=True)
    for route in job.routes:
        console.print(route_text(route), highlight=False, markup=False, soft_wrap=True)


def route_text(route: messages.RouteLoad) -> str:
    """The workers and lines of a route, in words."""
    return (
        f"route {escaped(route.route)}: {counted(route.workers, 'worker')}, "
        f"{counted(route.leased_lines, 'line')} handed out, {number(route.waiting_lines)} waiting"
    )


def waiting_routes(job: JobView) -> list[str]:
    """The routes that have waiting lines, in words: those without workers first."""
    waiting = [each for each in job.routes if each.waiting_lines]
    waiting.sort(key=lambda route: (route.workers > 0, -route.waiting_lines))
    return [
        f"route {escaped(each.route)}: {number(each.waiting_lines)} waiting"
        + ("" if each.workers else ", no worker")
        for each in waiting
    ]


def activity(job: JobView) -> list[Text]:
    """The job's present activity, in parts: as many as its source knows."""
    queued = sum(worker.queued for worker in job.workers) if job.is_live else None
    known = humanize.activity(job.in_flight, job.parked, queued, job.leases, job.waiting)
    parts = [Text(part) for part in known]
    if job.redelivered:
        again = f"{counted(job.redelivered, 'line')} handed out again"
        parts.append(Text(again, "yellow" if job.many_redelivered else ""))
    return parts


def resting(hosts: Iterable[messages.HostLoad]) -> list[messages.HostLoad]:
    """Hosts that are left alone while lines wait for them: those with the most lines first."""
    found = [host for host in hosts if host.rest_s and host.waiting]
    return sorted(found, key=lambda host: -host.waiting)[:_MOST_RESTING]


def _headline(job: JobView) -> str:
    parts = [f"{phase(job.phase)}: {summary.done_of(job)}", *rates(job.rate_per_s, None)]
    if job.phase == "running" and job.left_s is not None:
        parts.append(time_left(job.left_s, is_least=job.left_is_least))
    return ", ".join(parts)


def workers(members: list[messages.Member]) -> FittingTable | str:
    """The table of workers."""
    if not members:
        return "no worker is connected"
    columns = [Column("worker", least=8), *(Column(name, rank) for name, rank in _RANKS.items())]
    table = FittingTable(columns, is_ruled=True, fills=False)
    for member in members:
        counts = (member.queued, member.parked, member.leases, member.rows)
        table.add_row(
            Name(escaped(member.worker)),
            f"{member.seen_s_ago:.1f} s",
            f"{member.in_flight}/{member.slots}",
            *map(number, counts),
            rate(member.rate_per_s),
            f"{member.lag_ms / 1000:.2f} s",
        )
    return table
