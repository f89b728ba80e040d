"""Places slots as actors of Ray, from the process of `fetcher run`."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from fetcher.engines.interface import Engine, EngineError
from fetcher.engines.ray.messages import Answer, Order, Request
from fetcher.engines.ray.session import Session
from fetcher.optional import missing_library
from fetcher.roles import interpreter
from fetcher.settings.schema import Settings

_LOCAL: Final = ("", "local")
_END_S: Final = 4.0


class RayEngine(Engine):
    """Actors, one for each slot.

    It carries no secrets: Ray sends arguments over the network in the clear.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        if importlib.util.find_spec("ray") is None:
            raise missing_library("ray", needed_by="--engine ray")
        engine = settings.engine
        address = engine.address or os.environ.get("RAY_ADDRESS", "")
        is_local = address in _LOCAL
        self._order = Order(
            address="" if is_local else address,
            slots=settings.worker.processes,
            cpus=engine.slot_cpus,
            start_s=engine.start_s,
            folders=interpreter.search_path() if is_local else (),
            directory="",
        )
        self._session: Session | None = None
        self._results: list[Mapping[str, Any]] = []  # not yet shown
        self._tickets: list[Mapping[str, Any]] = []  # to be placed again if the session is lost

    def place(self, tickets: Sequence[Mapping[str, Any]], secrets: str) -> None:
        self._results += self._ask(tickets).results

    def count(self) -> int | None:
        return None if self._session is None else self._ask().count

    def results(self) -> Sequence[Mapping[str, Any]]:
        found, self._results = self._results, []
        return found if self._session is None else [*found, *self._ask().results]

    def end(self) -> None:
        if self._session is None:
            return
        with contextlib.suppress(EngineError):  # closing it ends all slots, too
            self._session.ask(Request(is_last=True), _END_S)
        self._close()

    def _ask(self, tickets: Sequence[Mapping[str, Any]] = ()) -> Answer:
        """Pass tickets on, and hear how the slots are. Raises EngineError if there is no Ray."""
        now = time.time()
        self._tickets = [each for each in self._tickets if each["expires_at"] > now]
        self._tickets += tickets
        if self._session is not None:
            try:
                return self._session.ask(_request(tickets))
            except EngineError as error:
                self._close()
                # All its actors end. Those that have begun lately are missed by nobody yet.
                self._results.append({"notice": str(error)})
        if not self._tickets:
            return Answer()
        placed, self._tickets = self._tickets, []
        self._session = Session(self._order)
        self._tickets = placed
        return self._session.ask(_request(placed))

    def _close(self) -> None:
        assert self._session is not None
        session, self._session = self._session, None
        session.close()


def _request(tickets: Sequence[Mapping[str, Any]]) -> Request:
    return Request(tuple(dict(ticket) for ticket in tickets))
