"""Requests to stop."""

from __future__ import annotations

import signal

import pytest

from fetcher.engines.interrupts import Interrupts, Signals

BOTH = (signal.SIGINT, signal.SIGTERM)


def test_each_signal_is_a_request_and_the_handlers_are_as_before_at_the_end() -> None:
    before = [signal.getsignal(number) for number in BOTH]
    interrupts = Signals()
    with interrupts.listening():
        for number in BOTH:
            signal.raise_signal(number)
        assert interrupts.count == 2
    assert [signal.getsignal(number) for number in BOTH] == before


def test_the_handlers_are_as_before_after_an_error_too() -> None:
    before = [signal.getsignal(number) for number in BOTH]
    with pytest.raises(KeyError), Signals().listening():
        raise KeyError
    assert [signal.getsignal(number) for number in BOTH] == before


def test_requests_may_come_from_a_program() -> None:
    interrupts = Interrupts()
    with interrupts.listening():
        interrupts.count += 1
    assert (interrupts.count, interrupts.said) == (1, "")
