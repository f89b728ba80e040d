"""When a worker that has nothing to do leaves."""

from __future__ import annotations

from fetcher.roles.worker.idle import Idle


def test_a_worker_leaves_when_it_was_idle_for_long_enough_without_a_break() -> None:
    idle = Idle(30.0)
    assert not idle.is_over(0.0, is_idle=True)
    assert not idle.is_over(29.0, is_idle=False)
    assert not idle.is_over(30.0, is_idle=True)
    assert not idle.is_over(59.0, is_idle=True)
    assert idle.is_over(60.0, is_idle=True)


def test_without_a_time_it_stays() -> None:
    idle = Idle(0.0)
    assert not idle.is_over(0.0, is_idle=True)
    assert not idle.is_over(1e9, is_idle=True)
