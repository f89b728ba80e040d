"""Totals: the order in which outcomes are shown, whoever shows them."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from fetcher.model import OUTCOMES
from fetcher.protocol.messages import Roster, State
from fetcher.protocol.totals import Totals, in_order, most_frequent, sum_of
from fetcher.watch import job_view
from support.messages import EXAMPLES

FOUND = {"timeout": 3, "ok": 1, "later_invention": 9, "tls": 0, "dns": 5}
ORDER = ["ok", "dns", "timeout", "later_invention"]


def test_outcomes_have_one_order_and_those_that_did_not_come_are_left_out() -> None:
    assert list(in_order(FOUND)) == ORDER
    assert list(in_order(dict.fromkeys(reversed(OUTCOMES), 1))) == list(OUTCOMES)
    assert list(sum_of([Totals(9, FOUND), Totals(9, {"ok": 1})]).outcomes) == ORDER


def test_the_most_frequent_are_chosen_by_count_and_shown_in_that_order() -> None:
    assert most_frequent(FOUND, 2) == ({"dns": 5, "later_invention": 9}, 4)
    assert most_frequent(FOUND, 0) == ({}, 18)
    assert most_frequent({}, 3) == ({}, 0)


def test_a_running_job_tells_its_outcomes_in_that_order() -> None:
    state, roster = EXAMPLES["state"][0], EXAMPLES["roster"][0]
    assert isinstance(state, State)
    assert isinstance(roster, Roster)
    job = job_view.from_roster(msgspec.structs.replace(state, totals=Totals(18, FOUND)), roster)
    assert list(job.totals.outcomes) == ORDER


def test_the_documents_name_all_outcomes_in_that_order() -> None:
    page = Path(__file__).parents[2].joinpath("docs", "rows.md").read_text("utf-8")
    (table,) = re.findall(r"^\| outcome \|  \|\n(.*?)\n\n", page, re.M | re.S)
    assert re.findall(r"^\| `(\w+)` \|", table, re.M) == list(OUTCOMES)


def test_rows_with_the_body_of_the_job_before_are_counted_in_a_refresh_alone() -> None:
    before = Totals().plus({0: 2}, {200: 2}, 5)
    assert (before.unchanged, before.unchanged_rows) == (msgspec.UNSET, 0)
    after = before.plus({0: 3}, {304: 3}, 5, unchanged=3)
    assert after.unchanged == sum_of([before, after]).unchanged_rows == 3
