"""`verify` finds every kind of damage to a crawl, also where the journal agrees with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgpack
import pytest

from fetcher.cli.main import cli
from fetcher.frontier.links import Link
from fetcher.frontier.rules import CrawlRules
from fetcher.frontier.totals import Refusal
from fetcher.protocol.output_spec import Output
from fetcher.store.reader import read_part
from fetcher.verify import audit, crawl, crawl_links, crawl_log, pages
from fetcher.verify.audit import Audit, Report
from fetcher.verify.crawl_log import LogAudit
from fetcher.verify.findings import Findings
from support.crawl_outs import Page, make_crawl, rewrite, rewrite_log

SITE = "http://a.test"
HOME, ONE, TWO, MOVED, DEEP = (f"{SITE}/{path}" for path in ("", "1", "2", "moved", "deep/er"))
# In the order of the log: the home page, 1, 2, moved, deep.
PAGES = {
    HOME: Page((Link(ONE), Link(TWO), Link("http://b.test/")), left_out={Refusal.NOFOLLOW: 2}),
    ONE: Page((Link(HOME), Link(MOVED, "redirect"))),
    TWO: Page((Link(ONE),)),
    MOVED: Page((Link(DEEP), Link("http://b.test/"))),
}
LOG, KEYS = "frontier/part-00000.jsonl", "frontier/part-00000.keys"
LINKS, ROWS = "links/part-00000.msgpack", "results/part-00000.jsonl"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A complete crawl of five lines."""
    return make_crawl(tmp_path / "out", PAGES, [HOME, f"{HOME}#again"])


def verdict(out: Path) -> Report:
    return Audit([out], None).run()


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


# What is changed in a line of the log, and what verify finds, apart from the row that differs.
LINES: list[tuple[int, dict[str, object], set[str]]] = [
    (3, {"url": "http://b.test/2"}, {crawl_log.REFUSED}),
    (3, {"url": ONE}, {crawl_log.SAME_KEY}),
    (3, {"url": f"{SITE}/3"}, {crawl_log.OTHER_KEY}),
    (3, {"url": f"{SITE}/a/a/a/a/a"}, {crawl_log.REFUSED}),
    (3, {"url": "ftp://a.test/"}, {crawl_log.REFUSED}),
    (3, {"depth": 2}, {crawl_log.OTHER_DEPTH, crawl_log.OTHER_COUNTS}),
    (3, {"hops": 1}, {crawl_log.OTHER_DEPTH}),
    (3, {"via": "seed"}, {crawl_log.NOT_A_SEED}),
    (1, {"via": "a"}, {crawl_log.NOT_A_SEED}),
    (4, {"via": "a"}, {crawl_log.OTHER_DEPTH}),
    (5, {"found_on": 3}, {crawl_links.NOT_LINKED}),
    (3, {"found_on": 4}, {crawl_log.NOT_EARLIER, crawl_links.NOT_LINKED}),
    (3, {"found_on": 3}, {crawl_log.NOT_EARLIER, crawl_links.NOT_LINKED}),
]


@pytest.mark.parametrize(("line", "changed", "kinds"), LINES)
def test_a_changed_line_of_the_log_is_found(
    out: Path, line: int, changed: dict[str, object], kinds: set[str]
) -> None:
    rewrite_log(out, line, **changed)
    report = verdict(out)
    assert kinds <= report.counts.keys()
    assert any(f"line {line}" in each for each in report.listed)
    if changed.keys() != {"hops"}:
        assert report.counts.keys() & {audit.OTHER_FINDER, audit.OTHER_URL}


def test_a_line_of_the_log_that_cannot_be_read_is_found(out: Path) -> None:
    rewrite(
        out, LOG, lambda data: data.replace(b'{"url":"http://a.test/2"', b'{"u":"http://a.test/2"')
    )
    assert verdict(out).counts[crawl_log.NOT_PARSED] == 1


def test_a_line_of_the_log_too_much_is_found(out: Path) -> None:
    rewrite(out, LOG, lambda data: data + data.splitlines(keepends=True)[-1])
    report = verdict(out)
    assert report.counts[crawl_log.DAMAGED] == 1
    assert f"line 6: {crawl_log.SAME_KEY}" in report.listed


RULES: list[tuple[dict[str, Any], str]] = [
    ({"max_pages": 4}, "line 5 (max_pages)"),
    ({"max_pages_per_host": 3}, "line 4 (max_pages_per_host)"),
    ({"depth": 1}, "line 5 (depth)"),
    ({"deny": ("/2$",)}, "line 3 (deny)"),
    ({"allow": ("/[12]",)}, "line 4 (allow)"),
    ({"scope": "page"}, "line 2 (scope)"),
    ({"path_depth": 1, "repeated_segments": 1}, "line 5 (path_depth)"),
    ({"url_bytes": 16}, "line 4 (url_bytes)"),
]


@pytest.mark.parametrize(("rules", "where"), RULES)
def test_each_rule_is_judged_again(out: Path, rules: dict[str, Any], where: str) -> None:
    findings = Findings()
    LogAudit(read_part(out), CrawlRules(**rules), findings).run()
    assert f"{where}: {crawl_log.REFUSED}" in findings.listed


