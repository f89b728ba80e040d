"""The ventilator's view of a crawl's log, without sockets, files or clocks."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from fetcher.errors import DamageError
from fetcher.input import log_lines
from fetcher.input.log_lines import LogLine
from fetcher.input.routes import Routing
from fetcher.leases.crawl_feed import CrawlFeed
from fetcher.protocol import messages
from support.line_texts import LineTexts
from support.log_pages import SIZE, feed_of, page, seeds_from, state, text


def due(feed: CrawlFeed, workers: int = 1) -> dict[int, int]:
    """The masks that are due, by batch."""
    return {each.batch.id: each.mask for each in feed.due(workers, 0.0)}


def test_lines_are_due_by_batch_and_their_batches_count_as_full() -> None:
    feed = feed_of(7)
    feed.learn(page(1, 8, 1, 3, 4, 6, 7))
    (one,) = feed.due(9, 0.0)[:1]
    assert (one.batch.id, one.batch.mask, one.mask) == (0, 0b1111, 0b1101)
    assert one.batch.urls == b"\n".join(map(text, (1, 3, 4)))


def test_a_page_that_does_not_continue_the_log_is_ignored() -> None:
    feed = feed_of(9)
    feed.learn(page(1, 3, 1, 2))
    feed.learn(page(1, 3, 1, 2))
    feed.learn(page(5, 6, 5))
    assert (feed.next_line, feed.waiting) == (3, 2)


@pytest.mark.parametrize(
    "bad",
    [
        messages.LogPage(1, 3, b"\x03", text(1)),
        messages.LogPage(1, 3, b"\x01", b"{}"),
        messages.LogPage(1, 2, b"\x02", text(1)),
        messages.LogPage(1, 1 << 62, b"", b""),
    ],
)
def test_what_is_not_a_log_stops_the_ventilator(bad: messages.LogPage) -> None:
    with pytest.raises(DamageError, match="what is not its log"):
        feed_of(9).learn(bad)


def test_a_line_whose_row_comes_while_it_waits_is_not_handed_out() -> None:
    feed = feed_of(4)
    feed.learn(page(1, 5, 1, 2, 3, 4))
    feed.committed(0, 0b0101, 0.0)
    assert due(feed) == {0: 0b1010}
    assert due(feed) == {}
    feed.committed(0, -1, 0.0)
    assert feed.open_batches() == []


def test_a_huge_host_leaves_room_for_a_small_one() -> None:
    feed = CrawlFeed(seeds_from, LineTexts())
    feed.begin(1000, state(2001))
    feed.learn(page(1, 2001, *range(1, 2001)))
    feed.learn(page(2001, 2002, 2001, host="small"))
    found = [each.mask for each in feed.due(1, 0.0)]
    assert found[-1] == 1, "line 2001, in batch 2"
    assert found[0].bit_count() == 32


def test_lines_that_follow_each_other_are_handed_out_by_whole_batches() -> None:
    feed = CrawlFeed(seeds_from, LineTexts())
    feed.begin(10, state(100))
    feed.learn(page(1, 6, *range(1, 6)))
    assert due(feed) == {0: 0b0000001111}
    feed.learn(page(6, 42, *range(6, 42)))
    assert due(feed) == {0: 0b1111110000}, "and not a part of the next batch, too"
    assert [due(feed), due(feed)] == [{1: 0b1111111111}, {2: 0b1111111111}]
    assert feed.waiting == 11


def test_lines_of_many_hosts_in_mixed_order_are_handed_out_by_batch() -> None:
    feed = CrawlFeed(seeds_from, LineTexts())
    feed.begin(10, state(100))
    for line in range(1, 101):
        feed.learn(page(line, line + 1, line, host=f"host{line % 5}"))
    assert [due(feed) for _ in range(3)] == [{number: 0b1111111111} for number in range(3)]


def test_lines_of_several_places_of_the_log_are_handed_out_together() -> None:
    feed = CrawlFeed(seeds_from, LineTexts())
    feed.begin(10, state(100))
    feed.learn(page(1, 26, 1, 2, 12, 23, 25))
    assert due(feed) == {0: 0b11, 1: 0b10, 2: 0b100}


def test_a_page_with_one_bad_line_adds_none() -> None:
    feed = feed_of()
    bad = replace(page(1, 3, 1, 2), texts=text(1) + b"\n" + b"no JSON")
    with pytest.raises(DamageError):
        feed.learn(bad)
    assert not feed.open_batches()
    assert due(feed) == {}, "its spool has no text of the good line"


def test_lines_of_a_route_are_due_for_it_alone_and_hold_up_no_other() -> None:
    routing = Routing([("b", ["host:b.test"]), ("own", [])], log_lines.task_of)
    feed = CrawlFeed(seeds_from, LineTexts(), None, routing)
    feed.begin(SIZE, state(6))
    feed.learn(page(1, 4, 1, 2, 3, host="b"))
    feed.learn(page(4, 6, 4, 5))
    own = log_lines.encode(LogLine("http://b.test/6", route="own"))
    feed.learn(messages.LogPage(6, 7, b"\x01", own))
    assert [feed.waiting_of(route) for route in range(3)] == [2, 3, 1]
    masks = [{d.batch.id: d.mask for d in feed.due(1, 0.0, route)} for route in (2, 0, 0)]
    assert masks == [{1: 0b0010}, {0: 0b1000}, {1: 0b0001}]
    assert feed.waiting == 3, "those of the first route wait on"
    feed.committed(0, 0b1111, 1.0)
    assert feed.open_batches() == [1]
    assert feed.due(1, 1.0, 1) == [], "their rows came while they waited"
