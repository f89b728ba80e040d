"""What runs in the workers of Dask: a plugin that serves slots, and its one call, `exchange`.

The plugin comes with the first slots and is not registered with the scheduler. A registered plugin
would outlive a job that was killed, and workers without fetcher would fail to start.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from distributed import Worker, WorkerPlugin

from fetcher.engines import slot

NAME: Final = "fetcher-slots"
_TURN_S: Final = 0.1
_MOST_RESULTS: Final = 1000  # that no driver has asked for


class Report(msgspec.Struct, frozen=True):
    """What a worker of Dask says of a session's slots."""

    accepted: int  # of the tickets given
    running: int  # slots of this session
    free: int  # further slots that it can run
    results: list[dict[str, Any]]  # of slots of this session that have ended since the last call


class SlotPlugin(WorkerPlugin):
    """The slots of one worker of Dask, of all jobs."""

    name = NAME

    def __init__(self) -> None:
        self._most = 0
        self._is_draining = False
        self._running: dict[threading.Thread, str] = {}  # -> session
        self._results: deque[tuple[str, dict[str, Any]]] = deque(maxlen=_MOST_RESULTS)

    def setup(self, worker: Worker) -> None:
        """Begin with no slot, and no more than the worker has threads."""
        self._most = worker.state.nthreads

    async def teardown(self, worker: Worker) -> None:
        """Let requests in flight finish; Dask kills a worker that takes too long."""
        self._is_draining = True
        while any(thread.is_alive() for thread in self._running):
            await asyncio.sleep(_TURN_S)

    def take(self, session: str, tickets: Sequence[Mapping[str, Any]], secrets: str) -> Report:
        """Begin as many of the slots as there is room for."""
        self._running = {one: of for one, of in self._running.items() if one.is_alive()}
        free = 0 if self._is_draining else max(self._most - len(self._running), 0)
        accepted = tickets[:free]
        for ticket in accepted:
            thread = threading.Thread(
                target=self._serve, args=(session, ticket, secrets), name="slot", daemon=True
            )
            thread.start()
            self._running[thread] = session
        return Report(
            accepted=len(accepted),
            running=sum(of == session for of in self._running.values()),
            free=free - len(accepted),
            results=self._results_of(session),
        )

    def _serve(self, session: str, ticket: Mapping[str, Any], secrets: str) -> None:
        try:
            result = slot.serve(ticket, secrets=secrets, is_draining=lambda: self._is_draining)
        except OSError as error:  # no process can be started
            result = {"error": str(error)}
        self._results.append((session, result))

    def _results_of(self, session: str) -> list[dict[str, Any]]:
        all_of_them = [self._results.popleft() for _ in range(len(self._results))]
        self._results.extend(each for each in all_of_them if each[0] != session)
        return [result for of, result in all_of_them if of == session]


async def exchange(
    session: str,
    tickets: Sequence[Mapping[str, Any]] = (),
    secrets: str = "",
    *,
    dask_worker: Worker,
) -> Report:
    """Give slots to a worker of Dask, and hear what its slots do. It runs in that worker."""
    if NAME not in dask_worker.plugins:
        await dask_worker.plugin_add(plugin=SlotPlugin(), name=NAME, catch_errors=False)
    plugin = dask_worker.plugins[NAME]
    assert isinstance(plugin, SlotPlugin)
    return plugin.take(session, tickets, secrets)
