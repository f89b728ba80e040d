"""`verify` proves a whole crawl, and finds damage to it, also where the journal agrees with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from fetcher.cli.main import cli
from fetcher.errors import Exit
from fetcher.frontier.links import Link
from fetcher.frontier.rules import CrawlRules
from fetcher.protocol.output_spec import Output
from fetcher.store.reader import read_part
from fetcher.verify import audit, crawl, crawl_links, crawl_log
from support.crawl_outs import Page, make_crawl, rewrite, rewrite_log
from support.proven_crawls import HOME, KEYS, LINKS, LOG, PAGES, ROWS, flipped, verdict, whole


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return whole(tmp_path)


@pytest.mark.parametrize("order", ["log", "levels"])
def test_a_whole_crawl_is_proven(
    tmp_path: Path, order: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = CrawlRules(order=order)
    out = make_crawl(tmp_path / "out", PAGES, [HOME, f"{HOME}#again"], rules, segment_bytes=40)
    report = verdict(out)
    assert report.counts == {}
    assert report.crawl is not None
    assert (report.crawl.lines, report.crawl.seeds) == (5, 1)
    assert (report.crawl.links, report.crawl.linking) == (8, 4)
    assert cli.main(["verify", str(out)], standalone_mode=False) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("log: 1 seed and 4 found on earlier lines;")
    assert said[1].startswith("links: 8 on 4 pages;")
    assert said[2] == "pages: not compared with their links, because bodies are not kept"
    assert said[3].startswith("proven: 5 URL lines, 5 rows, one each")


def test_a_crawl_that_has_not_ended_lacks_rows_and_nothing_else(tmp_path: Path) -> None:
    out = make_crawl(tmp_path / "out", PAGES, [HOME], most_rows=2)
    assert verdict(out).counts == {audit.NO_ROW: 2}


def test_a_crawl_whose_links_wait_for_the_next_level_is_not_proven(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = CrawlRules(order="levels")
    out = make_crawl(tmp_path / "out", PAGES, [HOME], rules, most_rows=1)
    assert verdict(out).counts == {audit.NOT_IN_LOG: 1}
    assert cli.main(["verify", str(out)], standalone_mode=False) == Exit.UNPROVEN
    assert capsys.readouterr().out.startswith("NOT proven: 1 URL line, 1 row")


@pytest.mark.parametrize("seeds", [0, 1])
def test_a_crawl_that_has_not_all_its_seeds_is_not_proven(tmp_path: Path, seeds: int) -> None:
    out = make_crawl(tmp_path / "out", {}, [HOME], most_seeds=seeds, most_rows=seeds)
    report = verdict(out)
    assert report.counts == {audit.NOT_IN_LOG: 1}
    assert report.is_only_unfinished


@pytest.mark.parametrize("name", [LOG, KEYS, LINKS])
def test_bytes_that_the_journal_does_not_have_are_found(out: Path, name: str) -> None:
    path = out / name
    whole = path.read_bytes()
    path.write_bytes(flipped(len(whole) // 2)(whole))
    counts = verdict(out).counts
    assert counts
    assert set(counts) & {crawl_log.DAMAGED, crawl_log.OTHER_KEY, crawl_links.NO_TARGET}
    path.write_bytes(whole[:-1])
    assert verdict(out).counts[crawl_log.DAMAGED] >= 1
    path.unlink()
    assert verdict(out).counts[crawl_log.DAMAGED] >= 1
    path.write_bytes(whole)
    assert verdict(out).counts == {}


@pytest.mark.parametrize("name", [LOG, KEYS, LINKS])
def test_a_missing_file_is_found_where_pages_are_read_again(tmp_path: Path, name: str) -> None:
    pages = {HOME: Page((Link(f"{HOME}1"),), body="<a href=/1>")}
    out = make_crawl(tmp_path / "out", pages, [HOME], output=Output(bodies="inline"))
    assert verdict(out).counts == {}
    (out / name).unlink()
    assert verdict(out).counts[crawl_log.DAMAGED] >= 1


def test_a_row_that_says_another_finder_is_found(out: Path) -> None:
    rewrite(out, ROWS, lambda data: data.replace(b'"via":"redirect"', b'"via":"frame"'))
    assert verdict(out).counts == {audit.OTHER_FINDER: 1}


def test_a_finder_without_a_row_is_found(out: Path) -> None:
    def without_line_2(data: bytes) -> bytes:
        return b"".join(row for row in data.splitlines(keepends=True) if b'"line":2,' not in row)

    rewrite(out, ROWS, without_line_2)
    report = verdict(out)
    assert report.counts[crawl.NO_FINDER] == 1
    assert report.counts[audit.NO_ROW] == 1


def test_without_kept_links_the_log_is_still_proven(tmp_path: Path) -> None:
    out = make_crawl(tmp_path / "out", PAGES, [HOME], CrawlRules(keep_links=False))
    report = verdict(out)
    assert report.counts == {}
    assert report.crawl is not None
    assert (report.crawl.links, report.crawl.no_pages) == (None, "links are not kept")
    rewrite_log(out, 3, depth=4)
    assert crawl_log.OTHER_DEPTH in verdict(out).counts


@pytest.mark.parametrize(
    ("rules", "bodies", "why"),
    [
        ({}, "none", "bodies are not kept"),
        ({}, "warc", "bodies are kept in WARC files, which are checked by their digests alone"),
        ({"page_links": False}, "inline", "links of pages are not followed"),
        ({"keep_links": False}, "inline", "links are not kept"),
        ({}, "inline", ""),
        ({}, "files", ""),
    ],
)
def test_pages_are_read_again_only_where_they_and_their_links_are_kept(
    out: Path, rules: dict[str, Any], bodies: Any, why: str
) -> None:
    part = read_part(out)
    kept = replace(part.manifest, output=Output(bodies=bodies))
    assert crawl._why_not(part._replace(manifest=kept), CrawlRules(**rules)) == why
