"""Looks go to the page, and commands come back; neither side waits."""

from __future__ import annotations

import time
from typing import Any

import pytest
from msgspec.structs import replace

from fetcher.watch.web.control_mailbox import ControlMailbox
from support.messages import EXAMPLES

STATE: Any = EXAMPLES["state"][0]
ROSTER: Any = EXAMPLES["roster"][0]


def test_a_visitor_gets_the_newest_look() -> None:
    mailbox = ControlMailbox()
    assert mailbox.visit() is None
    mailbox.put(STATE, ROSTER, 3)
    newer = replace(STATE, in_flight=9)
    mailbox.put(newer, ROSTER, 4)
    assert mailbox.visit() == (newer, ROSTER)


def test_the_page_is_watched_for_five_seconds_after_a_visit() -> None:
    mailbox = ControlMailbox()
    assert not mailbox.is_watched(time.monotonic())
    mailbox.visit()
    now = time.monotonic()
    assert mailbox.is_watched(now + 4.0)
    assert not mailbox.is_watched(now + 5.0)


def test_a_viewer_is_one_that_has_not_seen_the_newest_look() -> None:
    mailbox = ControlMailbox()
    mailbox.visit()
    now = time.monotonic()
    assert not mailbox.has_viewer(now)
    mailbox.put(STATE, ROSTER, 3)
    assert mailbox.has_viewer(now)
    assert not mailbox.has_viewer(now + 6), "it has gone"
    mailbox.visit()
    assert not mailbox.has_viewer(now)


@pytest.mark.parametrize(("phase", "points"), [("starting", 0), ("running", 1), ("finish", 1)])
def test_looks_before_the_job_has_begun_are_no_points_of_the_plot(phase: str, points: int) -> None:
    mailbox = ControlMailbox()
    mailbox.put(replace(STATE, phase=phase), ROSTER, 7)
    found = mailbox.history.since(0)
    assert [(point.rows, point.most_in_flight) for point in found] == [
        (STATE.totals.rows, 7)
    ] * points


def test_a_job_that_begins_paused_shall_pause() -> None:
    assert ControlMailbox(is_paused=True).shall_pause
    mailbox = ControlMailbox(is_on=True)
    assert (mailbox.is_on, mailbox.shall_pause, mailbox.shall_stop) == (True, False, False)
