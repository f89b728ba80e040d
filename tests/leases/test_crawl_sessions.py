"""The ventilator's session with the sink of a crawl, without sockets or clocks."""

from __future__ import annotations

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from fetcher.errors import ConfigError, ConflictError
from fetcher.leases.crawl_feed import CrawlFeed
from fetcher.leases.crawl_sessions import CrawlSessions
from fetcher.leases.ledger import Ledger
from fetcher.leases.types import Assignment, LeaseRules
from fetcher.protocol import messages
from support.answers import COUNTED, news, offer, opened
from support.line_texts import LineTexts
from support.log_pages import SIZE, feed_of, page, seeds_from, state, text


def sessions_of() -> tuple[CrawlSessions, Ledger]:
    ledger = Ledger(LeaseRules())
    return CrawlSessions(
        ledger, 1, "s", 3.0, offer, 0.0, CrawlFeed(seeds_from, LineTexts())
    ), ledger


def sent(sessions: CrawlSessions) -> dict[int, int]:
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
    assert (feed.next_line, feed.open_batches()) == (7, [1])
    assert (ledger.remaining(0), ledger.remaining(1) & 1) == (0, 0)


def test_a_crawl_has_one_sink_and_its_sink_a_crawl() -> None:
    with pytest.raises(ConfigError, match=r"a crawl has one sink, and endpoints.sink names 2"):
        CrawlSessions(Ledger(LeaseRules(), shares=2), 2, "s", 3.0, offer, 0.0, feed_of())
    sessions, _ = sessions_of()
    (sink,) = sessions
    with pytest.raises(ConflictError, match="the sink has a list, and not a crawl"):
        sessions.receive(sink, opened(crawl=UNSET), 0.0)
