"""The sections of a report, made of a job's facts and the sums of its rows."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import pytest
from msgspec.structs import replace

from fetcher.commit.rate import Work
from fetcher.model import Outcome
from fetcher.report.aggregate import Aggregate, Row, RowTimings
from fetcher.report.contents import Contents, contents, for_json
from fetcher.report.job import Job, SettingShown
from fetcher.report.shares import Share

JOB = Job(
    job="j",
    input="urls.txt",
    input_path="/tmp/urls.txt",
    input_bytes=10,
    input_sha256=None,
    created_at="2026-01-01T00:00:00+00:00",
    updated_at_s=None,
    work=None,
    state="complete",
    committed=4,
    url_lines=8,
    url_lines_exact=True,
    crawl=None,
    absent=[],
    settings=[],
    versions={},
)
ROWS = (
    Row(1, "http://a.test/", Outcome.OK, 200, attempts=2, body_bytes=10, wire_bytes=4),
    Row(2, "http://a.test/", Outcome.HTTP_ERROR, 404, error="the server answered 404"),
    Row(3, "http://b.test/", Outcome.HTTP_ERROR, 799, attempts=3, error="the server answered 799"),
    Row(4, "http://b.test/", Outcome.CONNECT, attempts=0, error="not tried"),
)


def report(job: Job = JOB, rows: Iterable[Row] = ROWS) -> Contents:
    sums = Aggregate()
    for row in rows:
        sums.add(row)
    return contents(job, sums, 5.0)


def test_outcomes_are_parts_of_all_rows_and_statuses_of_the_answered() -> None:
    found = report().outcomes
    assert (found.rows, found.ok, found.failed, found.answered) == (4, 1, 3, 3)
    assert found.by_outcome == [
        Share("ok", 1, 0.25),
        Share("http_error", 2, 0.5),
        Share("connect", 1, 0.25),
    ]
    names = [each.name for each in found.by_status]
    assert names == ["200 OK", "404 Not Found", "799"]
    assert {each.share for each in found.by_status} == {1 / 3}


def test_attempts_are_averaged_over_the_lines_that_were_tried() -> None:
    found = report().tries
    assert (found.mean_attempts, found.retried, found.saved_by_retry) == (2.0, 2, 1)
    assert [each.name for each in found.attempts] == ["0", "1", "2", "3"]
    assert report(rows=ROWS[3:]).tries.mean_attempts is None


def test_redirected_rows_are_answers_after_a_hop() -> None:
    moved = Row(5, "http://a.test/", Outcome.OK, 200, redirects=(msgspec.Raw(b'"x"'),))
    found = report(rows=(*ROWS, moved)).tries
    assert found.redirected == 1
    assert [(each.name, each.rows) for each in found.hops] == [("0", 3), ("1", 1)]


def test_the_share_that_is_done() -> None:
    assert report().done_share == 0.5
    assert report(replace(JOB, url_lines=None)).done_share is None
    assert report(replace(JOB, url_lines=0), ()).done_share == 1.0


def timed(line: int, began_s: float, took_ms: float) -> Row:
    timings = RowTimings(total=took_ms)
    return Row(line, "http://a.test/", Outcome.OK, 200, started_at=began_s, timings_ms=timings)


def test_the_work_is_that_of_the_journal() -> None:
    found = report(replace(JOB, work=Work(100, 50.0)), [timed(1, 1e9, 1000.0)]).times
    assert (found.worked_s, found.average_per_s) == (50.0, 2.0)


def test_without_a_journal_of_work_it_is_measured_by_the_rows_without_pauses() -> None:
    rows = [timed(1, 1e9, 1000.0), timed(2, 1e9 + 9, 1000.0)]
    found = report(rows=rows).times
    assert (found.first_s, found.last_s) == (1e9, 1e9 + 10)
    assert (found.worked_s, found.average_per_s) == (10.0, 0.2)
    paused = report(rows=[*rows, timed(3, 1e9 + 100_000, 1000.0)]).times
    assert paused.worked_s == pytest.approx(10, abs=0.2), "a row counts when it ends"
    assert report().times.worked_s is None


def test_only_phases_that_were_measured_are_shown() -> None:
    found = report(rows=[timed(1, 1e9, 7.0)]).latency
    assert [each.name for each in found.phases] == ["total"]
    assert set(found.plot.shares) == {"total"}
    late = Row(2, "http://a.test/", Outcome.TIMEOUT, timings_ms=RowTimings(dns=1.0, total=9.0))
    names = [each.name for each in report(rows=[late]).latency.phases]
    assert names == ["dns", "no answer"]


def test_bodies_are_summed_and_typed() -> None:
    found = report().bodies
    assert (found.body_bytes, found.wire_bytes) == (10, 4)
    assert found.sizes is not None and found.sizes.median == 10.0
    assert [(each.name, each.rows) for each in found.types] == [("none given", 3)]
    assert report(rows=ROWS[1:]).bodies.sizes is None


EVIL = "\x1b[31m\u202e"


def test_texts_of_the_manifest_are_escaped() -> None:
    job = replace(
        JOB,
        input=EVIL,
        input_path=EVIL,
        versions={EVIL: EVIL},
        settings=[SettingShown("a.b", EVIL, None), SettingShown("a.c", "1", "1")],
    )
    found = report(job)
    shown = "\\x1b[31m\\u202e"
    assert (found.job.input, found.job.input_path) == (shown, shown)
    assert found.job.versions == {shown: shown}
    assert found.settings[0].value == shown
    assert [each.name for each in found.changed] == ["a.b"]


def test_json_has_the_fields_of_the_sections_side_by_side() -> None:
    found = for_json(report())
    assert found["rows"] == 4
    assert found["retried"] == 2
    assert found["crawl"] is None
    assert found["failures_not_shown"] == 0
    assert {"outcomes", "statuses", "time", "latency", "size_plot", "kinds"} <= found.keys()
    assert msgspec.json.encode(found)
