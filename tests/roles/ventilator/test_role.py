"""The rules of leases that follow from the settings."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from fetcher.roles.ventilator.role import _lease_rules
from fetcher.settings.schema import Settings


def settings(**sections: dict[str, Any]) -> Settings:
    return msgspec.convert(sections, Settings)


@pytest.mark.parametrize(("interval_s", "finished_s"), [(1.0, 10.0), (60.0, 120.0)])
def test_rows_that_wait_for_a_commit_are_not_lost(interval_s: float, finished_s: float) -> None:
    given = settings(lease={"finished_s": 10.0}, sink={"commit_interval_s": interval_s})
    assert _lease_rules(given).finished_s == finished_s


@pytest.mark.parametrize(("heartbeat_s", "silent_s"), [(1.0, 5.0), (10.0, 20.0)])
def test_no_worker_is_dead_between_two_heartbeats(heartbeat_s: float, silent_s: float) -> None:
    given = settings(lease={"silent_s": 5.0}, worker={"heartbeat_s": heartbeat_s})
    assert _lease_rules(given).silent_s == silent_s


@pytest.mark.parametrize(
    ("timeout_s", "handler", "stall_s"),
    [(60.0, "", 150.0), (100.0, "", 200.0), (60.0, "a:b", 180.0)],
)
def test_no_worker_loses_a_lease_while_a_step_may_last(
    timeout_s: float, handler: str, stall_s: float
) -> None:
    given = settings(
        lease={"stall_s": 150.0},
        http={"total_timeout_s": timeout_s},
        worker={"handler": handler, "handler_timeout_s": 30.0},
    )
    assert _lease_rules(given).stall_s == stall_s


def test_the_other_rules_are_the_settings() -> None:
    lease = {
        "silent_s": 7.0,
        "unclaimed_s": 8.0,
        "tail_after_s": 9.0,
        "poison_deaths": 4,
        "ahead": 3,
    }
    rules = _lease_rules(settings(lease=lease))
    assert {name: getattr(rules, name) for name in lease} == lease
