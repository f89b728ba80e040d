"""100,000 lines on an engine while its processes are killed one after the other."""

from __future__ import annotations

import contextlib
import json
import random
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psutil

from support import engines, jobs
from support.engines import EngineUnderTest, Mark
from support.waiting import wait_until

LINES = 100_000
# Two workers of 100 requests at a time take 100 s or more for all lines. So all kills, which begin
# 3 to 6 s apart, come before the last line.
_MS = 200  # of each fetch
_ROUNDS = 2  # kills of each victim
_EVERY_S = 3.0  # between two kills, at least
_LIMIT_S = 900.0  # for the whole job
HELPER = "fetcher.engines.helper_main"


class Chaos:
    """A job, and what can be killed of it: the driver, its helper, and what the engine has."""

    def __init__(
        self,
        stack: contextlib.ExitStack,
        engine: EngineUnderTest,
        folder: Path,
        victims: Mapping[str, Callable[[], None]],
    ) -> None:
        """Start the job. At the end of the stack, no process of the job or the engine is left."""
        self._stack, self._engine, self._out = stack, engine, folder / "out"
        self._urls = engines.write_urls(folder, LINES, ms=_MS)
        self._victims = {"driver": self._kill_driver, **victims}
        self._seconds: dict[str, list[float]] = {}  # from each kill to the next rows
        self._until = time.monotonic() + _LIMIT_S
        self._job = self._start()

    def _start(self) -> jobs.Running:
        more = ("--set=worker.pool_size=100", "--set=job.batch_size=200", "--set=engine.start_s=8")
        return self._engine.start(self._stack, self._urls, self._out, 2, *more)

    def _kill_driver(self) -> None:
        self._job.process.kill()
        self._job.wait()
        self._job = self._start()

    def run(self) -> None:
        """Kill each victim twice; then the proof. The file `kills.json` says how long rows took."""
        self._wait_for_rows(0, "the start")
        for what in [*self._victims] * _ROUNDS:
            time.sleep(_EVERY_S * (1 + random.random()))
            assert self._job.process.poll() is None, f"the job has ended; kills: {self._seconds}"
            self._victims[what]()
            began = time.monotonic()
            self._wait_for_rows(jobs.committed(self._out), what)
            self._seconds.setdefault(what, []).append(round(time.monotonic() - began, 1))
            (self._out.parent / "kills.json").write_text(json.dumps(self._seconds))
        engines.finish(self._job, self._until - time.monotonic())
        jobs.prove(self._out, self._urls)
        engines.require_no_slots(self._engine)

    def _wait_for_rows(self, before: int, what: str) -> None:
        while jobs.committed(self._out) <= before and self._job.process.poll() is None:
            assert time.monotonic() < self._until, f"no rows after {what}; kills: {self._seconds}"
            time.sleep(0.1)


def kill_one(processes: list[psutil.Process]) -> None:
    """kill -9 of one of them."""
    for process in random.sample(processes, min(len(processes), 1)):
        with contextlib.suppress(psutil.Error):
            process.kill()


@contextlib.contextmanager
def leaving_nothing(mark: Mark, within_s: float = 60) -> Iterator[None]:
    """The block ends the engine; then no process with the mark is left, or will be within seconds.

    After an error nothing is waited for.
    """
    yield
    wait_until(lambda: not mark.processes(), within_s, f"the end of {mark.processes()}")
