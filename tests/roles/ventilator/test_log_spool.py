"""The texts of a crawl's lines, and blocks of their numbers, outside of memory."""

from __future__ import annotations

import random
from pathlib import Path

from fetcher.input import log_lines
from fetcher.input.source import Source
from fetcher.leases.crawl_feed import SeedPage
from fetcher.roles.ventilator import seeds
from fetcher.roles.ventilator.log_spool import BlockSpool, LogSpool
from fetcher.roles.ventilator.seeds import SeedReader


def test_any_lines_are_read_back_in_any_order() -> None:
    dice = random.Random(1)
    texts = [b"" if n % 7 == 0 else b"line %d " % n * dice.randint(1, 9) for n in range(1000)]
    spool, line = LogSpool(), 1
    while line <= len(texts):
        count = dice.randint(1, 150)
        spool.put(line, texts[line - 1 : line - 1 + count])
        line = min(line + count, len(texts) + 1)
        lines = sorted(dice.sample(range(1, line), min(line - 1, 20)))
        assert spool.get(lines) == [texts[n - 1] for n in lines]


def test_blocks_come_back_by_their_tickets() -> None:
    spool = BlockSpool()
    tickets = [spool.put(bytes([n]) * n) for n in range(1, 50)]
    for n, ticket in reversed(list(enumerate(tickets, 1))):
        assert spool.get(ticket) == bytes([n]) * n


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
