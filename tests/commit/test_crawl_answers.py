"""The answers to a ventilator of a crawl: how far the crawl is, and pages of its log."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from fetcher import bitset
from fetcher.commit import crawl_answers
from fetcher.commit.committer import Committer
from fetcher.commit.crawl_record import CrawlRecord
from fetcher.frontier.totals import CrawlTotals
from fetcher.input import log_lines
from fetcher.protocol.messages import CrawlState, LogPage
from support.growing import SIZE, Memory, chunk, growth_of, seeds

URLS = [f"http://a/{n}" for n in range(10)]


def begun(*done: int, at_end: bool = True) -> Committer:
    """The committer of a crawl of ten seeds, with rows for some lines."""
    committer = Memory().begin()
    growth_of(committer).seeds(0, seeds(*URLS), at_end=at_end)
    for line in done:
        committer.offer(chunk(line), SIZE)
    committer.commit()
    return committer


def urls_of(page: LogPage) -> list[str]:
    """The URLs of the lines of a page."""
    texts = page.texts.split(b"\n") if page.texts else []
    return [log_lines.decode(text).url for text in texts]


def texts_of(committer: Committer, *lines: int) -> list[bytes]:
    files = growth_of(committer).files
    return [text for line in lines for text in files.log_texts(line, line + 1)]


def page_of(committer: Committer, first: int, most_lines: int = 1000) -> LogPage:
    page = crawl_answers.page(committer, first, SIZE, most_lines)
    assert isinstance(page, LogPage)
    return page


def test_the_state_is_that_of_the_last_commit() -> None:
    committer = begun(1, 2)
    growth = growth_of(committer)
    committer.offer(chunk(3, "http://a/new"), SIZE)
    assert crawl_answers.state_of(growth) == CrawlState(10, True, 10, CrawlTotals(10, {0: 10}))
    committer.commit()
    grown = CrawlState(10, True, 11, CrawlTotals(11, {0: 10, 1: 1}))
    assert crawl_answers.state_of(growth) == grown


def test_lines_that_may_not_be_handed_out_yet_are_not_part_of_the_state() -> None:
    growth = growth_of(begun())
    growth.committed = CrawlRecord(1, 3, True, 3, lines=9, ready_lines=4)
    assert crawl_answers.state_of(growth).lines == 4


def test_no_page_is_given_before_all_seeds_are_there() -> None:
    committer = begun(at_end=False)
    assert crawl_answers.page(committer, 1, SIZE) is UNSET
    growth_of(committer).seeds(10, [], at_end=True)
    committer.commit()
    assert page_of(committer, 1).end == 11


def test_a_poll_that_asks_for_no_lines_gets_no_page() -> None:
    assert crawl_answers.page(begun(), UNSET, SIZE) is UNSET


def test_a_list_has_no_pages() -> None:
    committer = begun()
    committer.growth = None
    assert crawl_answers.page(committer, 1, SIZE) is UNSET


def test_a_page_has_the_committed_lines_without_a_row() -> None:
    page = page_of(begun(1, 2, 3, 4, 6), 3)
    assert (page.first, page.end, bitset.unpack(page.mask)) == (3, 11, 0b11110100)
    assert urls_of(page) == [URLS[n - 1] for n in (5, 7, 8, 9, 10)]


def test_a_page_looks_at_a_bounded_number_of_lines() -> None:
    committer = begun(1, 2, 3, 4, 6)
    assert page_of(committer, 1, 4) == LogPage(1, 5, b"", b"")
    page = page_of(committer, 5, 4)
    assert (page.end, page.mask) == (9, b"\x0d")
    assert page.texts == b"\n".join(texts_of(committer, 5, 7, 8))


def test_there_is_no_page_after_the_last_line() -> None:
    assert crawl_answers.page(begun(), 11, SIZE) is UNSET


def test_a_page_that_would_be_too_large_ends_before_the_line_that_is_too_much(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    committer = begun(1, 2, 3, 4, 6)
    one, other = texts_of(committer, 5, 7)
    room = len(one) + 1 + len(other) + 1
    monkeypatch.setattr(crawl_answers, "MAX_PAGE_BYTES", room)
    assert page_of(committer, 5) == LogPage(5, 8, b"\x05", one + b"\n" + other)
    monkeypatch.setattr(crawl_answers, "MAX_PAGE_BYTES", room - 1)
    assert page_of(committer, 5) == LogPage(5, 7, b"\x01", one)


@settings(max_examples=40)
@given(done=st.sets(st.integers(1, 10)), most_lines=st.integers(1, 12))
def test_pages_one_after_the_other_give_each_line_without_a_row_once(
    done: set[int], most_lines: int
) -> None:
    committer = begun(*sorted(done))
    found: list[tuple[int, str]] = []
    first = 1
    while isinstance(page := crawl_answers.page(committer, first, SIZE, most_lines), LogPage):
        lines = [page.first + k for k in bitset.offsets(bitset.unpack(page.mask))]
        found += zip(lines, urls_of(page), strict=True)
        first = page.end
    assert found == [(line, URLS[line - 1]) for line in range(1, 11) if line not in done]
    assert first == 11
