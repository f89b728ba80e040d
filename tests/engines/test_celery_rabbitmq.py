"""A job on the engine `celery`, with a real RabbitMQ, which takes long to start: one test."""

from __future__ import annotations

import contextlib
from pathlib import Path

from support import brokers, engines, jobs
from support.brokers import celery_worker
from support.engines import EngineUnderTest, marked
from support.waiting import wait_until


def test_slots_on_rabbitmq_outlive_their_broker_and_leave_no_orphan(tmp_path: Path) -> None:
    with marked() as mark, brokers.rabbitmq(tmp_path, mark.environ) as broker:
        engine = EngineUnderTest(mark, brokers.options_of(broker))
        with celery_worker(tmp_path, mark.environ, broker, "-Qfetcher", "-c2"):
            killed = tmp_path / "killed"
            killed.mkdir()
            engines.check_killed_worker(engine, killed, "celery")
            urls, out = engines.write_urls(tmp_path, 600), tmp_path / "out"
            with contextlib.ExitStack() as stack:
                job = engine.start(stack, urls, out, 1)
                wait_until(lambda: jobs.committed(out) > 20, 60, "rows")
                broker.kill()
                engines.finish(job)
            jobs.prove(out, urls)
            engines.require_no_slots(engine)
