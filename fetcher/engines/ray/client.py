"""Places slots as actors of Ray, from the helper of `fetcher run`, which is Ray's driver.

Ray replaces signal handlers, writes to the terminal, and ends its process when it has lost its
cluster. A Ray that was not started here ends the actors of a driver that has gone.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import ray

from fetcher.engines.interface import BrokenEngineError, Engine, SlotCount
from fetcher.engines.listening import require_listener
from fetcher.engines.ray.actors import RayActors, one_line
from fetcher.engines.ray.address import address_of
from fetcher.engines.ray.slots import Slots
from fetcher.roles import interpreter
from fetcher.settings.schema import Settings

_FINISH_S: Final = 1.5  # at the end, for running slots, which have heard that the job is over
_TURN_S: Final = 0.1
# Slots keep nothing in Ray's store of objects; less is refused.
_STORE_BYTES: Final = 80 * 1024 * 1024
_QUIET: Final[dict[str, Any]] = {"log_to_driver": False, "logging_level": "ERROR"}


class RayClient(Engine):
    """The slots of one job."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._address = address_of(settings)
        self._slots: Slots | None = None
        self._node = ""  # of Ray, to which this process is connected
        self._results: list[Mapping[str, Any]] = []  # not yet asked for

    def start(self) -> None:
        self._connected()

    def place(self, tickets: Sequence[Mapping[str, Any]], secrets: str) -> None:
        slots = self._connected()
        slots.place(tickets)
        self._turn(slots)

    def count(self) -> SlotCount:
        if self._slots is None:
            return SlotCount(0, 0)
        self._turn(self._slots)
        return self._slots.count()

    def results(self) -> Sequence[Mapping[str, Any]]:
        if self._slots is not None:
            self._turn(self._slots)
        found, self._results = self._results, []
        return found

    def end(self) -> None:
        if self._slots is not None:
            with contextlib.suppress(BrokenEngineError), self._failing():
                _finish(self._slots)
        with contextlib.suppress(Exception):  # any that Ray may raise
            ray.shutdown()

    def _connected(self) -> Slots:
        if self._slots is None:
            try:
                self._connect()
                self._node = ray.get_runtime_context().get_node_id()
            except Exception as error:  # any that Ray may raise
                raise BrokenEngineError(self._unreached(error)) from error
            engine, folders = self.settings.engine, self._folders()
            actors = RayActors(engine.slot_cpus, folders)
            self._slots = Slots(actors, self.settings.worker.processes, engine.start_s)
        return self._slots

    def _connect(self) -> None:
        if self._address:
            require_listener(self._address)
            ray.init(address=self._address, **_QUIET)
            return
        ray.init(
            address="local",
            num_cpus=math.ceil(self.settings.worker.processes * self.settings.engine.slot_cpus),
            include_dashboard=False,
            object_store_memory=_STORE_BYTES,
            **_QUIET,
        )

    def _folders(self) -> tuple[str, ...]:
        """Return the folders of the user's modules, for a Ray that is started here."""
        return () if self._address else interpreter.search_path()

    def _unreached(self, error: Exception) -> str:
        if not self._address:
            return f"a local Ray cannot be started: {one_line(error)}"
        return f"the Ray at {self._address} cannot be used: {one_line(error)}"

    def _turn(self, slots: Slots) -> None:
        with self._failing():
            self._require_node()
            self._results += slots.turn(time.time())

    @contextlib.contextmanager
    def _failing(self) -> Iterator[None]:
        """Turn errors of Ray into BrokenEngineError; then nothing is asked of it any more."""
        try:
            yield
        except (ray.exceptions.RayError, RuntimeError, OSError) as error:
            self._slots = None
            raise BrokenEngineError(f"Ray has failed: {one_line(error)}") from error

    def _require_node(self) -> None:
        """Raise RuntimeError if our node of Ray is dead: Ray does nothing for its driver then."""
        for node in ray.nodes():
            if node["NodeID"] == self._node and not node["Alive"]:
                raise RuntimeError("the node that this job was connected to has died")


def _finish(slots: Slots) -> None:
    slots.forget_waiting()
    until = time.monotonic() + _FINISH_S
    while slots.running() and time.monotonic() < until:
        time.sleep(_TURN_S)
        slots.turn(time.time())
    slots.end()
