"""The workers that live."""

from __future__ import annotations

from fetcher.leases.live_workers import LiveWorkers


def test_a_worker_that_is_not_heard_for_longer_than_the_limit_is_silent() -> None:
    workers = LiveWorkers()
    workers.heard("a", 0)
    workers.heard("b", 3)
    assert workers.silent(5, 5) == []
    assert workers.silent(5.1, 5) == ["a"]
    workers.restart_clocks(5.1)
    assert workers.silent(10, 5) == []


def test_a_worker_that_leaves_is_forgotten() -> None:
    workers = LiveWorkers()
    workers.heard("a", 0)
    workers.holds("a", [1], {}, 0)
    workers.note_hunger("a", is_hungry=True)
    assert "a" in workers
    assert workers.leave("a")
    assert not workers.leave("a")
    assert (len(workers), workers.names, workers.hungry) == (0, [], set())
    assert not workers.may_hold_stale(0, 100)


def test_the_names_are_the_same_object_until_a_worker_joins_or_leaves() -> None:
    """Each turn of the ventilator's loop asks for them, with thousands of workers."""
    workers = LiveWorkers()
    workers.heard("a", 0)
    workers.heard("b", 0)
    before = workers.names
    workers.heard("a", 1)
    workers.leave("c")
    workers.restart_clocks(2)
    assert workers.names is before
    workers.heard("c", 3)
    assert workers.names == ["a", "b", "c"]
    workers.leave("b")
    assert workers.names == ["a", "c"]
    assert before == ["a", "b"], "who has the old names may still go through them"


def test_a_lease_that_is_not_open_is_waited_for_as_long_as_a_fetch_may_take() -> None:
    workers = LiveWorkers()
    workers.holds("a", [1, 2], {1: None}, 10)
    workers.holds("a", [2], {1: None}, 50)
    assert workers.may_hold_stale(109, 100)
    assert not workers.may_hold_stale(110, 100)
    workers.holds("a", [1], {1: None}, 60)
    assert not workers.may_hold_stale(60, 100)


def test_workers_are_counted_once_for_each_route_that_they_have_served() -> None:
    workers = LiveWorkers(routes=2)
    workers.note_claim("a", 1)
    workers.note_routes("a", frozenset({1}))
    workers.note_routes("b", None)
    assert workers.joined == [1, 2]
    workers.leave("a")
    assert workers.joined == [1, 2], "those that have left are included"
    workers.note_routes("a", frozenset({1}))
    assert workers.joined == [1, 3]


def test_workers_of_the_only_route_are_counted_when_they_are_first_heard() -> None:
    workers = LiveWorkers()
    workers.heard("a", 0)
    workers.note_routes("a", None)
    assert workers.joined == [1]
