"""Places slots in the workers of a scheduler of Dask, from the helper of `fetcher run`.

All of Dask runs in one event loop, in a thread. Slots that no worker has room for wait here until
their tickets expire, and begin when a worker joins or has room.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets as random
import threading
import time
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, Final, TypeVar

import dask.config
from distributed import Client, LocalCluster
from distributed.deploy.utils import nprocesses_nthreads

from fetcher.engines.dask import plugin
from fetcher.engines.dask.plugin import Report
from fetcher.engines.dask.spread import spread
from fetcher.engines.interface import Engine, EngineError, SlotCount
from fetcher.settings.schema import Settings

_CONNECT_S: Final = 10.0
_START_S: Final = 60.0  # for a cluster on this host
_ANSWER_S: Final = 5.0  # of a worker of Dask
_AVOID_S: Final = 30.0  # a worker of Dask that has failed
_FINISH_S: Final = 2.5  # for slots on this host to finish at the end
_CLOSE_S: Final = 1.0
_TURN_S: Final = 0.1

_Ticket = Mapping[str, Any]
_T = TypeVar("_T")


class DaskClient(Engine):
    """The slots of one job."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._session = random.token_hex(8)
        self._address = settings.engine.address or dask.config.get("scheduler-address", "") or ""
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="dask", daemon=True).start()
        self._cluster: LocalCluster | None = None  # on this host
        self._client: Client | None = None
        self._waiting: list[_Ticket] = []
        self._secrets = ""
        self._reports: dict[str, Report] = {}  # by the address of a worker of Dask
        self._avoided: dict[str, float] = {}  # by address, until when
        self._results: list[Mapping[str, Any]] = []

    def start(self) -> None:
        self._call(self._connected())

    def place(self, tickets: Sequence[_Ticket], secrets: str) -> None:
        before, self._waiting = self._waiting, [*self._waiting, *tickets]
        self._secrets = secrets
        try:
            self._call(self._hand_out())
        except EngineError:
            self._waiting = before
            raise

    def count(self) -> SlotCount:
        self._call(self._hand_out())
        running = sum(each.running for each in self._reports.values())
        return SlotCount(len(self._waiting), running)

    def results(self) -> Sequence[Mapping[str, Any]]:
        self._call(self._hand_out())
        results, self._results = self._results, []
        return results

    def end(self) -> None:
        self._waiting = []
        with contextlib.suppress(EngineError):
            self._call(self._end())

    def _call(self, work: Coroutine[Any, Any, _T]) -> _T:
        try:
            return asyncio.run_coroutine_threadsafe(work, self._loop).result()
        except (OSError, TimeoutError) as error:
            asyncio.run_coroutine_threadsafe(self._forget_client(), self._loop).result()
            raise EngineError(f"the scheduler at {self._where} does not answer: {error}") from error

    @property
    def _where(self) -> str:
        return self._address or "this host"

    # -- in the event loop -------------------------------------------------------------------

    async def _hand_out(self) -> None:
        """Give the slots that wait to workers with room, and ask all that run some."""
        client = await self._connected()
        nthreads = await asyncio.wait_for(client.nthreads(), _ANSWER_S)
        reports = {address: self._reports.get(address) for address in nthreads}
        now, monotonic = time.time(), time.monotonic()
        self._avoided = {at: until for at, until in self._avoided.items() if until > monotonic}
        free = {
            address: nthreads[address] if report is None else report.free
            for address, report in reports.items()
            if address not in self._avoided
        }
        self._waiting = [ticket for ticket in self._waiting if ticket["expires_at"] > now]
        given = spread(len(self._waiting), free)
        asked = {address for address, report in reports.items() if report is not None} | {*given}
        left, self._waiting = self._waiting, []
        calls = []
        for address in asked:
            tickets, left = left[: given.get(address, 0)], left[given.get(address, 0) :]
            calls.append(self._exchange(client, address, tickets))
        self._waiting += left
        answers = await asyncio.gather(*calls)
        self._reports = {address: each for address, each in answers if each is not None}

    async def _exchange(
        self, client: Client, address: str, tickets: list[_Ticket]
    ) -> tuple[str, Report | None]:
        """Ask one worker. One that fails gets no slot for a while."""
        given = (self._session, [dict(ticket) for ticket in tickets], self._secrets)
        try:
            call = client.run(plugin.exchange, *given, workers=[address])
            report: Report = (await asyncio.wait_for(call, _ANSWER_S))[address]
        except Exception as error:  # any that its process may raise
            if not isinstance(error, (OSError, TimeoutError)):
                self._results.append({"error": _failed(address, error)})
            self._waiting += tickets
            self._avoided[address] = time.monotonic() + _AVOID_S
            return address, None
        self._waiting += tickets[report.accepted :]
        self._results += report.results
        return address, report

    async def _connected(self) -> Client:
        if self._client is not None and self._client.status != "running":
            await self._forget_client()
        if self._client is None:
            if not self._address and self._cluster is None:
                self._cluster = await self._start_cluster()
            self._client = await Client(
                self._cluster or self._address,
                asynchronous=True,
                set_as_default=False,
                timeout=_CONNECT_S,
                name="fetcher",
            )
        return self._client

    async def _start_cluster(self) -> LocalCluster:
        processes, threads = nprocesses_nthreads(self.settings.worker.processes)
        return await asyncio.wait_for(
            LocalCluster(
                n_workers=processes,
                threads_per_worker=threads,
                host="127.0.0.1",
                dashboard_address=None,
                asynchronous=True,
            ),
            _START_S,
        )

    async def _forget_client(self) -> None:
        client, self._client = self._client, None
        self._reports = {}
        if client is not None:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(client.close(), _CLOSE_S)

    async def _end(self) -> None:
        until = time.monotonic() + _FINISH_S
        with contextlib.suppress(OSError, TimeoutError):
            while self._cluster is not None and time.monotonic() < until:
                await self._hand_out()
                if not any(each.running for each in self._reports.values()):
                    break
                await asyncio.sleep(_TURN_S)
        await self._forget_client()
        if self._cluster is not None:
            closing = self._cluster.close()
            assert closing is not None  # as it is asynchronous
            with contextlib.suppress(Exception):
                await asyncio.wait_for(closing, _CLOSE_S)


def _failed(address: str, error: Exception) -> str:
    name = f"the worker of Dask at {address} failed"
    if "No module named 'fetcher" in str(error):
        return f"{name}, as it has no fetcher; install it there, in the same version as here"
    return f"{name}: {error}"
