"""Jobs on the engine `spark`: alone, on a master with workers, and on Spark's local-cluster."""

from __future__ import annotations

import contextlib
import importlib.util
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fetcher.engines.registry import engine_of
from fetcher.errors import Exit, UsageError
from fetcher.settings.schema import Engine, Settings
from support import engines, jobs
from support.engines import EngineUnderTest, Mark, marked
from support.waiting import wait_until
from tools.spark_home import linked_home

if importlib.util.find_spec("pyspark") is None:
    pytest.skip("pyspark is not installed: the engine spark is NOT tested", allow_module_level=True)

from support import spark_cluster
from support.spark_cluster import EXECUTOR, SparkCluster

COME_S = 300.0  # for slots: with 15 busy processes on 2 cores, one JVM takes over a minute to start


@pytest.fixture
def mark() -> Iterator[Mark]:
    spark_cluster.require_java()
    with marked() as made:
        yield made


@pytest.fixture
def cluster(mark: Mark, tmp_path: Path) -> Iterator[SparkCluster]:
    """A master, and two workers with a core each."""
    with spark_cluster.spark_cluster(tmp_path, mark.environ, 2) as running:
        yield running


@pytest.fixture
def engine(mark: Mark, cluster: SparkCluster) -> EngineUnderTest:
    return EngineUnderTest(mark, cluster.options, start_s=COME_S)


def test_alone_all_lines_are_fetched_once_and_nothing_of_spark_is_left_or_said(
    mark: Mark, tmp_path: Path
) -> None:
    """Modules of the user are found where `fetcher run` is started."""
    engine = EngineUnderTest(mark, ("--engine=spark",), start_s=COME_S)
    urls, out = engines.write_urls(tmp_path, 300), tmp_path / "out"
    line = engine.command(urls, out, 2, "--set=worker.transport=tests.support.deadly:SlowFetcher")
    environ = {**mark.environ, **spark_cluster.QUICK_JVM, "PYTHONPATH": ""}
    with jobs.running(*line, environ=environ) as job:
        code, _, error = job.wait(200)
    assert code == 0, error
    # On a busy machine the ventilator may say that Spark takes more than 30 s to start a worker.
    others = [each for each in error.splitlines() if " ventilator WARNING " not in each]
    assert not [each for each in others if "WARN" in each]
    assert {row.worker.partition("@")[0] for row in jobs.prove(out, urls)} == {"spark"}
    wait_until(lambda: not mark.processes(), 15, "the end of all processes")


@pytest.mark.slow
def test_alone_nothing_is_left_of_a_driver_that_was_killed(mark: Mark, tmp_path: Path) -> None:
    engine = EngineUnderTest(mark, ("--engine=spark",), start_s=COME_S)
    (urls, _), out = engines.write_waiting_urls(tmp_path), tmp_path / "out"
    with contextlib.ExitStack() as stack:
        job = engine.start(stack, urls, out, 2)
        wait_until(lambda: jobs.committed(out) > 20, COME_S, "rows")
        job.process.kill()
        job.wait()
        wait_until(lambda: not mark.processes(), 30, "the end of all processes")


@pytest.mark.slow
def test_alone_a_killed_jvm_leaves_no_orphan_and_the_slots_are_replaced(
    mark: Mark, tmp_path: Path
) -> None:
    engine = EngineUnderTest(mark, ("--engine=spark",), start_s=COME_S)
    (urls, go), out = engines.write_waiting_urls(tmp_path), tmp_path / "out"
    with contextlib.ExitStack() as stack:
        job = engine.start(stack, urls, out, 2)
        wait_until(lambda: len(engine.slots()) == 2, COME_S, "both slots")
        first = engine.slots()
        (jvm,) = mark.processes("org.apache.spark.deploy.SparkSubmit")
        jvm.send_signal(signal.SIGKILL)
        wait_until(lambda: not set(first) & set(engine.slots()), 15, "the end of the slots")
        wait_until(lambda: len(engine.slots()) == 2, COME_S, "slots in another JVM")
        go.touch()
        engines.finish(job)
    jobs.prove(out, urls)
    wait_until(lambda: not mark.processes(), 15, "the end of all processes")


@pytest.mark.slow
def test_all_lines_are_fetched_once_on_a_local_cluster(mark: Mark, tmp_path: Path) -> None:
    """It is Spark's own cluster for tests: executors in processes of their own."""
    address = "--set=engine.address=local-cluster[2,1,1024]"
    engine = EngineUnderTest(mark, ("--engine=spark", address), start_s=COME_S)
    home = linked_home(tmp_path / "spark")
    environ = {**mark.environ, "SPARK_HOME": str(home)}
    (urls, go), out = engines.write_waiting_urls(tmp_path), tmp_path / "out"
    with contextlib.ExitStack() as stack:
        line = engine.command(urls, out, 2)
        job = stack.enter_context(jobs.running(*line, environ=environ))
        wait_until(lambda: len(engine.slots()) == 2, COME_S, "both slots")
        go.touch()
        engines.finish(job)
    jobs.prove(out, urls)
    engines.require_no_slots(engine)
    wait_until(lambda: not mark.processes(), 15, "the end of all processes")
    assert (home / "work").is_dir(), "the files of executors are in the folder of the test"


