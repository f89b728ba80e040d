"""What is known of each worker, and how fast a count grows."""

from __future__ import annotations

import pytest

from fetcher.commit.rate import Rate
from fetcher.protocol import bounds, messages
from fetcher.watch.workers import WorkerTable


def beat(worker: str, in_flight: int = 2) -> messages.Heartbeat:
    return messages.Heartbeat(worker, slots=4, in_flight=in_flight, queued=3, held=[], parked=[])


def test_a_rate_is_of_the_last_ten_seconds() -> None:
    rate = Rate()
    assert rate.per_s() == 0
    for second in range(30):
        rate.add(second, 10 * second if second < 15 else 150 + 100 * (second - 15))
    assert rate.per_s() == pytest.approx(100)


def test_a_count_that_falls_begins_anew_and_a_flood_of_counts_is_not_kept() -> None:
    rate = Rate()
    rate.add(0, 1000)
    rate.add(1, 0)
    assert rate.per_s() == 0
    for turn in range(100_000):
        rate.add(1 + turn / 10_000, turn)
    assert len(rate._samples) < 100
    assert rate.per_s() == pytest.approx(10_000, rel=0.05)


def test_a_host_keeps_one_worker_after_another_busy_that_has_lines_of_it() -> None:
    members = WorkerTable()
    assert members.turns_s == 0
    for worker, turns_s in (("a", {1: 30.0, 2: 50.0}), ("b", {1: 40.0, 3: 60.0})):
        members.heartbeat(beat(worker), 0)
        members.progress(messages.Progress(worker, rows=0, parked=1, turns_s=turns_s), 0)
    assert members.turns_s == 70
    members.keep(["a"])
    assert members.turns_s == 50


def test_a_worker_is_shown_with_its_last_report_and_its_own_rate() -> None:
    members = WorkerTable()
    members.heartbeat(beat("b"), 0)
    members.heartbeat(beat("a", in_flight=1), 0)
    for second in range(5):
        members.progress(messages.Progress("a", rows=20 * second, parked=1), second)
    members.heartbeat(beat("b", in_flight=4), 5)
    assert members.in_flight == 5
    told, unlisted = members.members({"a": 2, "gone": 1}, 6)
    assert told == [
        messages.Member("a", 2.0, 4, 1, 2, 1, 2, 80, 20.0),
        messages.Member("b", 1.0, 4, 4, 3, 0, 0, 0, 0.0),
    ]
    assert unlisted == 0


def test_the_most_in_flight_is_what_workers_had_between_their_heartbeats() -> None:
    members = WorkerTable()
    members.heartbeat(beat("a", in_flight=2), 0)
    assert members.most_in_flight == 2
    members.progress(messages.Progress("a", rows=1, parked=0, most_in_flight=40), 0)
    members.heartbeat(beat("b", in_flight=3), 1)
    assert (members.in_flight, members.most_in_flight) == (5, 43)
    members.progress(messages.Progress("a", rows=1, parked=0), 2)
    assert members.most_in_flight == 5, "never less than what is in flight"


def test_only_living_workers_that_were_heard_are_kept() -> None:
    members = WorkerTable()
    members.progress(messages.Progress("stranger", rows=1, parked=0), 0)
    members.heartbeat(beat("a"), 0)
    members.heartbeat(beat("b"), 0)
    members.keep(["b", "c"])
    assert [each.worker for each in members.members({}, 1)[0]] == ["b"]
    assert members.in_flight == 2


def test_a_roster_is_bounded_and_always_lists_silent_workers() -> None:
    members = WorkerTable()
    for number in range(bounds.MAX_MEMBERS + 50):
        members.heartbeat(beat(f"w{number:03}"), 100 - number)
    told, unlisted = members.members({}, 100)
    assert (len(told), unlisted) == (bounds.MAX_MEMBERS, 50)
    assert told[-1].worker == "w249"
    assert told == sorted(told, key=lambda each: each.worker)
