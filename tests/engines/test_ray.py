"""Jobs on the engine `ray`, with a Ray of their own or a cluster of real nodes on this host."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from fetcher.engines.registry import engine_of
from fetcher.errors import Exit, UsageError
from fetcher.settings.schema import Engine, Settings
from support import engines, jobs, rays
from support.engines import EngineUnderTest, Mark, marked
from support.waiting import wait_until

PROCESS = "fetcher.engines.helper_main"
LOCAL = ("--engine=ray",)
START_S = 180.0  # Ray gives a start up after 30 s, and the engine tries again


@pytest.fixture
def mark() -> Iterator[Mark]:
    with marked() as made:
        yield made


@pytest.fixture
def engine(mark: Mark) -> EngineUnderTest:
    """Without a cluster: a Ray is started for the job."""
    return EngineUnderTest(mark, LOCAL, start_s=START_S)


def require_nothing_left(mark: Mark, within_s: float = 30) -> None:
    """No process of the job or of its Ray is left, or will be within seconds."""
    wait_until(lambda: not mark.processes(), within_s, f"the end of {mark.processes()}")


def test_a_ray_of_the_job_s_own_survives_a_killed_actor_and_leaves_nothing(
    engine: EngineUnderTest, tmp_path: Path
) -> None:
    engines.check_killed_worker(engine, tmp_path, rays.ACTOR)
    require_nothing_left(engine.mark)


@pytest.mark.slow
def test_all_lines_are_fetched_once_and_ray_says_nothing_to_the_user(
    engine: EngineUnderTest, tmp_path: Path
) -> None:
    (urls, go), out = engines.write_waiting_urls(tmp_path), tmp_path / "out"
    with contextlib.ExitStack() as stack:
        job = engine.start(stack, urls, out, 2, "--quiet")
        wait_until(lambda: len(engine.slots()) == 2, START_S, "slots")
        go.touch()
        code, _, error = job.wait(120)
        assert (code, error) == (0, "")
    jobs.prove(out, urls)
    require_nothing_left(engine.mark)


@pytest.mark.slow
def test_a_killed_driver_leaves_no_slot_and_no_ray(engine: EngineUnderTest, tmp_path: Path) -> None:
    engines.check_killed_driver(engine, tmp_path)
    require_nothing_left(engine.mark)


@pytest.mark.slow
def test_ctrl_c_drains_the_slots(engine: EngineUnderTest, tmp_path: Path) -> None:
    engines.check_interrupted(engine, tmp_path)
    require_nothing_left(engine.mark)


@pytest.mark.slow
def test_ctrl_c_while_ray_starts_leaves_nothing(engine: EngineUnderTest, tmp_path: Path) -> None:
    urls, out = engines.write_urls(tmp_path, 300), tmp_path / "out"
    with contextlib.ExitStack() as stack:
        job = engine.start(stack, urls, out, 2)
        wait_until(lambda: engine.mark.processes(PROCESS), 60, "the process that speaks with Ray")
        job.process.send_signal(signal.SIGINT)
        assert job.wait(60)[0] == Exit.STOPPED
    require_nothing_left(engine.mark)


@pytest.mark.slow
@pytest.mark.parametrize("victim", [PROCESS, "raylet/raylet"])
def test_a_ray_that_was_killed_is_started_again(
    engine: EngineUnderTest, tmp_path: Path, victim: str
) -> None:
    (urls, go), out = engines.write_waiting_urls(tmp_path), tmp_path / "out"
    with contextlib.ExitStack() as stack:
        job = engine.start(stack, urls, out, 2)
        wait_until(lambda: jobs.committed(out) > 20, START_S, "rows")
        before = engine.slots()
        engine.mark.processes(victim)[0].kill()
        wait_until(lambda: len(set(engine.slots()) - set(before)) == 2, START_S, "new slots")
        go.touch()
        engines.finish(job)
    jobs.prove(out, urls)
    require_nothing_left(engine.mark)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["address", "client"])
def test_slots_are_spread_over_the_nodes_of_a_cluster(mark: Mark, tmp_path: Path, way: str) -> None:
    (urls, go), out = engines.write_waiting_urls(tmp_path), tmp_path / "out"
    with rays.cluster(mark.environ, 2) as ray:
        engine = EngineUnderTest(
            mark, (*LOCAL, f"--set=engine.address={getattr(ray, way)}"), start_s=START_S
        )
        line = engine.command(urls, out, 2)
        with jobs.running(*line, environ=ray.environ) as job:
            wait_until(lambda: len(nodes_of(engine.slots())) == 2, START_S, "slots on two nodes")
            go.touch()
            engines.finish(job)
        jobs.prove(out, urls)
        engines.require_no_slots(engine)


def nodes_of(slots: list[psutil.Process]) -> set[int]:
    """The processes of Ray's nodes whose actors run these slots."""
    nodes = set()
    for slot in slots:
        with contextlib.suppress(psutil.Error):
            nodes |= {each.pid for each in slot.parents() if each.name() == "raylet"}
    return nodes


@pytest.mark.slow
def test_slots_that_ray_has_no_cpu_for_are_said(mark: Mark, tmp_path: Path) -> None:
    (urls, go), out = engines.write_waiting_urls(tmp_path), tmp_path / "out"
    with rays.cluster(mark.environ, 1) as ray:
        engine = EngineUnderTest(
            mark, (*LOCAL, f"--set=engine.address={ray.address}"), start_s=START_S
        )
        line = engine.command(urls, out, 2, "--set=engine.start_s=3")
        with jobs.running(*line, environ=ray.environ) as job:
            assert job.process.stderr is not None
            said = (job.process.stderr.readline() for _ in range(20))  # one comes every 10 s
            assert any(b"1 of 2 slots wait until Ray has free CPUs" in line for line in said)
            go.touch()
            engines.finish(job)
    jobs.prove(out, urls)


@pytest.mark.slow
def test_a_node_without_fetcher_is_one_clear_line(mark: Mark, tmp_path: Path) -> None:
    hidden = tmp_path / "hidden" / "fetcher"
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").write_text("raise ImportError('there is none')")
    urls, out = engines.write_urls(tmp_path, 5), tmp_path / "out"
    with rays.cluster({**mark.environ, "PYTHONPATH": str(hidden.parent)}, 1) as ray:
        engine = EngineUnderTest(
            mark, (*LOCAL, f"--set=engine.address={ray.address}"), start_s=START_S
        )
        line = engine.command(urls, out, 1, "--set=engine.connect_s=40")
        with jobs.running(*line, environ={**ray.environ, **mark.environ}) as job:
            code, _, error = job.wait(120)
    assert code == Exit.USAGE
    assert "ray: a slot ended: fetcher cannot be imported on " in error


def test_workers_of_other_hosts_need_a_way_for_their_key(mark: Mark, tmp_path: Path) -> None:
    urls = engines.write_urls(tmp_path, 5)
    engine = EngineUnderTest(mark, (*LOCAL, "--set=engine.bind=tcp://0.0.0.0:0"))
    done = jobs.call(*engine.command(urls, tmp_path / "out", 1))
    assert done.returncode == Exit.USAGE
    assert "must not pass through ray: set the same engine.secret" in done.stderr


def test_a_missing_ray_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r"--engine ray needs ray; install it with: .*ray\[client"):
        engine_of(Settings(engine=Engine(name="ray")))
