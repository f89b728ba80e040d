"""Routes of a job on the engine `celery`: each has a queue, and its lines are fetched there."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import brokers, engines, jobs, labels
from support.brokers import Broker, celery_worker
from support.engines import EngineUnderTest, Mark, marked
from support.waiting import wait_until

ROUTES = """
[[routes]]
name = "eu"
match = "url:/eu/"
queue = "europe"
workers = 1

[[routes]]
name = "us"
match = "url:/us/"

[[routes]]
name = "none"
match = "url:/none/"
"""


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


def test_each_route_s_lines_are_fetched_where_its_queue_is_served(
    engine: EngineUnderTest, broker: Broker, tmp_path: Path
) -> None:
    conf, out = tmp_path / "routes.toml", tmp_path / "out"
    conf.write_text(ROUTES)
    with contextlib.ExitStack() as stack:
        site = stack.enter_context(labels.label_site())
        pages = [f"{site.base}/{folder}/{n}" for n in range(60) for folder in ("eu", "us", "all")]
        urls = jobs.write_urls(tmp_path / "urls.txt", pages)
        for label, queues in (("Europe", "europe"), ("elsewhere", "fetcher,fetcher.us")):
            # What the environment says of routes does not matter: the queue does.
            environ = {**labels.environ(label), "FETCHER_WORKER__ROUTES": '["none"]'}
            options = (f"-Q{queues}", "-c2", "-P", "threads")
            stack.enter_context(
                celery_worker(tmp_path, engine.mark.environ | environ, broker, *options)
            )
        more = ("-c", str(conf), "--set=worker.transport=curl")
        engines.finish(engine.start(stack, urls, out, 1, *more))
    rows = jobs.prove(out, urls)
    assert site.seen == {"eu": {"Europe"}, "us": {"elsewhere"}, "all": {"elsewhere"}}
    assert len({row.worker for row in rows}) == 3, "a slot serves the routes of its queue alone"
    engines.require_no_slots(engine)


@pytest.mark.slow
def test_a_queue_that_nobody_serves_is_said_and_holds_up_no_other(
    engine: EngineUnderTest, broker: Broker, tmp_path: Path
) -> None:
    (urls, conf), out = engines.write_routed_urls(tmp_path, 200), tmp_path / "out"
    with contextlib.ExitStack() as stack:
        stack.enter_context(celery_worker(tmp_path, engine.mark.environ, broker, "-Qfetcher"))
        more = ("-c", str(conf), "--set=engine.idle_s=1")
        job = engine.start(stack, urls, out, 2, *more)
        wait_until(lambda: jobs.committed(out) == 100, 60, "rows of the other lines")
        wait_until(lambda: not engine.slots(), 60, "the end of slots without lines")
        assert job.process.stderr is not None
        log, said = job.process.stderr.fileno(), bytearray()
        os.set_blocking(log, False)

        def is_said() -> bool:
            with contextlib.suppress(BlockingIOError):
                said.extend(os.read(log, 1 << 16))
            return b"no worker has served route eu" in said

        wait_until(is_said, 60, "a word about the route")
        assert b"`celery -A fetcher.engines.celery worker -Q fetcher.eu`" in said
        assert not engine.slots()
        stack.enter_context(celery_worker(tmp_path, engine.mark.environ, broker, "-Qfetcher.eu"))
        engines.finish(job)
    engines.prove_routes(out, urls)
    engines.require_no_slots(engine)
