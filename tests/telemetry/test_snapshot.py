"""A snapshot holds the newest numbers, and says when new ones are due."""

from __future__ import annotations

import math

from fetcher.telemetry.snapshot import EVERY_S, Snapshot


def test_numbers_are_due_at_once_and_again_after_half_a_second() -> None:
    snapshot: Snapshot[str] = Snapshot(is_on=True)
    assert snapshot.is_due(0.0)
    snapshot.put("a", 100.0)
    assert not snapshot.is_due(100.0 + EVERY_S - 0.01)
    assert snapshot.is_due(100.0 + EVERY_S)


def test_without_a_port_numbers_are_never_due() -> None:
    snapshot: Snapshot[str] = Snapshot(is_on=False)
    assert not snapshot.is_due(1e300)
    assert not snapshot.is_due(math.nextafter(math.inf, 0))


def test_the_newest_numbers_come_with_their_time() -> None:
    snapshot: Snapshot[str] = Snapshot(is_on=True)
    assert snapshot.latest()[0] is None
    snapshot.put("a", 1.0)
    snapshot.put("b", 2.5)
    assert snapshot.latest() == ("b", 2.5)
