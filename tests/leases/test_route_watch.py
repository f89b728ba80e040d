"""What is said about routes that nobody serves."""

from __future__ import annotations

import pytest

from fetcher.leases.ledger import Ledger
from fetcher.leases.route_watch import AGAIN_S, UNSERVED_S, RouteWatch, loads
from fetcher.leases.sink_sessions import SinkSessions
from fetcher.leases.types import WorkerReport
from fetcher.protocol.messages import RouteLoad
from support.leasing import RULES, batch
from support.sim.routing import SimRouting


def load(workers: int = 0, waiting: int = 12_000) -> list[RouteLoad]:
    return [RouteLoad("eu", workers, 0, 0, waiting), RouteLoad("default", 3, 1, 9, 5)]


def test_a_route_that_nobody_serves_is_said_after_a_while_and_again_later() -> None:
    watch = RouteWatch()
    assert watch.notices(load(), 0.0) == []
    assert watch.notices(load(), UNSERVED_S - 1) == []
    assert watch.trouble(load(), UNSERVED_S - 1) == ""
    (said,) = watch.notices(load(), UNSERVED_S)
    assert said == (
        "no worker has served route eu for 30 s: at least 12,000 lines of it wait; start one with "
        "`fetcher worker --routes eu`"
    )
    assert watch.trouble(load(), UNSERVED_S) == said
    assert watch.notices(load(), UNSERVED_S + 1) == []
    assert len(watch.notices(load(), UNSERVED_S + AGAIN_S)) == 1
    assert watch.notices(load(workers=1), 400.0) == ["route eu has a worker again"]
    assert watch.trouble(load(workers=1), 400.0) == ""
    assert watch.notices(load(), 401.0) == [], "the time begins anew"


@pytest.mark.parametrize(("lines", "said"), [(7, "7 lines wait"), (1, "1 line waits")])
def test_a_job_without_routes_is_watched_as_a_whole(lines: int, said: str) -> None:
    watch, load = RouteWatch(), [RouteLoad("", 0, 0, 0, lines)]
    assert watch.notices(load, 0.0) == []
    assert watch.notices(load, UNSERVED_S) == [
        f"no worker has been heard for 30 s: at least {said}; start one with `fetcher worker`"
    ]
    load = [RouteLoad("", 1, 0, 0, 0)]
    assert watch.notices(load, UNSERVED_S + 1) == ["the job has a worker again"]


def test_a_route_without_lines_needs_no_worker() -> None:
    watch = RouteWatch()
    for now in (0.0, 100.0):
        assert watch.notices(load(waiting=0), now) == []
    assert watch.trouble(load(waiting=0), 100.0) == ""


def test_names_of_lines_that_no_route_has_are_said_once() -> None:
    watch, routing = RouteWatch(), SimRouting(2, {})
    routing.of("http://a/", "us")
    (said,) = watch.unknown(routing)
    assert "the route 'us', which is none of the [[routes]] (default, r1)" in said
    assert watch.unknown(routing) == []


def test_the_load_of_a_route_counts_its_workers_and_lines() -> None:
    routing = SimRouting(2, {line: 1 for line in range(1, 17) if line % 2})
    ledger = Ledger(RULES, routes=2)
    sessions = SinkSessions(ledger, 1, "s", 3.0, lambda _: None, 0.0, routing)  # type: ignore[arg-type, return-value]
    (one,) = sessions
    ledger.heartbeat("w", [], 0, WorkerReport(routes=frozenset({1})))
    batches = [batch(number, 8) for number in range(2)]
    for route in (0, 1):
        found = one.next_batch(iter(batches), route)
        assert found is not None
        ledger.add(*found)
    one.next_batch(iter(batches[1:]), 1)
    taken = ledger.take(0, {0})
    assert taken is not None
    assert loads(routing, ledger, sessions) == [
        RouteLoad("default", workers=0, leases=0, leased_lines=0, waiting_lines=4 + 4),
        RouteLoad("r1", workers=1, leases=1, leased_lines=4, waiting_lines=0),
    ]
