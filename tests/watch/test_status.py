"""How far a job is, by its files."""

from __future__ import annotations

from pathlib import Path

import pytest

from fetcher.errors import ConflictError
from fetcher.export.choose import wanted_lines
from fetcher.export.merged import Merged
from fetcher.input.selection import parse
from fetcher.input.source_info import SourceInfo
from fetcher.model import Outcome
from fetcher.protocol.shard import Share
from fetcher.store.lock import DirectoryLock
from fetcher.store.reader import read_part
from fetcher.store.selection import keep
from fetcher.watch.status import estimated_lines, look, state_of
from support.crawl_outs import Page, make_crawl
from support.outs import make_out, row, write_input


def make(tmp_path: Path, *lines: int, of: int = 3) -> Path:
    return make_out(tmp_path / "out", write_input(tmp_path / "urls.txt", of), map(row, lines))


def test_a_complete_job_is_complete_whoever_holds_its_lock(tmp_path: Path) -> None:
    out = make(tmp_path, 1, 2, 3)
    found = read_part(out).manifest
    assert state_of(found, out) == "complete"
    with DirectoryLock(out):
        assert state_of(found, out) == "complete"


def test_other_jobs_are_running_while_a_sink_holds_the_lock(tmp_path: Path) -> None:
    out = make(tmp_path, 1)
    assert look([out]).state == "stopped"
    with DirectoryLock(out):
        assert look([out]).state == "running"


def test_the_counts_of_a_job(tmp_path: Path) -> None:
    seen = look([make(tmp_path, 1, 3)])
    assert (seen.rows, seen.url_lines, seen.url_lines_exact) == (2, 3, True)
    assert (seen.input, seen.totals.outcomes) == ("urls.txt", {"ok": 2})
    assert (seen.rate_per_s, seen.live, seen.absent, seen.retry_of) == (None, None, [], None)
    assert seen.updated_s_ago is not None and seen.updated_s_ago >= 0


def test_sinks_are_summed_and_absent_ones_named(tmp_path: Path) -> None:
    urls = write_input(tmp_path / "urls.txt", 20)
    rows = [row(line) for line in range(1, 21)]
    one = make_out(tmp_path / "one", urls, rows, share=Share(0, 2))
    job = read_part(one).manifest.job
    two = make_out(tmp_path / "two", urls, rows[:9], share=Share(1, 2), job=job)
    assert (look([one]).rows, look([one]).absent) == (12, ["sink 2 of 2"])
    both = look([one, two])
    assert (both.state, both.rows, both.url_lines, both.absent) == ("stopped", 13, 20, [])
    with DirectoryLock(two):
        assert look([one, two]).state == "running"
    with pytest.raises(ConflictError, match="belongs to another job"):
        look([one, make(tmp_path, 1)])


def retried(first: Path) -> Path:
    """The OUT of a complete retry of line 1 of this job."""
    merged, wanted = Merged([first], partial=False), parse("dns", None)
    again = first.parent / "again"
    again.mkdir()
    chosen = keep(again, wanted_lines(merged, wanted), merged.parts, wanted)
    return make_out(again, first.parent / "urls.txt", [row(1)], selection=chosen)


def test_a_retry_says_whose_lines_it_fetches_again(tmp_path: Path) -> None:
    urls = write_input(tmp_path / "urls.txt", 3)
    first = make_out(tmp_path / "out", urls, [row(1, Outcome.DNS), row(2), row(3)])
    seen = look([retried(first)])
    assert (seen.state, seen.rows, seen.url_lines) == ("complete", 1, 1)
    assert seen.retry_of == str(first)


def test_a_retry_is_a_job_of_its_own_and_the_error_says_how_to_merge_it(tmp_path: Path) -> None:
    urls = write_input(tmp_path / "urls.txt", 3)
    first = make_out(tmp_path / "out", urls, [row(1, Outcome.DNS), row(2), row(3)])
    again = retried(first)
    for given in ([first, again], [again, first]):
        with pytest.raises(ConflictError) as caught:
            look(given)
        assert str(caught.value) == (
            f"{given[1]} belongs to another job than {given[0]}, as a retry is a job of its own: "
            f"name each alone; `fetcher export {first} {again}` merges their rows"
        )


def test_a_crawl_has_its_counts_and_no_total_before_its_end(tmp_path: Path) -> None:
    pages = {"http://a.test/": Page()}
    half = look([make_crawl(tmp_path / "half", pages, ["http://a.test/"], most_rows=0)])
    assert (half.state, half.url_lines, half.url_lines_exact) == ("stopped", None, False)
    assert half.crawl is not None and half.crawl.found == 1
    assert look([make_crawl(tmp_path / "whole", pages, ["http://a.test/"])]).url_lines == 1


@pytest.mark.parametrize(
    ("source", "sinks", "of", "expected"),
    [
        (SourceInfo(), 1, 2, (None, False)),
        (SourceInfo(url_lines=9, at_end=True, fraction=1.0), 1, 1, (9, True)),
        (SourceInfo(url_lines=9, at_end=True, fraction=1.0), 1, 2, (4, False)),
        (SourceInfo(url_lines=10, at_end=True, fraction=1.0), 3, 4, (8, False)),
        (SourceInfo(url_lines=10, fraction=0.25), 1, 1, (40, False)),
    ],
)
def test_the_lines_of_some_sinks_are_estimated(
    source: SourceInfo, sinks: int, of: int, expected: tuple[int | None, bool]
) -> None:
    assert estimated_lines(source, sinks, of) == expected
