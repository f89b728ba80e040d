"""Refusals are counted by reason, and many of them cost few log lines."""

from __future__ import annotations

from fetcher.security.rejections import Reason, Rejections


def test_the_first_of_a_kind_is_said_then_the_10th_then_the_100th() -> None:
    said: list[str] = []
    rejections = Rejections(said.append)
    for _ in range(5000):
        rejections.add(Reason.UNKNOWN_KEY, "10.0.0.7", "results")
    rejections.add(Reason.UNKNOWN_KEY, "10.0.0.8", "events")
    rejections.add(Reason.REVOKED, "a message", "results")
    assert rejections.counts[Reason.UNKNOWN_KEY] == 5001
    assert len(said) == 6
    assert "(1000 such so far)" in said[3]
    assert "10.0.0.8 at events" in said[4]
    assert "no longer" in said[5]
