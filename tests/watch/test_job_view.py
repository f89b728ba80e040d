"""A look at a job, made of what its ventilator says."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from fetcher.frontier.totals import CrawlTotals
from fetcher.input.source_info import SourceInfo
from fetcher.protocol import messages
from fetcher.protocol.totals import Totals
from fetcher.watch.job_view import (
    OldestLine,
    TimeLeft,
    are_many_redelivered,
    from_roster,
    from_state,
    time_left,
)
from support.messages import EXAMPLES

WHOLE = SourceInfo(url_lines=100, at_end=True, fraction=1.0)


def state(rows: int = 40, source: SourceInfo = WHOLE, **more: Any) -> messages.State:
    example = EXAMPLES["state"][0]
    assert isinstance(example, messages.State)
    totals = Totals(rows, {"dns": 1, "ok": rows - 1})
    return replace(example, totals=totals, source=source, turns=messages.Turns(), **more)


@pytest.mark.parametrize(
    ("turns", "per_s", "left"),
    [
        (messages.Turns(), 2.0, TimeLeft(30.0, is_least=False)),
        (messages.Turns(), 0.0, None),
        (messages.Turns(29.0), 2.0, TimeLeft(30.0, is_least=False)),
        (messages.Turns(31.0), 2.0, TimeLeft(31.0, is_least=True)),
        (messages.Turns(31.0, is_all=True), 2.0, TimeLeft(31.0, is_least=False)),
        (messages.Turns(5.0), 0.0, TimeLeft(5.0, is_least=True)),
    ],
)
def test_the_time_left_is_the_longer_one_of_rate_and_politeness(
    turns: messages.Turns, per_s: float, left: TimeLeft | None
) -> None:
    assert time_left(replace(state(), turns=turns), per_s) == left


def test_without_a_total_the_rate_says_no_time_left() -> None:
    unknown = state(source=SourceInfo())
    assert time_left(unknown, 2.0) is None
    assert time_left(state(rows=120), 2.0) == TimeLeft(0.0, is_least=False)


@pytest.mark.parametrize(
    ("redelivered", "rows", "many"),
    [(20, 0, False), (21, 0, True), (21, 2100, False), (22, 2100, True), (1000, 10**6, False)],
)
def test_many_lines_are_more_than_a_few_and_a_hundredth(
    redelivered: int, rows: int, many: bool
) -> None:
    assert are_many_redelivered(redelivered, rows) == many


def test_a_state_has_no_leases_and_only_the_number_of_workers() -> None:
    job = from_state(state(redelivered=60, copied=30), 2.0)
    assert (job.rows, job.url_lines, job.url_lines_exact) == (40, 100, True)
    assert (job.rate_per_s, job.left_s, job.left_is_least) == (2.0, 30.0, False)
    assert (job.workers, job.unlisted, job.leases, job.parked) == ([], 2, None, None)
    assert list(job.totals.outcomes) == ["ok", "dns"], "in the order of the outcomes"
    assert (job.redelivered, job.copied, job.many_redelivered) == (60, 30, True)
    assert not from_state(state(redelivered=60, copied=40), 2.0).many_redelivered


def test_a_crawl_has_neither_a_total_nor_a_time_left() -> None:
    job = from_state(state(crawl=CrawlTotals(9, {0: 1, 1: 3}, {})), 2.0)
    assert (job.url_lines, job.url_lines_exact, job.left_s) == (None, False, None)
    assert job.crawl is not None and job.crawl.found == 4


@pytest.mark.parametrize(
    ("phase", "over"),
    [("finish", True), ("complete", True), ("running", False), ("stopped", False)],
)
def test_no_more_rows_come_at_the_end(phase: str, over: bool) -> None:
    assert replace(from_state(state(), 1.0), phase=phase).is_over == over


def roster(**more: Any) -> messages.Roster:
    example = EXAMPLES["roster"][0]
    assert isinstance(example, messages.Roster)
    return replace(example, **more)


def test_a_roster_adds_leases_workers_hosts_and_the_oldest_line() -> None:
    members = [messages.Member("w", 0.25, 4, 2, 1, parked, 2, 9, 2.5) for parked in (3, 4)]
    job = from_roster(state(), roster(workers=members))
    assert (job.parked, job.leases, job.leased_lines, job.open_batches) == (7, 2, 5, 1)
    assert (job.waiting, job.trouble, job.rate_per_s, job.unlisted) == (3, "full", 1.5, 1)
    assert job.oldest == OldestLine(7, 0.5, "w")
    assert job.workers == members
    assert job.is_live
    assert (job.hosts, job.failed_lines) == (
        roster().samples.hosts,
        roster().samples.failed_lines,
    )


def test_without_an_open_lease_there_is_no_oldest_line() -> None:
    assert from_roster(state(), roster(oldest_line=0)).oldest is None
