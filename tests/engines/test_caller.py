"""Calls of an engine in a thread of their own."""

from __future__ import annotations

import threading

from fetcher.engines.caller import Caller
from fetcher.errors import UsageError


def error_of(caller: Caller) -> BaseException | None:
    return caller.error


def test_calls_end_in_their_order_and_the_last_error_is_kept() -> None:
    caller, calls = Caller(), list[int]()

    def fails() -> None:
        calls.append(1)
        raise UsageError("odd")

    assert caller.is_free
    caller.start(fails)
    assert caller.wait(30)
    assert isinstance(caller.error, UsageError)
    caller.start(lambda: calls.append(2))
    assert caller.wait(30)
    assert calls == [1, 2]
    assert error_of(caller) is None
    assert caller.is_free


def test_an_error_that_is_not_expected_does_not_end_the_thread() -> None:
    caller, calls = Caller(), list[int]()
    caller.start(lambda: 1 / 0)  # type: ignore[arg-type]
    assert caller.wait(30)
    assert isinstance(caller.error, ZeroDivisionError)
    caller.start(lambda: calls.append(1))
    assert caller.wait(30)
    assert calls == [1]


def test_a_call_that_is_held_up_is_not_waited_for_too_long() -> None:
    caller, gate = Caller(), threading.Event()
    caller.start(lambda: (gate.wait(60), None)[1])
    assert not caller.wait(0.0)
    assert not caller.wait(60, lambda: True), "somebody is in a hurry"
    assert not caller.is_free
    gate.set()
    assert caller.wait(30)
