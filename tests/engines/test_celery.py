"""Jobs on the engine `celery`, with a real Redis and real workers of Celery."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import Celery

from fetcher.engines.registry import engine_of
from fetcher.errors import Exit, UsageError
from fetcher.settings.schema import Engine, Settings
from fetcher.store import parent_files
from support import brokers, engines, jobs, web
from support.brokers import Broker, celery_worker
from support.engines import EngineUnderTest, Mark, marked
from support.waiting import wait_until
from tools.site.running import RunningSite

CELERY = "celery"


@pytest.fixture
def mark() -> Iterator[Mark]:
    with marked() as made:
        yield made


@pytest.fixture
def broker(mark: Mark, tmp_path: Path) -> Iterator[Broker]:
    with brokers.redis(tmp_path, mark.environ) as running:
        yield running


@pytest.fixture
def engine(mark: Mark, broker: Broker) -> EngineUnderTest:
    return EngineUnderTest(mark, brokers.options_of(broker))


@pytest.mark.parametrize(
    "pool", ["prefork", "gevent", pytest.param("threads", marks=pytest.mark.slow)]
)
def test_all_lines_are_fetched_once_in_each_pool(
    engine: EngineUnderTest, broker: Broker, tmp_path: Path, pool: str
) -> None:
    with celery_worker(tmp_path, engine.mark.environ, broker, "-Qfetcher", "-c2", "-P", pool):
        engines.check_whole_job(engine, tmp_path)


def test_a_killed_pool_process_leaves_no_orphan_and_its_slot_is_replaced(
    engine: EngineUnderTest, broker: Broker, tmp_path: Path
) -> None:
    with celery_worker(tmp_path, engine.mark.environ, broker, "-Qfetcher", "-c2"):
        engines.check_killed_worker(engine, tmp_path, CELERY)


@pytest.mark.slow
def test_a_killed_driver_leaves_no_slot(
    engine: EngineUnderTest, broker: Broker, tmp_path: Path
) -> None:
    with celery_worker(tmp_path, engine.mark.environ, broker, "-Qfetcher", "-c2"):
        engines.check_killed_driver(engine, tmp_path)


@pytest.mark.slow
def test_ctrl_c_drains_the_slots(engine: EngineUnderTest, broker: Broker, tmp_path: Path) -> None:
    with celery_worker(tmp_path, engine.mark.environ, broker, "-Qfetcher", "-c2"):
        engines.check_interrupted(engine, tmp_path)


@pytest.mark.slow
def test_a_killed_worker_of_celery_leaves_no_orphan_and_others_go_on(
    engine: EngineUnderTest, broker: Broker, tmp_path: Path
) -> None:
    environ, options = engine.mark.environ, ("-Qfetcher", "-c1", "-P", "solo")
    urls, out = engines.write_urls(tmp_path, 900), tmp_path / "out"
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(celery_worker(tmp_path, environ, broker, *options))
        job = engine.start(stack, urls, out, 1)
        wait_until(lambda: jobs.committed(out) > 20, 60, "rows")
        first.process.kill()
        wait_until(lambda: not engine.slots(), 60, "the end of its slot")
        stack.enter_context(celery_worker(tmp_path, environ, broker, *options))
        engines.finish(job)
    jobs.prove(out, urls)
    engines.require_no_slots(engine)


def test_the_slots_of_a_killed_main_process_end(
    engine: EngineUnderTest, broker: Broker, tmp_path: Path
) -> None:
    """The processes of its pool live on, and would run their slots to the end."""
    urls, out = engines.write_urls(tmp_path, 3000), tmp_path / "out"
    with contextlib.ExitStack() as stack:
        worker = stack.enter_context(
            celery_worker(tmp_path, engine.mark.environ, broker, "-Qfetcher", "-c2")
        )
        engine.start(stack, urls, out, 2)
        wait_until(lambda: jobs.committed(out) > 20, 60, "rows")
        worker.process.kill()
        wait_until(lambda: not engine.slots(), 60, "the end of its slots")
        wait_until(
            lambda: not engine.mark.processes("fetcher.engines.celery"), 60, "the end of its pool"
        )


def test_a_warm_shutdown_drains_the_slots(
    engine: EngineUnderTest, broker: Broker, tmp_path: Path
) -> None:
    (urls, go), out = engines.write_waiting_urls(tmp_path), tmp_path / "out"
    with contextlib.ExitStack() as stack:
        start = (tmp_path, engine.mark.environ, broker, "-Qfetcher", "-c1")
        worker = stack.enter_context(celery_worker(*start))
        job = engine.start(stack, urls, out, 1)
        wait_until(lambda: jobs.committed(out) > 20, 60, "rows")
        assert worker.stop() == 0
        assert "'ended': 'the engine asked it to end'" in worker.text
        stack.enter_context(celery_worker(*start))
        go.touch()
        engines.finish(job)
    jobs.prove(out, urls)


def test_a_broker_that_is_gone_stops_nothing_that_runs(
    engine: EngineUnderTest, broker: Broker, tmp_path: Path
) -> None:
    urls, out = engines.write_urls(tmp_path, 600), tmp_path / "out"
    with (
        celery_worker(tmp_path, engine.mark.environ, broker, "-Qfetcher", "-c1"),
        contextlib.ExitStack() as stack,
    ):
        job = engine.start(stack, urls, out, 1)
        wait_until(lambda: jobs.committed(out) > 20, 60, "rows")
        broker.kill()
        code, _, error = job.wait(60)
        assert code == 0, error
    jobs.prove(out, urls)
    engines.require_no_slots(engine)


@pytest.mark.slow
def test_slots_are_placed_again_after_the_broker_was_restarted(
    engine: EngineUnderTest, broker: Broker, tmp_path: Path
) -> None:
    (urls, go), out = engines.write_waiting_urls(tmp_path), tmp_path / "out"
    with (
        celery_worker(tmp_path, engine.mark.environ, broker, "-Qfetcher", "-c2"),
        contextlib.ExitStack() as stack,
    ):
        job = engine.start(stack, urls, out, 2)
        wait_until(lambda: len(engine.slots()) == 2, 60, "slots")
        wait_until(lambda: jobs.committed(out) > 20, 60, "rows")
        broker.kill()
        first = engine.slots()
        for slot in first:
            slot.kill()
        broker.start()
        wait_until(lambda: len(set(engine.slots()) - set(first)) == 2, 90, "new slots")
        go.touch()
        engines.finish(job)
    jobs.prove(out, urls)


@pytest.mark.slow
def test_a_task_that_redis_hands_out_again_does_no_harm(
    engine: EngineUnderTest, broker: Broker, tmp_path: Path
) -> None:
    urls, out = engines.write_urls(tmp_path, 1200, ms=50), tmp_path / "out"
    (tmp_path / "celeryconfig.py").write_text(
        "broker_transport_options = {'visibility_timeout': 1}\n"
    )
    with (
        celery_worker(tmp_path, engine.mark.environ, broker, "-Qfetcher", "-c1", "-P", "threads"),
        celery_worker(tmp_path, engine.mark.environ, broker, "-Qfetcher", "-c1", "-P", "threads"),
        contextlib.ExitStack() as stack,
    ):
        engines.finish(engine.start(stack, urls, out, 1, "--set=engine.start_s=2"))
    jobs.prove(out, urls)
    engines.require_no_slots(engine)


@pytest.mark.slow
def test_a_queue_of_another_name(engine: EngineUnderTest, broker: Broker, tmp_path: Path) -> None:
    urls, out = engines.write_urls(tmp_path, 60), tmp_path / "out"
    with (
        celery_worker(tmp_path, engine.mark.environ, broker, "-Qeu", "-c1"),
        contextlib.ExitStack() as stack,
    ):
        engines.finish(engine.start(stack, urls, out, 1, "--set=engine.queue=eu"))
    jobs.prove(out, urls)


def test_without_a_worker_of_celery_the_error_says_that_slots_wait(
    engine: EngineUnderTest, tmp_path: Path
) -> None:
    urls, out = engines.write_urls(tmp_path, 5), tmp_path / "out"
    with contextlib.ExitStack() as stack:
        job = engine.start(stack, urls, out, 3, "--set=engine.connect_s=1")
        code, _, error = job.wait(60)
    assert code == Exit.USAGE
    assert (
        "no worker has connected within 1 s (engine.connect_s), with 3 slots waiting in the queue "
        "fetcher for a place: start `celery -A fetcher.engines.celery worker -Q fetcher`" in error
    )


def test_without_a_broker_the_error_names_it_without_its_password(
    mark: Mark, tmp_path: Path
) -> None:
    engine = EngineUnderTest(
        mark, ("--engine=celery", "--set=engine.address=redis://:x1y2@127.0.0.1:1/0")
    )
    urls, out = engines.write_urls(tmp_path, 5), tmp_path / "out"
    with contextlib.ExitStack() as stack:
        job = engine.start(stack, urls, out, 1, "--set=engine.connect_s=2")
        code, _, error = job.wait(60)
    assert code == Exit.USAGE
    assert "celery ran no slot within 2 s (engine.connect_s): the broker at redis://" in error
    assert "x1y2" not in error


def test_workers_of_other_hosts_need_a_way_for_their_key(mark: Mark, tmp_path: Path) -> None:
    urls = engines.write_urls(tmp_path, 5)
    engine = EngineUnderTest(mark, ("--engine=celery", "--set=engine.bind=tcp://0.0.0.0:0"))
    done = jobs.call(*engine.command(urls, tmp_path / "out", 1))
    assert done.returncode == Exit.USAGE
    assert "must not pass through celery: set the same engine.secret" in done.stderr


def test_a_shared_secret_gives_the_key_to_workers_of_other_hosts(
    mark: Mark, broker: Broker, tmp_path: Path
) -> None:
    secret = "0123456789-x1y2-secret"
    shared = {"FETCHER_ENGINE__SECRET": secret}
    bind = ("--set=engine.bind=tcp://0.0.0.0:0", "--set=engine.advertise=127.0.0.1")
    engine = EngineUnderTest(mark, (*brokers.options_of(broker), *bind))
    urls, out = engines.write_urls(tmp_path, 60), tmp_path / "out"
    line = engine.command(urls, out, 1)
    with (
        celery_worker(tmp_path, mark.environ | shared, broker, "-Qfetcher", "-c1") as worker,
        jobs.running(*line, environ=mark.environ | shared) as job,
    ):
        engines.finish(job)
        assert "x1y2" not in worker.text
    jobs.prove(out, urls)


def test_a_ticket_that_was_not_signed_with_the_worker_s_secret_is_refused(
    engine: EngineUnderTest, broker: Broker, tmp_path: Path
) -> None:
    shared = {"FETCHER_ENGINE__SECRET": "0123456789-x1y2-secret"}
    urls, out = engines.write_urls(tmp_path, 5), tmp_path / "out"
    with (
        celery_worker(tmp_path, engine.mark.environ | shared, broker, "-Qfetcher", "-c1") as worker,
        contextlib.ExitStack() as stack,
    ):
        job = engine.start(stack, urls, out, 1, "--set=engine.connect_s=4")
        assert job.wait(60)[0] == Exit.USAGE
        assert "not signed with this host's engine.secret" in worker.text


def test_the_counts_of_a_slot_are_in_the_events_that_flower_shows(
    engine: EngineUnderTest, broker: Broker, tmp_path: Path
) -> None:
    urls, out = engines.write_urls(tmp_path, 50), tmp_path / "out"
    with (
        celery_worker(tmp_path, engine.mark.environ, broker, "-Qfetcher", "-c1", "-E"),
        contextlib.ExitStack() as stack,
        Celery(broker=broker.url, set_as_current=False).connection() as connection,
    ):
        seen: list[str] = []
        receiver = Celery(broker=broker.url, set_as_current=False).events.Receiver(
            connection,
            handlers={"task-succeeded": lambda event: seen.append(event["result"])},
        )
        job = engine.start(stack, urls, out, 1)
        for _ in receiver.itercapture(limit=None, timeout=30, wakeup=False):
            if seen:
                break
        engines.finish(job)
    assert "'rows': 50" in seen[0]


def test_a_whole_job_is_a_task_too(mark: Mark, broker: Broker, tmp_path: Path) -> None:
    urls, out = engines.write_urls(tmp_path, 50), tmp_path / "out-%Y"
    app = Celery(broker=broker.url, backend=broker.url, set_as_current=False)
    with celery_worker(
        tmp_path, mark.environ | {"CELERY_RESULT_BACKEND": broker.url}, broker, "-Qfetcher", "-c1"
    ):
        result = app.send_task(
            "fetcher.start",
            args=[str(urls), str(out)],
            kwargs={"settings": {"worker.transport": jobs.SLOW, "worker.processes": 1}},
            queue="fetcher",
            ignore_result=False,
        ).get(timeout=60)
        assert (result["rows"], result["outcomes"]) == (50, {"ok": 50})
        jobs.prove(Path(result["out"]), urls)
        failed = app.send_task(
            "fetcher.start",
            args=[str(tmp_path / "none.txt"), str(out) + "2"],
            queue="fetcher",
            ignore_result=False,
        )
        with pytest.raises(Exception, match=r"exit code 2: .*there is no such file"):
            failed.get(timeout=60)


def test_a_job_is_refreshed_by_a_task_which_moves_the_link_to_the_newest_out(
    mark: Mark, broker: Broker, tmp_path: Path, site: RunningSite
) -> None:
    urls, out = jobs.write_urls(tmp_path / "urls.txt", [site.url("/bytes/10")]), tmp_path / "first"
    assert jobs.call("run", urls, "-o", out, "--workers=1").returncode == 0
    latest, second = tmp_path / "latest", tmp_path / "second"
    latest.symlink_to(out)
    app = Celery(broker=broker.url, backend=broker.url, set_as_current=False)
    environ = mark.environ | {"CELERY_RESULT_BACKEND": broker.url}
    with celery_worker(tmp_path, environ, broker, "-Qfetcher", "-c1"):
        for _ in range(2):  # the second call finds it done
            result = app.send_task(
                "fetcher.refresh",
                args=[str(latest), str(second)],
                queue="fetcher",
                ignore_result=False,
            ).get(timeout=60)
            assert result == {"out": str(second), "rows": 1, "outcomes": {"ok": 1}}
            assert latest.resolve() == second


def test_a_refresh_takes_over_unchanged_pages_in_slots(
    engine: EngineUnderTest, broker: Broker, tmp_path: Path
) -> None:
    out, again = tmp_path / "out", tmp_path / "again"
    with (
        web.site({f"/{n}": web.Page(b"%d" % n, etag=f'"{n}"') for n in range(30)}) as of,
        celery_worker(tmp_path, engine.mark.environ, broker, "-Qfetcher", "-c1"),
    ):
        urls = jobs.write_urls(tmp_path / "urls.txt", [of.url(f"/{n}") for n in range(30)])
        done = jobs.call("run", urls, "-o", out, "--workers=1", "--quiet")
        assert done.returncode == 0, done.stderr
        done = jobs.call("refresh", out, "-o", again, "--workers=1", *engine.options)
        assert done.returncode == 0, done.stderr
    rows = jobs.prove(again, urls)
    assert {row.unchanged for row in rows} == {True}
    assert all("celery@" in row.worker for row in rows)
    assert not parent_files.folder_of(again).exists()


def test_a_whole_job_ends_with_the_process_that_runs_it(
    mark: Mark, broker: Broker, tmp_path: Path
) -> None:
    urls, out = engines.write_urls(tmp_path, 50_000), tmp_path / "out"
    app = Celery(broker=broker.url, set_as_current=False)
    with celery_worker(tmp_path, mark.environ, broker, "-Qfetcher", "-c1", "-P", "solo") as worker:
        settings = {"worker.transport": jobs.SLOW, "worker.grace_s": 1}
        app.send_task(
            "fetcher.start", [str(urls), str(out)], {"settings": settings}, queue="fetcher"
        )
        wait_until(lambda: jobs.committed(out) > 0, 60, "rows")
        worker.process.send_signal(signal.SIGKILL)
        wait_until(lambda: not mark.processes("fetcher.roles"), 60, "the end of the job")
    wait_until(lambda: not mark.processes("fetcher.cli.leashed"), 60, "the end of its supervisor")


def test_a_missing_celery_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("fetcher.engines.celery")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "celery", None)
    with pytest.raises(
        UsageError, match=r"--engine celery needs celery; install it with: .*celery"
    ):
        engine_of(Settings(engine=Engine(name="celery")))
