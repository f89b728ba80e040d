"""The status of a job's routes: what the ventilator logs and publishes of them."""

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

log = logging.getLogger(__name__)

_NONE: Final[list[messages.RouteLoad]] = []


class RouteStatus:
    """`trouble`: which routes nobody serves, at the last look; "": none."""

    def __init__(
        self,
        routing: Routing | None,
        ledger: Ledger,
        sessions: SinkSessions,
        settings: Settings,
    ) -> None:
        """`routing`: None: the job has no routes."""
        self._routing = routing
        self._ledger, self._sessions = ledger, sessions
        self._watch = RouteWatch(functools.partial(advice, settings))
        self.trouble = ""

    def look(self, now: float) -> list[messages.RouteLoad]:
        """Return the routes' loads, none if the job has no routes; log what users should know."""
        if self._routing is None:
            return _NONE
        found = loads(self._routing, self._ledger, self._sessions)
        if self._ledger.is_paused or self._sessions.is_complete:
            return found
        for notice in self._watch.notices(found, now) + self._watch.unknown(self._routing):
            log.warning("%s", notice)
        self.trouble = self._watch.trouble(found, now)
        return found

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
    """Return what to do about a route that nobody serves."""
    engine, served = settings.engine.name, settings.worker.routes
    if not engine:
        return start_by_hand(route)
    if served and route not in served:
        return "worker.routes leaves it out: name it there, too"
    if engine == "celery":
        return start_celery([queue_of(settings, route)])
    return f"see why {engine} runs no slot that serves it"
