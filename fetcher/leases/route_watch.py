"""How each route of a job gets on, and which of them nobody serves.

A job without routes is watched as one whose only route has the name "".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from fetcher.humanize import counted, duration
from fetcher.input.routes import Routing
from fetcher.leases.ledger import Ledger
from fetcher.leases.sink_sessions import SinkSessions
from fetcher.protocol.messages import RouteLoad

UNSERVED_S: Final = 30.0  # without a worker, until it is said
AGAIN_S: Final = 300.0  # until it is said again


def loads(routing: Routing, ledger: Ledger, sessions: SinkSessions) -> list[RouteLoad]:
    """The workers and lines of each route."""
    leases, lines = [0] * routing.count, [0] * routing.count
    for lease in ledger.leases:
        leases[lease.part.route] += 1
        lines[lease.part.route] += ledger.uncommitted(lease)[1].bit_count()
    return [
        RouteLoad(
            route=name,
            workers=ledger.count_serving(route),
            leases=leases[route],
            leased_lines=lines[route],
            waiting_lines=ledger.waiting_lines(route) + sessions.unread_lines(route),
        )
        for route, name in enumerate(routing.names)
    ]


def start_by_hand(route: str) -> str:
    """What to do about a route that nobody serves, in a job whose workers people start."""
    return f"start one with `fetcher worker{f' --routes {route}' if route else ''}`"


class RouteWatch:
    """Notes since when nobody has served a route that has lines."""

    def __init__(self, advice: Callable[[str], str] = start_by_hand) -> None:
        """`advice`: see `start_by_hand`."""
        self._advice = advice
        self._since: dict[str, float] = {}
        self._say_at: dict[str, float] = {}  # when it is to be said again
        self._known: set[str] = set()  # names that no route has, and that were reported

    def notices(self, found: Sequence[RouteLoad], now: float) -> list[str]:
        """What is to be said now about routes without workers."""
        said = []
        for each in found:
            if each.workers or not each.waiting_lines:
                self._since.pop(each.route, None)
                if self._say_at.pop(each.route, None) is not None and each.workers:
                    what = f"route {each.route}" if each.route else "the job"
                    said.append(f"{what} has a worker again")
                continue
            since = self._since.setdefault(each.route, now)
            if now >= self._say_at.get(each.route, since + UNSERVED_S):
                self._say_at[each.route] = now + AGAIN_S
                said.append(self._unserved(each, now - since))
        return said

    def trouble(self, found: Sequence[RouteLoad], now: float) -> str:
        """The routes that nobody has served for long; "": there are none."""
        texts = [
            self._unserved(each, now - self._since[each.route])
            for each in found
            if now - self._since.get(each.route, now) >= UNSERVED_S
        ]
        return "; ".join(texts)

    def _unserved(self, load: RouteLoad, since_s: float) -> str:
        lines = f"at least {counted(load.waiting_lines, 'line')}"
        if load.route:
            head = f"no worker has served route {load.route} for {duration(since_s)}: {lines} of it"
        else:
            head = f"no worker has been heard for {duration(since_s)}: {lines}"
        waits = "waits" if load.waiting_lines == 1 else "wait"
        return f"{head} {waits}; {self._advice(load.route)}"

    def unknown(self, routing: Routing) -> list[str]:
        """Notices about names of routes in lines that no route has, each once."""
        new = [name for name in routing.unknown if name not in self._known]
        self._known.update(new)
        return [
            f"lines name the route {name!r:.60}, which is none of the [[routes]] "
            f"({', '.join(routing.names)}): they take the route of their URL"
            for name in new
        ]
