"""The sums of a report, added up row by row."""

from __future__ import annotations

import msgspec
import pytest

from fetcher.frontier.totals import MAX_DEPTHS
from fetcher.model import Outcome
from fetcher.report.aggregate import MANY_HOPS, Aggregate, Row, RowTimings, pattern


def row(line: int, outcome: Outcome = Outcome.OK, **fields: object) -> Row:
    return Row(line, f"http://Host-{line % 3}.test:81/x?{line}", outcome, **fields)  # type: ignore[arg-type]


def test_rows_are_counted_by_all_that_a_report_shows() -> None:
    sums = Aggregate()
    sums.add(row(1, status=200, body_bytes=10, wire_bytes=5, attempts=2, content_type="A/B; c=d"))
    sums.add(
        row(
            2,
            Outcome.TIMEOUT,
            error="took longer than 60 s",
            started_at=1e9,
            timings_ms=RowTimings(total=60_000.0),
        )
    )
    sums.add(row(3, Outcome.INVALID_URL, error="no scheme"))
    assert (sums.rows, sums.failed, sums.answered, sums.saved_by_retry) == (3, 2, 1, 1)
    assert sums.types["a/b"].rows == 1
    assert sums.hosts["host-2.test:81"].failed == 1
    assert sums.unanswered_ms.number == 1
    assert sums.untimed == 2


def test_only_lines_with_a_second_attempt_were_tried_again() -> None:
    sums = Aggregate()
    for line, attempts in enumerate((0, 0, 1, 1, 2, 3), 1):
        outcome = Outcome.CONNECT if attempts in (0, 3) else Outcome.OK
        sums.add(row(line, outcome, attempts=attempts))
    assert (sums.retried, sums.saved_by_retry) == (2, 1)
    assert sums.attempts == {0: 2, 1: 2, 2: 1, 3: 1}


def test_times_of_lines_that_were_never_sent_are_left_out() -> None:
    sums = Aggregate()
    nothing, blocked = RowTimings(total=0.0), RowTimings(dns=1.0, total=2.0)
    sums.add(row(1, Outcome.CONNECT, attempts=0, timings_ms=nothing))  # its host was given up
    sums.add(row(2, Outcome.CONNECT, attempts=1, timings_ms=nothing))  # before its second attempt
    for outcome in (Outcome.INVALID_URL, Outcome.BLOCKED, Outcome.ROBOTS):
        sums.add(row(3, outcome, timings_ms=blocked))
    assert sums.unanswered_ms.number == sums.phases_ms["dns"].number == 0
    assert all(host.timed == 0 for host in sums.hosts.values())
    # A redirect to what is blocked was an answer.
    sums.add(row(4, Outcome.BLOCKED, status=302, timings_ms=blocked))
    sums.add(row(5, status=200, timings_ms=nothing))
    assert sums.total_ms.number == 2


def test_rows_that_failed_are_counted_by_outcome_and_kind() -> None:
    sums = Aggregate()
    kinds = ("connect", "connect", "first_byte", None, "no word of ours")
    for line, kind in enumerate(kinds, 1):
        sums.add(row(line, Outcome.TIMEOUT, error="late", error_kind=kind))
    sums.add(row(6, Outcome.HTTP_ERROR, status=404, error="the server answered 404"))
    sums.add(row(7))
    assert [(failing.name, rows) for failing, rows in sums.kinds.most_common()] == [
        ("timeout connect", 2),
        ("timeout first_byte", 1),
        ("timeout", 1),
        ("timeout (unknown)", 1),
        ("http_error", 1),
    ]
    assert len(sums.errors) == 5, "the same words of another kind are another group"


def test_errors_that_differ_in_names_and_numbers_are_one_group() -> None:
    one = pattern("could not connect to a.test port 80 after 31 ms", "a.test:80")
    assert one == pattern("could not connect to b.test port 81 after 2.5 ms", "b.test")


@pytest.mark.parametrize(
    ("error", "host", "same"),
    [
        ("no route to a.test:80", "a.test:80", "no route to HOST:N"),
        ("no route to [::1]", "[::1]", "no route to HOST"),
        ("301 to http://b.test/x?y=1 refused", "a.test", "N to ADDRESS refused"),
        ("fe80:0:0:1::2 is private", "", "ADDRESS is private"),
        ("took 1.5 s, 20 kB", "", "took N s, N kB"),
        ("a.test was lost", "", "a.test was lost"),
    ],
)
def test_the_pattern_of_an_error(error: str, host: str, same: str) -> None:
    assert pattern(error, host) == same


def test_an_error_group_says_whether_its_texts_are_the_same() -> None:
    sums = Aggregate()
    for line, took in enumerate((60, 60, 61, 62), 1):
        sums.add(row(line, Outcome.TIMEOUT, error=f"took longer than {took} s"))
    ((_, group),) = sums.errors.top("rows", 5)
    assert (group.rows, group.same) == (4, False)
    assert [example.line for example in group.examples] == [1, 2, 3]
    twice = Aggregate()
    for line in (1, 2):
        twice.add(row(line, Outcome.TIMEOUT, error="late"))
    ((_, group),) = twice.errors.top("rows", 5)
    assert group.same


def test_answers_of_different_statuses_are_different_groups() -> None:
    sums = Aggregate()
    for line, status in enumerate((404, 500), 1):
        text = f"the server answered {status}"
        sums.add(row(line, Outcome.HTTP_ERROR, status=status, error=text))
    assert len(sums.errors) == 2


def test_the_work_lasts_from_the_first_start_to_the_last_end() -> None:
    sums = Aggregate()
    sums.add(row(1, status=200, started_at=1e9 + 5, timings_ms=RowTimings(total=2_000.0)))
    sums.add(row(2, status=200, started_at=1e9, timings_ms=RowTimings(total=500.0)))
    for odd in (None, -5.0, 0.0, 1e11):
        sums.add(row(3, status=200, started_at=odd))
    assert (sums.first_s, sums.last_s, sums.untimed) == (1e9, 1e9 + 7, 4)


def test_many_hops_and_deep_pages_are_counted_together() -> None:
    sums = Aggregate()
    for hops, depth in ((0, 0), (MANY_HOPS - 1, 3), (MANY_HOPS, MAX_DEPTHS), (50, 5 + MAX_DEPTHS)):
        moved = (msgspec.Raw(b'"x"'),) * hops
        sums.add(row(1, status=200, redirects=moved, depth=depth))
    assert sums.hops == {0: 1, MANY_HOPS - 1: 1, MANY_HOPS: 2}
    assert {depth: count.rows for depth, count in sums.depths.items()} == {
        0: 1,
        3: 1,
        MAX_DEPTHS: 2,
    }


def test_a_host_has_its_slowest_row_and_the_sum_of_all() -> None:
    sums = Aggregate()
    for took_ms in (10.0, 30.0, 20.0):
        sums.add(row(1, status=200, timings_ms=RowTimings(total=took_ms)))
    host = sums.hosts["host-1.test:81"]
    assert (host.timed, host.took_ms, host.longest_ms) == (3, 60.0, 30.0)


def test_content_types_are_counted_without_parameters_and_case() -> None:
    sums = Aggregate()
    for kind in ("text/HTML; charset=x", " text/html ", None, "", ";"):
        sums.add(row(1, status=200, content_type=kind, body_bytes=2))
    assert {name: (of.rows, of.body_bytes) for name, of in sums.types.items()} == {
        "text/html": (2, 4),
        "none given": (3, 6),
    }
