"""100,000 lines on an engine while its processes are killed one after the other."""

from __future__ import annotations

import contextlib
import itertools
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil

from support import engines, jobs
from support.engines import EngineUnderTest

LINES = 100_000
_EVERY_S = 3.0
_LIMIT_S = 600.0


class Chaos:
    """A job, and what can be killed of it: the driver, and what the engine has."""

    def __init__(
        self,
        stack: contextlib.ExitStack,
        engine: EngineUnderTest,
        folder: Path,
        victims: Mapping[str, Callable[[], None]],
    ) -> None:
        self._stack, self._engine, self._out = stack, engine, folder / "out"
        self._urls = engines.write_urls(folder, LINES, ms=200)
        self._victims = {"driver": self._kill_driver, **victims}
        self._kills: Counter[str] = Counter()
        self._job = self._start()

    def _start(self) -> jobs.Running:
        more = ("--set=worker.pool_size=100", "--set=job.batch_size=200", "--set=engine.start_s=8")
        return self._engine.start(self._stack, self._urls, self._out, 2, *more)

    def _kill_driver(self) -> None:
        if self._job.process.poll() is None:
            self._job.process.kill()
            self._job.wait()
            self._job = self._start()

    def run(self) -> None:
        """Kill until most lines are done; each victim at least once. Then the proof."""
        until = time.monotonic() + _LIMIT_S
        for what in itertools.cycle(self._victims):
            before = jobs.committed(self._out)
            self._wait_for_progress(before, until)
            if self._job.process.poll() is not None or self._is_nearly_done():
                break
            self._kills[what] += 1
            self._victims[what]()
        engines.finish(self._job, _LIMIT_S)
        jobs.prove(self._out, self._urls)
        engines.require_no_slots(self._engine)
        assert set(self._kills) == set(self._victims), self._kills
        (self._out.parent / "kills.txt").write_text(f"{dict(self._kills)}\n")

    def _wait_for_progress(self, before: int, until: float) -> None:
        time.sleep(_EVERY_S * (1 + random.random()))
        while jobs.committed(self._out) == before and self._job.process.poll() is None:
            assert time.monotonic() < until, f"no progress after {self._kills}"
            time.sleep(0.1)

    def _is_nearly_done(self) -> bool:
        return jobs.committed(self._out) > 0.9 * LINES


def kill_one(processes: list[psutil.Process]) -> None:
    """kill -9 of one of them."""
    for process in random.sample(processes, min(len(processes), 1)):
        with contextlib.suppress(psutil.Error):
            process.kill()
