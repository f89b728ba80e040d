"""What workers hear of a job's routes, and what people read about a route that nobody serves."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import UNSET

from fetcher.leases.ledger import Ledger
from fetcher.leases.route_watch import UNSERVED_S
from fetcher.leases.sink_sessions import SinkSessions
from fetcher.leases.types import WorkerReport
from fetcher.protocol.messages import Routes
from fetcher.roles.ventilator.route_status import RouteStatus, advice
from fetcher.settings.schema import Settings
from support.leasing import RULES, batch
from support.sim.routing import SimRouting


class Job:
    """A job of two batches of 8 lines, half of which are of the route r1."""

    def __init__(self) -> None:
        self.routing = SimRouting(2, {line: 1 for line in range(1, 17) if line % 2})
        self.ledger = Ledger(RULES, routes=2)
        self.sessions = SinkSessions(
            *(self.ledger, 1, "s", 3.0, lambda _: None, 0.0, self.routing)  # type: ignore[arg-type]
        )
        self.status = RouteStatus(self.routing, self.ledger, self.sessions, Settings())
        self._batches = [batch(number, 8) for number in range(2)]

    def read(self, route: int, batches: int, *, to_end: bool = False) -> None:
        """Read so many batches for a route."""
        (one,) = self.sessions
        for each in self._batches[:batches]:
            found = one.next_batch(iter([each]), route)
            assert found is not None
            self.ledger.add(*found)
        if to_end:
            self.ledger.read_to_end(0, route)

    @property
    def routes(self) -> Routes:
        found = self.status.routes
        assert isinstance(found, Routes)
        return found


def test_workers_hear_of_which_routes_others_have_the_rest() -> None:
    job = Job()
    job.read(1, 1)
    job.read(0, 2, to_end=True)
    assert job.routes.all_out == []
    for _ in range(4):
        job.ledger.take(0)
    assert job.routes.all_out == ["default"], "lines of r1 were seen, and are not read yet"


def test_workers_are_counted_by_route() -> None:
    job = Job()
    job.ledger.heartbeat("a", [], 0, WorkerReport(routes=frozenset({1})))
    job.ledger.heartbeat("b", [], 0)
    assert (job.routes.names, job.routes.workers) == (["default", "r1"], [1, 2])
    job.ledger.worker_left("a", 1, died=True)
    assert (job.routes.workers, job.routes.joined) == ([1, 1], [1, 2])


def test_a_job_without_routes_says_only_that_it_has_no_worker(
    caplog: pytest.LogCaptureFixture,
) -> None:
    job = Job()
    job.read(0, 1)
    status = RouteStatus(None, job.ledger, job.sessions, Settings())
    assert (status.routes, status.check(0), status.check(UNSERVED_S)) == (UNSET, [], [])
    assert status.trouble == caplog.messages[0]
    assert status.trouble.endswith("at least 4 lines wait; start one with `fetcher worker`")
    job.ledger.heartbeat("a", [], 31)
    status.check(31)
    assert caplog.messages[1:] == ["the job has a worker again"]
    assert status.trouble == ""


def test_nobody_is_asked_to_start_workers_that_start_with_the_ventilator() -> None:
    job = Job()
    job.read(0, 1)
    status = RouteStatus(None, job.ledger, job.sessions, Settings(), starts_workers=True)
    status.check(0)
    status.check(UNSERVED_S)
    assert status.trouble == ""


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "start one with `fetcher worker --routes eu`"),
        ({"engine": {"name": "celery"}}, "`celery -A fetcher.engines.celery worker -Q fetcher.eu`"),
        ({"engine": {"name": "ray"}}, "see why ray runs no slot that serves it"),
        (
            {"engine": {"name": "celery"}, "worker": {"routes": ["default"]}},
            "worker.routes leaves it out: name it there, too",
        ),
    ],
)
def test_people_read_how_to_have_a_route_served(given: dict[str, Any], said: str) -> None:
    settings = msgspec.convert({"routes": [{"name": "eu"}], **given}, Settings)
    assert said in advice(settings, "eu")


def test_people_read_where_a_job_without_routes_gets_workers() -> None:
    celery = msgspec.convert({"engine": {"name": "celery", "queue": "mine"}}, Settings)
    assert "`celery -A fetcher.engines.celery worker -Q mine`" in advice(celery, "")
    ray = msgspec.convert({"engine": {"name": "ray"}}, Settings)
    assert advice(ray, "") == "see why ray runs no slot"
