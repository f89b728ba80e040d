"""The ventilator's view of a crawl's log, without sockets, files or clocks."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from fetcher import bitset
from fetcher.errors import ConflictError, DamageError
from fetcher.input import log_lines
from fetcher.input.log_lines import LogLine
from fetcher.input.routes import Routing
from fetcher.leases.crawl_feed import CrawlFeed, SeedPage
from fetcher.leases.ledger import Ledger
from fetcher.leases.sink_sessions import SinkSessions
from fetcher.leases.types import Assignment, LeaseRules
from fetcher.protocol import messages
from support.answers import COUNTED, news, offer, opened
from support.line_texts import LineTexts

SIZE = 4


def text(line: int, host: str = "a") -> bytes:
    return log_lines.encode(LogLine(f"http://{host}.test/{line}"))


def page(first: int, end: int, *lines: int, host: str = "a") -> messages.LogPage:
    """A page of the log with these lines."""
    mask = bitset.pack(bitset.mask_of(line - first for line in lines))
    return messages.LogPage(first, end, mask, b"\n".join(text(line, host) for line in lines))


def state(lines: int, **changes: Any) -> messages.CrawlState:
    return replace(messages.CrawlState(2, True, lines), **changes)


def seeds_from(first: int) -> SeedPage:
    return SeedPage([text(first + 1)], at_end=first == 1)


def feed_of(lines: int = 0) -> CrawlFeed:
    feed = CrawlFeed(seeds_from, LineTexts())
    feed.begin(SIZE, state(lines))
    return feed


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


def sessions_of() -> tuple[SinkSessions, Ledger]:
    ledger = Ledger(LeaseRules())
    return SinkSessions(ledger, 1, "s", 3.0, offer, 0.0, CrawlFeed(seeds_from, LineTexts())), ledger


def sent(sessions: SinkSessions) -> dict[int, int]:
    """The masks that are handed out now, by batch."""
    found: list[Assignment] = []
    sessions.hand_out([], lambda each: not found.append(each), 0.0)  # type: ignore[func-returns-value]
    return {each.batch.id: each.mask for each in found}


def test_seeds_are_sent_until_the_sink_has_all_and_then_the_log_is_read() -> None:
    sessions, ledger = sessions_of()
    ledger.heartbeat("w", [], 0.0)
    (sink,) = sessions
    begun = state(0, seeds=0, has_all_seeds=False)
    sessions.receive(sink, opened(batch_size=SIZE, crawl=begun), 0.0)
    assert sessions.is_urgent(sink, COUNTED)
    assert sessions.request(sink, COUNTED) == messages.Seeds("s", 0, text(1), False)
    assert sent(sessions) == {}
    sessions.receive(sink, messages.Seeded(replace(begun, seeds=1)), 0.0)
    assert sessions.request(sink, COUNTED) == messages.Seeds("s", 1, text(2), True)
    sessions.receive(sink, messages.Seeded(state(2)), 0.0)
    assert sessions.is_urgent(sink, COUNTED)
    poll = sessions.request(sink, COUNTED)
    assert isinstance(poll, messages.Poll)
    assert (poll.log_from, poll.url_lines) == (1, None)
    sessions.receive(sink, news(crawl=state(2), log=page(1, 3, 1, 2)), 0.0)
    assert not sessions.is_urgent(sink, COUNTED)
    assert sent(sessions) == {0: 0b11}
    sessions.receive(sink, news(changed={0: b"\x01"}, crawl=state(3), log=page(3, 4, 3)), 0.0)
    assert sent(sessions) == {0: 0b100}, "a batch grows while its lines are out"
    assert ledger.remaining(0) == 0b110


def test_a_sink_without_room_for_seeds_freezes_the_job() -> None:
    sessions, _ = sessions_of()
    (sink,) = sessions
    begun = state(0, seeds=0, has_all_seeds=False)
    sessions.receive(sink, opened(crawl=begun), 0.0)
    assert sessions.receive(sink, messages.Seeded(begun, "full"), 0.0)
    assert sessions.is_some_frozen
    assert not sessions.is_urgent(sink, COUNTED)
    assert sessions.receive(sink, messages.Seeded(begun), 1.0)
    assert not sessions.is_some_frozen


def test_suspects_of_an_earlier_ventilator_wait_for_their_lines() -> None:
    sessions, ledger = sessions_of()
    ledger.heartbeat("w", [], 0.0)
    (sink,) = sessions
    suspects = [messages.Suspect(batch=0, mask=b"\x06", deaths=2)]
    sessions.receive(sink, opened(batch_size=SIZE, crawl=state(3), suspects=suspects), 0.0)
    sessions.receive(sink, news(crawl=state(3), log=page(1, 3, 1, 2)), 0.0)
    sent(sessions)
    told = ledger.suspects_if_changed()
    assert sink.poll("s", COUNTED, []).suspects == [
        messages.Suspect(batch=0, mask=b"\x04", deaths=2)
    ]
    assert told is None
    assert [part.deaths for part in ledger._queue.parts(0)] == [2], "line 2 is tried alone"


def test_after_a_restart_of_the_sink_the_log_goes_on_where_it_was() -> None:
    sessions, ledger = sessions_of()
    ledger.heartbeat("w", [], 0.0)
    (sink,) = sessions
    sessions.receive(sink, opened(batch_size=SIZE, crawl=state(6)), 0.0)
    sessions.receive(sink, news(crawl=state(6), log=page(1, 7, 1, 2, 3, 4, 5, 6)), 0.0)
    sent(sessions)
    sessions.receive(sink, messages.Resync(), 0.0)
    again = opened(batch_size=SIZE, crawl=state(6), done=b"\x01", partial={1: b"\x01"})
    sessions.receive(sink, again, 0.0)
    feed = sessions.feed
    assert feed is not None
    assert (feed.next_line, feed.open_batches()) == (7, [1])
    assert (ledger.remaining(0), ledger.remaining(1) & 1) == (0, 0)


def test_a_crawl_has_one_sink_and_its_sink_a_crawl() -> None:
    with pytest.raises(ConflictError, match=r"a crawl has one sink, and endpoints.sink names 2"):
        SinkSessions(Ledger(LeaseRules(), shares=2), 2, "s", 3.0, offer, 0.0, feed_of())
    sessions, _ = sessions_of()
    (sink,) = sessions
    with pytest.raises(ConflictError, match="the sink has a list, and not a crawl"):
        sessions.receive(sink, opened(crawl=UNSET), 0.0)


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
    masks = [{d.batch.id: d.mask for d in feed.due(1, 0.0, route)} for route in (2, 0)]
    assert masks == [{1: 0b0010}, {0: 0b1000, 1: 0b0001}]
    assert feed.waiting == 3, "those of the first route wait on"
    feed.committed(0, 0b1111, 1.0)
    assert feed.open_batches() == [1]
    assert feed.due(1, 1.0, 1) == [], "their rows came while they waited"
