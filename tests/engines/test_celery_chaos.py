"""A job on Celery while everything is killed: pool, workers, broker and driver."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

import psutil
import pytest

from support import brokers
from support.brokers import Broker, CeleryWorker, celery_worker
from support.engine_chaos import Chaos, kill_one, leaving_nothing
from support.engines import EngineUnderTest, marked

pytestmark = pytest.mark.slow


class Workers:
    """Two workers of Celery with a process for one slot each."""

    def __init__(
        self, stack: contextlib.ExitStack, engine: EngineUnderTest, broker: Broker, folder: Path
    ) -> None:
        self._stack, self._engine, self._broker, self._folder = stack, engine, broker, folder
        self._workers = [self._start() for _ in range(2)]

    def _start(self) -> CeleryWorker:
        environ, queue = self._engine.mark.environ, ("-Qfetcher", "-c1")
        return self._stack.enter_context(celery_worker(self._folder, environ, self._broker, *queue))

    def kill_worker(self) -> None:
        self._workers.pop(0).process.kill()
        self._workers.append(self._start())

    def kill_pool(self) -> None:
        """kill -9 of the process of a pool that runs a slot."""
        runners = []
        for slot in self._engine.slots():
            with contextlib.suppress(psutil.Error):
                runner = slot.parent()
                if runner is not None and "celery" in " ".join(runner.cmdline()):
                    runners.append(runner)
        kill_one(runners)


def _restart(broker: Broker) -> None:
    broker.kill()
    time.sleep(1)
    broker.start()


@pytest.mark.parametrize("kind", [brokers.redis, brokers.rabbitmq])
def test_a_job_is_proven_whatever_is_killed(
    tmp_path: Path,
    kind: Callable[[Path, Mapping[str, str]], AbstractContextManager[Broker]],
) -> None:
    with marked() as mark, leaving_nothing(mark), contextlib.ExitStack() as stack:
        broker = stack.enter_context(kind(tmp_path, mark.environ))
        engine = EngineUnderTest(mark, brokers.options_of(broker))
        workers = Workers(stack, engine, broker, tmp_path)
        victims = {
            "pool": workers.kill_pool,
            "worker": workers.kill_worker,
            "broker": lambda: _restart(broker),
        }
        Chaos(stack, engine, tmp_path, victims).run()
