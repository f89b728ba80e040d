"""The report in short, for a terminal."""

from __future__ import annotations

import io
from collections.abc import Iterable

import pytest
from msgspec.structs import replace
from rich.console import Console

from fetcher.commit.rate import Work
from fetcher.humanize import NOT_MEASURED
from fetcher.model import Outcome
from fetcher.report.aggregate import Aggregate, Row, RowTimings
from fetcher.report.contents import Contents, contents
from fetcher.report.crawl import Crawl, DepthShown, RefusedShown
from fetcher.report.job import Job
from fetcher.report.text import headline, show
from fetcher.watch.crawl_view import CrawlView

JOB = Job(
    job="j",
    input="urls.txt",
    input_path="urls.txt",
    input_bytes=10,
    input_sha256=None,
    created_at="2026-01-01T00:00:00+00:00",
    updated_at_s=None,
    work=None,
    state="complete",
    committed=3,
    url_lines=3,
    url_lines_exact=True,
    crawl=None,
    absent=[],
    settings=[],
    versions={},
)
ROWS = (
    Row(1, "http://a.test/", Outcome.OK, 200, attempts=2, body_bytes=2048),
    Row(2, "http://b.test/x", Outcome.DNS, error="no such name", error_kind="no_such_name"),
    Row(3, "http://a.test/", Outcome.OK, 200, timings_ms=RowTimings(dns=1.0, total=20.0)),
)


def report(job: Job = JOB, rows: Iterable[Row] = ROWS) -> Contents:
    sums = Aggregate()
    for row in rows:
        sums.add(row)
    return contents(job, sums, 5.0)


def shown(of: Contents, width: int = 80) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    with console.capture() as captured:
        show(console, of)
    return [line.rstrip() for line in captured.get().splitlines()]


@pytest.mark.parametrize(
    ("job", "rows", "said"),
    [
        (
            JOB,
            ROWS,
            "urls.txt: complete, 3 of 3 lines, 66.7 % ok, 2.0 KiB of bodies, 1 tried again, "
            "1 of them ok",
        ),
        (
            replace(JOB, state="running", url_lines=5000, url_lines_exact=False),
            (),
            "urls.txt: running, 0 of about 5,000 lines, 0 B of bodies",
        ),
        (
            replace(JOB, work=Work(6, 3.0), absent=["sink 2 of 2"]),
            ROWS[2:],
            "urls.txt: complete, 1 of 3 lines, 100.0 % ok, 3.0 s of work, 2 lines/s on average, "
            "0 B of bodies, without sink 2 of 2",
        ),
        (
            replace(JOB, url_lines=None),
            ROWS[2:],
            "urls.txt: complete, 1 row, 100.0 % ok, 0 B of bodies",
        ),
        (
            replace(JOB, url_lines=None, crawl=CrawlView(9, 4, {0: 9}, {})),
            ROWS[2:],
            "urls.txt: complete, 1 line done, 9 found so far, 100.0 % ok, 0 B of bodies",
        ),
    ],
)
def test_the_headline_says_the_result_in_one_line(job: Job, rows: Iterable[Row], said: str) -> None:
    found = report(replace(job, crawl=None), rows)
    assert headline(replace(found, job=job)) == said


def test_each_part_has_its_table() -> None:
    lines = shown(report())
    assert lines[2].split() == ["outcome", "lines", "share"]
    assert lines[4].split() == ["ok", "2", "66.7", "%", "█" * 16]
    assert lines[5].split() == ["dns", "1", "33.3", "%", "█" * 8]
    text = "\n".join(lines)
    for title in ("time", "most failing hosts", "slowest hosts", "errors by kind", "errors"):
        assert f"\n{title} " in text
    (failing,) = (line for line in lines if line.startswith("b.test"))
    assert failing.split() == ["b.test", "1", "1", NOT_MEASURED, NOT_MEASURED]
    (error,) = (line for line in lines if line.startswith("dns no_such_name: "))
    assert error.split()[-2:] == ["1", "b.test/x"]


def test_a_share_that_is_small_still_has_a_bar() -> None:
    rows = [Row(line, "http://a.test/", Outcome.OK, 200) for line in range(1, 200)]
    lines = shown(report(rows=[*rows, ROWS[1]]))
    assert lines[5].split() == ["dns", "1", "0.5", "%", "█"]


def test_without_a_row_there_is_only_the_headline() -> None:
    assert shown(report(rows=())) == ["urls.txt: complete, 0 of 3 lines, 0 B of bodies"]


def test_parts_without_numbers_are_left_out() -> None:
    text = "\n".join(shown(report(rows=[Row(1, "http://a.test/", Outcome.OK, 200)])))
    for title in ("time", "most failing hosts", "slowest hosts", "errors"):
        assert f"\n{title} " not in text


def test_a_crawl_has_its_depths_and_why_links_were_not_followed() -> None:
    depths = [DepthShown(depth, depth == 15, 10, 5, 1) for depth in range(16)]
    crawl = Crawl(160, 99, depths, [RefusedShown("scope", 3, 0.75), RefusedShown("deny", 1, 0.25)])
    lines = shown(replace(report(), crawl=crawl))
    start = next(n for n, line in enumerate(lines) if line.startswith("depth"))
    assert lines[start].split() == ["depth", "found", "done", "not", "ok"]
    assert lines[start + 2].split() == ["0", "10", "5", "1"]
    assert lines[start + 14].split() == ["deeper", "40", "20", "4"]
    assert [line.split() for line in lines if line.startswith(("scope", "deny"))] == [
        ["scope", "3", "75.0", "%"],
        ["deny", "1", "25.0", "%"],
    ]
    short = replace(crawl, depths=[DepthShown(15, True, 1, 1, 0)], refused=[])
    found = shown(replace(report(), crawl=short))
    assert ["15", "and", "more", "1", "1", "0"] in [line.split() for line in found]
    assert not any(line.startswith(("deeper", "not followed")) for line in found)


def test_it_fits_a_terminal_of_80_columns() -> None:
    long = Row(4, "http://" + "h" * 90 + ".test/" + "p" * 200, Outcome.DNS, error="e" * 300)
    lines = shown(report(rows=[*ROWS, long]))
    assert max(map(len, lines[1:])) <= 80
