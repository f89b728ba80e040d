"""A transfer ends within its limits by a clock that leaves out our own delays."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pycurl
import pytest

from fetcher.fetch.transfer.deadlines import Deadlines, slack_s


class Transfer:
    """A transfer on a clock of the test; `cuts`: how it was ended."""

    def __init__(self, connect_s: float = 10.0, total_s: float = 60.0) -> None:
        self.at_s = 0.0
        self.connected_us = 0
        self.cuts: list[tuple[int, str]] = []
        easy = SimpleNamespace(getinfo=lambda _: self.connected_us)
        loop = SimpleNamespace(cut=lambda _, result: self.cuts.append(result))
        clock = SimpleNamespace(now=lambda: self.at_s)
        self.deadlines = Deadlines(
            *(cast(Any, loop), cast(Any, easy), cast(Any, clock)), connect_s, total_s
        )

    def ring(self, at_s: float) -> list[tuple[int, str]]:
        self.at_s = at_s
        self.deadlines._on_ring()
        return self.cuts


@pytest.fixture
def transfer() -> Iterator[Transfer]:
    made = Transfer()
    yield made
    made.deadlines.stop()


def test_a_connection_that_is_not_made_in_time_ends_the_transfer(transfer: Transfer) -> None:
    assert transfer.ring(9.9) == []
    assert transfer.ring(10.0) == [(pycurl.E_OPERATION_TIMEDOUT, "Connection timed out")]


def test_a_connected_transfer_has_all_its_time(transfer: Transfer) -> None:
    transfer.connected_us = 1
    assert transfer.ring(59.0) == []
    assert transfer.ring(60.0) == [(pycurl.E_OPERATION_TIMEDOUT, "Operation timed out")]


def test_the_shorter_limit_counts_before_the_connection() -> None:
    transfer = Transfer(connect_s=10.0, total_s=5.0)
    assert transfer.ring(5.0) == [(pycurl.E_OPERATION_TIMEDOUT, "Connection timed out")]
    transfer.deadlines.stop()


def test_pauses_do_not_count(transfer: Transfer) -> None:
    transfer.connected_us = 1
    transfer.at_s = 10.0
    transfer.deadlines.pause()
    assert transfer.ring(1000.0) == []
    transfer.deadlines.resume()
    assert transfer.deadlines.paused_s == 990.0
    assert transfer.ring(1049.0) == []
    assert len(transfer.ring(1050.0)) == 1


def test_what_rang_in_a_pause_rings_again_at_its_end(
    transfer: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    armed: list[float] = []
    monkeypatch.setattr(transfer.deadlines, "_arm", armed.append)
    transfer.connected_us = 1
    transfer.at_s = 59.9
    transfer.deadlines.pause()
    assert transfer.ring(60.0) == []
    assert armed == []
    transfer.deadlines.resume()
    assert armed == [pytest.approx(0.001)]
    transfer.ring(60.0)
    assert armed[1:] == [pytest.approx(0.1)]


def test_a_pause_ends_with_the_transfer(transfer: Transfer) -> None:
    transfer.deadlines.pause()
    transfer.at_s = 7.0
    transfer.deadlines.stop()
    assert transfer.deadlines.paused_s == 7.0
    transfer.deadlines.stop()
    assert transfer.deadlines.paused_s == 7.0


def test_a_small_limit_has_some_slack() -> None:
    assert (slack_s(1.0), slack_s(60.0)) == (10.0, 60.0)
