"""What a sink counts of its commits, and a worker of its chunks."""

from __future__ import annotations

from msgspec.structs import replace

from fetcher.model import OUTCOME_CODE, Outcome
from fetcher.telemetry.tallies import CommitTally, FetchTally
from support.chunks import chunk_of_rows
from support.outs import row

OK, DNS = OUTCOME_CODE[Outcome.OK], OUTCOME_CODE[Outcome.DNS]


def test_a_commit_without_rows_is_not_counted() -> None:
    tally = CommitTally()
    tally.add(0, 7, 5.0)
    assert (
        tally.row_bytes
        == sum(tally.seconds.distribution().counts)
        == sum(tally.rows.distribution().counts)
        == 0
    )


def test_commits_are_counted_by_time_and_by_rows() -> None:
    tally = CommitTally()
    tally.add(1, 200, 0.004)
    tally.add(50, 9_000, 20.0)
    assert tally.row_bytes == 9_200
    assert tally.seconds.distribution().counts == (1, *[0] * 10, 1)
    assert tally.rows.distribution().counts == (1, 0, 1, 0, 0, 0, 0)
    assert (tally.seconds.distribution().total, tally.rows.distribution().total) == (20.004, 51)


def made(detailed: bool) -> FetchTally:
    tally = FetchTally(is_detailed=detailed)
    three = chunk_of_rows([row(1), row(2), row(3)])
    three = replace(three, outcomes=[OK, OK, DNS], statuses=[200, 301, 0], body_bytes=[5, 6, 0])
    tally.add(three)
    tally.add(replace(chunk_of_rows([row(4)]), outcomes=[OK], statuses=[200], body_bytes=[7]))
    return tally


def test_rows_are_counted_by_outcome_and_by_status() -> None:
    tally = made(detailed=True)
    assert tally.rows == 4
    assert tally.outcomes() == {"ok": 3, "dns": 1}
    assert tally.statuses == {200: 2, 301: 1, 0: 1}
    assert tally.body_bytes == 18


def test_without_metrics_only_the_number_of_rows_is_counted() -> None:
    tally = made(detailed=False)
    assert (tally.rows, tally.body_bytes, tally.row_bytes) == (4, 0, 0)
    assert (tally.outcomes(), tally.statuses) == ({}, {})
