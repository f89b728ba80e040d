"""The log of a crawl, read as the list of its lines."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from msgspec.structs import replace

from fetcher.errors import DamageError
from fetcher.frontier.links import Link
from fetcher.input import log_lines
from fetcher.store import log_source
from fetcher.store.log_source import LogSource, log_files
from fetcher.store.reader import Part, read_part
from support.crawl_outs import Page, make_crawl, rewrite

URLS = [f"http://a.test/{n}" for n in range(5)]
PAGES = {url: Page((Link(after),)) for url, after in itertools.pairwise(URLS)}


def part_of(tmp_path: Path, segment_bytes: int = 1 << 20) -> Part:
    out = make_crawl(tmp_path / "out", PAGES, URLS[:1], segment_bytes=segment_bytes)
    return read_part(out)


def urls_of(part: Part) -> list[tuple[int, str]]:
    return [(line, log_lines.decode(text).url) for line, text in LogSource(part).url_lines()]


@pytest.fixture(scope="module")
def crawls(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Part]:
    """Crawls that no test changes, by the size of their segments."""
    return cache(lambda size: part_of(tmp_path_factory.mktemp("crawl"), size))


@pytest.mark.parametrize("block_bytes", [1, 7, 1 << 18])
@pytest.mark.parametrize("segment_bytes", [1, 100, 1 << 20])
def test_all_lines_come_in_order_from_all_files(
    crawls: Callable[[int], Part],
    monkeypatch: pytest.MonkeyPatch,
    block_bytes: int,
    segment_bytes: int,
) -> None:
    monkeypatch.setattr(log_source, "_BLOCK_BYTES", block_bytes)
    part = crawls(segment_bytes)
    assert (len(log_files(part)) == 1) == (segment_bytes > 1000)
    assert all(name.endswith(".jsonl") for name in log_files(part)), "without the files of keys"
    assert urls_of(part) == list(enumerate(URLS, 1))


def test_bytes_that_are_not_committed_do_not_count(tmp_path: Path) -> None:
    part = part_of(tmp_path)
    with (part.out / log_files(part)[0]).open("ab") as file:
        file.write(b'{"url":"http://torn.test/"}\n')
    assert urls_of(part) == list(enumerate(URLS, 1))


def test_a_file_that_was_changed_or_ends_within_a_line_is_damage(tmp_path: Path) -> None:
    part = part_of(tmp_path)
    name = log_files(part)[0]
    path = part.out / name
    good = path.read_bytes()
    path.write_bytes(good.replace(b"a.test", b"b.test"))
    with pytest.raises(DamageError, match=r"jsonl: its bytes are not those that were committed"):
        urls_of(part)
    rewrite(part.out, name, lambda _: good[:-1])
    with pytest.raises(DamageError, match=r"jsonl: its bytes are not those that were committed"):
        urls_of(read_part(part.out))


def test_another_number_of_lines_than_the_journal_has_is_damage(tmp_path: Path) -> None:
    part = part_of(tmp_path)
    crawl = part.view.crawl
    assert crawl is not None
    more = part._replace(view=replace(part.view, crawl=replace(crawl, lines=6)))
    with pytest.raises(DamageError, match=r"frontier: has 5 lines, and the journal has 6 lines"):
        urls_of(more)
    with pytest.raises(DamageError, match=r"has 5 lines, and the journal has no crawl"):
        urls_of(part._replace(view=replace(part.view, crawl=None)))
