"""What users read about the sinks."""

from __future__ import annotations

import logging

import pytest

from fetcher.leases.sink_notices import Frozen, Notice, Thawed, Waiting
from fetcher.roles.ventilator.sink_clients import log_notice


@pytest.mark.parametrize(
    ("notice", "said"),
    [
        (Waiting("the sink", 30.0, ""), "waiting for the sink (30 s so far)"),
        (Waiting("sink 2 of 2", 30.0, "busy"), "waiting for sink 2 of 2 (30 s so far): busy"),
        (
            Frozen("the sink is silent", True),
            "the sink is silent: nothing is handed out until it is back",
        ),
        (
            Frozen("sink 2 of 2 is silent", False),
            "sink 2 of 2 is silent: nothing is handed out of its lines until it is back",
        ),
        (Thawed("the sink"), "the sink is back"),
    ],
)
def test_each_notice_says_what_happened_to_which_sink(
    caplog: pytest.LogCaptureFixture, notice: Notice, said: str
) -> None:
    log_notice(notice)
    assert [(each.levelno, each.getMessage()) for each in caplog.records] == [
        (logging.WARNING, said)
    ]
