"""100,000 lines on Celery while everything is killed: pool, workers, broker and driver."""

from __future__ import annotations

import contextlib
import itertools
import random
import time
from pathlib import Path

import psutil
import pytest

from support import brokers, engines, jobs
from support.brokers import Broker, CeleryWorker, celery_worker
from support.engines import EngineUnderTest, Mark, marked

LINES = 100_000
_EVERY_S = 2.0
_LIMIT_S = 400.0


class Chaos:
    """A job, and what can be killed of it."""

    def __init__(
        self,
        stack: contextlib.ExitStack,
        engine: EngineUnderTest,
        broker: Broker,
        folder: Path,
    ) -> None:
        self._stack, self._engine, self._broker, self._folder = stack, engine, broker, folder
        self.urls = engines.write_urls(folder, LINES, ms=100)
        self.out = folder / "out"
        self.kills: dict[str, int] = {}
        self._workers = [self._start_worker() for _ in range(2)]
        self.job = self._start_job()

    def _start_worker(self) -> CeleryWorker:
        mark, queue = self._engine.mark.environ, ("-Qfetcher", "-c1")
        return self._stack.enter_context(celery_worker(self._folder, mark, self._broker, *queue))

    def _start_job(self) -> jobs.Running:
        more = ("--set=worker.pool_size=100", "--set=job.batch_size=200", "--set=engine.start_s=5")
        return self._engine.start(self._stack, self.urls, self.out, 2, *more)

    def pool(self) -> None:
        for slot in self._engine.slots()[:1]:
            with contextlib.suppress(psutil.Error):
                runner = slot.parent()
                if runner is not None and "celery" in " ".join(runner.cmdline()):
                    runner.kill()

    def worker(self) -> None:
        self._workers[0].process.kill()
        self._workers = [*self._workers[1:], self._start_worker()]

    def broker(self) -> None:
        self._broker.kill()
        time.sleep(1)
        self._broker.start()

    def driver(self) -> None:
        if self.job.process.poll() is None:
            self.job.process.kill()
            self.job.wait()
            self.job = self._start_job()

    def kill(self, what: str) -> None:
        self.kills[what] = self.kills.get(what, 0) + 1
        getattr(self, what)()


@pytest.mark.slow
def test_a_job_is_proven_whatever_is_killed(tmp_path: Path) -> None:
    mark: Mark
    with contextlib.ExitStack() as stack:
        mark = stack.enter_context(marked())
        broker = stack.enter_context(brokers.redis(tmp_path, mark.environ))
        engine = EngineUnderTest(mark, brokers.options_of(broker))
        chaos = Chaos(stack, engine, broker, tmp_path)
        until = time.monotonic() + _LIMIT_S
        victims = itertools.cycle(("pool", "worker", "broker", "driver"))
        for what in victims:
            time.sleep(_EVERY_S + 3 * random.random())
            if chaos.job.process.poll() is not None or jobs.committed(chaos.out) > 0.9 * LINES:
                break
            assert time.monotonic() < until, chaos.kills
            chaos.kill(what)
        engines.finish(chaos.job)
        assert min(chaos.kills.values()) > 0 and len(chaos.kills) == 4, chaos.kills
        jobs.prove(chaos.out, chaos.urls)
        engines.require_no_slots(engine)
