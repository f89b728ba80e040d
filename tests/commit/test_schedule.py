"""When rows are committed that wait."""

from __future__ import annotations

from fetcher.commit.schedule import RETRY_S, CommitSchedule

EVERY_S = 0.5


def test_the_first_rows_of_a_job_do_not_wait() -> None:
    schedule = CommitSchedule(EVERY_S, has_rows=False)
    schedule.arrived(10.0, is_urgent=False)
    assert schedule.is_due(10.0)


def test_rows_wait_for_others_since_the_last_commit() -> None:
    schedule = CommitSchedule(EVERY_S, has_rows=False)
    schedule.committed(3, 10.0, has_room=True)
    schedule.arrived(10.1, is_urgent=False)
    assert not schedule.is_due(10.4)
    assert schedule.wait_s(10.4) == 10.5 - 10.4
    assert schedule.is_due(10.5)


def test_the_first_rows_after_a_pause_do_not_wait() -> None:
    schedule = CommitSchedule(EVERY_S, has_rows=False)
    schedule.committed(3, 10.0, has_room=True)
    schedule.arrived(20.0, is_urgent=False)
    assert schedule.is_due(20.0)


def test_the_first_rows_after_a_restart_wait_for_those_that_workers_have_kept() -> None:
    schedule = CommitSchedule(EVERY_S, has_rows=True)
    schedule.committed(0, 9.0, has_room=True)
    schedule.arrived(10.0, is_urgent=False)
    schedule.arrived(10.3, is_urgent=False)
    assert not schedule.is_due(10.4)
    assert schedule.is_due(10.5)


def test_the_last_rows_and_many_bytes_do_not_wait() -> None:
    schedule = CommitSchedule(EVERY_S, has_rows=True)
    schedule.arrived(10.0, is_urgent=False)
    schedule.arrived(10.1, is_urgent=True)
    assert schedule.is_due(10.1)


def test_a_full_disk_is_tried_again_after_a_while() -> None:
    schedule = CommitSchedule(EVERY_S, has_rows=False)
    schedule.arrived(10.0, is_urgent=True)
    schedule.committed(0, 10.0, has_room=False)
    assert not schedule.is_due(10.0 + RETRY_S - 0.01)
    assert schedule.is_due(10.0 + RETRY_S)
