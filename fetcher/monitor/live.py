"""`fetcher status --ventilator`: a running job, as its ventilator tells it.

Law: listens and asks; nothing that is sent or left out here changes the job.
"""

from __future__ import annotations

import functools
import logging
import time
from typing import Final

import msgspec
import zmq
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fetcher.core import wire
from fetcher.core.tally import Totals
from fetcher.errors import UnreachedError
from fetcher.monitor import summary
from fetcher.monitor.progress import left_s
from fetcher.monitor.words import duration, number, plain
from fetcher.pipeline import admission
from fetcher.pipeline.channel import Way, ends, open_socket, receive, send
from fetcher.pipeline.security import Security

log = logging.getLogger(__name__)

_TURN_MS: Final = 100


class Oldest(msgspec.Struct, frozen=True):
    """The first uncommitted line of the oldest open lease."""

    line: int
    age_s: float
    worker: str  # "": no worker has claimed it yet


class Live(msgspec.Struct, frozen=True):
    """One look at a running job; `phase` is starting, running, frozen or finish."""

    job: str
    phase: str
    trouble: str  # why nothing goes on; "" where all is well
    rows: int
    url_lines: int | None
    url_lines_exact: bool
    rate_per_s: float  # over the last ten seconds
    left_s: float | None
    in_flight: int
    redelivered: int  # lines handed out again
    leases: int
    leased_lines: int
    open_batches: int
    waiting: int  # batches, or parts of them, to be handed out (again)
    oldest: Oldest | None
    totals: Totals
    workers: list[wire.Member]
    unlisted: int  # workers beyond these


def look(endpoint: str, within_s: float, keys: str) -> Live:
    """Ask the ventilator at this endpoint, under a worker's key (its folder; "": none).

    Raises UnreachedError, and UsageError where the keys are at fault.
    """
    security = admission.of_supervisor(keys, log.warning)
    addresses = ends(endpoint, ())
    context = zmq.Context()
    try:
        opened = functools.partial(open_socket, context, security=security)
        control = opened(zmq.SUB, Way.CONTROL, addresses.control)
        events = opened(zmq.PUSH, Way.EVENTS, addresses.events)
        state, roster = _ask(control, events, within_s, security)
    finally:
        security.close()
        context.destroy(linger=0)
    if state is None or roster is None:
        raise UnreachedError(
            f"no ventilator answers at {endpoint} within {within_s:g} s; it has ended, is "
            "elsewhere, or cannot be reached from here"
        )
    return _told(state, roster)


def _ask(
    control: zmq.Socket[bytes], events: zmq.Socket[bytes], within_s: float, security: Security
) -> tuple[wire.State | None, wire.Roster | None]:
    state, roster = None, None
    until = time.monotonic() + within_s
    while time.monotonic() < until and (state is None or roster is None):
        security.check()
        send(events, wire.Look())
        control.poll(_TURN_MS)
        while received := receive(control):
            if isinstance(received[0], wire.State):
                state = received[0]
            elif isinstance(received[0], wire.Roster):
                roster = received[0]
    return state, roster


def _told(state: wire.State, roster: wire.Roster) -> Live:
    url_lines, exact = state.source.total()
    oldest = Oldest(roster.oldest_line, roster.oldest_s, roster.oldest_worker)
    return Live(
        job=state.job,
        phase=state.phase,
        trouble=roster.trouble,
        rows=state.totals.rows,
        url_lines=url_lines,
        url_lines_exact=exact,
        rate_per_s=roster.rate_per_s,
        left_s=left_s(state, roster.rate_per_s),
        in_flight=state.in_flight,
        redelivered=state.redelivered,
        leases=roster.leases,
        leased_lines=roster.leased_lines,
        open_batches=roster.open_batches,
        waiting=roster.waiting,
        oldest=oldest if oldest.line else None,
        totals=state.totals,
        workers=roster.workers,
        unlisted=roster.unlisted,
    )


def show(console: Console, live: Live) -> None:
    """Print it for people."""

    def say(text: str = "") -> None:
        console.print(text, highlight=False, markup=False, soft_wrap=True)

    say(_headline(live))
    if live.trouble:
        say(plain(live.trouble))
    say(
        f"{number(live.in_flight)} in flight, {number(live.leases)} open leases "
        f"({number(live.leased_lines)} lines), {number(live.waiting)} batches waiting, "
        f"{number(live.redelivered)} lines handed out again"
    )
    if live.oldest is not None:
        at = f"at {plain(live.oldest.worker)}" if live.oldest.worker else "no worker has claimed it"
        say(f"oldest line out: {live.oldest.line}, for {duration(live.oldest.age_s)}, {at}")
    say()
    console.print(_workers(live.workers))
    if live.unlisted:
        say(f"… and {number(live.unlisted)} more workers")
    if live.rows:
        say()
        console.print(summary.table(live.totals))


def _headline(live: Live) -> str:
    done = summary.done(live.rows, live.url_lines, exact=live.url_lines_exact)
    parts = [f"{live.phase}: {done}", f"{number(round(live.rate_per_s))} lines/s"]
    if live.phase == "running" and live.left_s is not None:
        parts.append(f"{duration(live.left_s)} left")
    return ", ".join(parts)


def _workers(members: list[wire.Member]) -> Table | str:
    if not members:
        return "no worker is heard"
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("worker", overflow="fold")
    for name in ("seen", "busy", "waiting", "parked", "leases", "rows", "rows/s"):
        table.add_column(name, justify="right", no_wrap=True)
    for each in members:
        counts = (each.queued, each.parked, each.leases, each.rows)
        table.add_row(
            Text(plain(each.worker)),
            f"{each.seen_s_ago:.1f} s",
            f"{each.in_flight}/{each.slots}",
            *map(number, counts),
            number(round(each.rate_per_s)),
        )
    return table