@pytest.mark.slow
@pytest.mark.parametrize("victim", [EXECUTOR, "pyspark.daemon"])
def test_a_killed_executor_leaves_no_orphan_and_its_slot_is_replaced(
    engine: EngineUnderTest, tmp_path: Path, victim: str
) -> None:
    engines.check_killed_worker(engine, tmp_path, victim)


@pytest.mark.slow
def test_slots_end_with_a_driver_that_was_killed(engine: EngineUnderTest, tmp_path: Path) -> None:
    engines.check_killed_driver(engine, tmp_path)


@pytest.mark.slow
def test_ctrl_c_drains_the_slots(engine: EngineUnderTest, tmp_path: Path) -> None:
    engines.check_interrupted(engine, tmp_path)


@pytest.mark.slow
def test_a_killed_worker_of_spark_leaves_no_orphan_and_a_new_one_takes_its_slot(
    engine: EngineUnderTest, cluster: SparkCluster, tmp_path: Path
) -> None:
    (urls, go), out = engines.write_waiting_urls(tmp_path), tmp_path / "out"
    with contextlib.ExitStack() as stack:
        job = engine.start(stack, urls, out, 2)
        wait_until(lambda: len(engine.slots()) == 2, COME_S, "both slots")
        cluster.workers[0].kill()
        wait_until(lambda: len(engine.slots()) == 1, 30, "the end of its slot")
        cluster.add_worker()
        wait_until(lambda: len(engine.slots()) == 2, COME_S, "a slot in the new worker")
        go.touch()
        engines.finish(job)
    jobs.prove(out, urls)
    engines.require_no_slots(engine)


@pytest.mark.slow
def test_a_job_waits_for_workers_which_join_by_themselves(mark: Mark, tmp_path: Path) -> None:
    (urls, go), out = engines.write_waiting_urls(tmp_path), tmp_path / "out"
    with spark_cluster.spark_cluster(tmp_path, mark.environ, 0) as cluster:
        engine = EngineUnderTest(mark, cluster.options, start_s=COME_S)
        with contextlib.ExitStack() as stack:
            job = engine.start(stack, urls, out, 2)
            cluster.add_worker()
            wait_until(lambda: len(engine.slots()) == 1, COME_S, "a slot in the first worker")
            cluster.add_worker()
            wait_until(lambda: len(engine.slots()) == 2, COME_S, "a slot in the second worker")
            go.touch()
            engines.finish(job)
        jobs.prove(out, urls)
        engines.require_no_slots(engine)


@pytest.mark.slow
def test_slots_go_on_without_a_master_and_come_again_from_its_successor(
    engine: EngineUnderTest, cluster: SparkCluster, tmp_path: Path
) -> None:
    (urls, go), out = engines.write_waiting_urls(tmp_path), tmp_path / "out"
    with contextlib.ExitStack() as stack:
        job = engine.start(stack, urls, out, 2)
        wait_until(lambda: len(engine.slots()) == 2, COME_S, "both slots")
        first = engine.slots()
        cluster.master.kill()
        time.sleep(3)
        assert engine.slots() == first
        cluster.start_master()
        wait_until(lambda: len(set(engine.slots()) - set(first)) == 2 or not engine.slots(), COME_S)
        wait_until(lambda: len(engine.slots()) == 2, COME_S, "slots of the new master")
        go.touch()
        engines.finish(job)
    jobs.prove(out, urls)
    engines.require_no_slots(engine)


@pytest.mark.slow
def test_without_a_master_the_error_names_its_address(mark: Mark, tmp_path: Path) -> None:
    engine = EngineUnderTest(mark, ("--engine=spark", "--set=engine.address=spark://127.0.0.1:1"))
    urls, out = engines.write_urls(tmp_path, 5), tmp_path / "out"
    with contextlib.ExitStack() as stack:
        job = engine.start(stack, urls, out, 1, "--set=engine.connect_s=20")
        code, _, error = job.wait(200)
    assert code == Exit.USAGE
    assert "no master of Spark answers at spark://127.0.0.1:1" in error


def test_a_missing_java_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(UsageError, match="--engine spark needs Java"):
        engine_of(Settings(engine=Engine(name="spark")))
