"""A transfer ends within its limits by a clock that leaves out our own delays."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pycurl
import pytest

from fetcher.fetch.transfer.deadlines import Deadline, slack_s

CONNECTING = [(pycurl.E_OPERATION_TIMEDOUT, "Connection timed out")]
TOTAL = [(pycurl.E_OPERATION_TIMEDOUT, "Operation timed out")]


class Timer:
    """A timer that the test lets ring."""

    def __init__(self, after_s: float) -> None:
        self.after_s = after_s
        self.is_set = False

    def start(self, ring: Callable[[], None]) -> None:
        self.ring = ring
        self.is_set = True

    def stop(self) -> None:
        self.is_set = False

    def close(self) -> None:
        assert not self.is_set


class Loop:
    """A loop with the clock and timers of the test."""

    def __init__(self) -> None:
        self.at_s = 100.0
        self._timers: list[Timer] = []
        self.hub = SimpleNamespace(loop=SimpleNamespace(timer=self._timer))
        self.clock = SimpleNamespace(now=lambda: self.at_s)

    def _timer(self, after_s: float) -> Timer:
        self._timers.append(Timer(after_s))
        return self._timers[-1]

    @property
    def timers(self) -> list[Timer]:
        return [timer for timer in self._timers if timer.is_set]

    def cut(self, easy: Any, result: tuple[int, str]) -> None:
        easy.cuts.append(result)


class Transfer:
    """A transfer that begins at 0 s; `cuts`: how it was ended."""

    def __init__(self, connect_s: float = 10.0, total_s: float = 60.0) -> None:
        self.loop = Loop()
        self.connected_us = 0
        self.cuts: list[tuple[int, str]] = []
        self.easy = SimpleNamespace(getinfo=lambda _: self.connected_us, cuts=self.cuts)
        loop, easy = cast(Any, self.loop), cast(Any, self.easy)
        self.deadline = Deadline(loop, loop.clock, easy, connect_s)
        self.deadline.begin(self.loop.at_s, total_s)

    def at(self, at_s: float) -> None:
        self.loop.at_s = 100.0 + at_s

    def check(self, at_s: float) -> list[float]:
        """Check the transfer; returns how long its timer runs, if any."""
        self.at(at_s)
        self.deadline.check(self.loop.at_s)
        return self.left_s

    @property
    def left_s(self) -> list[float]:
        return [timer.after_s for timer in self.loop.timers]

    def ring(self, at_s: float) -> list[tuple[int, str]]:
        """Let the timer of this transfer ring."""
        self.at(at_s)
        self.loop.timers[0].ring()
        return self.cuts


def test_a_connection_that_is_not_made_in_time_ends_the_transfer_at_its_limit() -> None:
    transfer = Transfer()
    assert transfer.check(8.9) == []
    assert transfer.check(9.5) == [pytest.approx(0.5)]
    assert transfer.ring(9.9) == []
    assert transfer.left_s == [pytest.approx(0.1)]
    assert transfer.ring(10.0) == CONNECTING
    assert transfer.left_s == []


def test_a_connected_transfer_has_all_its_time() -> None:
    transfer = Transfer()
    transfer.connected_us = 1
    assert transfer.check(9.5) == []
    assert transfer.check(58.9) == []
    assert transfer.check(59.5) == [pytest.approx(0.5)]
    assert transfer.ring(60.0) == TOTAL


def test_a_connection_that_is_made_just_in_time_has_the_rest_of_the_time() -> None:
    transfer = Transfer()
    assert transfer.check(9.5) == [pytest.approx(0.5)]
    transfer.connected_us = 1
    assert transfer.ring(10.0) == []
    assert transfer.left_s == []
    assert transfer.check(59.5) == [pytest.approx(0.5)]


def test_the_shorter_limit_counts_before_the_connection() -> None:
    transfer = Transfer(connect_s=10.0, total_s=5.0)
    assert transfer.check(4.5) == [pytest.approx(0.5)]
    assert transfer.ring(5.0) == CONNECTING


@pytest.mark.parametrize(("connect_s", "total_s"), [(0.3, 60.0), (10.0, 0.3)])
def test_a_limit_before_the_first_check_is_kept_too(connect_s: float, total_s: float) -> None:
    transfer = Transfer(connect_s, total_s)
    assert transfer.left_s == [0.3]
    assert transfer.ring(0.3) == CONNECTING


def test_pauses_do_not_count() -> None:
    transfer = Transfer()
    transfer.connected_us = 1
    transfer.at(10.0)
    transfer.deadline.pause()
    assert transfer.check(999.0) == []
    transfer.at(1000.0)
    transfer.deadline.resume()
    assert transfer.deadline.paused_s == 990.0
    assert transfer.check(1048.9) == []
    assert transfer.check(1049.5) == [pytest.approx(0.5)]
    assert transfer.ring(1050.0) == TOTAL


def test_what_rang_in_a_pause_is_set_again_at_its_end() -> None:
    transfer = Transfer()
    transfer.connected_us = 1
    assert transfer.check(59.5) == [pytest.approx(0.5)]
    transfer.at(59.9)
    transfer.deadline.pause()
    assert transfer.ring(60.0) == []
    assert transfer.left_s == []
    transfer.deadline.resume()
    assert transfer.left_s == [pytest.approx(0.1)]
    assert transfer.ring(60.1) == TOTAL


def test_a_pause_ends_with_the_transfer_and_not_later() -> None:
    transfer = Transfer()
    transfer.deadline.pause()
    transfer.at(7.0)
    transfer.deadline.end()
    assert transfer.deadline.paused_s == 7.0
    transfer.at(9.0)
    transfer.deadline.resume()
    assert transfer.deadline.paused_s == 7.0
    assert transfer.left_s == [], "what has ended has no limit"


def test_the_next_transfer_of_a_handle_has_limits_of_its_own() -> None:
    transfer = Transfer()
    assert transfer.check(9.5) == [pytest.approx(0.5)]
    transfer.deadline.pause()
    transfer.at(9.8)
    transfer.deadline.end()
    assert transfer.left_s == []
    transfer.deadline.begin(transfer.loop.at_s, 60.0)
    assert transfer.deadline.paused_s == 0.0
    assert transfer.check(10.0) == []
    assert transfer.check(19.0) == [pytest.approx(0.8)]


def test_a_small_limit_has_some_slack() -> None:
    assert (slack_s(1.0), slack_s(60.0)) == (10.0, 60.0)
