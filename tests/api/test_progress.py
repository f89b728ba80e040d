"""A progress is a snapshot of a job."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from fetcher.api.progress import Progress, State, at_rest, from_state, with_totals
from fetcher.commit.rate import Work
from fetcher.input.source_info import SourceInfo
from fetcher.protocol.totals import Totals
from support.messages import EXAMPLES

STATE: Any = EXAMPLES["state"][0]
TOTALS = Totals(7, {"dns": 2, "ok": 5}, {0: 2, 200: 4, 301: 1}, 99)


@pytest.mark.parametrize(
    ("state", "ended"),
    [
        ("new", False),
        ("starting", False),
        ("running", False),
        ("paused", False),
        ("frozen", False),
        ("stopping", False),
        ("complete", True),
        ("stopped", True),
        ("failed", True),
    ],
)
def test_a_job_has_ended_if_it_has_no_more_rows(state: State, ended: bool) -> None:
    assert Progress(state=state).ended == ended


@pytest.mark.parametrize(("phase", "state"), [("finish", "running"), ("paused", "paused")])
def test_a_job_is_complete_only_when_its_roles_have_ended(phase: str, state: str) -> None:
    assert from_state(replace(STATE, phase=phase), 2.0, None).state == state


@pytest.mark.parametrize(
    ("source", "total", "exact"),
    [
        (SourceInfo(), None, False),
        (SourceInfo(url_lines=10, fraction=0.25), 40, False),
        (SourceInfo(url_lines=10, at_end=True, fraction=1.0), 10, True),
    ],
)
def test_the_total_is_an_estimate_until_all_is_read(
    source: SourceInfo, total: int | None, exact: bool
) -> None:
    found = from_state(replace(STATE, source=source, totals=TOTALS), 2.5, Work(8, 4.0))
    assert (found.total, found.total_exact) == (total, exact)
    assert (found.rows, found.in_flight, found.workers) == (7, 1, 2)
    assert (found.rate_per_s, found.average_per_s) == (2.5, 2.0)
    assert from_state(STATE, 0.0, None).average_per_s is None


def test_statuses_are_those_of_answers_and_outcomes_are_in_order() -> None:
    found = with_totals(Progress(in_flight=3), TOTALS)
    assert found.statuses == {200: 4, 301: 1}
    assert list(found.outcomes.items()) == [("ok", 5), ("dns", 2)]
    assert (found.body_bytes, found.in_flight) == (99, 3)


@pytest.mark.parametrize(
    ("state", "total", "exact"),
    [("complete", 7, True), ("stopped", 40, False), ("failed", 40, False)],
)
def test_at_rest_nothing_is_in_flight_and_a_complete_job_has_all_its_rows(
    state: State, total: int, exact: bool
) -> None:
    before = Progress(rows=7, total=40, in_flight=3, workers=2, rate_per_s=1.0, average_per_s=4.0)
    assert at_rest(before, state) == Progress(
        state=state, rows=7, total=total, total_exact=exact, average_per_s=4.0
    )
