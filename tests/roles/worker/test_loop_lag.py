"""The lag of a worker's loop is measured, and its user warned, but not each second."""

from __future__ import annotations

import logging
import time

import gevent
import pytest

from fetcher.roles.worker.cpu_share import CpuShare
from fetcher.roles.worker.loop_lag import LoopLag


def test_a_heartbeat_that_comes_late_shows_how_late(caplog: pytest.LogCaptureFixture) -> None:
    lag = LoopLag(CpuShare(), heartbeat_s=1.0, has_handler=True)
    with caplog.at_level(logging.WARNING):
        seen = [lag.take_ms(now) for now in (100.0, 101.0, 102.25, 103.5, 170.0)]
    assert seen == [0, 0, 250, 250, 65_500]
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 2, "at most once a minute"
    assert "0.25 s, which delays all fetches of this worker: worker.handler computes" in said[0]


def test_a_computation_counts_though_the_heartbeat_is_in_time() -> None:
    share = CpuShare()
    lag = LoopLag(share, heartbeat_s=1.0, has_handler=False)
    lag.take_ms(100.0)
    share.wait()
    time.sleep(0.03)
    gevent.sleep(0.01)
    assert lag.take_ms(101.0) >= 30
    assert lag.take_ms(102.0) == 0
