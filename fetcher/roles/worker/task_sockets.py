"""The sockets from which a worker takes its tasks: one for each route of the job that it serves.

The ventilator says in its states which routes there are, and their order gives the addresses. Each
socket belongs to a greenlet of its own.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from typing import Any

import gevent
from msgspec import UNSET

from fetcher.errors import Exit
from fetcher.protocol import messages
from fetcher.settings.sections_routes import DEFAULT
from fetcher.transport.endpoints import tasks_of

log = logging.getLogger(__name__)


class TaskSockets:
    """Opens and closes sockets as the job's routes are heard."""

    def __init__(
        self,
        ventilator: str,
        served: Sequence[str],
        open_at: Callable[[str], Any],
        receive: Callable[[Any], None],
    ) -> None:
        """`served`: names of routes; empty: all. `receive` reads from a socket for ever."""
        self._ventilator = ventilator
        self._served = served
        self._open_at = open_at
        self._receive = receive
        self._heard: tuple[str, ...] = ()  # the job's routes; (): nothing yet
        self._open: dict[str, tuple[str, Any, Any]] = {}  # address -> route, socket, greenlet

    def serves(self, route: str) -> bool:
        """Whether this worker fetches lines of this route."""
        return not self._served or route in self._served

    def hear(self, state: messages.State) -> None:
        """Take tasks of the job's routes that this worker serves, and of no other."""
        names = (DEFAULT,) if state.routes is UNSET else tuple(state.routes.names)
        if names == self._heard:
            return
        self._heard = names
        if missing := [name for name in self._served if name not in names]:
            log.warning(
                "the job has no route %s (it has %s): no tasks come from there",
                ", ".join(missing),
                ", ".join(names),
            )
        self.open(names)

    def open(self, names: Sequence[str] = (DEFAULT,)) -> None:
        """Have a socket for each of these routes that this worker serves, and no other."""
        wanted = {
            tasks_of(self._ventilator, number): name
            for number, name in enumerate(names)
            if self.serves(name)
        }
        for address in [*self._open]:
            if wanted.get(address) != self._open[address][0]:
                self._close(address)
        for address in wanted.keys() - self._open.keys():
            socket = self._open_at(address)
            greenlet = gevent.spawn(self._receive, socket)
            # A loop that ends by an exception must not leave a worker that only looks alive.
            greenlet.link_exception(lambda _: os._exit(Exit.BUG))
            self._open[address] = wanted[address], socket, greenlet

    def close(self) -> None:
        """Take no more tasks."""
        for address in [*self._open]:
            self._close(address)

    def _close(self, address: str) -> None:
        _, socket, greenlet = self._open.pop(address)
        greenlet.kill()
        socket.close(0)

    def is_hungry(self, state: messages.State) -> bool:
        """Whether other workers of the same routes have too little to do."""
        if state.routes is UNSET:
            return state.is_hungry
        return state.is_hungry and any(map(self.serves, state.routes.hungry))

    def is_all_out(self, state: messages.State) -> bool:
        """Whether workers have all lines that are left of the routes that this one serves."""
        if state.routes is UNSET:
            return state.turns.is_all
        served = {name for name in state.routes.names if self.serves(name)}
        return state.turns.is_all or served.issubset(state.routes.all_out)
