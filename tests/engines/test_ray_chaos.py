"""100,000 lines on a cluster of Ray while all is killed: actors, nodes, Ray's driver, fetcher's."""

from __future__ import annotations

import contextlib
import itertools
import random
import time
from pathlib import Path

import psutil
import pytest

from support import engines, jobs, rays
from support.engines import EngineUnderTest, marked
from support.rays import Cluster
from support.waiting import wait_until

LINES = 100_000
_EVERY_S = 3.0
_LIMIT_S = 500.0
_PROCESS = "fetcher.engines.helper_main"


class Chaos:
    """A job, and what can be killed of it."""

    def __init__(
        self, stack: contextlib.ExitStack, engine: EngineUnderTest, ray: Cluster, folder: Path
    ) -> None:
        self._stack, self._engine, self._ray = stack, engine, ray
        self.urls = engines.write_urls(folder, LINES, ms=100)
        self.out = folder / "out"
        self.kills: dict[str, int] = {}
        self.job = self._start_job()

    def _start_job(self) -> jobs.Running:
        more = ("--set=worker.pool_size=100", "--set=job.batch_size=200", "--set=engine.start_s=5")
        line = self._engine.command(self.urls, self.out, 2, *more)
        return self._stack.enter_context(jobs.running(*line, environ=self._ray.environ))

    def actor(self) -> None:
        self._kill_one(rays.ACTOR)

    def process(self) -> None:
        self._kill_one(_PROCESS)

    def _kill_one(self, part: str) -> None:
        for process in self._engine.mark.processes(part)[:1]:
            with contextlib.suppress(psutil.Error):
                process.kill()

    def raylet(self) -> None:
        node = self._ray.nodes.pop(0)
        node.kill_raylet()
        node.kill()
        self._ray.add()

    def node(self) -> None:
        self._ray.nodes.pop(0).kill()
        self._ray.add()

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
    with contextlib.ExitStack() as stack:
        mark = stack.enter_context(marked())
        ray = stack.enter_context(rays.cluster(mark.environ, 2))
        options = ("--engine=ray", f"--set=engine.address={ray.address}")
        engine = EngineUnderTest(mark, options, start_s=180)
        chaos = Chaos(stack, engine, ray, tmp_path)
        until = time.monotonic() + _LIMIT_S
        victims = itertools.cycle(("actor", "node", "process", "raylet", "driver"))
        for what in victims:
            time.sleep(_EVERY_S + 3 * random.random())
            if chaos.job.process.poll() is not None or jobs.committed(chaos.out) > 0.9 * LINES:
                break
            assert time.monotonic() < until, chaos.kills
            chaos.kill(what)
        engines.finish(chaos.job, 300)
        assert len(chaos.kills) == 5, chaos.kills
        jobs.prove(chaos.out, chaos.urls)
        engines.require_no_slots(engine)
        ray.kill()
        wait_until(lambda: not mark.processes(), 180, f"the end of {mark.processes()}")
