"""A job on Dask while everything is killed: workers, nannies, the scheduler and the driver."""

from __future__ import annotations

import contextlib
import importlib.util
from pathlib import Path

import pytest

from support.engine_chaos import HELPER, Chaos, kill_one, leaving_nothing
from support.engines import EngineUnderTest, marked

if importlib.util.find_spec("distributed") is None:
    pytest.skip(
        "distributed is not installed: the engine dask is NOT tested", allow_module_level=True
    )

from support import dask_cluster
from support.dask_cluster import DaskCluster

pytestmark = pytest.mark.slow


def _kill_nanny(cluster: DaskCluster) -> None:
    cluster.workers.pop(0).kill()
    cluster.add_worker()


def _restart_scheduler(cluster: DaskCluster) -> None:
    """All workers of Dask end with their scheduler."""
    cluster.scheduler.kill()
    for worker in cluster.workers:
        worker.process.wait(60)
    cluster.workers.clear()
    cluster.start_scheduler()
    for _ in range(2):
        cluster.add_worker()


def test_a_job_is_proven_whatever_is_killed(tmp_path: Path) -> None:
    with marked() as mark, leaving_nothing(mark), contextlib.ExitStack() as stack:
        cluster = stack.enter_context(dask_cluster.dask_cluster(tmp_path, mark.environ, 2))
        engine = EngineUnderTest(mark, cluster.options)
        victims = {
            "helper": lambda: kill_one(mark.processes(HELPER)),
            "worker": lambda: kill_one(mark.processes(dask_cluster.WORKER)),
            "nanny": lambda: _kill_nanny(cluster),
            "scheduler": lambda: _restart_scheduler(cluster),
        }
        Chaos(stack, engine, tmp_path, victims).run()
