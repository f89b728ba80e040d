"""Commits of lines that their routes have not added yet."""

from __future__ import annotations

from fetcher.leases.committed_ahead import CommittedAhead


def test_commits_are_remembered_until_the_last_route_has_added_the_batch() -> None:
    ahead = CommittedAhead(shares=1, routes=2)
    ahead.committed(0, 3, 0b101)
    assert ahead.added(0, 1, 3) == 0b101
    assert ahead.added(0, 0, 3) == 0b101
    assert len(ahead) == 0
    ahead.committed(0, 3, 0b111)
    assert len(ahead) == 0, "all routes have it"


def test_a_commit_between_the_reads_of_two_routes_counts_for_the_second() -> None:
    ahead = CommittedAhead(shares=1, routes=2)
    assert ahead.added(0, 0, 3) == 0
    ahead.committed(0, 3, 0b10)
    assert ahead.added(0, 1, 3) == 0b10


def test_each_share_is_read_on_its_own() -> None:
    ahead = CommittedAhead(shares=2, routes=1)
    assert ahead.added(0, 0, 10) == 0
    ahead.committed(1, 5, 0b1)
    ahead.committed(0, 4, 0b1)
    assert len(ahead) == 1, "the first share was read past its batch 4"
    assert ahead.added(1, 0, 5) == 0b1


def test_nothing_is_remembered_of_a_commit_without_lines() -> None:
    ahead = CommittedAhead(shares=1, routes=1)
    ahead.committed(0, 3, 0)
    assert len(ahead) == 0
