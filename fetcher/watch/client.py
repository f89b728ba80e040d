"""`fetcher status --ventilator`: a running job, as its ventilator tells it.

Law: listens and asks; nothing that is sent or left out here changes the job.
"""

from __future__ import annotations

import functools
import logging
import signal
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Self

import zmq
from rich.console import Console
from rich.text import Text

from fetcher.errors import UnreachedError
from fetcher.humanize import (
    activity,
    duration,
    escaped,
    number,
    phase,
    rate,
    rates,
    rest,
    time_left,
)
from fetcher.protocol import messages
from fetcher.security import role_policy
from fetcher.stop_signals import held_back
from fetcher.store.lock import note_of
from fetcher.transport.endpoints import endpoints_of
from fetcher.transport.sockets import Channel, open_socket, receive, send
from fetcher.watch import summary
from fetcher.watch.job_view import Live, told
from fetcher.watch.terminal.fitting import Column, FittingTable, Name

log = logging.getLogger(__name__)

ANSWER_S: Final = 1.5  # of a ventilator that is near: a state is told twice a second
_TURN_MS: Final = 100
_HOSTS_S: Final = 2.0  # that are waited for what workers say of hosts
_MOST_RESTING: Final = 3  # hosts that are told of
# The columns of workers: where not all of them fit, the one of the highest rank goes first.
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


class Watcher:
    """Asks the ventilator at an endpoint, as often as one likes.

    `keys`: the folder of a worker's key; "": none. Raises UsageError where the keys are at fault.
    """

    def __init__(self, endpoint: str, keys: str) -> None:
        self._endpoint = endpoint
        self._security = role_policy.of_supervisor(keys, log.warning)
        self._context = zmq.Context()
        try:
            # A socket that Ctrl-C keeps from being known is never closed: the context's end
            # would wait for it for ever.
            with held_back(signal.SIGINT):
                opened = functools.partial(open_socket, self._context, security=self._security)
                addresses = endpoints_of(endpoint, ())
                self._control = opened(zmq.SUB, Channel.CONTROL, addresses.control)
                self._events = opened(zmq.PUSH, Channel.EVENTS, addresses.events)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._security.close()
        self._context.destroy(linger=0)

    def look(self, within_s: float) -> Live:
        """What it says now. Raises UnreachedError, and UsageError where it refuses our key."""
        state, roster = self._ask(within_s)
        if state is None or roster is None:
            raise UnreachedError(
                f"no ventilator answers at {self._endpoint} within {within_s:g} s; it has ended, "
                "is elsewhere, or cannot be reached from here"
            )
        return told(state, roster)

    def _ask(self, within_s: float) -> tuple[messages.State | None, messages.Roster | None]:
        state, roster = None, None
        until = time.monotonic() + within_s
        while time.monotonic() < until and (state is None or roster is None):
            self._security.check()
            send(self._events, messages.Look())
            self._control.poll(_TURN_MS)
            while received := receive(self._control):
                if isinstance(received[0], messages.State):
                    state = received[0]
                elif isinstance(received[0], messages.Roster):
                    roster = received[0]
        return state, roster


def look(endpoint: str, within_s: float, keys: str) -> Live:
    """What the ventilator at this endpoint says. Raises UnreachedError, UsageError."""
    until = time.monotonic() + _HOSTS_S
    with Watcher(endpoint, keys) as watcher:
        live = watcher.look(within_s)
        # Workers tell of hosts once they have heard that somebody looks.
        while live.parked and not live.hosts and (left_s := until - time.monotonic()) > 0:
            time.sleep(min(_TURN_MS / 1000, left_s))
            live = watcher.look(within_s)
        return live


def near(out: Path) -> str:
    """The endpoint of the ventilator on this host whose job is in OUT; "": none is known."""
    words = note_of(out) or ""
    return words if words.startswith("ipc:") else ""  # what others may have written


def near_look(out: Path) -> Live | None:
    """What the ventilator of the job in OUT says now; None where none of this host answers."""
    endpoint = near(out)
    try:
        return look(endpoint, ANSWER_S, "") if endpoint else None
    except UnreachedError:
        return None


def show(console: Console, live: Live) -> None:
    """Print it for people."""

    def say(text: str = "") -> None:
        console.print(text, highlight=False, markup=False, soft_wrap=True)

    say(_headline(live))
    if live.trouble:
        say(escaped(live.trouble))
    show_activity(console, live)
    if live.oldest is not None:
        at = (
            f"at {escaped(live.oldest.worker)}"
            if live.oldest.worker
            else "not taken by a worker yet"
        )
        say(f"longest at work: line {live.oldest.line}, for {duration(live.oldest.age_s)}, {at}")
    say()
    console.print(workers(live.workers))
    if live.unlisted:
        say(f"… and {number(live.unlisted)} more workers")
    if live.rows:
        say()
        console.print(summary.table(live.totals))


def show_activity(console: Console, live: Live) -> None:
    """Print what the job does now, and which hosts rest."""
    queued = sum(each.queued for each in live.workers)
    counts = Text(
        "; ".join(activity(live.in_flight, live.parked, queued, live.leases, live.waiting))
    )
    if live.redelivered:
        again = f"{number(live.redelivered)} lines handed out again"
        counts.append("; ").append(again, "yellow" if live.many_redelivered else "")
    console.print(counts, highlight=False, soft_wrap=True)
    for host in resting(live.hosts):
        said = rest(escaped(host.host), host.rest_s, escaped(host.rest_why), host.waiting)
        console.print(said, highlight=False, markup=False, soft_wrap=True)


def resting(hosts: Iterable[messages.HostLoad]) -> list[messages.HostLoad]:
    """Hosts that asked to be left alone, and for which lines wait: those with the most first."""
    found = [each for each in hosts if each.rest_s and each.waiting]
    return sorted(found, key=lambda each: -each.waiting)[:_MOST_RESTING]


def _headline(live: Live) -> str:
    done = summary.done(live.rows, live.url_lines, exact=live.url_lines_exact)
    parts = [f"{phase(live.phase)}: {done}", *rates(live.rate_per_s, None)]
    if live.phase == "running" and live.left_s is not None:
        parts.append(time_left(live.left_s, is_least=live.left_is_least))
    return ", ".join(parts)


def workers(members: list[messages.Member]) -> FittingTable | str:
    if not members:
        return "no worker is connected"
    columns = [Column("worker", least=8), *(Column(name, rank) for name, rank in _RANKS.items())]
    table = FittingTable(columns, is_ruled=True, fills=False)
    for each in members:
        counts = (each.queued, each.parked, each.leases, each.rows)
        table.add_row(
            Name(escaped(each.worker)),
            f"{each.seen_s_ago:.1f} s",
            f"{each.in_flight}/{each.slots}",
            *map(number, counts),
            rate(each.rate_per_s),
            f"{each.lag_ms / 1000:.2f} s",
        )
    return table
