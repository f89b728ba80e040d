"""A clock that leaves out the time for which we kept the event loop busy."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from fetcher.fetch.transfer import transfer_clock
from fetcher.fetch.transfer.transfer_clock import TransferClock


class Loop:
    """A transfer clock, and the system's clock beneath it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at_s = 100.0
        monkeypatch.setattr(transfer_clock, "time", SimpleNamespace(monotonic=lambda: self.at_s))
        self.clock = TransferClock()

    def turn(self, busy_s: float, idle_s: float) -> float:
        """A turn that computes so long, and then waits for events; returns the clock's time."""
        self.clock._on_begin()
        self.at_s += busy_s
        self.clock._on_end()
        self.at_s += idle_s
        return self.clock.now()


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Loop:
    return Loop(monkeypatch)


def test_time_passes_while_the_loop_waits(loop: Loop) -> None:
    loop.clock.watch_turns(is_on=True)
    began = loop.clock.now()
    assert loop.turn(0.0, 5.0) - began == pytest.approx(5.0)


def test_a_turn_that_computes_for_long_counts_as_its_share(loop: Loop) -> None:
    loop.clock.watch_turns(is_on=True)
    began = loop.clock.now()
    assert loop.turn(3.0, 1.0) - began == pytest.approx(1.02)
    assert loop.turn(0.02, 1.0) - began == pytest.approx(2.04)


def test_the_clock_stands_still_within_a_long_turn_and_never_goes_back(loop: Loop) -> None:
    loop.clock.watch_turns(is_on=True)
    loop.at_s += 0.02
    before = loop.clock.now()
    loop.at_s += 9.0
    assert loop.clock.now() == pytest.approx(before)
    loop.clock._on_end()
    assert loop.clock.now() == pytest.approx(before)


def test_time_is_left_out_only_while_turns_are_watched(loop: Loop) -> None:
    for _ in range(2):
        loop.clock.watch_turns(is_on=True)
        loop.at_s += 1.0
    assert loop.clock.now() == pytest.approx(100.02)
    loop.clock.watch_turns(is_on=False)
    loop.at_s += 5.0
    assert loop.clock.now() == pytest.approx(105.02)
    loop.clock.watch_turns(is_on=False)
    assert loop.clock.now() == pytest.approx(105.02)


def test_a_clock_that_has_left_out_nothing_is_the_systems(loop: Loop) -> None:
    system = loop.clock.now
    loop.clock.watch_turns(is_on=True)
    before = loop.clock.now()
    loop.at_s += 0.01
    loop.clock.watch_turns(is_on=False)
    assert loop.clock.now is system
    assert loop.clock.now() == pytest.approx(before + 0.01)
    loop.clock.watch_turns(is_on=True)
    loop.turn(1.0, 0.0)
    loop.clock.watch_turns(is_on=False)
    assert loop.clock.now is not system
