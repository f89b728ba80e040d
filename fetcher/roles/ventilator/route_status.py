"""The status of a job's routes: what the ventilator logs and publishes of them.

A job without routes publishes none; it is only logged if no worker is heard.
"""

from __future__ import annotations

import functools
import logging
from typing import Final

from msgspec import UNSET, UnsetType

from fetcher.input.routes import Routing
from fetcher.leases.ledger import Ledger
from fetcher.leases.route_watch import RouteWatch, loads, start_by_hand
from fetcher.leases.sink_sessions import SinkSessions
from fetcher.protocol import messages
from fetcher.settings.queues import queue_of, start_celery
from fetcher.settings.schema import Settings
from fetcher.settings.sections_routes import DEFAULT

log = logging.getLogger(__name__)

_NONE: Final[list[messages.RouteLoad]] = []


class RouteStatus:
    """`trouble`: which routes nobody serves, at the last check; "": none."""

    def __init__(
        self,
        routing: Routing | None,
        ledger: Ledger,
        sessions: SinkSessions,
        settings: Settings,
        *,
        starts_workers: bool = False,
    ) -> None:
        """`routing`: None: the job has no routes.

        `starts_workers`: the workers are started with the ventilator, and not by a person or an
        engine.
        """
        self._routing = routing
        self._starts_workers = starts_workers
        self._ledger, self._sessions = ledger, sessions
        self._watch = RouteWatch(functools.partial(advice, settings))
        self.trouble = ""

    def check(self, now: float) -> list[messages.RouteLoad]:
        """Return the routes' loads, none if the job has no routes; log what users should know."""
        if self._routing is None:
            if not self._starts_workers:
                self._watch_loads([self._whole()], now)
            return _NONE
        found = loads(self._routing, self._ledger, self._sessions)
        if self._watch_loads(found, now):
            for notice in self._watch.unknown(self._routing):
                log.warning("%s", notice)
        return found

    def _watch_loads(self, found: list[messages.RouteLoad], now: float) -> bool:
        """Log which routes have no worker; return False if the job needs none now."""
        if self._ledger.is_paused or self._sessions.is_complete:
            return False
        for notice in self._watch.notices(found, now):
            log.warning("%s", notice)
        self.trouble = self._watch.trouble(found, now)
        return True

    def _whole(self) -> messages.RouteLoad:
        """Return the load of a job without routes; leases do not matter here."""
        workers, waiting = len(self._ledger.workers), 0
        if not workers:
            waiting = self._ledger.waiting_lines(0) + self._sessions.unread_lines(0)
        return messages.RouteLoad("", workers, 0, 0, waiting)

    @property
    def routes(self) -> messages.Routes | UnsetType:
        """The routes as the workers hear of them."""
        if self._routing is None:
            return UNSET
        names, ledger = self._routing.names, self._ledger
        return messages.Routes(
            [*names],
            hungry=[names[each] for each in ledger.hungry_routes],
            all_out=[name for route, name in enumerate(names) if self._is_all_out(route)],
            workers=[ledger.count_serving(route) for route in ledger.routes],
            joined=[ledger.count_joined(route) for route in ledger.routes],
        )

    def _is_all_out(self, route: int) -> bool:
        return self._ledger.is_all_out_of(route) and not self._sessions.unread_lines(route)


def advice(settings: Settings, route: str) -> str:
    """Return what to do about a route that nobody serves; "": about a job without routes."""
    engine, served = settings.engine.name, settings.worker.routes
    if not engine:
        return start_by_hand(route)
    if route and served and route not in served:
        return "worker.routes leaves it out: name it there, too"
    if engine == "celery":
        return start_celery([queue_of(settings, route or DEFAULT)])
    return f"see why {engine} runs no slot{' that serves it' if route else ''}"
