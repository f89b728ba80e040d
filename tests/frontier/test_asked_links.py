"""The links of rows that are looked up together come back to their rows."""

from __future__ import annotations

import numpy as np

from fetcher.frontier.admitted import RECORD_BYTES, Edge, RowLinks, totals_of
from fetcher.frontier.asked_links import AskedLinks
from fetcher.frontier.keys import digests_of
from fetcher.frontier.link_batch import LinkBatch
from fetcher.frontier.link_table import LinkTable
from fetcher.frontier.links import Link, LinkRequest
from fetcher.frontier.totals import CrawlTotals, Refusal

SEED = 7
PAGES = [
    [Link("http://h/a"), Link("http://h/b", key="http://h/B")],
    [],
    [Link("http://h/c", "image"), Link("http://h/d", request=LinkRequest("POST"))],
]


def asked() -> AskedLinks:
    return AskedLinks([LinkTable.of(page) for page in PAGES], lambda link: f"POST {link.url}", SEED)


def test_the_keys_of_all_rows_are_asked_for_in_their_order() -> None:
    texts = [b"http://h/a", b"http://h/B", b"http://h/c", b"POST http://h/d"]
    keys = digests_of(texts, SEED)
    assert asked().keys == b"".join(keys)
    assert asked().keys_of([1, 3]) == [keys[1], keys[3]]
    assert asked().most == 2
    assert AskedLinks([], str, SEED).most == 0


def test_only_chosen_links_are_made_and_each_row_knows_its_first_one() -> None:
    links, starts = asked().links([1, 2, 3])
    assert (list(links), starts) == ([PAGES[0][1], *PAGES[2]], [0, 1, 1, 3])
    links, starts = asked().links([])
    assert (list(links), starts) == ([], [0, 0, 0, 0])


def test_each_row_is_answered_with_its_own_links() -> None:
    rows = [RowLinks(line, 0, page) for line, page in enumerate(PAGES, 1)]
    refused: Edge = (Refusal.SCOPE, "http://h/d", "a")
    batch = LinkBatch(
        LinkTable.of([PAGES[0][1], *PAGES[2]]), [b"1", b"2", b"3"], new=[0, 1], first_line=10
    )
    batch.records = bytes([1]) * RECORD_BYTES + bytes([2]) * RECORD_BYTES
    batch.foreign = [False, True]
    batch.edges = [10, 11, refused]
    lines = np.array([3, 0, 0, 0], dtype=np.uint32)
    first, second, third = asked().admitted(rows, lines, [1, 2, 3], batch, [0, 1, 1, 3])
    assert (first.edges, list(first.new), first.lines[0].line) == ([3, 10], [PAGES[0][1]], 10)
    assert (second.edges, list(second.new), second.unknown) == ([], [], 0)
    assert (third.edges, list(third.new), third.foreign) == ([11, refused], [PAGES[2][0]], [True])
    assert (third.first_line, third.records) == (11, bytes([2]) * RECORD_BYTES)
    assert (first.unknown, third.unknown) == (1, 2)
    assert totals_of([third]) == CrawlTotals(2, {0: 1}, {"scope": 1})
