"""A job seen by its files alone."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import pytest

from fetcher.errors import DamageError, UsageError
from fetcher.model import Outcome
from fetcher.protocol.shard import Share
from fetcher.store import manifest
from fetcher.store.lock import DirectoryLock
from fetcher.watch.files_view import FilesView
from support.crawl_outs import Page, make_crawl
from support.outs import make_out, row, write_input


def test_an_out_is_looked_at_by_its_journal_and_its_newest_rows(tmp_path: Path) -> None:
    urls = write_input(tmp_path / "urls.txt", 20)
    rows = [row(n, Outcome.DNS if n == 7 else Outcome.OK) for n in range(1, 17)]
    files = FilesView(make_out(tmp_path / "out", urls, rows))
    seen = files.look().job
    assert (seen.phase, seen.rows) == ("stopped", 16)
    assert (seen.url_lines, seen.url_lines_exact) == (20, True)
    assert seen.totals.outcomes == {"ok": 15, "dns": 1}
    assert [(each.line, each.outcome) for each in seen.failed_lines] == [(7, "dns")]
    assert seen == files.look().job, "no row is seen twice"


def test_of_a_large_out_only_the_end_is_read(tmp_path: Path) -> None:
    count = 4000
    urls = write_input(tmp_path / "urls.txt", count)
    rows = [row(n, Outcome.DNS if n in (1, count) else Outcome.OK) for n in range(1, count + 1)]
    seen = FilesView(make_out(tmp_path / "out", urls, rows)).look().job
    assert (seen.phase, seen.rows) == ("complete", count)
    assert [each.line for each in seen.failed_lines] == [count]


def test_a_directory_without_a_job_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no job was begun here"):
        FilesView(tmp_path)


def complete(tmp_path: Path) -> Path:
    urls = write_input(tmp_path / "urls.txt", 3)
    return make_out(tmp_path / "out", urls, map(row, (1, 2, 3)))


def marked(out: Path, *marks: tuple[float, int]) -> Path:
    """The OUT with these marks in its journal: seconds ago, and rows."""
    now_s = int(time.time())
    with sqlite3.connect(out / "journal.sqlite") as db:
        db.execute("DELETE FROM marks")
        for ago_s, rows in marks:
            db.execute("INSERT INTO marks VALUES (?, ?)", (now_s - ago_s, rows))
    db.close()
    return out


def test_the_rates_are_those_between_the_marks_of_the_journal(tmp_path: Path) -> None:
    out = marked(complete(tmp_path), (100, 0), (90, 20), (80, 25))
    assert FilesView(out).look().rates == (2.0, 0.5)


def test_only_a_running_job_has_a_rate_and_a_time_left(tmp_path: Path) -> None:
    urls = write_input(tmp_path / "urls.txt", 12)
    out = marked(make_out(tmp_path / "out", urls, map(row, (1, 2, 3))), (4, 0), (2, 1))
    assert (FilesView(out).look().job.rate_per_s, FilesView(out).look().job.left_s) == (None, None)
    with DirectoryLock(out):
        job = FilesView(out).look().job
    assert job.phase == "running"
    assert job.rate_per_s is not None and job.rate_per_s > 0
    assert job.left_s == pytest.approx(9 / job.rate_per_s)
    assert not job.left_is_least, "its settings do not say that it is polite"


def test_one_of_several_sinks_has_its_part_of_an_estimate(tmp_path: Path) -> None:
    urls = write_input(tmp_path / "urls.txt", 40)
    out = make_out(tmp_path / "out", urls, [row(1)], share=Share(0, 2))
    assert (FilesView(out).look().job.url_lines, FilesView(out).look().job.url_lines_exact) == (
        *(24, True),
    ), "three of five batches"
    found = manifest.read(out)
    assert found is not None
    found.share_url_lines = None
    manifest.write(out, found)
    job = FilesView(out).look().job
    assert (job.url_lines, job.url_lines_exact) == (20, False)


def test_a_crawl_has_no_total_until_it_is_complete(tmp_path: Path) -> None:
    half = make_crawl(
        tmp_path / "half", {"http://a.test/": Page()}, ["http://a.test/"], most_rows=0
    )
    job = FilesView(half).look().job
    assert (job.url_lines, job.url_lines_exact) == (None, False)
    assert job.crawl is not None and job.crawl.found == 1
    whole = make_crawl(tmp_path / "whole", {"http://a.test/": Page()}, ["http://a.test/"])
    assert FilesView(whole).look().job.url_lines == 1


def test_a_journal_that_is_gone_is_damage(tmp_path: Path) -> None:
    out = complete(tmp_path)
    view = FilesView(out)
    (out / "journal.sqlite").unlink()
    with pytest.raises(DamageError, match=r"journal\.sqlite: is missing, so the rows cannot be"):
        view.look()


def test_the_title_names_the_input_and_the_directory(tmp_path: Path) -> None:
    out = complete(tmp_path)
    view = FilesView(out).look()
    assert view.title == f"urls.txt in {out}"
    assert view.committed_s_ago is not None and view.committed_s_ago >= 0
