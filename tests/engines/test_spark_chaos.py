"""A job on Spark while everything is killed: tasks, executors, workers, the master, the driver."""

from __future__ import annotations

import contextlib
import importlib.util
from pathlib import Path

import pytest

from support.engine_chaos import HELPER, Chaos, kill_one, leaving_nothing
from support.engines import EngineUnderTest, marked

if importlib.util.find_spec("pyspark") is None:
    pytest.skip("pyspark is not installed: the engine spark is NOT tested", allow_module_level=True)

from support import spark_cluster
from support.spark_cluster import EXECUTOR, SparkCluster

pytestmark = pytest.mark.slow


def _kill_worker(cluster: SparkCluster) -> None:
    cluster.workers.pop(0).kill()
    cluster.add_worker()


def _restart_master(cluster: SparkCluster) -> None:
    cluster.master.kill()
    cluster.start_master()


def test_a_job_is_proven_whatever_is_killed(tmp_path: Path) -> None:
    spark_cluster.require_java()
    with marked() as mark, leaving_nothing(mark), contextlib.ExitStack() as stack:
        cluster = stack.enter_context(spark_cluster.spark_cluster(tmp_path, mark.environ, 2))
        engine = EngineUnderTest(mark, cluster.options, start_s=300)
        victims = {
            "helper": lambda: kill_one(mark.processes(HELPER)),
            "python": lambda: kill_one(mark.processes("pyspark.daemon")),
            "executor": lambda: kill_one(mark.processes(EXECUTOR)),
            "worker": lambda: _kill_worker(cluster),
            "master": lambda: _restart_master(cluster),
        }
        Chaos(stack, engine, tmp_path, victims).run()
