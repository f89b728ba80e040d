"""Jobs on the engine `dask`, with a real scheduler and real workers of Dask."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from fetcher.errors import Exit
from support import engines, jobs
from support.engines import EngineUnderTest, Mark, marked
from support.waiting import wait_until
from tools.certificates import Authority

if importlib.util.find_spec("distributed") is None:
    pytest.skip(
        "distributed is not installed: the engine dask is NOT tested", allow_module_level=True
    )

from support import dask_cluster
from support.dask_cluster import DaskCluster


@pytest.fixture
def mark() -> Iterator[Mark]:
    with marked() as made:
        yield made


@pytest.fixture
def cluster(mark: Mark, tmp_path: Path) -> Iterator[DaskCluster]:
    """Two workers with nannies, a thread each."""
    with dask_cluster.dask_cluster(tmp_path, mark.environ, 2) as running:
        yield running


@pytest.fixture
def engine(mark: Mark, cluster: DaskCluster) -> EngineUnderTest:
    return EngineUnderTest(mark, cluster.options)


def test_alone_all_lines_are_fetched_once_and_nothing_of_dask_is_left_or_said(
    mark: Mark, tmp_path: Path
) -> None:
    """Modules of the user are found where `fetcher run` is started."""
    engine = EngineUnderTest(mark, ("--engine=dask",))
    urls, out = engines.write_urls(tmp_path, 300), tmp_path / "out"
    line = engine.command(urls, out, 2, "--set=worker.transport=tests.support.deadly:SlowFetcher")
    with jobs.running(*line, environ={**mark.environ, "PYTHONPATH": ""}) as job:
        code, _, error = job.wait(120)
    assert code == 0, error
    assert "distributed" not in error
    assert {row.worker.partition("@")[0] for row in jobs.prove(out, urls)} == {"dask"}
    wait_until(lambda: not mark.processes(), 10, "the end of all processes")


@pytest.mark.slow
def test_alone_nothing_is_left_of_a_driver_that_was_killed(mark: Mark, tmp_path: Path) -> None:
    engine = EngineUnderTest(mark, ("--engine=dask",))
    (urls, _), out = engines.write_waiting_urls(tmp_path), tmp_path / "out"
    with contextlib.ExitStack() as stack:
        job = engine.start(stack, urls, out, 2)
        wait_until(lambda: jobs.committed(out) > 20, 60, "rows")
        job.process.kill()
        job.wait()
        wait_until(lambda: not mark.processes(), 30, "the end of all processes")


@pytest.mark.slow
def test_all_lines_are_fetched_once(engine: EngineUnderTest, tmp_path: Path) -> None:
    engines.check_whole_job(engine, tmp_path)


def test_a_killed_worker_leaves_no_orphan_and_its_slots_are_replaced(
    mark: Mark, tmp_path: Path
) -> None:
    """One worker runs both slots: another would take seconds to start."""
    with dask_cluster.dask_cluster(tmp_path, mark.environ, 1, threads=2) as cluster:
        engine = EngineUnderTest(mark, cluster.options)
        engines.check_killed_worker(engine, tmp_path, dask_cluster.WORKER)


@pytest.mark.slow
def test_one_killed_worker_of_two_leaves_no_orphan_and_its_slot_is_replaced(
    engine: EngineUnderTest, tmp_path: Path
) -> None:
    engines.check_killed_worker(engine, tmp_path, dask_cluster.WORKER)


@pytest.mark.slow
def test_slots_end_with_a_driver_that_was_killed(engine: EngineUnderTest, tmp_path: Path) -> None:
    engines.check_killed_driver(engine, tmp_path)


@pytest.mark.slow
def test_ctrl_c_drains_the_slots(engine: EngineUnderTest, tmp_path: Path) -> None:
    engines.check_interrupted(engine, tmp_path)


@pytest.mark.slow
def test_a_killed_nanny_leaves_no_orphan_and_a_new_worker_takes_its_slot(
    engine: EngineUnderTest, cluster: DaskCluster, tmp_path: Path
) -> None:
    (urls, go), out = engines.write_waiting_urls(tmp_path), tmp_path / "out"
    with contextlib.ExitStack() as stack:
        job = engine.start(stack, urls, out, 2)
        wait_until(lambda: len(engine.slots()) == 2, 60, "both slots")
        cluster.workers[0].kill()
        wait_until(lambda: len(engine.slots()) == 1, 15, "the end of its slot")
        cluster.add_worker()
        wait_until(lambda: len(engine.slots()) == 2, 60, "a slot in the new worker")
        go.touch()
        engines.finish(job)
    jobs.prove(out, urls)
    engines.require_no_slots(engine)


@pytest.mark.slow
def test_a_job_waits_for_workers_which_join_by_themselves(mark: Mark, tmp_path: Path) -> None:
    (urls, go), out = engines.write_waiting_urls(tmp_path), tmp_path / "out"
    with dask_cluster.dask_cluster(tmp_path, mark.environ, 0) as cluster:
        engine = EngineUnderTest(mark, cluster.options)
        with contextlib.ExitStack() as stack:
            job = engine.start(stack, urls, out, 3)
            first = cluster.add_worker()
            wait_until(lambda: len(engine.slots()) == 1, 60, "a slot in the first worker")
            cluster.add_worker(threads=2)
            wait_until(lambda: len(engine.slots()) == 3, 60, "slots in the second worker")
            assert first.stop() == 0, "a worker that leaves in order drains its slot"
            assert len(engine.slots()) == 2
            go.touch()
            engines.finish(job)
        jobs.prove(out, urls)
        engines.require_no_slots(engine)


@pytest.mark.slow
def test_a_scheduler_that_was_killed_and_started_again_gets_slots_again(
    engine: EngineUnderTest, cluster: DaskCluster, tmp_path: Path
) -> None:
    """Workers of Dask end with their scheduler, and so do their slots."""
    (urls, go), out = engines.write_waiting_urls(tmp_path), tmp_path / "out"
    with contextlib.ExitStack() as stack:
        job = engine.start(stack, urls, out, 2)
        wait_until(lambda: len(engine.slots()) == 2, 60, "both slots")
        cluster.scheduler.kill()
        wait_until(lambda: not engine.slots(), 30, "the end of the slots")
        cluster.start_scheduler()
        for _ in range(2):
            cluster.add_worker()
        wait_until(lambda: len(engine.slots()) == 2, 90, "slots again")
        go.touch()
        engines.finish(job)
    jobs.prove(out, urls)


@pytest.mark.slow
def test_a_worker_that_stands_still_does_not_hold_up_the_others(
    engine: EngineUnderTest, cluster: DaskCluster, tmp_path: Path
) -> None:
    (urls, go), out = engines.write_waiting_urls(tmp_path), tmp_path / "out"
    with contextlib.ExitStack() as stack:
        still = engine.mark.processes(dask_cluster.WORKER)[0]
        still.suspend()
        job = engine.start(stack, urls, out, 2)
        wait_until(lambda: len(engine.slots()) == 1, 60, "a slot in the other worker")
        still.resume()
        wait_until(lambda: len(engine.slots()) == 2, 60, "both slots")
        go.touch()
        engines.finish(job)
    jobs.prove(out, urls)


@pytest.mark.slow
def test_without_a_scheduler_the_error_names_its_address(mark: Mark, tmp_path: Path) -> None:
    engine = EngineUnderTest(mark, ("--engine=dask", "--set=engine.address=tcp://127.0.0.1:1"))
    urls, out = engines.write_urls(tmp_path, 5), tmp_path / "out"
    with contextlib.ExitStack() as stack:
        job = engine.start(stack, urls, out, 1, "--set=engine.connect_s=20")
        code, _, error = job.wait(60)
    assert code == Exit.USAGE
    assert (
        "dask ran no slot within 20 s (engine.connect_s): the scheduler at tcp://127.0.0.1:1"
        in error
    )


@pytest.mark.slow
def test_without_a_worker_the_error_says_that_slots_wait(mark: Mark, tmp_path: Path) -> None:
    urls, out = engines.write_urls(tmp_path, 5), tmp_path / "out"
    with (
        dask_cluster.dask_cluster(tmp_path, mark.environ, 0) as cluster,
        contextlib.ExitStack() as stack,
    ):
        engine = EngineUnderTest(mark, cluster.options)
        job = engine.start(stack, urls, out, 3, "--set=engine.connect_s=4")
        code, _, error = job.wait(60)
    assert code == Exit.USAGE
    assert "with 3 slots waiting for a place: see whether dask has room for them" in error


@pytest.mark.slow
def test_a_worker_without_fetcher_is_named_and_its_slot_runs_in_another(
    mark: Mark, tmp_path: Path
) -> None:
    urls, out = engines.write_urls(tmp_path, 60), tmp_path / "out"
    empty = tmp_path / "modules" / "fetcher"
    empty.mkdir(parents=True)
    (empty / "__init__.py").write_text("raise ModuleNotFoundError(\"No module named 'fetcher'\")\n")
    with dask_cluster.dask_cluster(tmp_path, mark.environ, 0) as cluster:
        for _ in range(3):
            cluster.start_worker(environ={"PYTHONPATH": str(empty.parent)})
        cluster.start_worker()
        cluster.wait_for_workers()
        engine = EngineUnderTest(mark, cluster.options)
        with contextlib.ExitStack() as stack:
            code, _, error = engine.start(stack, urls, out, 1).wait(120)
    assert code == 0, error
    assert "failed, as it has no fetcher; install it there" in error
    jobs.prove(out, urls)


@pytest.mark.slow
def test_the_key_goes_through_a_scheduler_that_encrypts(mark: Mark, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue(["127.0.0.1"])
    tls = "DASK_DISTRIBUTED__COMM__TLS__"
    files = {f"{tls}CA_FILE": str(authority.ca_file)}
    for role in ("CLIENT", "SCHEDULER", "WORKER"):
        files |= {f"{tls}{role}__CERT": str(certificate), f"{tls}{role}__KEY": str(key)}
    environ = {**mark.environ, **files}
    urls, out = engines.write_urls(tmp_path, 60), tmp_path / "out"
    with dask_cluster.dask_cluster(tmp_path, environ, 1, protocol="tls") as cluster:
        bind = ("--set=engine.bind=tcp://0.0.0.0:0", "--set=engine.advertise=127.0.0.1")
        engine = EngineUnderTest(mark, (*cluster.options, *bind))
        secret = "--header=Authorization: Bearer x1y2"
        line = engine.command(urls, out, 1, secret)
        with jobs.running(*line, environ=environ) as job:
            engines.finish(job)
        assert "x1y2" not in cluster.scheduler.text + cluster.workers[0].text
    jobs.prove(out, urls)


def test_workers_of_other_hosts_need_a_way_for_their_key(mark: Mark, tmp_path: Path) -> None:
    urls = engines.write_urls(tmp_path, 5)
    address = "--set=engine.address=tcp://127.0.0.1:1"
    options = ("--engine=dask", address, "--set=engine.bind=tcp://0.0.0.0:0")
    done = jobs.call(*EngineUnderTest(mark, options).command(urls, tmp_path / "out", 1))
    assert done.returncode == Exit.USAGE
    assert "must not pass through dask: set the same engine.secret" in done.stderr
