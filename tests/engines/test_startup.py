"""When a role is judged unable to start, and that the reason is shown only once."""

from __future__ import annotations

import signal

from fetcher.engines.startup import ENOUGH_DEATHS, Startup


def startup(children: int) -> Startup:
    found = Startup({})
    for _ in range(children):
        found.add()
    return found


def test_deaths_alike_before_anyone_was_ready_are_enough() -> None:
    role = startup(1)
    for _ in range(ENOUGH_DEATHS - 1):
        role.died("worker1", 1)
        assert not role.is_hopeless
    role.died("worker1", 1)
    assert role.is_hopeless


def test_each_child_of_a_role_has_its_try() -> None:
    role = startup(4)
    for number in (1, 2, 3, 1, 2, 3):
        role.died(f"worker{number}", 1)
        assert not role.is_hopeless, "the fourth may still begin"
    role.died("worker4", 1)
    assert role.is_hopeless


def test_signals_must_end_each_child_several_times() -> None:
    role = startup(2)
    for _ in range(ENOUGH_DEATHS - 1):
        for child in ("worker1", "worker2"):
            role.died(child, -signal.SIGKILL)
            assert not role.is_hopeless, "somebody may have killed them"
    role.died("worker1", -signal.SIGKILL)
    assert not role.is_hopeless
    role.died("worker2", -signal.SIGKILL)
    assert role.is_hopeless


def test_deaths_that_differ_are_not_enough() -> None:
    role = startup(1)
    for code in (1, -signal.SIGKILL, 1, 1):
        role.died("worker1", code)
        assert not role.is_hopeless
    role.died("worker1", 1)
    assert role.is_hopeless


def test_a_role_that_was_ready_once_can_start() -> None:
    role = startup(1)
    role.died("worker1", 1)
    role.ready()
    for _ in range(2 * ENOUGH_DEATHS):
        role.died("worker1", 1)
    assert not role.is_hopeless


def test_a_traceback_of_several_processes_is_shown_once_and_whole() -> None:
    role = startup(2)
    trace = ["Traceback", "  File line 7", "  File line 7", "ImportError: at 0x7f0011"]
    other = ["Traceback", "  File line 7", "  File line 7", "ImportError: at 0x7fabcd"]
    told = []
    for mine, theirs in zip(trace, other, strict=True):
        told += [line for line in (mine,) if role.is_new("worker1", line)]
        told += [line for line in (theirs,) if role.is_new("worker2", line)]
    told += [line for line in trace if role.is_new("worker1.2", line)]
    assert told == trace


def test_the_memory_of_what_was_written_is_bounded() -> None:
    role = startup(1)
    lines = [f"{'x' * n}" for n in range(5000)]
    assert sum(role.is_new("worker1", line) for line in lines) < 2000
    role.ready()
    assert role.is_new("worker2", "x")