def flipped(at: int) -> Callable[[bytes], bytes]:
    return lambda data: data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :]


def test_a_changed_key_and_a_changed_host_are_found(out: Path) -> None:
    rewrite(out, KEYS, flipped(24 * 2 + 3))
    rewrite(out, KEYS, flipped(24 * 3 + 20))
    report = verdict(out)
    assert report.counts == {crawl_log.OTHER_KEY: 2}
    assert f"line 3: {crawl_log.OTHER_KEY}" in report.listed


def test_missing_and_surplus_keys_are_found(out: Path) -> None:
    whole = (out / KEYS).read_bytes()
    rewrite(out, KEYS, lambda data: data[:-24])
    assert verdict(out).counts == {crawl_log.OTHER_KEY: 1}
    rewrite(out, KEYS, lambda _: whole + bytes(24))
    assert verdict(out).counts == {crawl_log.OTHER_KEY: 1}


def changed_links(out: Path, edit: Callable[[list[list[Any]]], None]) -> dict[str, int]:
    """What is found after a change of the records of links."""

    def rewritten(data: bytes) -> bytes:
        unpacker = msgpack.Unpacker()
        unpacker.feed(data)
        records = list(unpacker)
        edit(records)
        return b"".join(map(msgpack.packb, records))

    rewrite(out, LINKS, rewritten)
    return verdict(out).counts


def test_links_that_lead_nowhere_or_are_of_no_page_are_found(out: Path) -> None:
    def edit(records: list[list[Any]]) -> None:
        records[1][1][0] = 6  # HOME before
        records[2][0] = 9  # TWO before

    assert changed_links(out, edit) == {
        crawl_links.NO_TARGET: 1,
        crawl_links.NO_PAGE: 1,
        crawl_log.OTHER_COUNTS: 1,
    }


def test_a_missing_link_is_found_by_the_line_that_it_made(out: Path) -> None:
    def edit(records: list[list[Any]]) -> None:
        records[3][1][0] = 1  # DEEP before

    assert changed_links(out, edit) == {crawl_links.NOT_LINKED: 1}


def test_links_that_were_recorded_twice_are_found(out: Path) -> None:
    found = changed_links(out, lambda records: records.append(records[2]))
    assert found == {crawl_links.TWICE: 1, crawl_log.OTHER_COUNTS: 1}


def test_another_reason_of_a_refusal_is_found(out: Path) -> None:
    def edit(records: list[list[Any]]) -> None:
        records[0][1][2][0] = "deny"

    assert changed_links(out, edit) == {crawl_log.OTHER_COUNTS: 1}


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


KEPT = {
    HOME: Page((Link(ONE), Link(TWO)), body='<a href="1">1</a><a href="/2#x">2</a>'),
    ONE: Page((Link(HOME),), body='<a href="/">home</a>'),
    TWO: Page((), body="<p>nothing</p>"),
}


def kept_crawl(out: Path, **changed: Page) -> Path:
    pages = {**KEPT, **{f"{SITE}/{path}": page for path, page in changed.items()}}
    return make_crawl(out, pages, [HOME], output=Output(bodies="inline"))


def test_kept_pages_are_compared_with_their_links(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = kept_crawl(tmp_path / "out")
    report = verdict(out)
    assert report.counts == {}
    assert report.crawl is not None
    assert (report.crawl.pages, report.crawl.no_pages) == (3, "")
    assert cli.main(["verify", str(out)], standalone_mode=False) == 0
    assert (
        "pages: 3 kept pages read again; their links are those that were recorded"
        in capsys.readouterr().out
    )


def test_links_that_a_page_has_and_the_crawl_has_not_are_found(tmp_path: Path) -> None:
    out = kept_crawl(tmp_path / "out", **{"2": Page((), body='<a href="/1">1</a>')})
    assert verdict(out).counts == {pages.MISSING: 1}


def test_links_that_the_crawl_has_and_the_page_has_not_are_found(tmp_path: Path) -> None:
    out = kept_crawl(tmp_path / "out", **{"1": Page((Link(HOME), Link(TWO)), body='<a href="/">')})
    assert verdict(out).counts == {pages.SURPLUS: 1}


def test_a_sample_is_every_nth_line(tmp_path: Path) -> None:
    out = kept_crawl(tmp_path / "out", **{"2": Page((), body='<a href="/1">1</a>')})
    sampled, whole = (Audit([out], None, sample).run() for sample in (1, None))
    assert sampled.crawl is not None
    assert whole.crawl is not None
    assert (sampled.crawl.step, sampled.crawl.pages) == (3, 1)
    assert (whole.crawl.step, whole.crawl.pages) == (1, 3)


def test_without_kept_links_the_log_is_still_proven(tmp_path: Path) -> None:
    out = make_crawl(tmp_path / "out", PAGES, [HOME], CrawlRules(keep_links=False))
    report = verdict(out)
    assert report.counts == {}
    assert report.crawl is not None
    assert (report.crawl.links, report.crawl.no_pages) == (None, "links are not kept")
    rewrite_log(out, 3, depth=4)
    assert crawl_log.OTHER_DEPTH in verdict(out).counts
