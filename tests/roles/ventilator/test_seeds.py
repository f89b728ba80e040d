"""The seeds of a crawl, page by page."""

from __future__ import annotations

from pathlib import Path

import pytest

from fetcher.input import log_lines
from fetcher.input.log_lines import LogLine
from fetcher.input.source import Source
from fetcher.leases.crawl_feed import SeedPage
from fetcher.roles.ventilator import seeds
from fetcher.roles.ventilator.seeds import SeedReader


def reader(tmp_path: Path, count: int) -> SeedReader:
    path = tmp_path / "seeds.txt"
    path.write_text("# seeds\n\n" + "".join(f"http://a.test/{n}\n" for n in range(count)))
    return SeedReader(Source(path))


def urls(page: SeedPage) -> list[str]:
    return [log_lines.decode(text).url for text in page.texts]


def test_seeds_are_read_page_by_page_and_any_page_again(tmp_path: Path) -> None:
    count = 2 * seeds._PAGE_SEEDS + 3
    read = reader(tmp_path, count)
    first = read.page(0)
    second = read.page(seeds._PAGE_SEEDS)
    last = read.page(2 * seeds._PAGE_SEEDS)
    assert [len(page.texts) for page in (first, second, last)] == [5000, 5000, 3]
    assert [page.at_end for page in (first, second, last)] == [False, False, True]
    assert urls(last)[-1] == f"http://a.test/{count - 1}"
    assert read.page(2 * seeds._PAGE_SEEDS) == last
    assert read.page(seeds._PAGE_SEEDS) == second
    assert read.page(4)[0][0] == log_lines.encode(log_lines.LogLine("http://a.test/4"))
    assert read.page(count) == SeedPage([], at_end=True)


def test_the_page_that_takes_the_last_seed_says_so(tmp_path: Path) -> None:
    page = reader(tmp_path, seeds._PAGE_SEEDS).page(0)
    assert (len(page.texts), page.at_end) == (5000, True)


def test_a_page_is_bounded_in_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = log_lines.encode(LogLine("http://a.test/0"))
    monkeypatch.setattr(seeds, "_PAGE_BYTES", 2 * len(line) + 1)
    read = reader(tmp_path, 5)
    assert [len(read.page(first).texts) for first in (0, 3)] == [3, 2]
    assert read.page(3).at_end


def test_an_invalid_seed_is_a_line_of_the_log_too(tmp_path: Path) -> None:
    path = tmp_path / "seeds.jsonl"
    path.write_text('{"url": "http://a.test/", "id": 7}\nnot a record\n')
    page = SeedReader(Source(path)).page(0)
    first, second = map(log_lines.decode, page.texts)
    assert (first.url, first.id) == ("http://a.test/", 7)
    assert "not a record" in second.url
