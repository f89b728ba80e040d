"""A line of a crawl counts as found when the row of its finder ended."""

from __future__ import annotations

import pytest

from fetcher.report.discovery import Discovery

BEGAN_S = 1_700_000_000.0


def test_a_seed_is_found_when_its_fetch_begins() -> None:
    assert Discovery(3).found_at_s(1, None, BEGAN_S, BEGAN_S + 2) == BEGAN_S


def test_other_lines_are_found_when_their_finder_ends() -> None:
    discovery = Discovery(3)
    discovery.found_at_s(1, None, BEGAN_S, BEGAN_S + 2)
    found_s = discovery.found_at_s(2, 1, BEGAN_S + 9, BEGAN_S + 10)
    assert found_s == pytest.approx(BEGAN_S + 2, abs=1 / 16)
    assert discovery.found_at_s(3, 2, BEGAN_S + 20, BEGAN_S + 21) == pytest.approx(
        BEGAN_S + 10, abs=1 / 16
    )


@pytest.mark.parametrize("finder", [0, -1, 2, 4])
def test_a_finder_without_a_row_so_far_or_beyond_the_log_is_not_known(finder: int) -> None:
    discovery = Discovery(3)
    discovery.found_at_s(1, None, BEGAN_S, BEGAN_S + 2)
    assert discovery.found_at_s(3, finder, BEGAN_S, BEGAN_S) is None


def test_rows_that_ended_before_the_first_one_began_are_known_too() -> None:
    discovery = Discovery(3)
    discovery.found_at_s(1, None, BEGAN_S, BEGAN_S + 2)
    discovery.found_at_s(2, None, BEGAN_S - 3600, BEGAN_S - 3599)
    assert discovery.found_at_s(3, 2, BEGAN_S, BEGAN_S) == pytest.approx(BEGAN_S - 3599, abs=1 / 16)


def test_the_last_line_of_the_log_is_noted() -> None:
    discovery = Discovery(2)
    discovery.found_at_s(2, None, BEGAN_S, BEGAN_S + 1)
    assert discovery.found_at_s(1, 2, BEGAN_S, BEGAN_S) == pytest.approx(BEGAN_S + 1, abs=1 / 16)
