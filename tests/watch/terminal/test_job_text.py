"""A look at a running job as `fetcher status` prints it."""

from __future__ import annotations

import io
from typing import Any

import pytest
from msgspec.structs import replace
from rich.console import Console

from fetcher.protocol.messages import HostLoad, Member
from fetcher.protocol.totals import Totals
from fetcher.watch.crawl_view import CrawlView
from fetcher.watch.job_view import JobView, OldestLine
from fetcher.watch.terminal.job_text import activity, resting, show, show_activity, workers

JOB = JobView(
    job="j",
    phase="running",
    rows=50,
    url_lines=200,
    url_lines_exact=True,
    rate_per_s=2.0,
    left_s=75.0,
    left_is_least=True,
    in_flight=3,
    parked=2,
    leases=1,
    waiting=0,
    totals=Totals(50, {"ok": 49, "dns": 1}, {200: 49, 0: 1}),
    workers=[Member("w", 0.25, 4, 3, 17, 2, 2, 50, 2.5, lag_ms=100)],
)


def shown(width: int = 120, **changed: Any) -> list[str]:
    file = io.StringIO()
    show(Console(file=file, width=width), replace(JOB, **changed))
    return [line.rstrip() for line in file.getvalue().splitlines()]


def test_the_whole_look() -> None:
    assert shown() == [
        "running: 50 of 200 lines (25.0 %), 2 lines/s now, at least 1 min 15 s left",
        "3 being fetched; 17 waiting for a free slot; 2 waiting for their host's turn; "
        "1 batch at workers",
        "",
        *shown()[3:6],
        "",
        *shown()[7:],
    ]
    assert shown()[3].split() == [
        *("worker", "seen", "busy", "queued", "waiting", "leases", "rows", "rows/s"),
        *("loop", "lag"),
    ]
    assert shown()[5].split() == [
        *("w", "0.2", "s", "3/4", "17", "2", "2", "50", "2.5", "0.10", "s"),
    ]
    assert shown()[-1].split() == ["dns", "1", "2.0", "%"]


@pytest.mark.parametrize(
    ("changed", "first"),
    [
        ({"phase": "finish"}, "finishing: 50 of 200 lines (25.0 %), 2 lines/s now"),
        ({"left_s": None}, "running: 50 of 200 lines (25.0 %), 2 lines/s now"),
        ({"rate_per_s": None, "left_s": None}, "running: 50 of 200 lines (25.0 %)"),
        (
            {"crawl": CrawlView(60, 9, {}, {}), "rate_per_s": None, "left_s": None},
            "running: 50 lines done, 60 found so far",
        ),
    ],
)
def test_the_first_line_says_how_far_the_job_is(changed: dict[str, Any], first: str) -> None:
    assert shown(**changed)[0] == first


def test_trouble_comes_second_and_is_escaped() -> None:
    assert shown(trouble="disk full\x1b[2J")[1] == "disk full\\x1b[2J"


def test_status_of_a_directory_says_the_trouble_too() -> None:
    file = io.StringIO()
    show_activity(Console(file=file, width=40), replace(JOB, trouble="disk full"))
    assert file.getvalue().splitlines()[0] == "disk full"


@pytest.mark.parametrize(
    ("worker", "said"), [("w\x07", "at w\\x07"), ("", "not taken by a worker yet")]
)
def test_the_longest_line_at_work_is_named(worker: str, said: str) -> None:
    assert f"longest at work: line 7, for 1 min 05 s, {said}" in shown(
        oldest=OldestLine(7, 65.0, worker)
    )


@pytest.mark.parametrize(
    ("count", "said"), [(1, "… and 1 more worker"), (5, "… and 5 more workers")]
)
def test_workers_that_are_not_listed_are_counted(count: int, said: str) -> None:
    assert said in shown(unlisted=count)
    assert "no worker is connected" in shown(workers=[])


def test_without_rows_there_is_no_table_of_outcomes() -> None:
    assert not any(line.startswith("outcome") for line in shown(rows=0))


def host(name: str, rest_s: float, waiting: int) -> HostLoad:
    return HostLoad(name, 0, waiting, 0, rest_s, "503")


def test_hosts_that_rest_are_those_for_which_most_lines_wait() -> None:
    hosts = [host("a", 1, 2), host("b", 1, 0), host("c", 0, 9), host("d", 1, 5), host("e", 1, 3)]
    assert [each.host for each in resting([*hosts, host("f", 1, 4)])] == ["d", "f", "e"]
    assert resting([host("b", 1, 0), host("c", 0, 9)]) == []
    assert "d rests 1 s more after 503: 5 lines wait" in shown(hosts=hosts)


def texts(**changed: Any) -> list[str]:
    return [part.plain for part in activity(replace(JOB, **changed))]


def test_lines_that_were_handed_out_again_stand_out_if_they_are_many() -> None:
    assert texts(redelivered=1)[-1] == "1 line handed out again"
    assert texts(redelivered=30)[-1] == "30 lines handed out again"
    for many in (False, True):
        part = activity(replace(JOB, redelivered=30, many_redelivered=many))[-1]
        assert (part.style == "yellow") == many


def test_of_a_crawl_depths_and_links_are_said_once() -> None:
    *_, depths, links = shown(crawl=CrawlView(60, 9, {0: 2, 1: 58}, {"scope": 5}))
    assert depths == "depths    0: 2, 1: 58"
    assert links == "links     9; not followed: scope 5"
    assert texts(crawl=CrawlView(60, 9, {}, {"scope": 5})) == texts()


def test_without_a_ventilator_nothing_is_known_of_what_it_does() -> None:
    assert texts(in_flight=None, parked=None, leases=None, waiting=None) == []


def test_names_are_cut_where_the_terminal_is_narrow() -> None:
    file = io.StringIO()
    Console(file=file, width=40).print(workers([Member("w" * 90, 0.25, 4, 3, 1, 2, 2, 50, 2.5)]))
    assert max(map(len, file.getvalue().splitlines())) <= 40
