"""What the summary of a run says of lines that were asked for more than once."""

from __future__ import annotations

import pytest

from fetcher.commit.rate import Work
from fetcher.input.source_info import SourceInfo
from fetcher.protocol import messages
from fetcher.protocol.totals import Totals
from fetcher.watch import summary


def state(redelivered: int, copied: int) -> messages.State:
    return messages.State(
        "j", "finish", Totals(), SourceInfo(), 0, 1, redelivered, ventilator_number=1, copied=copied
    )


def test_a_run_that_fetched_nothing_has_no_rate_and_says_that_options_changed_nothing() -> None:
    said = "nothing was fetched: all was done before, so options of this run changed nothing"
    assert summary.speed(Work(30, 2.0), Work(30, 2.0), 0) == said
    assert summary.speed(None, None, 0) == said
    assert summary.speed(None, None, 3) == "not measured"


@pytest.mark.parametrize(
    ("retried", "last", "said"),
    [
        (0, None, "none"),
        (0, state(0, 0), "none"),
        (3, None, "3 tried again after a failure"),
        (0, state(2000, 0), "2,000 handed out again after a worker or its rows were lost"),
        (
            1,
            state(7, 5),
            "1 tried again after a failure, 2 handed out again after a worker or its rows were "
            "lost, 5 copied to a second worker at the end",
        ),
    ],
)
def test_repeats_are_shown_with_their_reasons(
    retried: int, last: messages.State | None, said: str
) -> None:
    assert summary.repeats(Totals(rows=9, retried=retried), last) == said


@pytest.mark.parametrize(
    ("totals", "said"),
    [
        (Totals(rows=9, statuses={200: 9}), []),
        (Totals(rows=9, statuses={304: 1}, unchanged=1), "1 line with the body of before"),
        (
            Totals(rows=9, statuses={304: 5, 200: 4}, unchanged=7),
            "7 lines with the body of before, of which 2 sent again",
        ),
    ],
)
def test_what_a_refresh_found_unchanged_is_shown(totals: Totals, said: str) -> None:
    assert summary.unchanged(totals) == ([("unchanged", said)] if said else [])
