"""The links of any row of a crawl."""

from __future__ import annotations

from pathlib import Path

import msgpack
import pytest

from fetcher.frontier.links import Link
from fetcher.frontier.rules import CrawlRules
from fetcher.store import link_index
from fetcher.store.crawl_links import Target, files_of
from fetcher.store.link_index import LinkIndex
from fetcher.store.reader import Part, read_part
from support.crawl_outs import Page, make_crawl, rewrite

HOME, ONE, TWO = "http://a.test/", "http://a.test/1", "http://a.test/2"
PAGES = {
    HOME: Page((Link(ONE), Link(TWO, "redirect"), Link("ftp://b.test/"))),
    TWO: Page((Link(HOME),)),
}
REFUSED = ("invalid", "ftp://b.test/", "a"), "a"
LINKS = [(2, "a"), (3, "redirect"), REFUSED]


def part_of(tmp_path: Path, rules: CrawlRules | None = None, segment_bytes: int = 1) -> Part:
    out = make_crawl(tmp_path / "out", PAGES, [HOME], rules, segment_bytes=segment_bytes)
    return read_part(out)


def found(part: Part, lines: int = 3) -> dict[int, list[tuple[Target, str | None]]]:
    with LinkIndex(part, lines) as index:
        return {line: list(index.of(line)) for line in range(lines, 0, -1)}


@pytest.mark.parametrize("segment_bytes", [1, 1 << 20])
@pytest.mark.parametrize("read_bytes", [1, 5, 1 << 16])
def test_each_row_has_its_links_in_whichever_file_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, segment_bytes: int, read_bytes: int
) -> None:
    monkeypatch.setattr(link_index, "_READ_BYTES", read_bytes)
    part = part_of(tmp_path, segment_bytes=segment_bytes)
    assert len(files_of(part)) == (2 if segment_bytes == 1 else 1)
    assert found(part) == {1: LINKS, 2: [], 3: [(1, "a")]}


def test_a_row_of_a_crawl_by_levels_has_the_links_of_both_its_records(tmp_path: Path) -> None:
    part = part_of(tmp_path, CrawlRules(order="levels"))
    assert found(part)[1] == [(2, "redirect"), (3, "a"), REFUSED], "the redirect was judged first"


def test_lines_that_the_log_does_not_have_are_left_out(tmp_path: Path) -> None:
    assert found(part_of(tmp_path), lines=1) == {1: LINKS}


def test_what_follows_damage_in_a_file_is_left_out_and_other_files_are_read(
    tmp_path: Path,
) -> None:
    part = part_of(tmp_path)
    first, second = files_of(part)
    rewrite(part.out, first, lambda data: msgpack.packb("text") + data)
    assert found(read_part(part.out)) == {1: [], 2: [], 3: [(1, "a")]}
    rewrite(part.out, second, lambda data: data + msgpack.packb([0, [1]]))
    assert found(read_part(part.out))[3] == [(1, "a")]
