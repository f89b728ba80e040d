"""Any line of a log by its number."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from fetcher.errors import DamageError
from fetcher.frontier.links import Link
from fetcher.input.log_lines import LogLine
from fetcher.store.log_index import LogIndex
from fetcher.store.reader import Part, read_part
from support import outs
from support.crawl_outs import Page, make_crawl, rewrite

URLS = [f"http://a.test/{'x' * n}" for n in range(12)]
PAGES = {url: Page((Link(after),)) for url, after in itertools.pairwise(URLS)}


def part_of(tmp_path: Path, segment_bytes: int = 1 << 20) -> Part:
    out = make_crawl(tmp_path / "out", PAGES, URLS[:1], segment_bytes=segment_bytes)
    return read_part(out)


@pytest.fixture(scope="module")
def crawls(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Part]:
    """Crawls that no test changes, by the size of their segments."""
    return cache(lambda size: part_of(tmp_path_factory.mktemp("crawl"), size))


@pytest.mark.parametrize("segment_bytes", [1, 200, 1 << 20])
def test_lines_are_found_in_any_order_in_any_file(
    crawls: Callable[[int], Part], segment_bytes: int
) -> None:
    lines = [*range(1, 13), *range(1, 13)]
    random.Random(5).shuffle(lines)
    with LogIndex(crawls(segment_bytes)) as index:
        assert index.lines == 12
        for line in lines:
            entry = index.entry(line)
            assert (entry.url, entry.found_on) == (URLS[line - 1], line - 1)


@pytest.mark.parametrize("line", [0, 13, -1])
def test_a_line_that_the_log_does_not_have_is_damage(
    crawls: Callable[[int], Part], line: int
) -> None:
    with (
        LogIndex(crawls(1 << 20)) as index,
        pytest.raises(DamageError, match=rf"leads to line {line}, and the log has 12 lines"),
    ):
        index.entry(line)


def test_a_line_that_is_not_one_of_a_log_is_damage_only_where_it_is_read(tmp_path: Path) -> None:
    part = part_of(tmp_path)

    def broken(data: bytes) -> bytes:
        first, _, rest = data.split(b"\n", 2)
        return b"\n".join((first, b"{}", rest))

    rewrite(part.out, "frontier/part-00000.jsonl", broken)
    with LogIndex(read_part(part.out)) as index:
        assert index.entry(3) == LogLine(URLS[2], 2, 2, "a")
        with pytest.raises(DamageError, match=r"part-00000\.jsonl: line 2 of the log is damaged"):
            index.entry(2)


def test_the_log_of_a_list_is_damage(tmp_path: Path) -> None:
    urls = outs.write_input(tmp_path / "urls.txt", 2)
    part = read_part(outs.make_out(tmp_path / "list", urls, []))
    with pytest.raises(DamageError, match=r"the journal has no crawl"):
        LogIndex(part)
